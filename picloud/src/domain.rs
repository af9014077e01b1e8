//! An app's claim on host names: parsing, canonical form, and what makes two claims collide.

use std::{fmt, hash, str::FromStr, sync::Arc};

use crate::{
    Host,
    host::{MAX_NAME, check_label},
};

/// Longest text that is looked at; far above what any claim needs, in whatever script it is written.
const MAX_INPUT: usize = 1024;

/// Why a text is not a valid domain claim, route pattern or route method; says the rule, and where it was broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPattern(String);

impl InvalidPattern {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// An app's claim on host names.
///
/// * `shop.example.com`, `192.168.0.7` or `[::1]`: this host.
/// * `*.example.com`, `{tenant}.example.com`, `{region}.{tenant}.example.com`: a whole label, in whatever place, may
///   be `*` or a named capture. Each stands for exactly one label, and never for a part of an IP address.
/// * `*` alone: any host, and requests that are dispatched without one. Other claims of one label are exact, because
///   `{x}` could be read as either.
///
/// The text is canonical: lower-case, without trailing dot, in IDNA's ASCII form.
///
/// ```
/// use picloud::DomainPattern;
/// let claim: DomainPattern = "{tenant}.Example.com".parse()?;
/// assert_eq!(claim.shape(), "*.example.com");
/// assert!(claim.collides_with(&"*.example.com.".parse()?));
/// assert_eq!("Bücher.test".parse::<DomainPattern>()?.as_str(), "xn--bcher-kva.test");
/// # Ok::<(), picloud::InvalidPattern>(())
/// ```
#[derive(Clone)]
pub struct DomainPattern {
    text: Arc<str>,
    /// From left to right; none for the claim on any host.
    labels: Arc<[Label]>,
}

/// One label of a claim.
#[derive(Clone)]
pub(crate) enum Label {
    Literal(Arc<str>),
    Any,
    Capture(Arc<str>),
}

impl DomainPattern {
    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The shared canonical text, for those who keep many copies.
    #[must_use]
    pub fn as_shared(&self) -> Arc<str> {
        self.text.clone()
    }

    /// What is unique over all claims: the pattern with every capture written as `*`.
    #[must_use]
    pub fn shape(&self) -> String {
        if self.is_any_host() {
            return "*".to_owned();
        }
        let labels: Vec<&str> = self.labels.iter().map(Label::shape).collect();
        labels.join(".")
    }

    /// Whether both claims stand for the same hosts with the same precedence, so that only one of them can be held.
    #[must_use]
    pub fn collides_with(&self, other: &Self) -> bool {
        self.shape() == other.shape()
    }

    /// Whether this is `*`: the claim on any host.
    #[must_use]
    pub fn is_any_host(&self) -> bool {
        self.labels.is_empty()
    }

    /// Whether this claims one host only.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        !self.is_any_host() && self.labels.iter().all(|label| matches!(label, Label::Literal(_)))
    }

    /// The pattern as people write it, `xn--` labels decoded. Only to be shown beside [`as_str`](Self::as_str):
    /// different claims may look the same.
    #[must_use]
    pub fn to_unicode(&self) -> String {
        if self.is_any_host() {
            return "*".to_owned();
        }
        // One by one: beside a right-to-left label IDNA would refuse the braces of a capture.
        let labels: Vec<String> = self.labels.iter().map(Label::to_unicode).collect();
        labels.join(".")
    }

    pub(crate) fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// The captures of a host that this pattern matches.
    pub(crate) fn captures(&self, host: &str) -> Vec<(Arc<str>, String)> {
        let mut params = Vec::new();
        for (label, value) in self.labels.iter().zip(host.split('.')) {
            if let Label::Capture(name) = label {
                params.push((name.clone(), value.to_owned()));
            }
        }
        params
    }

    fn any_host() -> Self {
        Self { text: "*".into(), labels: Arc::new([]) }
    }

    /// An IPv6 address is one literal label.
    fn ipv6(text: &str) -> Result<Self, InvalidPattern> {
        if !text.ends_with(']') {
            return Err(InvalidPattern::new("a claim names no port: nothing follows the `]`"));
        }
        let host = Host::parse(text).map_err(|error| InvalidPattern::new(error.to_string()))?;
        let text = host.as_shared();
        Ok(Self { labels: Arc::new([Label::Literal(text.clone())]), text })
    }
}

impl FromStr for DomainPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let text = text.strip_suffix('.').unwrap_or(text);
        check_whole(text)?;
        if text == "*" {
            return Ok(Self::any_host());
        }
        if text.starts_with('[') {
            return Self::ipv6(text);
        }
        if text.contains(':') {
            return Err(InvalidPattern::new("a claim names no port"));
        }
        let labels = text.split('.').map(str::parse).collect::<Result<Vec<Label>, _>>()?;
        check_captures(&labels)?;
        check_direction(&labels)?;
        let text = labels.iter().map(Label::to_string).collect::<Vec<_>>().join(".");
        if text.len() > MAX_NAME {
            return Err(InvalidPattern::new("a claim has at most 253 characters"));
        }
        Ok(Self { text: text.into(), labels: labels.into() })
    }
}

fn check_whole(text: &str) -> Result<(), InvalidPattern> {
    if text.is_empty() {
        return Err(InvalidPattern::new("a claim is not empty"));
    }
    if text.len() > MAX_INPUT {
        return Err(InvalidPattern::new("a claim has at most 253 characters"));
    }
    if text.contains('/') {
        return Err(InvalidPattern::new("a claim is a host name such as `shop.example.com`, not a URL"));
    }
    Ok(())
}

fn check_captures(labels: &[Label]) -> Result<(), InvalidPattern> {
    if let [Label::Any | Label::Capture(_)] = labels {
        return Err(InvalidPattern::new(
            "a capture has other labels beside it; the claim on any host is `*`",
        ));
    }
    for (index, label) in labels.iter().enumerate() {
        if let Label::Capture(name) = label
            && labels[..index].iter().any(|other| matches!(other, Label::Capture(n) if n == name))
        {
            return Err(InvalidPattern::new(format!("the capture `{{{name}}}` occurs twice")));
        }
    }
    Ok(())
}

/// Checks the literals together: names with right-to-left labels have rules over all labels (RFC 5893 §2).
fn check_direction(labels: &[Label]) -> Result<(), InvalidPattern> {
    let literals = labels.iter().filter_map(|label| match label {
        Label::Literal(text) => Some(&**text),
        Label::Any | Label::Capture(_) => None,
    });
    let literals: Vec<&str> = literals.collect();
    let (_, valid) = idna::domain_to_unicode(&literals.join("."));
    valid.map_err(|_| {
        InvalidPattern::new("beside a right-to-left label, each label follows the Bidi rule of IDNA")
    })
}

impl Label {
    fn to_unicode(&self) -> String {
        match self {
            Self::Literal(text) => idna::domain_to_unicode(text).0,
            Self::Any | Self::Capture(_) => self.to_string(),
        }
    }

    fn shape(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Any | Self::Capture(_) => "*",
        }
    }

    fn capture(name: &str) -> Result<Self, InvalidPattern> {
        let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if starts_well && name.chars().all(inside) {
            return Ok(Self::Capture(name.into()));
        }
        let rule = "the name of a capture has only a-z, 0-9 and _, and starts with no digit";
        Err(InvalidPattern::new(format!("label `{{{name}}}`: {rule}")))
    }

    /// A literal in its ASCII form. UTS 46 folds case and width, and refuses `xn--` labels that are not what a
    /// Unicode label gives.
    fn literal(label: &str) -> Result<Self, InvalidPattern> {
        let ascii = idna::domain_to_ascii_cow(label.as_bytes(), idna::AsciiDenyList::EMPTY)
            .map_err(|_| InvalidPattern::new(format!("label `{label}` is not valid under IDNA (UTS 46)")))?;
        check_label(&ascii).map_err(|error| InvalidPattern::new(format!("label `{label}`: {error}")))?;
        Ok(Self::Literal(ascii.as_ref().into()))
    }
}

impl FromStr for Label {
    type Err = InvalidPattern;

    fn from_str(label: &str) -> Result<Self, InvalidPattern> {
        if label == "*" {
            return Ok(Self::Any);
        }
        if let Some(name) = label.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return Self::capture(name);
        }
        if label.contains(['*', '{', '}']) {
            return Err(InvalidPattern::new(format!(
                "label `{label}`: `*` and `{{name}}` stand for a whole label"
            )));
        }
        Self::literal(label)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Any => f.write_str("*"),
            Self::Capture(name) => write!(f, "{{{name}}}"),
        }
    }
}

impl PartialEq for DomainPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for DomainPattern {}

impl hash::Hash for DomainPattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for DomainPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(text: &str) -> Result<DomainPattern, InvalidPattern> {
        text.parse()
    }

    #[test]
    fn claims_have_one_canonical_text_and_shape() {
        for (text, canonical, shape) in [
            ("a.test", "a.test", "a.test"),
            ("A.TEST.", "a.test", "a.test"),
            ("localhost", "localhost", "localhost"),
            ("my_box.lan", "my_box.lan", "my_box.lan"),
            ("*", "*", "*"),
            ("*.", "*", "*"),
            ("*.A.test", "*.a.test", "*.a.test"),
            ("{x}.a.test", "{x}.a.test", "*.a.test"),
            ("{a}.{b}.example.com", "{a}.{b}.example.com", "*.*.example.com"),
            ("api.{tenant}.example.com", "api.{tenant}.example.com", "api.*.example.com"),
            ("a.*", "a.*", "a.*"),
            ("Bücher.test", "xn--bcher-kva.test", "xn--bcher-kva.test"),
            ("*.BÜCHER.test", "*.xn--bcher-kva.test", "*.xn--bcher-kva.test"),
            ("XN--BCHER-KVA.test", "xn--bcher-kva.test", "xn--bcher-kva.test"),
            ("\u{ff41}.test", "a.test", "a.test"),
            ("{x}.\u{5d0}\u{5d1}", "{x}.xn--4dbc", "*.xn--4dbc"),
            ("192.168.0.7", "192.168.0.7", "192.168.0.7"),
            ("[0::1]", "[::1]", "[::1]"),
        ] {
            let claim = parse(text).unwrap();
            assert_eq!((claim.as_str(), claim.shape().as_str()), (canonical, shape), "{text}");
        }
    }

    #[test]
    fn invalid_claims_are_told_the_rule() {
        let (label, name) = ("x".repeat(64) + ".test", "x.".repeat(126) + "xx");
        for (text, rule) in [
            ("", "not empty"),
            (".", "not empty"),
            ("a..test", "no label of a host is empty"),
            ("a.test..", "no label of a host is empty"),
            ("a.test:80", "names no port"),
            ("[::1]:80", "names no port"),
            ("[::1", "names no port"),
            ("[x]", "IPv6"),
            ("http://a.test", "not a URL"),
            ("a.test/x", "not a URL"),
            ("a b.test", "only letters"),
            ("me@a.test", "only letters"),
            ("{x}", "the claim on any host is `*`"),
            ("x*.test", "whole label"),
            ("**.test", "whole label"),
            ("{x.test", "whole label"),
            ("a{x}.test", "whole label"),
            ("{}.test", "name of a capture"),
            ("{X}.test", "name of a capture"),
            ("{1}.test", "name of a capture"),
            ("{x-y}.test", "name of a capture"),
            ("{x}.{x}.test", "occurs twice"),
            ("xn--a.test", "IDNA"),
            ("xn--\u{fc}.test", "IDNA"),
            ("xn--zzzzzzzzzz99999.test", "IDNA"),
            ("a\u{3002}b.test", "only letters"),
            ("1.\u{5d0}\u{5d1}", "Bidi"),
            (&label, "63"),
            (&name, "253"),
            (&"x".repeat(2000), "253"),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(rule), "{text}: {message}");
        }
    }

    #[test]
    fn claims_of_one_shape_collide() {
        let collide = |a: &str, b: &str| parse(a).unwrap().collides_with(&parse(b).unwrap());
        assert!(collide("*.test", "{x}.test"));
        assert!(collide("a.test", "A.TEST."));
        assert!(collide("bücher.test", "xn--bcher-kva.test"));
        assert!(collide("*", "*"));
        assert!(!collide("*.test", "a.test"));
        assert!(!collide("*", "*.test"));
        assert!(!collide("*.*.test", "*.test"));
    }

    #[test]
    fn unicode_is_shown_beside_the_ascii_form() {
        assert_eq!(parse("{x}.xn--bcher-kva.test").unwrap().to_unicode(), "{x}.bücher.test");
        assert_eq!(parse("{x}.xn--4dbc").unwrap().to_unicode(), "{x}.\u{5d0}\u{5d1}");
        assert_eq!(parse("*").unwrap().to_unicode(), "*");
        assert_eq!(parse("[::1]").unwrap().to_unicode(), "[::1]");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn canonical_claims_are_their_own_canonical_form(
            labels in prop::collection::vec(r"[a-zA-Z0-9_-]{1,5}|[äÖßσΣςא一Ａ]{1,3}|\*|\{[a-c]\}|xn--[a-z0-9-]{1,6}", 1..4),
            dot in any::<bool>(),
        ) {
            let text = labels.join(".");
            if let Ok(claim) = parse(&text) {
                prop_assert_eq!(parse(claim.as_str()).unwrap(), claim.clone());
                let variant = if dot { format!("{text}.") } else { claim.to_unicode() };
                prop_assert!(claim.collides_with(&parse(&variant).unwrap()), "{}", variant);
                if claim.is_exact() {
                    let host = Host::parse(claim.as_str()).unwrap();
                    prop_assert_eq!(host.as_str(), claim.as_str());
                }
            }
        }
    }
}
