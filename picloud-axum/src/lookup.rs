//! What would answer a request, and why: the question of every "it says 404".

use std::collections::BTreeMap;

use axum::extract::State;
use http::{Method, Uri};
use picloud::{
    AppId, Code, FieldError, Host, Match, Miss, Params, RouteId, Router, ScriptId, Slug, check_path,
    is_reserved,
    store::{Page, RouteRecord},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{api::Ctx, credential::Admin, error::ApiError, input::Json};

/// A request that nobody sends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "MatchQuestion")]
pub(crate) struct Question {
    method: String,
    /// Absolute, or a path alone: then only the claim on any host can answer.
    url: String,
}

/// Everything that was found on the way, as far as it went.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "MatchAnswer")]
pub(crate) struct Found {
    matched: bool,
    claim: Option<String>,
    app: Option<AppFound>,
    route: Option<RouteFound>,
    script: Option<ScriptFound>,
    #[schemars(with = "BTreeMap<String, String>")]
    params: Map<String, Value>,
    #[schemars(with = "BTreeMap<String, String>")]
    host_params: Map<String, Value>,
    /// Why nothing answers.
    why: Option<Why>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MatchedApp")]
struct AppFound {
    id: AppId,
    slug: Slug,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MatchedRoute")]
struct RouteFound {
    /// None if the route has changed since it was published.
    id: Option<RouteId>,
    method: String,
    path: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MatchedScript")]
struct ScriptFound {
    id: ScriptId,
    name: String,
    version: u64,
}

/// The answer that the caller would get instead.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "NoMatch")]
struct Why {
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<String>,
}

pub(crate) async fn lookup(
    State(api): State<Ctx>,
    _: Admin,
    Json(Question { method, url }): Json<Question>,
) -> Result<axum::Json<Found>, ApiError> {
    let method = parse_method(&method).map_err(ApiError::field)?;
    let (host, path) = parse_url(&url).map_err(ApiError::field)?;
    if host.as_ref().is_some_and(|host| api.manager.is_reserved_host(host)) {
        let why = why(Code::NoApp, "This host is the control plane's own: no script answers there.");
        return Ok(axum::Json(Found { why: Some(why), ..Found::default() }));
    }
    answer(&api, host.as_ref().map(Host::as_str), &method, &path).await.map(axum::Json)
}

async fn answer(api: &Ctx, host: Option<&str>, method: &Method, path: &str) -> Result<Found, ApiError> {
    if let Err(error) = check_path(path) {
        return Ok(Found { why: Some(why(Code::InvalidPath, error.to_string())), ..Found::default() });
    }
    let mut found = Found::default();
    let table = api.publisher.table();
    if let Some((claim, app, host_params)) = table.claim(host) {
        let slug = api.manager.app(&app.into()).await?.slug;
        found.claim = Some(claim.to_string());
        found.app = Some(AppFound { id: app, slug });
        found.host_params = map(host_params);
    }
    if matches!(*method, Method::CONNECT | Method::TRACE) {
        found.why = Some(why(Code::MethodNotAllowed, format!("{method} is never answered by a script.")));
        return Ok(found);
    }
    match table.lookup(host, method, path) {
        Ok(hit) => matched(api, found, hit).await,
        Err(miss) => Ok(Found { why: Some(missed(miss, path)), ..found }),
    }
}

async fn matched(api: &Ctx, found: Found, hit: Match) -> Result<Found, ApiError> {
    let Match { script, route, method, params, host_params: _ } = hit;
    let rows = api.manager.routes(&script.app.into(), Page::all()).await?;
    let is_it = |row: &&RouteRecord| row.path == *route && row.method == method.as_str();
    let id = rows.iter().find(is_it).map(|row| row.id);
    let (method, path) = (method.to_string(), route.to_string());
    Ok(Found {
        matched: true,
        route: Some(RouteFound { id, method, path }),
        script: Some(ScriptFound { id: script.id, name: script.name.to_string(), version: script.version }),
        params: map(params),
        ..found
    })
}

fn missed(miss: Miss, path: &str) -> Why {
    match miss {
        _ if is_reserved(path) => why(Code::NoRoute, "This path belongs to the platform."),
        Miss::NoApp => why(Code::NoApp, "No app claims this host."),
        Miss::NoRoute { .. } => why(Code::NoRoute, "The app has no route for this path."),
        Miss::MethodNotAllowed { allow, .. } => Why {
            allow: allow.iter().map(Method::to_string).collect(),
            ..why(Code::MethodNotAllowed, "The app has routes for this path, but not for this method.")
        },
    }
}

fn why(code: Code, detail: impl Into<String>) -> Why {
    Why { code: code.as_str(), detail: detail.into(), allow: Vec::new() }
}

fn map(params: Params) -> Map<String, Value> {
    params.into_iter().map(|(name, value)| (name.to_string(), Value::from(value))).collect()
}

fn parse_method(text: &str) -> Result<Method, FieldError> {
    let method = text.to_ascii_uppercase().parse();
    method.map_err(|_| FieldError::new("method", "invalid_method", "a method is a token such as GET"))
}

/// The host and the raw path of a URL.
fn parse_url(text: &str) -> Result<(Option<Host>, String), FieldError> {
    let refuse = |detail: String| FieldError::new("url", "invalid_url", detail);
    let uri: Uri = text.parse().map_err(|error| refuse(format!("not a URL: {error}")))?;
    let host = uri.authority().map(|authority| Host::parse(authority.as_str())).transpose();
    let host = host.map_err(|error| refuse(error.to_string()))?;
    match uri.path() {
        "" | "*" => Err(refuse("a URL has a path, and a scheme before its host".to_owned())),
        path => Ok((host, path.to_owned())),
    }
}
