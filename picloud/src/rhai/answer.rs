//! What a script answers: the response builder, `error`, and how the last value becomes a response.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use rhai::{Dynamic, EvalAltResult, ImmutableString, Position};

use super::{budget::Run, json, library::Catalog};
use crate::{
    Code, DefinitionKind, Failure, FailureLog, Limits, headers::is_platform_header, problem::Problem,
};

type Native<T> = Result<T, Box<EvalAltResult>>;

/// A response under construction in a script.
#[derive(Clone)]
pub(super) struct ResponseValue {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    body: Dynamic,
}

impl ResponseValue {
    pub(super) fn new(status: i64, body: Dynamic) -> Native<Self> {
        Ok(Self { status: status_code(status)?, headers: HeaderMap::new(), body })
    }

    /// A response with a content type.
    fn typed(mime: &'static str, body: Dynamic) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(mime))]);
        Self { status: StatusCode::OK, headers, body }
    }

    fn redirect(status: i64, url: &str) -> Native<Self> {
        if !(300..=399).contains(&status) {
            return Err(format!(
                "redirect: status {status} is not a redirect; use 301, 302, 303, 307 or 308"
            )
            .into());
        }
        let mut response = Self::new(status, Dynamic::UNIT)?;
        response.headers.insert(header::LOCATION, header_value("location", url)?);
        Ok(response)
    }

    /// Adds a header; `content-type` and `location` replace what was there.
    fn header(&mut self, name: &str, value: &str) -> Native<Self> {
        let key = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("header: {name:?} is not a header name (RFC 9110 §5.1)"))?;
        let value = header_value(name, value)?;
        if key == header::CONTENT_TYPE || key == header::LOCATION {
            self.headers.insert(key, value);
        } else {
            self.headers.try_append(key, value).map_err(|_| "header: too many headers")?;
        }
        Ok(self.clone())
    }

    pub(super) fn append_cookie(&mut self, cookie: &str) -> Native<Self> {
        let value = header_value("set-cookie", cookie)?;
        self.headers.try_append(header::SET_COOKIE, value).map_err(|_| "cookie: too many headers")?;
        Ok(self.clone())
    }
}

/// A status that a script may choose: 1xx belong to the platform.
fn status_code(status: i64) -> Native<StatusCode> {
    let code = u16::try_from(status).ok().filter(|s| (200..=599).contains(s));
    code.and_then(|s| StatusCode::from_u16(s).ok())
        .ok_or_else(|| format!("status {status} cannot be answered; a status is between 200 and 599").into())
}

/// Visible characters, spaces and tabs (RFC 9110 §5.5), and UTF-8 beyond ASCII.
fn header_value(name: &str, value: &str) -> Native<HeaderValue> {
    HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
        format!("header: the value of {name:?} has a line break or another control character, which would end the header").into()
    })
}

/// What `error(…)` gives, to be thrown.
#[derive(Clone)]
pub(super) struct ErrorValue {
    status: StatusCode,
    message: ImmutableString,
    details: Dynamic,
}

impl ErrorValue {
    /// An error of the caller's making.
    pub(super) fn new(status: u16, message: String) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
        Self { status, message: message.into(), details: Dynamic::UNIT }
    }

    fn from_script(status: i64, message: &str, details: Dynamic) -> Native<Self> {
        if !(400..=599).contains(&status) {
            return Err(
                format!("error: status {status} is not an error; use 400 to 599, or response(…)").into()
            );
        }
        Ok(Self { status: status_code(status)?, message: message.into(), details })
    }

    /// The problem+json that the script chose.
    pub(super) fn into_response(self, run: &Run) -> Result<Response<Bytes>, Failure> {
        let problem = Problem::chosen(self.status, &self.message);
        let depth = data_depth(run.limits());
        let details = match json::to_value(&self.details, depth) {
            Ok(details) => details,
            Err(error) => {
                return Err(answer_failure(run, format!("error: the details cannot be sent: {error}")));
            }
        };
        let request_id = Some(run.invocation.request_id);
        let body = problem.with_details(details).with_request_id(request_id).to_json();
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, crate::problem::CONTENT_TYPE);
        limited(response, run.limits())
    }
}

impl From<ErrorValue> for Box<EvalAltResult> {
    fn from(error: ErrorValue) -> Self {
        Self::new(EvalAltResult::ErrorRuntime(Dynamic::from(error), Position::NONE))
    }
}

fn data_depth(limits: &Limits) -> usize {
    usize::try_from(limits.data_depth).unwrap_or(usize::MAX)
}

/// Turns a script's last value into a response.
///
/// # Errors
/// `limit_response`, or `script_error` where the value cannot be an answer.
pub(super) fn respond(answer: Dynamic, run: &Run) -> Result<Response<Bytes>, Failure> {
    if answer.is::<ResponseValue>() {
        return match answer.try_cast::<ResponseValue>() {
            Some(response) => respond_built(response, run),
            None => Err(answer_failure(run, "the response is in use".into())),
        };
    }
    if answer.is::<ErrorValue>() {
        if let Some(error) = answer.try_cast::<ErrorValue>() {
            return error.into_response(run);
        }
        return Err(answer_failure(run, "the error is in use".into()));
    }
    let (content_type, body) = body_of(&answer, run)?;
    let mut response = Response::new(body);
    match content_type {
        Some(mime) => {
            drop(response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(mime)))
        }
        None => *response.status_mut() = StatusCode::NO_CONTENT,
    }
    limited(response, run.limits())
}

fn respond_built(value: ResponseValue, run: &Run) -> Result<Response<Bytes>, Failure> {
    let ResponseValue { status, mut headers, body } = value;
    let dropped: Vec<_> = headers.keys().filter(|name| is_platform_header(name)).cloned().collect();
    for name in dropped {
        headers.remove(&name);
        let note = format!("header `{name}` belongs to the platform and was left out of the answer");
        super::logs::push(crate::Level::Warn, &note, serde_json::Map::new(), None);
    }
    let (content_type, body) = body_of(&body, run)?;
    if let (Some(mime), false) = (content_type, headers.contains_key(header::CONTENT_TYPE)) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    }
    let bodiless = status == StatusCode::NO_CONTENT || status == StatusCode::NOT_MODIFIED;
    let mut response = Response::new(if bodiless { Bytes::new() } else { body });
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    limited(response, run.limits())
}

/// Content type and bytes of a value; no content type for no content.
fn body_of(value: &Dynamic, run: &Run) -> Result<(Option<&'static str>, Bytes), Failure> {
    if value.is_unit() {
        return Ok((None, Bytes::new()));
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        within(text.len(), run.limits())?;
        return Ok((Some("text/plain; charset=utf-8"), Bytes::copy_from_slice(text.as_bytes())));
    }
    if let Ok(blob) = value.as_blob_ref() {
        within(blob.len(), run.limits())?;
        return Ok((Some("application/octet-stream"), Bytes::copy_from_slice(&blob)));
    }
    let mut json = Vec::new();
    json::write(value, data_depth(run.limits()), &mut json)
        .map_err(|error| answer_failure(run, format!("the answer cannot be sent as JSON: {error}")))?;
    within(json.len(), run.limits())?;
    // Exact, so that what a run leaves behind can be told from its answer.
    Ok((Some("application/json"), json.into_boxed_slice().into()))
}

fn within(bytes: usize, limits: &Limits) -> Result<(), Failure> {
    if bytes as u64 <= limits.response_body {
        return Ok(());
    }
    let message = format!(
        "response limit: the body has {bytes} of {} bytes; raise `response_body` in the limits of the script, the app or \
         the server (docs/operating.md), or answer less",
        limits.response_body
    );
    Err(response_limit(message))
}

/// Checks what the limits say about headers.
fn limited(response: Response<Bytes>, limits: &Limits) -> Result<Response<Bytes>, Failure> {
    let headers = response.headers();
    let count = headers.len() as u64;
    let bytes: u64 = headers.iter().map(|(name, value)| (name.as_str().len() + value.len()) as u64).sum();
    if count <= limits.response_headers && bytes <= limits.response_header_bytes {
        return Ok(response);
    }
    let message = format!(
        "response limit: {count} of {} headers, {bytes} of {} header bytes; raise `response_headers` or \
         `response_header_bytes` in the limits of the script, the app or the server (docs/operating.md), or send fewer",
        limits.response_headers, limits.response_header_bytes
    );
    Err(response_limit(message))
}

fn response_limit(message: String) -> Failure {
    let log = FailureLog { message, ..FailureLog::default() };
    Failure::new(Code::LimitResponse, "The script's response is larger than allowed.").with_log(log)
}

/// The script ended well, but not with something that can be sent.
fn answer_failure(_: &Run, message: String) -> Failure {
    super::failure::script_error(FailureLog { message, ..FailureLog::default() })
}

/// Registers `response`, `html`, `text`, `json`, `redirect`, `error` and the builder's methods.
pub(super) fn register(catalog: &mut Catalog<'_>) {
    catalog
        .engine
        .register_type_with_name::<ResponseValue>("Response")
        .register_type_with_name::<ErrorValue>("Error")
        .register_fn("to_string", |error: &mut ErrorValue| error.message.clone());
    register_responses(catalog);
    register_methods(catalog);
    register_errors(catalog);
    super::cookie::register(catalog);
}

fn register_responses(catalog: &mut Catalog<'_>) {
    catalog
        .tell(DefinitionKind::Type, "Response", "Response", "An answer with its status and headers.")
        .function("response(status: integer) -> Response", "An answer without body.", |status: i64| {
            ResponseValue::new(status, Dynamic::UNIT)
        })
        .function(
            "response(status: integer, body: any) -> Response",
            "An answer with a body: a string is sent as text, a blob as bytes, anything else as JSON.",
            ResponseValue::new,
        )
        .function("html(page: string) -> Response", "200 `text/html`.", |s: ImmutableString| {
            ResponseValue::typed("text/html; charset=utf-8", s.into())
        })
        .function("text(text: string) -> Response", "200 `text/plain`.", |s: ImmutableString| {
            ResponseValue::typed("text/plain; charset=utf-8", s.into())
        })
        .function(
            "json(value: any) -> Response",
            "200 `application/json`, whatever the value.",
            json_response,
        )
        .function("redirect(url: string) -> Response", "302 to `url`.", |url: &str| {
            ResponseValue::redirect(302, url)
        })
        .function(
            "redirect(status: integer, url: string) -> Response",
            "To `url`, with a status from 300 to 399.",
            ResponseValue::redirect,
        );
}

fn register_methods(catalog: &mut Catalog<'_>) {
    let owner = "Response";
    catalog
        .method(
            owner,
            "header(name: string, value: string) -> Response",
            "Adds a header; `content-type` and `location` replace what was there.",
            ResponseValue::header,
        )
        .method(
            owner,
            "type(mime: string) -> Response",
            "Sets `content-type`.",
            |response: &mut ResponseValue, mime: &str| response.header("content-type", mime),
        )
        .property(owner, "status: integer", "The status.", |response: &mut ResponseValue| {
            i64::from(response.status.as_u16())
        });
}

fn register_errors(catalog: &mut Catalog<'_>) {
    let owner = "Error";
    catalog
        .tell(DefinitionKind::Type, owner, owner, "An error that the caller may read, to be thrown.")
        .function(
            "error(status: integer, message: string) -> Error",
            "An error to throw: the caller gets this status, 400 to 599, and the message.",
            |status: i64, message: &str| ErrorValue::from_script(status, message, Dynamic::UNIT),
        )
        .function(
            "error(status: integer, message: string, details: any) -> Error",
            "The same with details, which have a JSON form.",
            ErrorValue::from_script,
        )
        .property(owner, "status: integer", "The status.", |error: &mut ErrorValue| {
            i64::from(error.status.as_u16())
        })
        .property(owner, "message: string", "What went wrong.", |error: &mut ErrorValue| {
            error.message.clone()
        })
        .property(owner, "details: any", "The details, or `()`.", |error: &mut ErrorValue| {
            error.details.clone()
        });
}

/// Written at once, so that `json(…)` of something that is not JSON fails where it stands.
fn json_response(value: Dynamic) -> Native<ResponseValue> {
    let depth = super::budget::try_run(|run, _| Ok(data_depth(run.limits())))?;
    let mut text = Vec::new();
    json::write(&value, depth, &mut text).map_err(|error| error.in_function("json"))?;
    Ok(ResponseValue::typed("application/json", Dynamic::from_blob(text)))
}
