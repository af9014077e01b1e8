//! The host that a request is for, in one canonical form.
//!
//! Not here: which app answers for a host (see [`RouteTable`](crate::RouteTable)) and `X-Forwarded-Host`, which a
//! trusted proxy layer has to turn into `Host` before.

use std::{fmt, net::Ipv6Addr, str::FromStr, sync::Arc};

use http::{HeaderMap, Request, Uri, Version, header::HOST, request::Parts};

/// Most characters of a whole name (RFC 1035 §2.3.4, without the trailing dot).
pub(crate) const MAX_NAME: usize = 253;
/// Most characters of one label (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// A canonical host: a lower-case name without port and trailing dot, an IPv4 address, or an IPv6 address in `[]`.
///
/// Two texts that name the same host give equal values. Clones share the text.
///
/// ```
/// use picloud::Host;
/// assert_eq!(Host::parse("Shop.Example.com.:8080")?.as_str(), "shop.example.com");
/// assert_eq!(Host::parse("[0:0::1]")?.as_str(), "[::1]");
/// assert!(Host::parse("a.test b.test").is_err());
/// # Ok::<(), picloud::InvalidHost>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Arc<str>);

impl Host {
    /// The host of a `Host` header's value, with or without port.
    ///
    /// # Errors
    /// The rule that `text` breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidHost> {
        Ok(Authority::parse(text)?.name.to_host())
    }

    /// The host of a request whose body has been taken off already; see [`request_host`].
    ///
    /// # Errors
    /// As [`request_host`].
    pub fn of_parts(parts: &Parts) -> Result<Self, InvalidHost> {
        host_of(parts.version, &parts.uri, &parts.headers)
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The shared text, for those who keep it.
    #[must_use]
    pub fn as_shared(&self) -> Arc<str> {
        self.0.clone()
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        Self::parse(text)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a request's host is not valid; says the rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidHost(&'static str);

/// The one host that `request` is for (RFC 9112 §3.2, RFC 9113 §8.3.1).
///
/// There is exactly one `Host` header; HTTP/2 and later may have the authority of the request target in its place.
/// Where there are both they name the same host, and not two different ports.
///
/// # Errors
/// No host, several, or one that breaks a rule of [`Host::parse`].
pub fn request_host<B>(request: &Request<B>) -> Result<Host, InvalidHost> {
    host_of(request.version(), request.uri(), request.headers())
}

fn host_of(version: Version, uri: &Uri, headers: &HeaderMap) -> Result<Host, InvalidHost> {
    let header = host_header(headers)?;
    let target = uri.authority().map(|authority| Authority::parse(authority.as_str())).transpose()?;
    match (header, target) {
        (Some(header), Some(target)) if !header.agrees(&target) => {
            Err(InvalidHost("the request target and the Host header name the same host"))
        }
        (Some(one), _) => Ok(one.name.to_host()),
        (None, Some(target)) if version >= Version::HTTP_2 => Ok(target.name.to_host()),
        (None, _) => Err(InvalidHost("a request has a Host header")),
    }
}

fn host_header(headers: &HeaderMap) -> Result<Option<Authority<'_>>, InvalidHost> {
    let mut values = headers.get_all(HOST).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(InvalidHost("a request has exactly one Host header"));
    }
    let text =
        value.to_str().map_err(|_| InvalidHost("a host is ASCII; other scripts come as `xn--` labels"))?;
    Authority::parse(text).map(Some)
}

/// A valid host with its port, still borrowed, so that two can be compared without allocating.
struct Authority<'a> {
    name: Name<'a>,
    port: Option<u16>,
}

impl<'a> Authority<'a> {
    fn parse(text: &'a str) -> Result<Self, InvalidHost> {
        let (name, port) = split_port(text)?;
        Ok(Self { name: Name::parse(name)?, port: port.map(parse_port).transpose()? })
    }

    fn agrees(&self, other: &Self) -> bool {
        let same_port = match (self.port, other.port) {
            (Some(a), Some(b)) => a == b,
            // A port left out is the scheme's, which is not known here.
            _ => true,
        };
        same_port && self.name.is(&other.name)
    }
}

/// A checked name, in whatever case, without trailing dot.
enum Name<'a> {
    Ipv6(Ipv6Addr),
    Labels(&'a str),
}

impl<'a> Name<'a> {
    fn parse(text: &'a str) -> Result<Self, InvalidHost> {
        if let Some(inside) = text.strip_prefix('[') {
            let address = inside.strip_suffix(']').and_then(|address| address.parse().ok());
            return address.map(Self::Ipv6).ok_or(InvalidHost("only an IPv6 address stands in []"));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        check_name(name)?;
        Ok(Self::Labels(name))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ipv6(a), Self::Ipv6(b)) => a == b,
            (Self::Labels(a), Self::Labels(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }

    fn to_host(&self) -> Host {
        match self {
            Self::Ipv6(address) => Host(format!("[{address}]").into()),
            Self::Labels(name) => {
                let mut text: Arc<str> = Arc::from(*name);
                if name.bytes().any(|b| b.is_ascii_uppercase()) {
                    Arc::get_mut(&mut text).expect("nobody else has the new text").make_ascii_lowercase();
                }
                Host(text)
            }
        }
    }
}

/// Cuts `host:port` and `[v6]:port`; the port is not checked.
fn split_port(text: &str) -> Result<(&str, Option<&str>), InvalidHost> {
    if !text.starts_with('[') {
        return Ok(text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))));
    }
    let end = text.find(']').ok_or(InvalidHost("a `[` is closed by a `]`"))? + 1;
    match &text[end..] {
        "" => Ok((text, None)),
        rest => {
            let port = rest.strip_prefix(':').ok_or(InvalidHost("only a port follows a `]`"))?;
            Ok((&text[..end], Some(port)))
        }
    }
}

fn parse_port(text: &str) -> Result<u16, InvalidHost> {
    // `u16::from_str` takes a leading `+`.
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.ok_or(InvalidHost("a port is a number from 0 to 65535"))
}

/// Checks a name without port and trailing dot.
fn check_name(name: &str) -> Result<(), InvalidHost> {
    if name.is_empty() {
        return Err(InvalidHost("a host is not empty"));
    }
    if name.len() > MAX_NAME {
        return Err(InvalidHost("a host has at most 253 characters"));
    }
    name.split('.').try_for_each(check_label)
}

/// Checks one label. Underscores are not host names by the letter (RFC 952), but common in local networks.
pub(crate) fn check_label(label: &str) -> Result<(), InvalidHost> {
    if label.is_empty() {
        return Err(InvalidHost("no label of a host is empty"));
    }
    if label.len() > MAX_LABEL {
        return Err(InvalidHost("a label has at most 63 characters"));
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')) {
        return Err(InvalidHost("a host has only letters, digits, `-`, `_` and `.`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(version: Version, uri: &str, hosts: &[&[u8]]) -> Request<()> {
        let mut request = Request::builder().version(version).uri(uri).body(()).unwrap();
        for host in hosts {
            request.headers_mut().append(HOST, http::HeaderValue::from_bytes(host).unwrap());
        }
        request
    }

    /// The canonical host, or `-` where it is refused.
    fn host(version: Version, uri: &str, hosts: &[&[u8]]) -> String {
        request_host(&request(version, uri, hosts)).map_or("-".into(), |host| host.to_string())
    }

    #[test]
    fn one_host_has_one_text() {
        let long = format!("{}.{}", "x".repeat(63), "y".repeat(63));
        for (text, canonical) in [
            ("a.test", "a.test"),
            ("A.Test", "a.test"),
            ("a.test.", "a.test"),
            ("a.test:8080", "a.test"),
            ("A.TEST.:0", "a.test"),
            ("localhost", "localhost"),
            ("my_box.lan", "my_box.lan"),
            ("XN--BCHER-KVA.test", "xn--bcher-kva.test"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("[::1]", "[::1]"),
            ("[0:0:0::0001]:65535", "[::1]"),
            ("[2001:DB8::A]", "[2001:db8::a]"),
            (&long, &long),
        ] {
            assert_eq!(Host::parse(text).map(|h| h.to_string()), Ok(canonical.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        let (label, name) = ("x".repeat(64), "x.".repeat(126) + "xx");
        for text in [
            "",
            ".",
            "..",
            "a..test",
            ".a.test",
            "a.test..",
            ":80",
            "a.test:",
            "a.test:x",
            "a.test:+8",
            "a.test:65536",
            "a.test:80:80",
            "a.test b.test",
            " a.test",
            "a.test ",
            "a.test,b.test",
            "a.test@b.test",
            "a@b",
            "ünï.test",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a%2eb",
            "a\tb",
            "*",
            "*.test",
            "{x}.test",
            "[::1",
            "[::1]x",
            "[::1].",
            "[]",
            "[a]",
            "[::1%25eth0]",
            "[[::1]]",
            "::1",
            "[127.0.0.1]",
            &label,
            &name,
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_request_has_exactly_one_host_header() {
        let v11 = Version::HTTP_11;
        assert_eq!(host(v11, "/", &[b"A.test:80"]), "a.test");
        assert_eq!(host(v11, "/", &[]), "-");
        assert_eq!(host(Version::HTTP_10, "/", &[]), "-");
        assert_eq!(host(v11, "/", &[b""]), "-");
        assert_eq!(host(v11, "/", &[b"a.test", b"b.test"]), "-");
        assert_eq!(host(v11, "/", &[b"a.test", b"a.test"]), "-");
        assert_eq!(host(v11, "/", &["ünï.test".as_bytes()]), "-");
    }

    #[test]
    fn an_absolute_target_names_the_same_host() {
        let v11 = Version::HTTP_11;
        assert_eq!(host(v11, "http://A.test./x", &[b"a.TEST:80"]), "a.test");
        assert_eq!(host(v11, "http://a.test:80/", &[b"a.test:80"]), "a.test");
        assert_eq!(host(v11, "http://[::1]/", &[b"[0::1]"]), "[::1]");
        assert_eq!(host(v11, "http://b.test/", &[b"a.test"]), "-");
        assert_eq!(host(v11, "http://a.test:81/", &[b"a.test:80"]), "-");
        assert_eq!(host(v11, "http://me@a.test/", &[b"a.test"]), "-");
        assert_eq!(host(v11, "http://a.test/", &[]), "-");
    }

    #[test]
    fn http2_may_name_the_host_in_the_target_only() {
        let v2 = Version::HTTP_2;
        assert_eq!(host(v2, "https://A.test/", &[]), "a.test");
        assert_eq!(host(v2, "https://a.test/", &[b"a.test"]), "a.test");
        assert_eq!(host(v2, "https://a.test/", &[b"b.test"]), "-");
        assert_eq!(host(v2, "https://me:pw@a.test/", &[]), "-");
        assert_eq!(host(v2, "/", &[]), "-");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn canonical_hosts_are_their_own_canonical_form(text in r"[\[a-zA-Z0-9_.:\]-]{0,12}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(host.as_str()), Ok(host.clone()));
                prop_assert_eq!(Host::parse(&text.to_uppercase()), Ok(host));
            }
        }
    }
}
