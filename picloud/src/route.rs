//! One route's method and path pattern: parsing, canonical form, and what makes two routes collide.
//!
//! Assumptions that keep it simple:
//! * Literals are compared with the raw path, byte by byte: `%61` in a request is not the `a` of a pattern.
//! * A trailing slash counts: `/a/` and `/a` are two paths.
//! * Captures are percent-decoded once, so that the `%2F` of a request is a `/` inside of a captured value.

use std::{borrow::Cow, fmt, hash, str::FromStr, sync::Arc};

use http::Method;

use crate::{
    InvalidPattern, is_reserved,
    path::{check_path, decode},
};

/// Most characters of a pattern.
const MAX_PATTERN: usize = 1024;
/// Most segments of a pattern; also bounds how deep a lookup recurses.
const MAX_SEGMENTS: usize = 64;

/// The method of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RouteMethod {
    /// `GET`; answers `HEAD` too, where no other route of the same path does.
    Get,
    /// `HEAD`.
    Head,
    /// `POST`.
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
    /// Every method that no other route of the same path answers; but never `CONNECT` and `TRACE`, which are not
    /// for scripts.
    Any,
}

impl RouteMethod {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete, Self::Options, Self::Any];

    /// The canonical upper-case name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Any => "ANY",
        }
    }

    /// Whether a route of this method answers requests of `method`, if it is the only route of its path.
    #[must_use]
    pub fn accepts(self, method: &Method) -> bool {
        Self::preferences(method).contains(&Some(self))
    }

    /// The route methods that answer `method`, the best first.
    pub(crate) fn preferences(method: &Method) -> [Option<Self>; 3] {
        let exact = match *method {
            Method::GET => Self::Get,
            Method::HEAD => return [Some(Self::Head), Some(Self::Get), Some(Self::Any)],
            Method::POST => Self::Post,
            Method::PUT => Self::Put,
            Method::PATCH => Self::Patch,
            Method::DELETE => Self::Delete,
            Method::OPTIONS => Self::Options,
            Method::CONNECT | Method::TRACE => return [None; 3],
            _ => return [Some(Self::Any), None, None],
        };
        [Some(exact), Some(Self::Any), None]
    }
}

impl FromStr for RouteMethod {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let named = Self::ALL.into_iter().find(|method| method.as_str().eq_ignore_ascii_case(text));
        named.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            InvalidPattern::new(format!("the method of a route is one of {known}"))
        })
    }
}

impl fmt::Display for RouteMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The path pattern of a route.
///
/// * `/users/:id` captures exactly one segment, which is not empty.
/// * `/files/*path` captures the rest, slashes included; last segment only. It matches `/files/` with an empty rest,
///   and not `/files`.
/// * `/files/` and `/files` are different patterns.
///
/// At most 1024 characters and 64 segments. Patterns of the platform's own paths are refused; `/:x` and `/*rest` are
/// fine, and do not match those paths either, see [`is_reserved`].
///
/// ```
/// use picloud::RoutePattern;
/// let pattern: RoutePattern = "/users/:id/files/*path".parse()?;
/// assert_eq!(pattern.shape(), "/users/:/files/*");
/// assert!("/API/users".parse::<RoutePattern>().is_err());
/// # Ok::<(), picloud::InvalidPattern>(())
/// ```
#[derive(Clone)]
pub struct RoutePattern {
    text: Arc<str>,
    segments: Arc<[Segment]>,
}

/// One segment of a pattern.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Empty as last segment: the pattern ends with a slash.
    Literal(Arc<str>),
    Param(Arc<str>),
    CatchAll(Arc<str>),
}

impl RoutePattern {
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

    /// What is unique, with the method, over the routes of an app: the pattern without the names of its captures.
    #[must_use]
    pub fn shape(&self) -> String {
        let mut shape = String::with_capacity(self.text.len());
        for segment in &*self.segments {
            shape.push('/');
            shape.push_str(match segment {
                Segment::Literal(text) => text,
                Segment::Param(_) => ":",
                Segment::CatchAll(_) => "*",
            });
        }
        shape
    }

    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The captures of a raw path that this pattern matches, decoded once.
    pub(crate) fn captures(&self, path: &str) -> Vec<(Arc<str>, String)> {
        let count = self.segments.iter().filter(|segment| segment.name().is_some()).count();
        let mut params = Vec::with_capacity(count);
        let mut rest = path.strip_prefix('/').unwrap_or(path);
        for segment in &*self.segments {
            let (raw, after) = rest.split_once('/').unwrap_or((rest, ""));
            match segment {
                Segment::Literal(_) => {}
                Segment::Param(name) => params.push((name.clone(), decode(raw).into_owned())),
                Segment::CatchAll(name) => params.push((name.clone(), decode(rest).into_owned())),
            }
            rest = after;
        }
        params
    }
}

impl FromStr for RoutePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let Some(inside) = text.strip_prefix('/') else {
            return Err(InvalidPattern::new("a pattern starts with `/`"));
        };
        if text.len() > MAX_PATTERN {
            return Err(InvalidPattern::new(format!("a pattern has at most {MAX_PATTERN} characters")));
        }
        let texts: Vec<&str> = inside.split('/').collect();
        if texts.len() > MAX_SEGMENTS {
            return Err(InvalidPattern::new(format!("a pattern has at most {MAX_SEGMENTS} segments")));
        }
        let segments = parse_segments(&texts)?;
        if is_reserved(text) {
            return Err(InvalidPattern::new(
                "this path belongs to the platform; choose another first segment",
            ));
        }
        Ok(Self { text: text.into(), segments: segments.into() })
    }
}

fn parse_segments(texts: &[&str]) -> Result<Vec<Segment>, InvalidPattern> {
    let mut segments: Vec<Segment> = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let at = |rule: Cow<'_, str>| InvalidPattern::new(format!("segment {} `{text}`: {rule}", index + 1));
        let last = index + 1 == texts.len();
        let segment = Segment::parse(text, last).map_err(at)?;
        if segment.name().is_some_and(|name| segments.iter().any(|s| s.name() == Some(name))) {
            return Err(at("the name of a capture occurs once in a pattern".into()));
        }
        segments.push(segment);
    }
    Ok(segments)
}

impl Segment {
    fn parse(text: &str, last: bool) -> Result<Self, Cow<'static, str>> {
        if let Some(name) = text.strip_prefix(':') {
            check_capture_name(name)?;
            return Ok(Self::Param(name.into()));
        }
        if let Some(name) = text.strip_prefix('*') {
            check_capture_name(name)?;
            return if last {
                Ok(Self::CatchAll(name.into()))
            } else {
                Err("a catch-all is the last segment".into())
            };
        }
        if text.is_empty() && !last {
            return Err("no segment but the last is empty".into());
        }
        check_literal(text)?;
        Ok(Self::Literal(text.into()))
    }

    fn name(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Param(name) | Self::CatchAll(name) => Some(name),
        }
    }
}

fn check_capture_name(name: &str) -> Result<(), &'static str> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("the name of a capture has only letters, digits and _, and starts with no digit");
    }
    Ok(())
}

/// Checks that `text` is a segment of a URL (RFC 3986 §3.3), and one that a request can have.
fn check_literal(text: &str) -> Result<(), Cow<'static, str>> {
    match text.chars().find(|&c| !is_literal(c)) {
        None => check_path(&format!("/{text}")).map_err(|error| error.to_string().into()),
        Some('{' | '}' | '<' | '>') => Err("a capture is written `:name`, a catch-all `*name`".into()),
        Some('*') => Err("`*` stands only at the start of a segment, for a catch-all".into()),
        Some('?' | '#') => Err("a pattern has no query and no fragment".into()),
        Some(c) => Err(format!("the character {c:?} is percent-encoded in a path").into()),
    }
}

fn is_literal(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@%".contains(c)
}

impl PartialEq for RoutePattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for RoutePattern {}

impl hash::Hash for RoutePattern {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RoutePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RoutePattern, InvalidPattern> {
        text.parse()
    }

    #[test]
    fn methods_are_parsed_in_any_case() {
        for method in RouteMethod::ALL {
            assert_eq!(method.as_str().to_lowercase().parse(), Ok(method));
        }
        assert!("TRACE".parse::<RouteMethod>().unwrap_err().to_string().contains("GET, HEAD"));
    }

    #[test]
    fn get_answers_head_and_any_answers_all_but_connect_and_trace() {
        let custom = Method::from_bytes(b"PURGE").unwrap();
        assert!(RouteMethod::Get.accepts(&Method::HEAD));
        assert!(!RouteMethod::Head.accepts(&Method::GET));
        assert!(RouteMethod::Any.accepts(&custom));
        assert!(!RouteMethod::Get.accepts(&custom));
        for method in RouteMethod::ALL {
            assert!(!method.accepts(&Method::TRACE) && !method.accepts(&Method::CONNECT), "{method}");
        }
    }

    #[test]
    fn patterns_have_a_shape_without_names() {
        for (text, shape) in [
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/users/:id", "/users/:"),
            ("/users/:id/", "/users/:/"),
            ("/users/:user_id/posts/:P2", "/users/:/posts/:"),
            ("/files/*path", "/files/*"),
            ("/*path", "/*"),
            ("/:_", "/:"),
            ("/a:b", "/a:b"),
            ("/J%C3%BCrgen/a.b~c-d_e!$&'()+,;=@", "/J%C3%BCrgen/a.b~c-d_e!$&'()+,;=@"),
            ("/a%2Fb", "/a%2Fb"),
            ("/apix", "/apix"),
            ("/x/api", "/x/api"),
            ("/.well-known/acme", "/.well-known/acme"),
        ] {
            let pattern = parse(text).unwrap();
            assert_eq!((pattern.as_str(), pattern.shape().as_str()), (text, shape));
        }
    }

    #[test]
    fn invalid_patterns_are_told_rule_and_place() {
        let (long, deep) = (format!("/{}", "x".repeat(1024)), "/x".repeat(65));
        for (text, rule) in [
            ("", "starts with `/`"),
            ("a", "starts with `/`"),
            ("*", "starts with `/`"),
            ("//", "segment 1 ``: no segment but the last is empty"),
            ("/a//b", "segment 2 ``: no segment but the last is empty"),
            ("/a/*rest/b", "segment 2 `*rest`: a catch-all is the last segment"),
            ("/a/*", "segment 2 `*`: the name of a capture"),
            ("/:", "segment 1 `:`: the name of a capture"),
            ("/:1", "the name of a capture"),
            ("/:a-b", "the name of a capture"),
            ("/:ü", "the name of a capture"),
            ("/:id/x/:id", "segment 3 `:id`: the name of a capture occurs once"),
            ("/:id/*id", "segment 2 `*id`: the name of a capture occurs once"),
            ("/users/{id}", "segment 2 `{id}`: a capture is written `:name`"),
            ("/users/<id>", "a capture is written `:name`"),
            ("/a*b", "`*` stands only at the start"),
            ("/a?b=c", "no query"),
            ("/a#b", "no query and no fragment"),
            ("/a b", "percent-encoded"),
            ("/ü", "percent-encoded"),
            ("/a\\b", "percent-encoded"),
            ("/a\nb", "percent-encoded"),
            ("/a%", "two hexadecimal digits"),
            ("/a/%zz", "segment 2 `%zz`: two hexadecimal digits"),
            ("/%00", "%00"),
            ("/%5c", "%5C"),
            ("/%ff", "UTF-8"),
            ("/a/..", "segment 2 `..`: no segment of a path is"),
            ("/%2e/a", "no segment of a path is"),
            (&long, "1024 characters"),
            (&deep, "64 segments"),
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains(rule), "{text}: {message}");
        }
    }

    #[test]
    fn patterns_of_platform_paths_are_refused() {
        for text in [
            "/api",
            "/api/",
            "/API",
            "/api/:x",
            "/%61pi/v1",
            "/admin/x",
            "/admin.",
            "/admin%20",
            "/_picloud",
            "/healthz",
            "/readyz",
            "/version",
            "/metrics/*x",
            "/a%2f..%2fapi",
            "/%2fadmin",
        ] {
            let message = parse(text).expect_err(text).to_string();
            assert!(message.contains("belongs to the platform"), "{text}: {message}");
        }
    }

    #[test]
    fn captures_are_decoded_once() {
        let captures = |pattern: &str, path: &str| -> Vec<(String, String)> {
            let params = parse(pattern).unwrap().captures(path);
            params.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(captures("/a/:x/b", "/a/1%2F2%252F/b"), [pair("x", "1/2%2F")]);
        assert_eq!(
            captures("/:x/*rest", "/J%C3%BCrgen/b//c%20d/"),
            [pair("x", "Jürgen"), pair("rest", "b//c d/")]
        );
        assert_eq!(captures("/f/*rest", "/f/"), [pair("rest", "")]);
        assert_eq!(captures("/a/", "/a/"), []);
    }
}
