//! Scripts.

use std::fmt::Write;

use axum::extract::State;
use picloud::{
    AdminId, AppId, Diagnostic, LimitOverrides, ScriptId, manager::ScriptInput, store::ScriptRecord,
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

/// A script, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Script {
    #[serde(flatten)]
    summary: ScriptSummary,
    source: String,
}

/// A script in a list: all but its source.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ScriptSummary {
    id: ScriptId,
    app_id: AppId,
    name: String,
    version: u64,
    /// Of the source, in hexadecimal digits: tells whether it is the one at hand without reading it.
    sha256: String,
    limits: LimitOverrides,
    created_at: Time,
    updated_at: Time,
    updated_by: Option<AdminId>,
}

/// A source to be checked.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    source: String,
}

/// What is wrong with a source.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SourceCheck")]
pub(crate) struct Checked {
    diagnostics: Vec<Diagnostic>,
}

impl From<ScriptRecord> for Script {
    fn from(mut row: ScriptRecord) -> Self {
        let source = std::mem::take(&mut row.source);
        Self { source, summary: row.into() }
    }
}

impl From<ScriptRecord> for ScriptSummary {
    fn from(row: ScriptRecord) -> Self {
        let ScriptRecord {
            id,
            app: app_id,
            name,
            source: _,
            hash,
            limits,
            version,
            created_at,
            updated_at,
            updated_by,
        } = row;
        let (sha256, created_at, updated_at) = (hex(&hash), Time(created_at), Time(updated_at));
        Self { id, app_id, name, version, sha256, limits, created_at, updated_at, updated_by }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    wanted: Wanted,
) -> Result<axum::Json<Page<ScriptSummary>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.scripts(&key, wanted.page()).await?)))
}

pub(crate) async fn create(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    AppPath(key): AppPath,
    Json(input): Json<ScriptInput>,
) -> Result<Created<Script>, ApiError> {
    let row = api.manager.create_script(&admin.actor(), &key, input).await?;
    Ok(created(&base, "scripts", row))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    IdPath(id): IdPath<ScriptId>,
) -> Result<Found<Script>, ApiError> {
    Ok(found(api.manager.script(id).await?))
}

pub(crate) async fn update(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<ScriptId>,
    condition: IfMatch,
    Json(input): Json<ScriptInput>,
) -> Result<Found<Script>, ApiError> {
    let expected = condition.expected(api.manager.script(id).await)?;
    let row = api.manager.update_script(&admin.actor(), id, expected, input).await?;
    Ok(found(row))
}

pub(crate) async fn remove(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<ScriptId>,
    condition: IfMatch,
) -> Result<Done, ApiError> {
    let expected = condition.expected(api.manager.script(id).await)?;
    api.manager.delete_script(&admin.actor(), id, expected).await?;
    Ok(Done)
}

pub(crate) async fn check(
    State(api): State<Ctx>,
    _: Admin,
    Json(Source { source }): Json<Source>,
) -> Result<axum::Json<Checked>, ApiError> {
    Ok(axum::Json(Checked { diagnostics: api.manager.check_source(source).await? }))
}
