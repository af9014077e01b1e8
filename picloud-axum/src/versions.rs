//! The history of scripts.

use axum::extract::State;
use picloud::{AdminId, ScriptId, store};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    etag::{Found, IfMatch, found},
    input::{IdPath, Json, VersionPath},
    page::{Page, Wanted},
    scripts::{Script, hex},
    time::Time,
};

/// A version of a script in a list: all but its source.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScriptVersionSummary")]
pub(crate) struct VersionSummary {
    script_id: ScriptId,
    version: u64,
    /// Of the source, in hexadecimal digits.
    sha256: String,
    saved_at: Time,
    /// The admin who saved it, who may be gone; null for the platform itself.
    saved_by: Option<AdminId>,
}

/// A version of a script.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScriptVersion")]
pub(crate) struct Version {
    #[serde(flatten)]
    summary: VersionSummary,
    source: String,
}

/// Which version is to be the newest again.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rollback {
    version: u64,
}

impl From<store::VersionRecord> for VersionSummary {
    fn from(row: store::VersionRecord) -> Self {
        let store::VersionRecord { app: _, script: script_id, version, source: _, hash, saved_at, saved_by } =
            row;
        Self { script_id, version, sha256: hex(&hash), saved_at: Time(saved_at), saved_by }
    }
}

impl From<store::VersionRecord> for Version {
    fn from(mut row: store::VersionRecord) -> Self {
        let source = std::mem::take(&mut row.source);
        Self { source, summary: row.into() }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    IdPath(id): IdPath<ScriptId>,
    wanted: Wanted<u64>,
) -> Result<axum::Json<Page<VersionSummary>>, ApiError> {
    let rows = api.manager.versions(id, wanted.rows()).await?;
    Ok(axum::Json(wanted.cut(rows, |row: &store::VersionRecord| row.version)))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    VersionPath(id, version): VersionPath,
) -> Result<axum::Json<Version>, ApiError> {
    Ok(axum::Json(api.manager.version(id, version).await?.into()))
}

pub(crate) async fn rollback(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<ScriptId>,
    condition: IfMatch,
    Json(Rollback { version }): Json<Rollback>,
) -> Result<Found<Script>, ApiError> {
    let expected = condition.expected(api.manager.script(id).await)?;
    Ok(found(api.manager.rollback(&admin.actor(), id, version, expected).await?))
}
