//! Session tokens: 256 random bits that are shown once and kept only as a hash.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// Tells people and secret scanners what it is.
const PREFIX: &str = "pcs_";
/// The length of 32 bytes in base64 without padding.
const ENCODED: usize = 43;

/// A session token, `pcs_` and 43 characters. Whoever has it is logged in: it is never logged and never stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new token from the operating system's random numbers.
    pub(super) fn random() -> Self {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).expect("the operating system gives random numbers");
        Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(secret)))
    }

    /// Reads what a client sent; `None` if it cannot be a token.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (encoded.len() == ENCODED && encoded.bytes().all(inside)).then(|| Self(text.to_owned()))
    }

    /// The token itself, for the one answer that gives it to the client.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a store keeps and looks up.
    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_different_well_formed_and_not_shown() {
        let (a, b) = (Token::random(), Token::random());
        assert_ne!(a, b);
        assert_eq!(a.reveal().len(), 47);
        assert_eq!(Token::parse(a.reveal()), Some(a.clone()));
        assert!(!format!("{a:?}").contains(&a.reveal()[4..]));
    }

    #[test]
    fn what_cannot_be_a_token_is_not_looked_up() {
        let good = Token::random().0;
        for bad in ["", "pcs_", &good[4..], &good[..46], &format!("{good}x"), &good.replace("pcs_", "xyz_")] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }
}
