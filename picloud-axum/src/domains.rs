//! Domains: an app's claims on host names.

use axum::{extract::State, response::Response};
use http::StatusCode;
use picloud::{AppId, DomainId, DomainPattern, store::DomainRecord};
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    etag::{Base, IfMatch, created},
    input::{AppPath, IdPath, Json},
    page::{Page, Wanted},
    time::Time,
};

/// A claim, as clients see it.
#[derive(Debug, Serialize)]
pub(crate) struct Domain {
    id: DomainId,
    app_id: AppId,
    pattern: String,
    /// The pattern as people write it. Only to be shown beside `pattern`: different claims may look the same.
    unicode: String,
    created_at: Time,
}

/// What a new claim is made of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDomain {
    pattern: String,
}

impl From<DomainRecord> for Domain {
    fn from(row: DomainRecord) -> Self {
        let DomainRecord { id, app: app_id, pattern, shape: _, created_at } = row;
        let parsed = pattern.parse::<DomainPattern>();
        let unicode = parsed.map_or_else(|_| pattern.clone(), |pattern| pattern.to_unicode());
        Self { id, app_id, pattern, unicode, created_at: Time(created_at) }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    wanted: Wanted,
) -> Result<axum::Json<Page<Domain>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.domains(&key).await?)))
}

pub(crate) async fn claim(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    AppPath(key): AppPath,
    Json(NewDomain { pattern }): Json<NewDomain>,
) -> Result<Response, ApiError> {
    let row = api.manager.claim_domain(admin.actor(), &key, &pattern).await?;
    Ok(created::<_, Domain>(&base, "domains", row))
}

pub(crate) async fn release(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<DomainId>,
    condition: IfMatch,
) -> Result<StatusCode, ApiError> {
    condition.expected(&api.manager.domain(id).await?)?;
    api.manager.release_domain(admin.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}
