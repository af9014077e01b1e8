//! What the caller gets: the one place where a failed run becomes a status code.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::{Failure, FieldError, Problem, RequestId, headers::drop_platform_headers};

/// The answer to a run.
pub(super) fn answer(
    result: Result<Response<Bytes>, Failure>,
    id: RequestId,
    reveal: bool,
) -> Response<Bytes> {
    match result {
        Ok(mut response) => {
            drop_platform_headers(response.headers_mut());
            response
        }
        Err(failure) => failed(failure, id, reveal),
    }
}

fn failed(failure: Failure, id: RequestId, reveal: bool) -> Response<Bytes> {
    let Failure { code, detail, log } = failure;
    let mut problem = Problem::new(code, detail);
    if let (true, Some(log)) = (reveal, log) {
        let (line, column) = log.position.map(|at| (at.line, at.column)).unzip();
        let error = FieldError { line, column, ..FieldError::new("script", code.as_str(), log.message) };
        problem = problem.with_errors(vec![error]);
    }
    let mut response = problem.with_request_id(Some(id)).to_response();
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The answer with the id of its request.
pub(super) fn finish(response: Response<Bytes>, id: RequestId) -> Response<Full<Bytes>> {
    let mut response = response.map(Full::new);
    let mut text = [0; 36];
    if let Ok(id) = HeaderValue::from_str(id.encode(&mut text)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}
