//! Routes.

use axum::extract::State;
use picloud::{
    AppId, RouteId, ScriptId,
    manager::{NewRoute, RouteChanges, RouteCheck},
    store::RouteRecord,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    etag::{Base, Created, Done, Found, IfMatch, created, found},
    input::{AppPath, IdPath, Json},
    page::{Page, Wanted},
    time::Time,
};

/// A route, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Route {
    id: RouteId,
    app_id: AppId,
    script_id: ScriptId,
    method: String,
    path: String,
    enabled: bool,
    version: u64,
    created_at: Time,
}

/// A route that is not there yet.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PlannedRoute")]
pub(crate) struct Planned {
    method: String,
    path: String,
}

/// How a new route would stand to those there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RouteCheck")]
pub(crate) struct Checked {
    ok: bool,
    conflicts: Vec<Route>,
    shadowed_by: Vec<Route>,
}

impl From<RouteRecord> for Route {
    fn from(row: RouteRecord) -> Self {
        let RouteRecord {
            id,
            app: app_id,
            script: script_id,
            method,
            path,
            shape: _,
            enabled,
            version,
            created_at,
        } = row;
        Self { id, app_id, script_id, method, path, enabled, version, created_at: Time(created_at) }
    }
}

impl From<RouteCheck> for Checked {
    fn from(found: RouteCheck) -> Self {
        let RouteCheck { conflicts, shadowed_by } = found;
        let views = |rows: Vec<RouteRecord>| rows.into_iter().map(Route::from).collect();
        Self { ok: conflicts.is_empty(), conflicts: views(conflicts), shadowed_by: views(shadowed_by) }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    wanted: Wanted,
) -> Result<axum::Json<Page<Route>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.routes(&key, wanted.page()).await?)))
}

pub(crate) async fn list_of_script(
    State(api): State<Ctx>,
    _: Admin,
    IdPath(script): IdPath<ScriptId>,
    wanted: Wanted,
) -> Result<axum::Json<Page<Route>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.script_routes(script).await?)))
}

pub(crate) async fn create(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    IdPath(script): IdPath<ScriptId>,
    Json(input): Json<NewRoute>,
) -> Result<Created<Route>, ApiError> {
    let row = api.manager.create_route(&admin.actor(), script, input).await?;
    Ok(created(&base, "routes", row))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    IdPath(id): IdPath<RouteId>,
) -> Result<Found<Route>, ApiError> {
    Ok(found(api.manager.route(id).await?))
}

pub(crate) async fn update(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<RouteId>,
    condition: IfMatch,
    Json(changes): Json<RouteChanges>,
) -> Result<Found<Route>, ApiError> {
    let expected = condition.expected(api.manager.route(id).await)?;
    let row = api.manager.update_route(&admin.actor(), id, expected, changes).await?;
    Ok(found(row))
}

pub(crate) async fn remove(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<RouteId>,
    condition: IfMatch,
) -> Result<Done, ApiError> {
    let expected = condition.expected(api.manager.route(id).await)?;
    api.manager.delete_route(&admin.actor(), id, expected).await?;
    Ok(Done)
}

pub(crate) async fn check(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    Json(Planned { method, path }): Json<Planned>,
) -> Result<axum::Json<Checked>, ApiError> {
    Ok(axum::Json(api.manager.check_route(&key, &method, &path).await?.into()))
}
