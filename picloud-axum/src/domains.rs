//! Domains: an app's claims on host names.

use axum::extract::State;
use picloud::{AppId, DomainId, DomainPattern, store::DomainRecord};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    etag::{Base, Created, Done, IfMatch, created},
    input::{AppPath, IdPath, Json},
    page::{Page, Wanted},
    time::Time,
};

/// A claim, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Domain {
    id: DomainId,
    app_id: AppId,
    pattern: String,
    /// The pattern as people write it. Only to be shown beside `pattern`: different claims may look the same.
    unicode: String,
    created_at: Time,
}

/// What a new claim is made of.
#[derive(Debug, Deserialize, JsonSchema)]
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
    Ok(axum::Json(wanted.of(api.manager.domains(&key, wanted.page()).await?)))
}

pub(crate) async fn claim(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    AppPath(key): AppPath,
    Json(NewDomain { pattern }): Json<NewDomain>,
) -> Result<Created<Domain>, ApiError> {
    let row = api.manager.claim_domain(&admin.actor(), &key, &pattern).await?;
    Ok(created(&base, "domains", row))
}

pub(crate) async fn release(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<DomainId>,
    condition: IfMatch,
) -> Result<Done, ApiError> {
    let expected = condition.expected(api.manager.domain(id).await)?;
    api.manager.release_domain(&admin.actor(), id, expected).await?;
    Ok(Done)
}
