//! The one place where a failure becomes an answer.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{
    HeaderName, HeaderValue, Method, Uri,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use picloud::{Code, FieldError, Problem, manager::ManagerError};

use crate::openapi::{Describe, Operation};

/// An error answer. The envelope gives it the id of its request.
#[derive(Debug)]
pub(crate) struct ApiError {
    /// Boxed, so that results which are hardly ever errors stay small.
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
    /// Why it was refused, unless it was the manager that did, which keeps a record of that itself.
    early: Option<Code>,
}

/// In the answer to what was refused before the manager heard of it: why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Early(pub(crate) Code);

impl ApiError {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        let bearer = (WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        Self {
            problem: Box::new(Problem::new(code, detail)),
            header: (code == Code::Unauthorized).then_some(bearer),
            early: Some(code),
        }
    }

    /// One part of an input breaks a rule.
    pub(crate) fn field(error: FieldError) -> Self {
        Self { early: Some(Code::Invalid), ..ManagerError::from(error).into() }
    }

    pub(crate) fn not_found(what: &'static str) -> Self {
        Self { early: Some(Code::NotFound), ..ManagerError::NotFound { what }.into() }
    }
}

impl From<ManagerError> for ApiError {
    fn from(error: ManagerError) -> Self {
        if error.code().status().is_server_error() {
            tracing::error!(%error, "a request failed");
        }
        let Self { problem, header, .. } = Self::new(error.code(), error.detail());
        let retry = error.retry_after().map(|seconds| (RETRY_AFTER, HeaderValue::from(seconds)));
        let problem = Box::new(problem.with_errors(error.errors().to_vec()));
        Self { problem, header: header.or(retry), early: None }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { problem, header, early } = self;
        let mut response = problem.to_response().map(Body::from);
        response.headers_mut().extend(header);
        response.extensions_mut().insert(*problem);
        if let Some(code) = early {
            response.extensions_mut().insert(Early(code));
        }
        response
    }
}

impl<T: Describe> Describe for Result<T, ApiError> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.problems(&[Code::Internal, Code::StorageUnavailable]);
        if operation.changes_things() {
            operation.problems(&[Code::StorageFull]);
        }
    }
}

/// Answers for paths of the platform that nothing else answers.
pub(crate) async fn no_such_path(uri: Uri) -> ApiError {
    ApiError::new(Code::NotFound, format!("There is nothing at {}.", uri.path()))
}

/// Answers where a path is known and a method is not. The `Allow` header is axum's.
pub(crate) async fn method_not_allowed(method: Method) -> ApiError {
    ApiError::new(Code::MethodNotAllowed, format!("{method} is not answered here; `Allow` says what is."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn internals_stay_in_the_log() {
        let secret = || "sqlite:///data/x.db: disk I/O error".to_owned();
        for (error, status) in [
            (ManagerError::StorageUnavailable(secret()), 503),
            (ManagerError::StorageFull(secret()), 507),
            (ManagerError::Internal(secret()), 500),
        ] {
            let error = ApiError::from(error);
            assert!(!String::from_utf8_lossy(&error.problem.to_json()).contains("sqlite"));
            assert_eq!(error.into_response().status(), status);
        }
    }

    #[test]
    fn those_who_must_wait_are_told_how_long() {
        let wait = ManagerError::TooManyAttempts { retry_after: Duration::from_millis(1500) };
        for (error, seconds) in [(wait, "2"), (ManagerError::Overloaded("Busy."), "1")] {
            let response = ApiError::from(error).into_response();
            assert_eq!(response.headers()[RETRY_AFTER], seconds);
        }
    }
}
