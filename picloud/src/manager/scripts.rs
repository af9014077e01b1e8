//! Scripts: nothing is saved that does not compile.

use serde::Deserialize;

use super::{Actor, Manager, ManagerError, error::Findings};
use crate::{
    Diagnostic, FieldError, LimitOverrides, ScriptId, Severity,
    app::check_script_name,
    content_hash,
    store::{AppKey, AppRecord, Change, ScriptRecord, StoreFuture},
};

/// A whole script, as it is to be.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ScriptInput {
    /// Unique in its app.
    pub name: String,
    /// Rhai source.
    pub source: String,
    /// Limits of this script only.
    #[serde(default)]
    pub limits: LimitOverrides,
}

impl Manager {
    /// The newest versions of an app's scripts.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn scripts(&self, key: &AppKey) -> Result<Vec<ScriptRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.scripts(app.id)).await
    }

    /// The newest version of one script.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn script(&self, id: ScriptId) -> Result<ScriptRecord, ManagerError> {
        self.read(self.store.script_anywhere(id)).await
    }

    /// What is wrong with a source; saves nothing.
    ///
    /// # Errors
    /// `Internal` if the executor fails at it.
    pub async fn check_source(&self, source: String) -> Result<Vec<Diagnostic>, ManagerError> {
        let executor = self.executor.clone();
        // A large source takes a while, and this may be a thread that answers requests.
        let check = tokio::task::spawn_blocking(move || executor.check(&source));
        check.await.map_err(|error| ManagerError::Internal(format!("the check of a source failed: {error}")))
    }

    /// Makes a script.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` (with line and column if it does not compile), `Conflict` over the name, or if the store
    /// does not answer.
    pub async fn create_script(
        &self,
        actor: Actor,
        key: &AppKey,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let app = self.app(key).await?;
        let script = self.new_script(actor, &app, input).await?;
        self.commit(actor, vec![Change::CreateScript(script.clone())]).await?;
        Ok(script)
    }

    /// Saves the next version of a script; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// As [`create_script`](Self::create_script), and `Precondition`.
    pub async fn update_script(
        &self,
        actor: Actor,
        id: ScriptId,
        expected: Option<u64>,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let app = self.script(id).await?.app;
        let checked = self.new_script(actor, &self.app(&app.into()).await?, input).await?;
        loop {
            let old = self.script(id).await?;
            let version = expected.unwrap_or(old.version);
            let change = next_version(id, version, checked.clone());
            match self.commit(actor, vec![change]).await {
                Err(ManagerError::Precondition { .. }) if expected.is_none() => {}
                done => {
                    let next =
                        ScriptRecord { id, version: version + 1, created_at: old.created_at, ..checked };
                    return done.map(|_| next);
                }
            }
        }
    }

    /// Removes a script and the routes that lead to it; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, or if the store does not answer.
    pub async fn delete_script(
        &self,
        actor: Actor,
        id: ScriptId,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let app = self.script(id).await?.app;
        self.commit(actor, vec![Change::DeleteScript { app, id, expected }]).await.map(drop)
    }

    /// Version 1 of a script that has passed every check.
    pub(super) async fn new_script(
        &self,
        actor: Actor,
        app: &AppRecord,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let ScriptInput { name, source, limits } = input;
        let mut findings = Findings::default();
        findings.take(check_name(&name));
        findings.take(self.check_size(app, &limits, &source));
        findings.end()?;
        // Only a source of a fair size is worth the executor's time.
        let mut findings = Findings::default();
        let found = self.check_source(source.clone()).await?;
        findings.extend(
            found.into_iter().filter(|found| found.severity == Severity::Error).map(FieldError::syntax),
        );
        findings.end()?;
        let (id, now, hash) = (ScriptId::new(), self.now(), content_hash(&source));
        let (app, updated_by) = (app.id, actor.admin());
        Ok(ScriptRecord {
            id,
            app,
            name,
            source,
            hash,
            limits,
            version: 1,
            created_at: now,
            updated_at: now,
            updated_by,
        })
    }

    fn check_size(&self, app: &AppRecord, own: &LimitOverrides, source: &str) -> Result<(), FieldError> {
        // An app's limits were checked when they were set. If the server's maxima are lower now, its own hold.
        let base = app.limits.apply(self.limits).unwrap_or(self.limits);
        let limit = self.check_limits(base, own)?.script_bytes;
        if source.len() as u64 > limit {
            let detail = format!(
                "the source has {} bytes; the limit `script_bytes` is {limit}, and can be set per script, app or server",
                source.len()
            );
            return Err(FieldError::new("source", "too_long", detail));
        }
        Ok(())
    }

    /// Waits for a reading of the store.
    pub(super) async fn read<T>(&self, reading: StoreFuture<'_, T>) -> Result<T, ManagerError> {
        reading.await.map_err(|error| ManagerError::from_store(error, None))
    }
}

fn check_name(name: &str) -> Result<(), FieldError> {
    check_script_name(name).map_err(|error| FieldError::new("name", "invalid_name", error.to_string()))
}

fn next_version(id: ScriptId, expected: u64, checked: ScriptRecord) -> Change {
    let ScriptRecord {
        id: _,
        app,
        name,
        source,
        hash,
        limits,
        version: _,
        created_at: _,
        updated_at,
        updated_by,
    } = checked;
    let expected = Some(expected);
    Change::UpdateScript { app, id, expected, name, source, hash, limits, at: updated_at, by: updated_by }
}
