//! Apps and the host names they claim.

use serde::Deserialize;
use uuid::Uuid;

use super::{Actor, Manager, ManagerError, writer::Deed};
use crate::{
    AppId, DomainId, DomainPattern, FieldError, InvalidPattern, LimitOverrides, Slug,
    store::{AppKey, AppRecord, Change, DomainRecord, Page, StoreError},
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
    /// Apps.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn apps(&self, page: Page<AppId>) -> Result<Vec<AppRecord>, ManagerError> {
        self.read(self.store.apps(page)).await
    }

    /// The app that once had this slug, if none has it now.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn former(&self, slug: &Slug) -> Result<AppRecord, ManagerError> {
        self.read(self.store.former(slug.clone())).await
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
    pub async fn create_app(&self, actor: &Actor, input: NewApp) -> Result<AppRecord, ManagerError> {
        let mut deed = Deed::new(actor, "app.create").name(&input.slug);
        let result = async {
            let app = self.new_app(&input)?;
            deed.set_target(app.id);
            deed.set_app(app.id);
            deed.set_after(&app);
            self.writer.commit(&deed, vec![Change::CreateApp(app.clone())]).await?;
            Ok(app)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// Changes an app; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `Invalid`, `Conflict` over the slug, or if the store does not answer.
    pub async fn update_app(
        &self,
        actor: &Actor,
        key: &AppKey,
        expected: Option<u64>,
        changes: AppChanges,
    ) -> Result<AppRecord, ManagerError> {
        let mut deed = Deed::new(actor, "app.update").target(key);
        let result = self.try_update_app(&mut deed, key, expected, &changes).await;
        self.writer.end(deed, result).await
    }

    async fn try_update_app(
        &self,
        deed: &mut Deed,
        key: &AppKey,
        expected: Option<u64>,
        changes: &AppChanges,
    ) -> Result<AppRecord, ManagerError> {
        loop {
            let old = self.app_of(deed, key).await?;
            let slug = changes.slug.as_deref().map_or(Ok(old.slug.clone()), parse_slug)?;
            let limits = changes.limits.unwrap_or(old.limits);
            self.check_limits(self.limits, &limits)?;
            let version = expected.unwrap_or(old.version);
            let next = AppRecord { slug: slug.clone(), limits, version: version + 1, ..old.clone() };
            deed.set_before(&old);
            deed.set_after(&next);
            let change = Change::UpdateApp { id: old.id, expected: Some(version), slug, limits };
            match self.writer.commit(deed, vec![change]).await {
                // Someone else was faster. Without an expectation the changes go on top of theirs.
                Err(ManagerError::Precondition { .. }) if expected.is_none() => {}
                done => return done.map(|_| next),
            }
        }
    }

    /// Removes an app and all that it owns; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, or if the store does not answer.
    pub async fn delete_app(
        &self,
        actor: &Actor,
        key: &AppKey,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let mut deed = Deed::new(actor, "app.delete").target(key);
        let result = async {
            let app = self.app_of(&mut deed, key).await?;
            deed.set_before(&app);
            let change = Change::DeleteApp { id: app.id, expected };
            self.writer.commit(&deed, vec![change]).await.map(drop)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// The host names that an app claims.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn domains(
        &self,
        key: &AppKey,
        page: Page<DomainId>,
    ) -> Result<Vec<DomainRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.domains(app.id, page)).await
    }

    /// One claim.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn domain(&self, id: DomainId) -> Result<DomainRecord, ManagerError> {
        let app = self.read(self.store.app_of_domain(id)).await?;
        self.read(self.store.domain(app, id)).await
    }

    /// Claims host names for an app: `a.test`, `*.a.test`, `{x}.a.test` or `*`.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` (a [reserved](Self::with_reserved_hosts) host among others), `Conflict` if the same claim
    /// is held, or if the store does not answer.
    pub async fn claim_domain(
        &self,
        actor: &Actor,
        key: &AppKey,
        pattern: &str,
    ) -> Result<DomainRecord, ManagerError> {
        let mut deed = Deed::new(actor, "domain.claim").name(pattern);
        let result = async {
            let app = self.app(key).await?;
            deed.set_app(app.id);
            let domain = self.new_domain(app.id, pattern)?;
            deed.set_target(domain.id);
            deed.set_after(&domain);
            self.writer.commit(&deed, vec![Change::ClaimDomain(domain.clone())]).await?;
            Ok(domain)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// Gives up a claim; only if it is at version `expected`, where that is given. A claim never changes: its version
    /// is 1.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, or if the store does not answer.
    pub async fn release_domain(
        &self,
        actor: &Actor,
        id: DomainId,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let mut deed = Deed::new(actor, "domain.release").target(id);
        let result = async {
            let domain = self.domain(id).await?;
            deed.set_app(domain.app);
            deed.set_name(&domain.pattern);
            deed.set_before(&domain);
            StoreError::check_version("domain", expected, 1)
                .map_err(|error| ManagerError::from_store(error, None))?;
            let change = Change::ReleaseDomain { app: domain.app, id };
            self.writer.commit(&deed, vec![change]).await.map(drop)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// An app, as the thing that a deed is done to.
    async fn app_of(&self, deed: &mut Deed, key: &AppKey) -> Result<AppRecord, ManagerError> {
        let app = self.app(key).await?;
        deed.set_target(app.id);
        deed.set_app(app.id);
        deed.set_name(app.slug.as_str());
        Ok(app)
    }

    pub(super) fn new_app(&self, input: &NewApp) -> Result<AppRecord, FieldError> {
        let slug = parse_slug(&input.slug)?;
        self.check_limits(self.limits, &input.limits)?;
        Ok(AppRecord { id: AppId::new(), slug, limits: input.limits, created_at: self.now(), version: 1 })
    }

    pub(super) fn new_domain(&self, app: AppId, pattern: &str) -> Result<DomainRecord, FieldError> {
        let (pattern, shape) = parse_domain(pattern)?;
        if self.reserved_hosts.iter().any(|host| host.as_str() == pattern) {
            let detail = format!("`{pattern}` is a name of the control plane itself, which no app can have");
            return Err(FieldError::new("pattern", "reserved", detail));
        }
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
