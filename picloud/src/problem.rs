//! Error answers as `application/problem+json` (RFC 9457).

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::{Code, Diagnostic, RequestId};

/// The media type of a problem.
pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/problem+json");

/// One error answer: the members of RFC 9457, and `code`, `request_id` and `errors` as extensions.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Problem {
    /// Always `about:blank`: `code` is what tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    title: String,
    status: u16,
    detail: String,
    /// Stable, in snake_case: what programs decide by. `raised` where a script chose the error.
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "serde_json::Value::is_null")]
    details: serde_json::Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// What is wrong with one part of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FieldError {
    /// Which part: a field name, or a path such as `limits.memory`.
    pub field: String,
    /// What kind of error, in stable snake_case.
    pub code: &'static str,
    /// What was wrong, and what to do.
    pub detail: String,
    /// Line in a script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Column in a script, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl FieldError {
    /// An error without a place.
    pub fn new(field: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Self {
        Self { field: field.into(), code, detail: detail.into(), line: None, column: None }
    }

    /// A diagnostic of the script in the field `source`.
    pub(crate) fn syntax(found: Diagnostic) -> Self {
        let Diagnostic { line, column, severity: _, message } = found;
        Self { line: Some(line), column: Some(column), ..Self::new("source", "syntax", message) }
    }
}

impl Problem {
    /// The platform's problem of this code.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self::build(code.status(), code.title().to_owned(), code.as_str(), detail.into())
    }

    /// A problem that a script chose.
    #[cfg(feature = "rhai")]
    pub(crate) fn chosen(status: StatusCode, detail: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("Error").to_owned();
        Self::build(status, title, "raised", detail.to_owned())
    }

    fn build(status: StatusCode, title: String, code: &'static str, detail: String) -> Self {
        let (request_id, details, errors) = (None, serde_json::Value::Null, Vec::new());
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            code,
            request_id,
            details,
            errors,
        }
    }

    /// The same problem, naming the request.
    #[must_use]
    pub fn with_request_id(mut self, id: Option<RequestId>) -> Self {
        self.request_id = id.map(|id| id.to_string());
        self
    }

    /// The same problem with the errors of single fields.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    #[cfg(feature = "rhai")]
    pub(crate) fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = details;
        self
    }

    /// What went wrong here, in words.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The JSON text.
    #[must_use]
    pub fn to_json(&self) -> Bytes {
        serde_json::to_vec(self).expect("a problem has only string keys").into()
    }

    /// The whole answer.
    #[must_use]
    pub fn to_response(&self) -> Response<Bytes> {
        let mut response = Response::new(self.to_json());
        *response.status_mut() = self.status();
        response.headers_mut().insert(header::CONTENT_TYPE, CONTENT_TYPE);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_rfc_and_ours() {
        let problem = Problem::new(Code::NoRoute, "GET /x").to_response();
        assert_eq!(problem.status(), 404);
        let body: serde_json::Value = serde_json::from_slice(problem.body()).unwrap();
        let expected = serde_json::json!({
            "type": "about:blank", "title": "No route answers for this path", "status": 404,
            "detail": "GET /x", "code": "no_route",
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn every_code_is_snake_case_and_an_error() {
        for code in Code::ALL {
            assert!(code.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
            assert!(code.status().is_client_error() || code.status().is_server_error(), "{code}");
        }
    }
}
