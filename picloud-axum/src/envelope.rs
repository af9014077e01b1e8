//! What every answer of the platform has: an id, no place in any cache, and problems in one form.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{
    HeaderName, HeaderValue,
    header::{CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS},
};
use picloud::{Problem, RequestId};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Wraps the answers of all routes.
pub(crate) async fn wrap(request: Request, next: Next) -> Response {
    let given = request.extensions().get::<RequestId>().copied();
    let mut response = next.run(request).await;
    // A run has named itself already.
    if !response.headers().contains_key(X_REQUEST_ID) {
        name(&mut response, given.unwrap_or_else(RequestId::new));
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Puts the id into the header and, where there is a problem, into that.
fn name(response: &mut Response, id: RequestId) {
    let mut text = [0; 36];
    if let Ok(id) = HeaderValue::from_str(id.encode(&mut text)) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(problem.with_request_id(Some(id)).to_json());
    }
}
