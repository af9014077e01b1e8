//! From what a test file writes to an HTTP request.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use rhai::{Dynamic, Map};

use super::as_json;
use crate::rhai::builtins::{Answer, Refusal, describe};

/// What may stand in the options of a request.
const OPTIONS: [&str; 6] = ["headers", "query", "cookies", "body", "form", "ip"];

/// A request as a test file describes it; the client's address is in its extensions.
///
/// # Errors
/// What in the description is wrong.
pub(super) fn build(method: &str, path: &str, body: Dynamic, mut options: Map) -> Answer<Request<Bytes>> {
    if let Some(unknown) = options.keys().find(|name| !OPTIONS.contains(&name.as_str())) {
        return Err(
            format!("request: there is no option `{unknown}`; there is {}", OPTIONS.join(", ")).into()
        );
    }
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes()).map_err(wrong)?;
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = method;
    *request.uri_mut() = uri(path, options.remove("query"))?;
    let body = options.remove("body").unwrap_or(body);
    put_body(&mut request, &body)?;
    if let Some(form) = options.remove("form") {
        put(&mut request, "application/x-www-form-urlencoded", encoded(&entries("form", form)?).into());
    }
    let headers = request.headers_mut();
    headers.insert(header::HOST, HeaderValue::from_static("localhost"));
    for (name, value) in entries("headers", options.remove("headers").unwrap_or_default())? {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(wrong)?;
        headers.insert(name, HeaderValue::from_str(&value).map_err(wrong)?);
    }
    let cookies = entries("cookies", options.remove("cookies").unwrap_or_default())?;
    if !cookies.is_empty() {
        let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        headers.insert(header::COOKIE, HeaderValue::from_str(&pairs.join("; ")).map_err(wrong)?);
    }
    if let Some(ip) = options.remove("ip") {
        let ip: IpAddr = text(&ip).parse().map_err(|error| format!("request: `ip`: {error}"))?;
        request.extensions_mut().insert(ip);
    }
    Ok(request)
}

fn wrong(error: impl std::fmt::Display) -> Refusal {
    format!("request: {error}").into()
}

/// The path with its own query and the one given apart.
fn uri(path: &str, query: Option<Dynamic>) -> Answer<Uri> {
    let mut target = path.to_owned();
    if let Some(query) = query {
        target.push(if path.contains('?') { '&' } else { '?' });
        target.push_str(&encoded(&entries("query", query)?));
    }
    target.parse().map_err(|error| format!("request: the path {path:?}: {error}").into())
}

/// A string is sent as text, a blob as bytes, anything else as JSON.
fn put_body(request: &mut Request<Bytes>, body: &Dynamic) -> Answer<()> {
    if body.is_unit() {
        return Ok(());
    }
    if let Ok(text) = body.as_immutable_string_ref() {
        put(request, "text/plain; charset=utf-8", text.to_string().into());
    } else if let Ok(blob) = body.as_blob_ref() {
        put(request, "application/octet-stream", blob.clone().into());
    } else {
        put(request, "application/json", as_json(body).to_string().into());
    }
    Ok(())
}

fn put(request: &mut Request<Bytes>, kind: &'static str, body: Bytes) {
    *request.body_mut() = body;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
}

/// Names and texts of a map.
fn entries(option: &str, value: Dynamic) -> Answer<Vec<(String, String)>> {
    if value.is_unit() {
        return Ok(Vec::new());
    }
    let map: Map = value
        .try_cast_result()
        .map_err(|other| format!("request: `{option}` is a map, not {}", other.type_name()))?;
    Ok(map.iter().map(|(name, value)| (name.to_string(), text(value))).collect())
}

fn text(value: &Dynamic) -> String {
    describe(value, 64 * 1024)
}

fn encoded(entries: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(entries).finish()
}
