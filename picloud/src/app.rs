//! Identity of what an app owns: ids and the app's slug. Plain data, nothing else.

use std::{
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares a UUIDv7 newtype, so that one kind of id can never be passed for another.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, later than every id made before it (UUIDv7, RFC 9562 §5.7).
            #[must_use]
            #[allow(clippy::new_without_default, reason = "a default id would be a different one each time")]
            pub fn new() -> Self {
                Self(next_v7())
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id!(
    /// Identifies an app for ever, whatever its slug becomes.
    AppId
);
id!(
    /// Identifies a script inside its app, whatever its name becomes.
    ScriptId
);
id!(
    /// Identifies a route.
    RouteId
);
id!(
    /// Identifies an app's claim on a host pattern.
    DomainId
);
id!(
    /// Identifies an administrator.
    AdminId
);
id!(
    /// Identifies a session. Public: it is not the token.
    SessionId
);

id!(
    /// Identifies a record of the audit trail.
    AuditId
);

/// UUIDv7 that is later than every one that this process has made before: within a millisecond the first 12 random bits
/// are a counter (RFC 9562 §6.2, method 1). Lists are ordered by id, so what was made later comes later.
fn next_v7() -> Uuid {
    /// Milliseconds and counter.
    static LAST: AtomicU64 = AtomicU64::new(0);
    let now = unix_millis() << 12;
    let after = |last: u64| now.max(last + 1);
    let last = LAST.fetch_update(Relaxed, Relaxed, |last| Some(after(last))).unwrap_or_default();
    let tick = after(last).to_be_bytes();
    let mut random = random();
    (random[0], random[1]) = (tick[6] & 0x0f, tick[7]);
    uuid::Builder::from_unix_timestamp_millis(after(last) >> 12, &random).into_uuid()
}

fn random() -> [u8; 10] {
    let mut random = [0; 10];
    getrandom::fill(&mut random).expect("the operating system gives random numbers");
    random
}

/// UUIDv7 from the system clock and the operating system's random numbers.
pub(crate) fn new_v7() -> Uuid {
    uuid::Builder::from_unix_timestamp_millis(unix_millis(), &random()).into_uuid()
}

/// Milliseconds since 1970 UTC; 0 where the clock stands before that.
pub(crate) fn unix_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |t| u64::try_from(t.as_millis()).unwrap_or(u64::MAX))
}

/// Microseconds since 1970 UTC; 0 where the clock stands before that.
pub(crate) fn unix_micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |t| i64::try_from(t.as_micros()).unwrap_or(i64::MAX))
}

/// The short name of an app in URLs and on the command line, such as `shop` or `home-lights`.
///
/// 1 to 63 characters of `a-z`, `0-9` and `-`, neither starting nor ending with `-`: what fits one DNS label
/// (RFC 1035 §2.3.1), so that a slug can become a host name unchanged.
///
/// ```
/// use picloud::Slug;
/// assert_eq!("home-lights".parse::<Slug>()?.as_str(), "home-lights");
/// assert!("Home Lights".parse::<Slug>().is_err());
/// # Ok::<(), picloud::InvalidName>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

impl Slug {
    /// The slug as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text, for those who keep many copies.
    #[must_use]
    pub fn as_shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl FromStr for Slug {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if text.is_empty() || text.len() > 63 {
            return Err(InvalidName("a slug has 1 to 63 characters"));
        }
        if !text.bytes().all(inside) {
            return Err(InvalidName("a slug has only the characters a-z, 0-9 and -"));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(InvalidName("a slug neither starts nor ends with -"));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.as_str().to_owned()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Why a text is not a valid slug or script name; says the rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(pub(crate) &'static str);

/// Checks the name of a script: 1 to 64 of `a-z A-Z 0-9 _ - .`, starting with a letter or digit, so that it is a
/// file name on every system.
pub(crate) fn check_script_name(name: &str) -> Result<(), InvalidName> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 64 {
        return Err(InvalidName("a script name has 1 to 64 characters"));
    }
    if !name.bytes().all(inside) {
        return Err(InvalidName("a script name has only letters, digits, '_', '-' and '.'"));
    }
    if !name.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(InvalidName("a script name starts with a letter or a digit"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_later_are_later() {
        let ids: Vec<_> = (0..20_000).map(|_| AppId::new()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
        assert_eq!(Uuid::from(ids[0]).get_version_num(), 7);
    }

    #[test]
    fn slugs_follow_the_dns_label_rule() {
        for good in ["a", "0", "hello", "a-b", &"x".repeat(63)] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a_b", "a.b", "ü", "a b", &"x".repeat(64)] {
            assert!(bad.parse::<Slug>().is_err(), "{bad}");
        }
    }

    #[test]
    fn ids_grow_with_time_and_survive_text() {
        let a = AppId::new();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let b = AppId::new();
        assert!(a < b);
        assert_eq!(a.to_string().parse::<AppId>().unwrap(), a);
    }
}
