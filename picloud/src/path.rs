//! What a request path must look like, and which paths belong to the platform whatever they are written like.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// First segments of the paths that belong to the platform and never reach a script.
pub const RESERVED: [&str; 7] = ["api", "admin", "_picloud", "healthz", "readyz", "version", "metrics"];

/// Why a request path is not valid; says the rule that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidPath(&'static str);

const DOT_SEGMENT: InvalidPath = InvalidPath("no segment of a path is `.` or `..`, plain or percent-encoded");
const NOT_UTF8: InvalidPath = InvalidPath("the percent-encoding of a path gives valid UTF-8");

/// Checks the raw path of a request: one reading, the same for us and for whatever stands before or behind us.
///
/// A path starts with `/` and is visible ASCII without `\`, `?` and `#`. Each `%` starts a complete encoding; none
/// gives NUL, `\` or bytes that are not UTF-8. No segment is `.` or `..`, plain or encoded. `%2F` is data inside of
/// its segment. Empty segments are allowed. Does not allocate.
///
/// # Errors
/// The first rule that `raw` breaks.
pub fn check_path(raw: &str) -> Result<(), InvalidPath> {
    let bytes = raw.as_bytes();
    if bytes.first() != Some(&b'/') {
        return Err(InvalidPath("a path starts with `/`"));
    }
    let (mut at, mut dots) = (1, Dots::default());
    while let Some(&byte) = bytes.get(at) {
        let width = match byte {
            b'/' => {
                dots.end_segment()?;
                1
            }
            b'%' => {
                let (decoded, width) = decode_character(&bytes[at..])?;
                dots.push(decoded);
                width
            }
            _ => {
                check_plain(byte)?;
                dots.push(byte);
                1
            }
        };
        at += width;
    }
    dots.end_segment()
}

/// Counts the dots of a segment that has been nothing but dots; [`Dots::OTHER`] once it is anything else.
#[derive(Default)]
struct Dots(u8);

impl Dots {
    /// `...` and longer are names like any other.
    const OTHER: u8 = 3;

    fn push(&mut self, byte: u8) {
        self.0 = if byte == b'.' && self.0 < Self::OTHER { self.0 + 1 } else { Self::OTHER };
    }

    fn end_segment(&mut self) -> Result<(), InvalidPath> {
        match std::mem::take(&mut self.0) {
            0 | Self::OTHER => Ok(()),
            _ => Err(DOT_SEGMENT),
        }
    }
}

fn check_plain(byte: u8) -> Result<(), InvalidPath> {
    match byte {
        b'\\' => Err(InvalidPath("a path has no `\\`")),
        b'?' | b'#' => Err(InvalidPath("a path ends before `?` and `#`")),
        b'!'..=b'~' => Ok(()),
        _ => Err(InvalidPath("a path has only visible ASCII characters; others are percent-encoded")),
    }
}

/// Reads the percent-encoded character that `bytes` starts with: its first byte, and how many bytes encode all of it.
fn decode_character(bytes: &[u8]) -> Result<(u8, usize), InvalidPath> {
    let first = decode_byte(bytes)?;
    if first == 0 {
        return Err(InvalidPath("a path has no `%00`"));
    }
    if first == b'\\' {
        return Err(InvalidPath("a path has no `%5C`"));
    }
    let length = match first {
        0x00..0x80 => return Ok((first, 3)),
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    };
    let mut character = [first, 0, 0, 0];
    for (index, byte) in character.iter_mut().enumerate().take(length).skip(1) {
        *byte = bytes.get(index * 3..).and_then(|rest| decode_byte(rest).ok()).ok_or(NOT_UTF8)?;
    }
    std::str::from_utf8(&character[..length]).map_err(|_| NOT_UTF8)?;
    Ok((first, length * 3))
}

/// The byte that `%XX` at the start of `bytes` stands for.
fn decode_byte(bytes: &[u8]) -> Result<u8, InvalidPath> {
    let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match bytes {
        [b'%', high, low, ..] => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
        _ => None,
    }
    .ok_or(InvalidPath("two hexadecimal digits follow each `%` of a path"))
}

/// Decodes percent-encoding, once. What [`check_path`] refuses stays as it is or becomes U+FFFD.
pub(crate) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('%') {
        return Cow::Borrowed(raw);
    }
    percent_decode_str(raw).decode_utf8_lossy()
}

/// What the most careless reader may take `raw` for: decoded once, ASCII lower-case, slashes merged, `\` taken for
/// `/`, what follows a `;` dropped from its segment (some take it for parameters, RFC 3986 §3.3), dot segments resolved.
///
/// ```
/// assert_eq!(picloud::shadow("//X%2F..;y%2f%61pi;z=1/./V1/"), "/api/v1");
/// ```
#[must_use]
pub fn shadow(raw: &str) -> String {
    let decoded = decode(raw).to_ascii_lowercase();
    let mut segments = Vec::new();
    for step in steps(&decoded) {
        match step {
            Step::Down(segment) => segments.push(segment),
            Step::Up => drop(segments.pop()),
        }
    }
    format!("/{}", segments.join("/"))
}

/// Whether a path or a route's pattern is one of the platform's own paths, below one, or leads through one, for the
/// reader of the [`shadow`].
///
/// Dots, spaces and control characters at the end of the first segment do not count, because some readers drop them:
/// `/admin.`, `/admin%20` and `/admin;x` are as reserved as `/admin`, while `/administer` and `/version.txt` are not.
/// `/admin%2F..%2Fx` is, because not every reader resolves dot segments. Does not allocate where there is no `%`.
#[must_use]
pub fn is_reserved(raw: &str) -> bool {
    let mut depth = 0_usize;
    steps(&decode(raw)).any(|step| match step {
        Step::Down(segment) => {
            depth += 1;
            depth == 1 && is_platforms(segment)
        }
        Step::Up => {
            depth = depth.saturating_sub(1);
            false
        }
    })
}

fn is_platforms(first: &str) -> bool {
    let first = first.trim_end_matches(|c: char| c == '.' || c.is_whitespace() || c.is_control());
    RESERVED.iter().any(|reserved| first.eq_ignore_ascii_case(reserved))
}

/// One move of a careless reader through the tree of paths.
enum Step<'a> {
    Down(&'a str),
    Up,
}

fn steps(decoded: &str) -> impl Iterator<Item = Step<'_>> {
    let segments = decoded.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap_or_default());
    segments.filter_map(|segment| match segment {
        "" | "." => None,
        ".." => Some(Step::Up),
        name => Some(Step::Down(name)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_and_encoded_paths_pass() {
        for path in [
            "/",
            "//",
            "/a",
            "/a/",
            "/a//b",
            "/a.b",
            "/.a",
            "/...",
            "/..a",
            "/.well-known/x",
            "/%2e%2e%2e",
            "/a%2Fb",
            "/%25",
            "/%2561pi",
            "/J%C3%BCrgen",
            "/%E2%82%AC",
            "/%F0%9F%8D%B0",
            "/a%20b",
            "/%0d%0aX:1",
            "/a:b@c;d=e,f",
            "/{x}|^`\"<>[]",
            "/%7f",
            "/~me",
            "/a%2F..%2Fb",
        ] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
    }

    #[test]
    fn ambiguous_and_malformed_paths_are_refused() {
        for path in [
            "",
            "a",
            "*",
            "\\",
            "/a\\b",
            "/a%5cb",
            "/%5C",
            "/a%00b",
            "/admin%00",
            "/\0",
            "/%",
            "/%z",
            "/%zz",
            "/%2",
            "/%2/",
            "/%%20",
            "/%+1",
            "/ ",
            "/a b",
            "/\t",
            "/\x7f",
            "/\u{80}",
            "/ü",
            "/a?b",
            "/a#b",
            "/.",
            "/..",
            "/./a",
            "/a/.",
            "/a/..",
            "/x/../api/v1",
            "/x/%2e%2e/api",
            "/.%2e/api",
            "/%2E",
            "/a/%2e./b",
            "/./admin",
            "/%ff",
            "/%c0%af",
            "/%c3",
            "/%c3/",
            "/%c3%",
            "/%c3a",
            "/%e2%82",
            "/%80",
            "/%ed%a0%80",
            "/%f4%90%80%80",
            "/%f8%88%80%80%80",
        ] {
            assert!(check_path(path).is_err(), "{path:?}");
        }
    }

    #[test]
    fn every_spelling_of_a_platform_path_is_reserved() {
        for path in [
            "/api",
            "/api/",
            "/api/v1/apps",
            "/API/v1/apps",
            "/Api",
            "/%61pi/v1/apps",
            "//api",
            "///api//v1",
            "/%2fapi",
            "/x/../api/v1",
            "/x/%2e%2e/api",
            "/.%2e/api",
            "/./admin",
            "/x%2f..%2fadmin",
            "\\api",
            "/%5capi",
            "/admin",
            "/admin/",
            "/admin%20",
            "/admin.",
            "/admin%00",
            "/admin%09",
            "/admin. .",
            "/ADMIN.%20/x",
            "/_picloud",
            "/_PiCloud/x",
            "/healthz",
            "/healthz/x",
            "/readyz",
            "/version",
            "/metrics",
            "/%5fpicloud",
            "/api;v=1",
            "/api;/v1",
            "/api%3Bx/v1",
            "/;x/api",
            "/x/..;/api/v1",
            "/admin%20;x",
            "/api%2F..%2Fx",
            "/api/..",
        ] {
            assert!(is_reserved(path), "{path}");
        }
    }

    #[test]
    fn what_only_looks_like_a_platform_path_is_not_reserved() {
        for path in [
            "/",
            "",
            "/apix",
            "/apis",
            "/ap",
            "/x/api",
            "/%2561pi/v1",
            "/administer",
            "/version.txt",
            "/.api",
            "/:x",
            "/*path",
            "/:api",
            "/a%2Fapi",
            "/x;/api",
            "/a;api",
            "/api%253Bx",
            "/health",
            "/ümlaut",
        ] {
            assert!(!is_reserved(path), "{path}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_shadow_without_escapes_is_its_own_shadow(raw in r"/([aA./\\;]|%2[eEfF5]|%3[bB]|%61|%5c|pi){0,10}") {
            let once = shadow(&raw);
            if !once.contains('%') {
                prop_assert_eq!(shadow(&once), once);
            }
        }

        #[test]
        fn reserved_is_what_the_shadows_on_the_way_say(raw in r"/?([/.;]|%2[eEfF05]|[aA]|%61|[pP][iI]|[a-z]|\.\.){0,8}") {
            // What `..` leads back from counts, too: it is the end of the shadow of a shorter path.
            let decoded = decode(&raw).replace('%', "-");
            let ends = decoded.match_indices('/').map(|(at, _)| at).chain([decoded.len()]);
            let passed = ends.map(|end| shadow(&decoded[..end])).any(|shadow| {
                let first = shadow.split('/').nth(1).unwrap_or_default();
                RESERVED.contains(&first.trim_end_matches(['.', ' ']))
            });
            prop_assert_eq!(is_reserved(&raw), passed, "{}", raw);
        }

        #[test]
        fn checked_paths_decode_without_loss(raw in r"/([a/.]|%[0-9a-fA-F]{2}|%[cC]3%[89aA][0-9]|%[eE]2%82%[aA][cC]){0,6}") {
            let decoded: Vec<u8> = percent_decode_str(&raw).collect();
            if check_path(&raw).is_ok() {
                prop_assert_eq!(String::from_utf8(decoded).unwrap(), decode(&raw));
            } else {
                let dots = raw.split('/').any(|s| matches!(&*decode(s), "." | ".."));
                let bad = decoded.contains(&0) || decoded.contains(&b'\\') || String::from_utf8(decoded).is_err();
                prop_assert!(dots || bad, "refused without a reason: {}", raw);
            }
        }
    }
}
