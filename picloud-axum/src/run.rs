//! Tries a script for a made-up request: nothing is saved, nothing is counted.
//!
//! What host functions do they do: they are told by `ctx.trigger == "test"`.

use std::{collections::BTreeMap, sync::Arc};

use axum::extract::State;
use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use http_body_util::BodyExt;
use picloud::{
    AppRoutes, Code, Event, FailureLog, FieldError, Gate, HttpEvent, Invocation, RequestId, Route,
    RouteTable, Router, Script, ScriptId, Tested, check_path,
    manager::Draft,
    store::{AppKey, Page},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    executions::{ErrorView, Line, StatsView},
    input::{AppPath, Json},
};

/// What to try: a source, a script that is saved, or a source as the next version of such a one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestRun {
    #[serde(default)]
    source: Option<String>,
    #[serde(default)]
    script_id: Option<ScriptId>,
    #[serde(default)]
    request: MadeUp,
}

/// A request that nobody sent. What is left out is as in a plain `GET /`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "TestRequest")]
pub(crate) struct MadeUp {
    method: Option<String>,
    /// Captures of the app's route for this path are in `ctx.params`.
    path: Option<String>,
    headers: BTreeMap<String, String>,
    query: Option<Query>,
    /// A string is sent as it is, anything else as JSON.
    body: Value,
    /// Bytes, instead of `body`.
    body_base64: Option<String>,
}

/// `a=1&b=2`, or names and values.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "TestQuery")]
pub(crate) enum Query {
    Text(String),
    Fields(BTreeMap<String, OneOrMany>),
}

/// A value, or several of the same name.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

/// What came of it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TestResult {
    request_id: String,
    /// What a caller would get.
    response: TestResponse,
    /// Why it failed, which a caller is not told; null if it did not.
    error: Option<ErrorView>,
    logs: Vec<Line>,
    /// Lines beyond the limits.
    logs_dropped: u64,
    stats: StatsView,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TestResponse {
    status: u16,
    /// A header that is there several times has a list of values.
    headers: BTreeMap<String, OneOrMany>,
    /// If it is text.
    body: Option<String>,
    /// If it is not text.
    body_base64: Option<String>,
}

pub(crate) async fn run(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    Json(TestRun { source, script_id, request }): Json<TestRun>,
) -> Result<axum::Json<TestResult>, ApiError> {
    let mut event = request.event().map_err(ApiError::field)?;
    let script = api.manager.draft(&key, Draft { source, script: script_id }).await?;
    if event.body.len() as u64 > script.limits.request_body {
        let limit = script.limits.request_body;
        let detail = format!("The request body has more than {limit} bytes, the limit of this script.");
        return Err(ApiError::new(Code::LimitBody, detail));
    }
    let script = Arc::new(Script { gate: gate(&api, &key, script_id).await?, ..script });
    take_route(&api, &key, script_id, &script, &mut event).await?;
    let id = RequestId::new();
    let invocation = Invocation { script, event: Event::Http(Box::new(event)), request_id: id };
    let tested = api.orchestrator.test(invocation).await.ok_or_else(|| {
        let detail = "The server or the app runs as many scripts as it may. Try again in a second.";
        ApiError::new(Code::Overloaded, detail)
    })?;
    Ok(axum::Json(TestResult::of(id, tested).await))
}

/// What counts the runs of the app. Where it has no script there is nothing to count with.
async fn gate(api: &Ctx, key: &AppKey, saved: Option<ScriptId>) -> Result<Gate, ApiError> {
    let any = match saved {
        Some(id) => Some(id),
        None => api.manager.scripts(key, Page::first(1)).await?.first().map(|script| script.id),
    };
    let published = api.publisher.subscribe().borrow().clone();
    let script = any.and_then(|id| published.script(id).cloned());
    Ok(script.map(|script| script.gate.clone()).unwrap_or_default())
}

/// Gives the run the captures of the route that the request would take: of those to the saved script, if it is one.
async fn take_route(
    api: &Ctx,
    key: &AppKey,
    saved: Option<ScriptId>,
    script: &Arc<Script>,
    event: &mut HttpEvent,
) -> Result<(), ApiError> {
    let rows = api.manager.routes(key, Page::all()).await?;
    let wanted = rows.iter().filter(|row| row.enabled && saved.is_none_or(|id| id == row.script));
    let routes = wanted.filter_map(|row| {
        let (method, pattern) = (row.method.parse().ok()?, row.path.parse().ok()?);
        Some(Route { method, pattern, script: script.clone() })
    });
    let any_host = "*".parse().ok();
    let table = RouteTable::builder().app(any_host, AppRoutes::new(script.app, routes)).build();
    if let Ok(found) = table.lookup(None, &event.method, &event.path) {
        (event.route, event.params) = (found.route, found.params);
    }
    Ok(())
}

impl MadeUp {
    fn event(self) -> Result<HttpEvent, FieldError> {
        let Self { method, path, headers, query, body, body_base64 } = self;
        let field = |name: &str| format!("request.{name}");
        let method = method.unwrap_or_else(|| "GET".to_owned()).to_ascii_uppercase();
        let method: Method = method.parse().map_err(|_| {
            FieldError::new(field("method"), "invalid_method", "a method is a token such as GET")
        })?;
        let path = path.unwrap_or_else(|| "/".to_owned());
        let (path, behind) = match path.split_once('?') {
            Some((path, query)) => (path.to_owned(), Some(query.to_owned())),
            None => (path, None),
        };
        check_path(&path)
            .map_err(|error| FieldError::new(field("path"), "invalid_path", error.to_string()))?;
        let (body, kind) = body_of(body, body_base64)?;
        let mut headers = headers_of(headers)?;
        if let Some(kind) = kind.filter(|_| !headers.contains_key(header::CONTENT_TYPE)) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().into();
        let query = query.map(Query::text).or(behind);
        Ok(HttpEvent {
            method,
            path,
            query,
            headers,
            body: body.into(),
            host,
            test: true,
            ..HttpEvent::default()
        })
    }
}

/// The bytes of a body, and their type where the headers do not tell.
fn body_of(body: Value, base64: Option<String>) -> Result<(Vec<u8>, Option<&'static str>), FieldError> {
    match (body, base64) {
        (Value::Null, None) => Ok((Vec::new(), None)),
        (Value::Null, Some(text)) => {
            BASE64_STANDARD.decode(text).map(|bytes| (bytes, None)).map_err(|error| {
                FieldError::new("request.body_base64", "invalid_base64", format!("not base64: {error}"))
            })
        }
        (_, Some(_)) => {
            let detail = "give `body` or `body_base64`, not both";
            Err(FieldError::new("request.body_base64", "conflict", detail))
        }
        (Value::String(text), None) => Ok((text.into_bytes(), Some("text/plain; charset=utf-8"))),
        (json, None) => Ok((json.to_string().into_bytes(), Some("application/json"))),
    }
}

fn headers_of(given: BTreeMap<String, String>) -> Result<HeaderMap, FieldError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let refuse = |what: &str| FieldError::new(format!("request.headers.{name}"), "invalid_header", what);
        let key: HeaderName = name.parse().map_err(|_| refuse("this is no name of a header"))?;
        let value = HeaderValue::from_str(&value).map_err(|_| refuse("this is no value of a header"))?;
        headers.append(key, value);
    }
    Ok(headers)
}

impl Query {
    fn text(self) -> String {
        match self {
            Self::Text(text) => text.trim_start_matches('?').to_owned(),
            Self::Fields(fields) => {
                let mut text = form_urlencoded::Serializer::new(String::new());
                for (name, values) in fields {
                    let values = match values {
                        OneOrMany::One(value) => vec![value],
                        OneOrMany::Many(values) => values,
                    };
                    text.extend_pairs(values.iter().map(|value| (&name, value)));
                }
                text.finish()
            }
        }
    }
}

impl TestResult {
    async fn of(id: RequestId, tested: Tested) -> Self {
        let Tested { response, failure, logs, logs_dropped, stats } = tested;
        let error = failure.map(|failure| {
            let told = FailureLog { message: failure.detail, ..FailureLog::default() };
            ErrorView::new(failure.code.as_str().to_owned(), failure.log.map_or(told, |log| *log))
        });
        Self {
            request_id: id.to_string(),
            response: TestResponse::of(response).await,
            error,
            logs: logs.into_iter().map(Line::from).collect(),
            logs_dropped,
            stats: stats.into(),
        }
    }
}

impl TestResponse {
    async fn of(response: http::Response<http_body_util::Full<axum::body::Bytes>>) -> Self {
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await;
        let mut headers = BTreeMap::new();
        for name in parts.headers.keys() {
            let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let mut values: Vec<_> = parts.headers.get_all(name).iter().map(text).collect();
            let values = match values.pop() {
                Some(only) if values.is_empty() => OneOrMany::One(only),
                last => OneOrMany::Many(values.into_iter().chain(last).collect()),
            };
            headers.insert(name.to_string(), values);
        }
        let status = parts.status.as_u16();
        match String::from_utf8(body.to_bytes().into()) {
            Ok(text) => Self { status, headers, body: Some(text), body_base64: None },
            Err(error) => Self {
                status,
                headers,
                body: None,
                body_base64: Some(BASE64_STANDARD.encode(error.as_bytes())),
            },
        }
    }
}
