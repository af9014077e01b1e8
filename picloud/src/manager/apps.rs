//! Apps and the host names they claim.

use serde::Deserialize;
use uuid::Uuid;

use super::{Actor, Manager, ManagerError};
use crate::{
    AppId, DomainId, DomainPattern, FieldError, InvalidPattern, LimitOverrides, Slug,
    store::{AppKey, AppRecord, Change, DomainRecord},
};

/// What a new app is made of.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewApp {
    /// Unique, short, fit for a host name.
    pub slug: String,
    /// Limits that all its scripts inherit.
    #[serde(default)]
    pub limits: LimitOverrides,
}

/// What is to be different about an app; what is not set stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AppChanges {
    /// Renames it.
    #[serde(default)]
    pub slug: Option<String>,
    /// Replaces all its limits.
    #[serde(default)]
    pub limits: Option<LimitOverrides>,
}

impl Manager {
    /// All apps.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn apps(&self) -> Result<Vec<AppRecord>, ManagerError> {
        self.read(self.store.apps()).await
    }

    /// One app.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn app(&self, key: &AppKey) -> Result<AppRecord, ManagerError> {
        self.read(self.store.app(key.clone())).await
    }

    /// Makes an app.
    ///
    /// # Errors
    /// `Invalid`, `Conflict` over the slug, or if the store does not answer.
    pub async fn create_app(&self, actor: Actor, input: NewApp) -> Result<AppRecord, ManagerError> {
        let app = self.new_app(&input)?;
        self.commit(actor, vec![Change::CreateApp(app.clone())]).await?;
        Ok(app)
    }

    /// Changes an app; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `Invalid`, `Conflict` over the slug, or if the store does not answer.
    pub async fn update_app(
        &self,
        actor: Actor,
        key: &AppKey,
        expected: Option<u64>,
        changes: AppChanges,
    ) -> Result<AppRecord, ManagerError> {
        loop {
            let old = self.app(key).await?;
            let slug = changes.slug.as_deref().map_or(Ok(old.slug.clone()), parse_slug)?;
            let limits = changes.limits.unwrap_or(old.limits);
            self.check_limits(self.limits, &limits)?;
            let version = expected.unwrap_or(old.version);
            let change =
                Change::UpdateApp { id: old.id, expected: Some(version), slug: slug.clone(), limits };
            match self.commit(actor, vec![change]).await {
                // Someone else was faster. Without an expectation the changes go on top of theirs.
                Err(ManagerError::Precondition { .. }) if expected.is_none() => {}
                done => return done.map(|_| AppRecord { slug, limits, version: version + 1, ..old }),
            }
        }
    }

    /// Removes an app and all that it owns; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, or if the store does not answer.
    pub async fn delete_app(
        &self,
        actor: Actor,
        key: &AppKey,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let id = self.app(key).await?.id;
        self.commit(actor, vec![Change::DeleteApp { id, expected }]).await.map(drop)
    }

    /// The host names that an app claims.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn domains(&self, key: &AppKey) -> Result<Vec<DomainRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.domains(app.id)).await
    }

    /// One claim.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn domain(&self, id: DomainId) -> Result<DomainRecord, ManagerError> {
        self.read(self.store.domain_anywhere(id)).await
    }

    /// Claims host names for an app: `a.test`, `*.a.test`, `{x}.a.test` or `*`.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Conflict` if the same claim is held, or if the store does not answer.
    pub async fn claim_domain(
        &self,
        actor: Actor,
        key: &AppKey,
        pattern: &str,
    ) -> Result<DomainRecord, ManagerError> {
        let app = self.app(key).await?;
        let domain = self.new_domain(app.id, pattern)?;
        self.commit(actor, vec![Change::ClaimDomain(domain.clone())]).await?;
        Ok(domain)
    }

    /// Gives up a claim.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn release_domain(&self, actor: Actor, id: DomainId) -> Result<(), ManagerError> {
        let app = self.domain(id).await?.app;
        self.commit(actor, vec![Change::ReleaseDomain { app, id }]).await.map(drop)
    }

    pub(super) fn new_app(&self, input: &NewApp) -> Result<AppRecord, FieldError> {
        let slug = parse_slug(&input.slug)?;
        self.check_limits(self.limits, &input.limits)?;
        Ok(AppRecord { id: AppId::new(), slug, limits: input.limits, created_at: self.now(), version: 1 })
    }

    pub(super) fn new_domain(&self, app: AppId, pattern: &str) -> Result<DomainRecord, FieldError> {
        let (pattern, shape) = parse_domain(pattern)?;
        Ok(DomainRecord { id: DomainId::new(), app, pattern, shape, created_at: self.now() })
    }
}

fn parse_slug(text: &str) -> Result<Slug, FieldError> {
    if text.parse::<Uuid>().is_ok() {
        // In a URL it would be taken for the id of another app.
        return Err(FieldError::new("slug", "invalid_slug", "a slug must not look like an id"));
    }
    text.parse()
        .map_err(|error: crate::InvalidName| FieldError::new("slug", "invalid_slug", error.to_string()))
}

/// The canonical text of a domain pattern, and its shape.
fn parse_domain(pattern: &str) -> Result<(String, String), FieldError> {
    let pattern: DomainPattern = pattern
        .parse()
        .map_err(|error: InvalidPattern| FieldError::new("pattern", "invalid_pattern", error.to_string()))?;
    Ok((pattern.to_string(), pattern.shape()))
}
