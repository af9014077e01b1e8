//! Answers that the platform makes before anything runs.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{Received, Refused};
use crate::{Code, Failure, Limits, Miss, Problem, RequestId, Script};

/// An answer that the platform makes before anything runs.
pub(super) struct Refusal {
    code: Code,
    /// Boxed, so that results which are hardly ever refusals stay small.
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, problem: Box::new(Problem::new(code, detail)), header: None }
    }

    pub(super) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// As an observer sees it.
    pub(super) fn seen<'a>(&'a self, script: Option<&'a Script>, request: Received<'a>) -> Refused<'a> {
        Refused { script, request, code: self.code, detail: self.problem.detail() }
    }

    pub(super) fn respond(self, id: RequestId) -> Response<Bytes> {
        let mut response = self.problem.with_request_id(Some(id)).to_response();
        response.headers_mut().extend(self.header);
        response
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code, refusal.problem.detail())
    }
}

/// Why nothing answers. Names neither app nor script: the caller may be anyone.
pub(super) fn missed(miss: Miss, method: &Method) -> Refusal {
    match miss {
        Miss::NoApp => Refusal::new(Code::NoApp, "No app on this server claims this host."),
        Miss::NoRoute { .. } => Refusal::new(Code::NoRoute, "Nothing answers at this path."),
        Miss::MethodNotAllowed { allow, .. } => {
            let names: Vec<_> = allow.iter().map(Method::as_str).collect();
            let names = names.join(", ");
            let refusal =
                Refusal::new(Code::MethodNotAllowed, format!("{method} is not answered here; {names} is."));
            match HeaderValue::from_str(&names) {
                Ok(allow) => refusal.with_header(header::ALLOW, allow),
                Err(_) => refusal,
            }
        }
    }
}

pub(super) fn overloaded() -> Refusal {
    Refusal::new(
        Code::Overloaded,
        "The server or the app runs as many scripts as it may. Try again in a second.",
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

/// A browser that would let an answer speak for its whole host (Service Workers, "Service-Worker" header).
pub(super) fn asks_for_worker<B>(request: &Request<B>) -> bool {
    request.headers().contains_key("service-worker")
}

pub(super) fn no_worker() -> Refusal {
    Refusal::new(Code::Forbidden, "No service worker is served from this host.")
}

/// The whole body, if it is within the limit; refused without reading where its length says so.
pub(super) async fn read<B>(body: B, headers: &HeaderMap, limits: &Limits) -> Result<Bytes, Refusal>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let limit = limits.request_body;
    let too_large = || {
        let detail = format!("The request body has more than {limit} bytes, the limit of this script.");
        Refusal::new(Code::LimitBody, detail)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::new(Code::Malformed, "The request body ended early or is not well-formed.")),
    }
}
