//! Apps.

use axum::extract::State;
use picloud::{
    AppId, LimitOverrides, Slug,
    manager::{AppChanges, NewApp},
    store::AppRecord,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    etag::{Base, Created, Done, Found, IfMatch, created, found},
    input::{AppPath, Json},
    page::{Page, Wanted},
    time::Time,
};

/// An app, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct App {
    id: AppId,
    slug: Slug,
    limits: LimitOverrides,
    version: u64,
    created_at: Time,
}

impl From<AppRecord> for App {
    fn from(row: AppRecord) -> Self {
        let AppRecord { id, slug, limits, created_at, version } = row;
        Self { id, slug, limits, version, created_at: Time(created_at) }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    wanted: Wanted,
) -> Result<axum::Json<Page<App>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.apps(wanted.page()).await?)))
}

pub(crate) async fn create(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    Json(input): Json<NewApp>,
) -> Result<Created<App>, ApiError> {
    let row = api.manager.create_app(&admin.actor(), input).await?;
    Ok(created(&base, "apps", row))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
) -> Result<Found<App>, ApiError> {
    Ok(found(api.manager.app(&key).await?))
}

pub(crate) async fn update(
    State(api): State<Ctx>,
    admin: Admin,
    AppPath(key): AppPath,
    condition: IfMatch,
    Json(changes): Json<AppChanges>,
) -> Result<Found<App>, ApiError> {
    let expected = condition.expected(api.manager.app(&key).await)?;
    let row = api.manager.update_app(&admin.actor(), &key, expected, changes).await?;
    Ok(found(row))
}

pub(crate) async fn remove(
    State(api): State<Ctx>,
    admin: Admin,
    AppPath(key): AppPath,
    condition: IfMatch,
) -> Result<Done, ApiError> {
    let expected = condition.expected(api.manager.app(&key).await)?;
    api.manager.delete_app(&admin.actor(), &key, expected).await?;
    Ok(Done)
}
