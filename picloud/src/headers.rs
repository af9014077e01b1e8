//! Which response headers belong to the platform, whatever an executor or a script says.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that frame the message or concern one hop only (RFC 9110 §7.6.1). They are the platform's: a length that
/// a script sets could make a proxy take part of one answer for the next one (`docs/architecture.md`, "Framing").
const FRAMING: [HeaderName; 10] = [
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::UPGRADE,
];

/// Headers that describe the server, which is not the script's to describe.
const SERVER: [HeaderName; 3] = [header::DATE, header::SERVER, header::VIA];

/// Prefixes of cookie names that are the platform's, in lower case.
const COOKIE_PREFIXES: [&str; 4] = ["picloud_", "__host-picloud", "__secure-picloud", "__http-picloud"];

/// Whether a script's `name` header is dropped.
pub(crate) fn is_platform_header(name: &HeaderName) -> bool {
    FRAMING.contains(name) || SERVER.contains(name)
}

/// Whether a cookie of this name is the platform's.
pub(crate) fn is_platform_cookie(name: &str) -> bool {
    let name = name.trim_start().as_bytes();
    COOKIE_PREFIXES
        .iter()
        .any(|p| name.len() >= p.len() && name[..p.len()].eq_ignore_ascii_case(p.as_bytes()))
}

/// Headers that reach beyond one answer, to all that its host serves.
const HOST_WIDE: [HeaderName; 6] = [
    HeaderName::from_static("clear-site-data"),
    HeaderName::from_static("service-worker-allowed"),
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("public-key-pins"),
    HeaderName::from_static("nel"),
    HeaderName::from_static("report-to"),
];

/// Without `allow-same-origin`: a page is of an origin of its own, and cannot act for an admin who looks at it.
const SANDBOX: HeaderValue = HeaderValue::from_static("sandbox allow-scripts allow-forms allow-popups");

/// Confines an answer on a host that also serves the platform's API. Several policies only ever add up, so a policy of
/// the script's stays.
pub(crate) fn confine(headers: &mut HeaderMap) {
    remove(headers, |name| HOST_WIDE.contains(name));
    headers.append(header::CONTENT_SECURITY_POLICY, SANDBOX);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    let found: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name)).cloned().collect();
    for name in found {
        headers.remove(name);
    }
}

/// Removes from an answer what is the platform's.
pub(crate) fn drop_platform_headers(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        drop_named_by_connection(headers);
    }
    remove(headers, is_platform_header);
    if headers.contains_key(header::SET_COOKIE) {
        keep_values(headers, header::SET_COOKIE, |value| !is_platform_cookie(cookie_name(value)));
    }
}

/// `Connection: x` makes `x` a header of this hop (RFC 9110 §7.6.1).
fn drop_named_by_connection(headers: &mut HeaderMap) {
    let lists: Vec<HeaderValue> = headers.get_all(header::CONNECTION).iter().cloned().collect();
    for name in lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')) {
        headers.remove(name.trim());
    }
}

fn keep_values(headers: &mut HeaderMap, name: HeaderName, keep: impl Fn(&HeaderValue) -> bool) {
    let kept: Vec<HeaderValue> = headers.get_all(&name).iter().filter(|value| keep(value)).cloned().collect();
    headers.remove(&name);
    for value in kept {
        headers.append(&name, value);
    }
}

fn cookie_name(value: &HeaderValue) -> &str {
    let bytes = value.as_bytes();
    let end = bytes.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).unwrap_or_default()
}

/// Takes the platform's own cookies out of what a script will see of a request.
pub(crate) fn hide_platform_cookies(headers: &mut HeaderMap) {
    let lines: Vec<HeaderValue> = headers.get_all(header::COOKIE).iter().cloned().collect();
    if !lines.iter().any(|line| pairs(line).any(is_platform_cookie)) {
        return;
    }
    headers.remove(header::COOKIE);
    for line in &lines {
        let rest: Vec<&str> = pairs(line).filter(|pair| !is_platform_cookie(pair)).collect();
        if let (false, Ok(value)) = (rest.is_empty(), HeaderValue::from_str(&rest.join("; "))) {
            headers.append(header::COOKIE, value);
        }
    }
}

/// The `name=value` pairs of a `Cookie` header; none if it is not text.
fn pairs(line: &HeaderValue) -> impl Iterator<Item = &str> {
    std::str::from_utf8(line.as_bytes())
        .unwrap_or_default()
        .split(';')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v))).collect()
    }

    #[test]
    fn framing_headers_and_those_named_by_connection_are_dropped() {
        let mut headers = map(&[
            ("content-length", "5"),
            ("transfer-encoding", "chunked"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "x"),
            ("upgrade", "h2c"),
            ("server", "mine"),
            ("x-kept", "yes"),
        ]);
        drop_platform_headers(&mut headers);
        assert_eq!(headers, map(&[("x-kept", "yes")]));
    }

    #[test]
    fn scripts_cannot_set_platform_cookies_in_any_case() {
        let mut headers = map(&[
            ("set-cookie", "__Host-picloud_session=x; Path=/"),
            ("set-cookie", "PiCloud_Session=x"),
            ("set-cookie", " picloud_session=x"),
            ("set-cookie", "mine=1"),
        ]);
        drop_platform_headers(&mut headers);
        assert_eq!(headers, map(&[("set-cookie", "mine=1")]));
    }

    #[test]
    fn scripts_cannot_see_platform_cookies() {
        let mut headers =
            map(&[("cookie", "a=1; picloud_session=secret; b=2"), ("cookie", "__Host-picloud_session=s")]);
        hide_platform_cookies(&mut headers);
        assert_eq!(headers, map(&[("cookie", "a=1; b=2")]));
    }
}
