//! What clients send: JSON bodies and parts of paths, refused with a reason where they are not right.

use std::str::FromStr;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, OriginalUri, RawPathParams, Request},
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION},
    request::Parts,
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use picloud::{
    AdminId, Code, DomainId, FieldError, RequestId, RouteId, ScriptId, SessionId, Slug,
    manager::ManagerError, store::AppKey,
};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, IgnoredAny};
use uuid::Uuid;

use crate::{
    api::Ctx,
    error::ApiError,
    openapi::{Describe, Operation},
};

/// How deep JSON may be nested. What the API takes needs two levels.
const MAX_DEPTH: usize = 64;

/// A JSON body of up to [`Options::body_limit`](crate::Options::body_limit) bytes.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Ctx> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Ctx) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        json(&parts.headers, body, api.options.body_limit).await.map(Self)
    }
}

/// A JSON body of up to `MAX` bytes, where what follows is dear.
pub(crate) struct Small<T, const MAX: usize>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync, const MAX: usize> FromRequest<S> for Small<T, MAX> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        json(&parts.headers, body, MAX).await.map(Self)
    }
}

impl<T: JsonSchema> Describe for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>();
    }
}

impl<T: JsonSchema, const MAX: usize> Describe for Small<T, MAX> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>();
    }
}

/// A JSON body of up to `limit` bytes.
///
/// # Errors
/// 415, 413, 400 for what is not JSON, and 422 with the field for what is not the JSON that is wanted.
async fn json<T: DeserializeOwned>(headers: &HeaderMap, body: Body, limit: usize) -> Result<T, ApiError> {
    if !is_json(headers) {
        let detail = "The body of this request is JSON: send it with `Content-Type: application/json`.";
        return Err(ApiError::new(Code::UnsupportedMediaType, detail));
    }
    parse(&read(headers, body, limit).await?)
}

/// Whether the headers announce JSON, in whatever charset: there is only one (RFC 8259 §8.1).
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

async fn read(headers: &HeaderMap, body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_large =
        || ApiError::new(Code::LimitBody, format!("The body of this request may have {limit} bytes."));
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => {
            let detail = "The request body ended early or is not well-formed.";
            Err(ApiError::new(Code::Malformed, detail))
        }
    }
}

fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, ApiError> {
    if is_too_deep(json) {
        let detail = format!("The JSON is nested more than {MAX_DEPTH} deep.");
        return Err(ApiError::new(Code::Malformed, detail));
    }
    // First the whole as JSON, so that what is broken at its end is not told to be wrong at its start.
    serde_json::from_slice::<IgnoredAny>(json).map_err(malformed)?;
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(ApiError::field(FieldError::new("", "invalid_type", "the body is a JSON object")));
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    serde_path_to_error::deserialize(&mut json).map_err(refused)
}

/// Counts brackets outside of strings, so that no parser ever sees a bomb.
fn is_too_deep(json: &[u8]) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

fn malformed(error: serde_json::Error) -> ApiError {
    ApiError::new(Code::Malformed, format!("The body is not JSON: {error}."))
}

/// Says which field is not as wanted.
fn refused(error: serde_path_to_error::Error<serde_json::Error>) -> ApiError {
    let path = error.path().to_string();
    let inner = error.into_inner();
    if !inner.is_data() {
        return malformed(inner);
    }
    let text = inner.to_string();
    let rule = text.rsplit_once(" at line ").map_or(text.as_str(), |(rule, _)| rule);
    // The path of an unknown field names it; that of a missing or doubled one ends at what it should be in.
    let (code, inside) = match rule.split('`').collect::<Vec<_>>().as_slice() {
        ["unknown field ", ..] => ("unknown_field", None),
        ["missing field ", name, ..] => ("missing", Some(*name)),
        ["duplicate field ", name, ..] => ("duplicate", Some(*name)),
        _ => ("invalid_type", None),
    };
    let field = match (path.as_str(), inside) {
        (".", name) => name.unwrap_or_default().to_owned(),
        (path, None) => path.to_owned(),
        (path, Some(name)) if path.rsplit('.').next() == Some(name) => path.to_owned(),
        (path, Some(name)) => format!("{path}.{name}"),
    };
    ApiError::field(FieldError::new(field, code, rule))
}

/// The app that a path names by slug or id.
pub(crate) struct AppPath(pub(crate) AppKey);

/// The id at the end of a path.
pub(crate) struct IdPath<T>(pub(crate) T);

/// An id that paths may have.
pub(crate) trait PathId: FromStr + JsonSchema {
    /// What it is the id of.
    const WHAT: &'static str;
}

impl PathId for ScriptId {
    const WHAT: &'static str = "script";
}

impl PathId for RouteId {
    const WHAT: &'static str = "route";
}

impl PathId for AdminId {
    const WHAT: &'static str = "admin";
}

impl PathId for SessionId {
    const WHAT: &'static str = "session";
}

impl PathId for DomainId {
    const WHAT: &'static str = "domain";
}

impl FromRequestParts<Ctx> for AppPath {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, api: &Ctx) -> Result<Self, Elsewhere> {
        let key = parameter(parts, api).await.and_then(|text| AppKey::parse(&text).ok());
        let key = key.ok_or_else(|| ApiError::not_found("app"))?;
        stays(parts, api, &key).await?;
        Ok(Self(key))
    }
}

/// Whether the app that a path names is to be found under it.
///
/// # Errors
/// `Moved` if that is a slug which it had once.
async fn stays(parts: &Parts, api: &Ctx, key: &AppKey) -> Result<(), Elsewhere> {
    if let AppKey::Slug(slug) = key
        && let Some(newer) = renamed(api, key, slug).await?
        && let Some(location) = with_slug(parts, &newer)
    {
        return Err(Elsewhere::Moved(location));
    }
    Ok(())
}

/// Why an app is not to be found under the slug in the path.
pub(crate) enum Elsewhere {
    /// It has another one now.
    Moved(HeaderValue),
    Failed(ApiError),
}

impl From<ApiError> for Elsewhere {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl IntoResponse for Elsewhere {
    fn into_response(self) -> Response {
        match self {
            Self::Moved(to) => (StatusCode::PERMANENT_REDIRECT, [(LOCATION, to)]).into_response(),
            Self::Failed(error) => error.into_response(),
        }
    }
}

/// The slug of the app that once had this one, if no app has it now.
async fn renamed(api: &Ctx, key: &AppKey, slug: &Slug) -> Result<Option<Slug>, ApiError> {
    match api.manager.app(key).await {
        Ok(_) => return Ok(None),
        Err(ManagerError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    match api.manager.former(slug).await {
        Ok(app) => Ok(Some(app.slug)),
        Err(ManagerError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The same path and query below another app.
fn with_slug(parts: &Parts, slug: &Slug) -> Option<HeaderValue> {
    const APPS: &str = "/api/v1/admin/apps/";
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
    let (base, below) = uri.path().split_once(APPS)?;
    let rest = below.find('/').map_or("", |at| &below[at..]);
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    HeaderValue::from_str(&format!("{base}{APPS}{slug}{rest}{query}")).ok()
}

impl<S: Send + Sync, T: PathId> FromRequestParts<S> for IdPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = parameter(parts, state).await.and_then(|text| text.parse().ok());
        id.map(Self).ok_or_else(|| ApiError::not_found(T::WHAT))
    }
}

impl Describe for AppPath {
    fn describe(operation: &mut Operation<'_>) {
        operation.path_parameter::<String>("The app's slug or id.");
        operation.problems(&[Code::NotFound]);
        describe_move(operation);
    }
}

fn describe_move(operation: &mut Operation<'_>) {
    operation.empty_answer(StatusCode::PERMANENT_REDIRECT);
    let location = [("location", "The same below the slug that the app has now.")];
    operation.headers(StatusCode::PERMANENT_REDIRECT, &location);
}

impl<T: PathId> Describe for IdPath<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path_parameter::<T>("Its id.");
        operation.problems(&[Code::NotFound]);
    }
}

/// An app and the id of one of its executions, at the end of a path.
pub(crate) struct RequestPath(pub(crate) AppKey, pub(crate) RequestId);

/// A script's id and the number of one of its versions, at the end of a path.
pub(crate) struct VersionPath(pub(crate) ScriptId, pub(crate) u64);

impl FromRequestParts<Ctx> for RequestPath {
    type Rejection = Elsewhere;

    async fn from_request_parts(parts: &mut Parts, api: &Ctx) -> Result<Self, Elsewhere> {
        let (app, id) = last_two(parts, api).await.ok_or_else(|| ApiError::not_found("execution"))?;
        let app = AppKey::parse(&app).map_err(|_| ApiError::not_found("app"))?;
        stays(parts, api, &app).await?;
        let id = RequestId::parse(&id).ok_or_else(|| ApiError::not_found("execution"))?;
        Ok(Self(app, id))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for VersionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let (id, version) = last_two(parts, state).await.ok_or_else(|| ApiError::not_found("version"))?;
        let id = id.parse().map_err(|_| ApiError::not_found("script"))?;
        let version = version.parse().map_err(|_| ApiError::not_found("version"))?;
        Ok(Self(id, version))
    }
}

impl Describe for RequestPath {
    fn describe(operation: &mut Operation<'_>) {
        operation.parameter::<String>("path", "app", "The app's slug or id.");
        operation.parameter::<Uuid>("path", "request_id", "The execution's id, as in `x-request-id`.");
        operation.problems(&[Code::NotFound]);
        describe_move(operation);
    }
}

impl Describe for VersionPath {
    fn describe(operation: &mut Operation<'_>) {
        operation.parameter::<ScriptId>("path", "id", "The script's id.");
        operation.parameter::<u64>("path", "version", "The number of the version.");
        operation.problems(&[Code::NotFound]);
    }
}

/// The last two parameters, for paths that have two.
async fn last_two<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<(String, String)> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    let values: Vec<&str> = params.iter().map(|(_, value)| value).collect();
    let [.., first, second] = values.as_slice() else { return None };
    Some(((*first).to_owned(), (*second).to_owned()))
}

/// The last parameter: no path of the API has two, but one that it is nested in may have its own.
async fn parameter<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    let params = RawPathParams::from_request_parts(parts, state).await.ok()?;
    params.iter().last().map(|(_, value)| value.to_owned())
}
