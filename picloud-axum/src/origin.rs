//! Keeps other sites from writing with an admin's cookie.
//!
//! Apps live on sibling names of the dashboard, so `same-site` is not enough: only `same-origin` is. The second
//! condition is one that an HTML form cannot meet.

use http::{HeaderMap, HeaderName, Method, header::HOST, header::ORIGIN, request::Parts};
use picloud::{Client, Code};

use crate::{error::ApiError, input::is_json};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_PICLOUD_REQUEST: HeaderName = HeaderName::from_static("x-picloud-request");

/// Checks a request whose credential is a cookie.
///
/// # Errors
/// 403 for a write that does not show that the dashboard itself sent it.
pub(crate) fn check(parts: &Parts) -> Result<(), ApiError> {
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    if !is_same_origin(parts) {
        let detail =
            "With a session cookie, changes must come from the same origin. Elsewhere, use a bearer token.";
        return Err(ApiError::new(Code::Forbidden, detail));
    }
    if !is_json(&parts.headers) && !is_marked(&parts.headers) {
        let detail = "With a session cookie, changes are sent with `Content-Type: application/json` or `X-PiCloud-Request: 1`.";
        return Err(ApiError::new(Code::Forbidden, detail));
    }
    Ok(())
}

fn is_marked(headers: &HeaderMap) -> bool {
    headers.get(X_PICLOUD_REQUEST).is_some_and(|value| value == "1")
}

/// What the browser says of the sender; by its `Origin` where it is too old to say it itself.
fn is_same_origin(parts: &Parts) -> bool {
    let mut sites = parts.headers.get_all(SEC_FETCH_SITE).iter().peekable();
    if sites.peek().is_some() {
        return sites.all(|site| site == "same-origin");
    }
    let one = |name| {
        let mut values = parts.headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok())
    };
    let host = parts.uri.authority().map(|authority| authority.as_str()).or_else(|| one(HOST));
    let origin = one(ORIGIN).and_then(|origin| origin.split_once("://"));
    let (Some((scheme, sender)), Some(host)) = (origin, host) else { return false };
    let known = parts.extensions.get::<Client>().map(|client| client.scheme.as_str());
    sender.eq_ignore_ascii_case(host) && known.is_none_or(|known| known == scheme)
}
