//! `response.cookie(name, value, options)`: one `Set-Cookie` header (RFC 6265 §4.1), safe by default.

use std::fmt::Write as _;

use rhai::{Dynamic, EvalAltResult, Map};

use super::{answer::ResponseValue, budget, library::Catalog};
use crate::{Event, Scheme, headers::is_platform_cookie};

type Native<T> = Result<T, Box<EvalAltResult>>;

/// Registers `cookie`.
pub(super) fn register(catalog: &mut Catalog<'_>) {
    catalog
        .method(
            "Response",
            "cookie(name: string, value: string) -> Response",
            "Adds a cookie: `Path=/`, `HttpOnly`, `SameSite=Lax`, and `Secure` over https.",
            |response: &mut ResponseValue, name: &str, value: &str| {
                response.append_cookie(&format(name, value, &Map::new())?)
            },
        )
        .method(
            "Response",
            "cookie(name: string, value: string, options: map) -> Response",
            "Adds a cookie. Options: `path`, `domain`, `max_age` (seconds), `http_only`, `secure`, `same_site`.",
            |response: &mut ResponseValue, name: &str, value: &str, options: Map| {
                response.append_cookie(&format(name, value, &options)?)
            },
        );
}

/// The header's value. Unless the options say otherwise: `Path=/`, `HttpOnly`, `SameSite=Lax`, and `Secure` where the
/// request came over https.
fn format(name: &str, value: &str, options: &Map) -> Native<String> {
    check_name(name)?;
    if !value.bytes().all(is_cookie_octet) {
        return Err("cookie: the value has a space, quote, comma, semicolon, backslash or control character; pass it through url::encode".into());
    }
    let mut cookie = format!("{name}={value}");
    let (mut path, mut http_only, mut secure, mut same_site) =
        ("/".to_owned(), true, is_https(), "Lax".to_owned());
    for (key, option) in options {
        match key.as_str() {
            "path" => path = attribute(key, option)?,
            "domain" => push(&mut cookie, "Domain", &attribute(key, option)?),
            "max_age" => push(&mut cookie, "Max-Age", &integer(key, option)?.to_string()),
            "http_only" => http_only = flag(key, option)?,
            "secure" => secure = flag(key, option)?,
            "same_site" => same_site = check_same_site(&attribute(key, option)?)?.to_owned(),
            _ => {
                let known = "path, domain, max_age, http_only, secure, same_site";
                return Err(format!("cookie: unknown option `{key}`; known are {known}").into());
            }
        }
    }
    push(&mut cookie, "Path", &path);
    push(&mut cookie, "SameSite", &same_site);
    cookie.push_str(if http_only { "; HttpOnly" } else { "" });
    // Browsers refuse SameSite=None without Secure (RFC 6265bis §5.7).
    cookie.push_str(if secure || same_site == "None" { "; Secure" } else { "" });
    Ok(cookie)
}

fn push(cookie: &mut String, name: &str, value: &str) {
    let _ = write!(cookie, "; {name}={value}");
}

fn check_name(name: &str) -> Native<()> {
    // A cookie name is a token (RFC 9110 §5.6.2).
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("cookie: {name:?} is not a cookie name").into());
    }
    if is_platform_cookie(name) {
        return Err(format!("cookie: names like {name:?} belong to the platform").into());
    }
    Ok(())
}

fn is_cookie_octet(b: u8) -> bool {
    matches!(b, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e)
}

fn attribute(key: &str, option: &Dynamic) -> Native<String> {
    let text = option
        .as_immutable_string_ref()
        .map_err(|kind| format!("cookie: `{key}` is a string, not {kind}"))?;
    if text.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b';') {
        return Ok(text.to_string());
    }
    Err(format!("cookie: `{key}` has a semicolon or a control character").into())
}

fn integer(key: &str, option: &Dynamic) -> Native<i64> {
    option.as_int().map_err(|kind| format!("cookie: `{key}` is a number of seconds, not {kind}").into())
}

fn flag(key: &str, option: &Dynamic) -> Native<bool> {
    option.as_bool().map_err(|kind| format!("cookie: `{key}` is true or false, not {kind}").into())
}

fn check_same_site(value: &str) -> Native<&'static str> {
    match value.to_ascii_lowercase().as_str() {
        "strict" => Ok("Strict"),
        "lax" => Ok("Lax"),
        "none" => Ok("None"),
        _ => Err(format!("cookie: same_site is `Strict`, `Lax` or `None`, not {value:?}").into()),
    }
}

/// Whether the request of this run came over https.
fn is_https() -> bool {
    let https = |event: &Event| matches!(event, Event::Http(request) if request.scheme == Scheme::Https);
    budget::with_run(|run, _| https(&run.invocation.event)) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookie(name: &str, value: &str, options: &[(&str, Dynamic)]) -> Result<String, String> {
        let options = options.iter().map(|(k, v)| ((*k).into(), v.clone())).collect();
        format(name, value, &options).map_err(|e| e.to_string())
    }

    #[test]
    fn cookies_are_safe_by_default_and_every_option_is_heard() {
        assert_eq!(cookie("a", "1", &[]).unwrap(), "a=1; Path=/; SameSite=Lax; HttpOnly");
        let all = [
            ("path", "/x".into()),
            ("domain", "a.test".into()),
            ("max_age", Dynamic::from(60_i64)),
            ("http_only", false.into()),
            ("secure", true.into()),
            ("same_site", "strict".into()),
        ];
        let expected = "a=1; Domain=a.test; Max-Age=60; Path=/x; SameSite=Strict; Secure";
        assert_eq!(cookie("a", "1", &all).unwrap(), expected);
        assert!(cookie("a", "1", &[("same_site", "none".into())]).unwrap().ends_with("; Secure"));
    }

    #[test]
    fn what_would_end_the_attribute_or_take_the_platforms_name_is_refused() {
        assert!(cookie("a b", "1", &[]).is_err());
        assert!(cookie("a", "1; Domain=x", &[]).is_err());
        assert!(cookie("a", "1\r\nX: y", &[]).is_err());
        assert!(cookie("a", "1", &[("path", "/;x".into())]).is_err());
        assert!(cookie("a", "1", &[("pth", "/".into())]).unwrap_err().contains("unknown option"));
        assert!(cookie("__Host-PiCloud_session", "1", &[]).is_err());
    }
}
