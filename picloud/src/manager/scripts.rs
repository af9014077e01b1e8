//! Scripts: nothing is saved that does not compile.

use serde::Deserialize;

use super::{Actor, Manager, ManagerError, error::Findings, writer::Deed};
use crate::{
    Definition, Diagnostic, FieldError, Gate, LimitOverrides, Script, ScriptId, Severity,
    app::check_script_name,
    content_hash,
    store::{AppKey, AppRecord, Change, Page, ScriptRecord, StoreFuture},
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

/// What is to be tried without being saved.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Rhai source; without one that of the script is tried.
    pub source: Option<String>,
    /// The script that it is to be a version of: it has its name and limits.
    pub script: Option<ScriptId>,
}

impl Manager {
    /// A script of an app as it would run if it were saved. Its [`gate`](Script::gate) counts for itself alone.
    ///
    /// # Errors
    /// `NotFound`, `Invalid` (with line and column if it does not compile), or if the store does not answer.
    pub async fn draft(&self, key: &AppKey, draft: Draft) -> Result<Script, ManagerError> {
        let app = self.app(key).await?;
        let saved = match draft.script {
            Some(id) => Some(self.read(self.store.script(app.id, id)).await?),
            None => None,
        };
        let base = saved.as_ref().map_or("draft", |script| &script.name);
        let own = saved.as_ref().map(|script| script.limits).unwrap_or_default();
        let checked = match (draft.source, &saved) {
            (Some(source), _) => {
                let input = ScriptInput { name: base.to_owned(), source, limits: own };
                self.new_script(&Actor::platform(), &app, input).await?
            }
            (None, Some(saved)) => saved.clone(),
            (None, None) => {
                return Err(
                    FieldError::new("source", "missing", "give a `source`, a `script_id` or both").into()
                );
            }
        };
        // Settings of before the server's maxima were lowered do not count, as for what is published.
        let limits =
            app.limits.apply(self.limits).and_then(|limits| own.apply(limits)).unwrap_or(self.limits);
        Ok(Script {
            app: app.id,
            app_slug: app.slug,
            gate: Gate::default(),
            id: draft.script.unwrap_or(checked.id),
            name: checked.name.into(),
            version: saved.map_or(0, |script| script.version),
            source: checked.source.into(),
            limits,
            compiled: Default::default(),
        })
    }

    /// The newest versions of an app's scripts.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn scripts(
        &self,
        key: &AppKey,
        page: Page<ScriptId>,
    ) -> Result<Vec<ScriptRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.scripts(app.id, page)).await
    }

    /// The newest version of one script.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn script(&self, id: ScriptId) -> Result<ScriptRecord, ManagerError> {
        let app = self.read(self.store.app_of_script(id)).await?;
        self.read(self.store.script(app, id)).await
    }

    /// Everything that scripts can use.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        self.executor.definitions()
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
        actor: &Actor,
        key: &AppKey,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let mut deed = Deed::new(actor, "script.create").name(&input.name);
        let result = async {
            let app = self.app(key).await?;
            deed.set_app(app.id);
            let script = self.new_script(actor, &app, input).await?;
            deed.set_target(script.id);
            deed.set_sources(None, Some(script.hash));
            self.writer.commit(&deed, vec![Change::CreateScript(script.clone())]).await?;
            Ok(script)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// Saves the next version of a script; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// As [`create_script`](Self::create_script), and `Precondition`.
    pub async fn update_script(
        &self,
        actor: &Actor,
        id: ScriptId,
        expected: Option<u64>,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let mut deed = Deed::new(actor, "script.update").target(id).name(&input.name);
        let result = async {
            let app = self.script_of(&mut deed, id).await?.app;
            let checked = self.new_script(actor, &self.app(&app.into()).await?, input).await?;
            self.save(&mut deed, id, expected, checked).await
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// Saves what has passed every check as the next version.
    pub(super) async fn save(
        &self,
        deed: &mut Deed,
        id: ScriptId,
        expected: Option<u64>,
        checked: ScriptRecord,
    ) -> Result<ScriptRecord, ManagerError> {
        loop {
            let old = self.script_of(deed, id).await?;
            let version = expected.unwrap_or(old.version);
            deed.set_sources(Some(old.hash), Some(checked.hash));
            let change = next_version(id, version, checked.clone());
            match self.writer.commit(deed, vec![change]).await {
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
        actor: &Actor,
        id: ScriptId,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let mut deed = Deed::new(actor, "script.delete").target(id);
        let result = async {
            let script = self.script_of(&mut deed, id).await?;
            deed.set_sources(Some(script.hash), None);
            let change = Change::DeleteScript { app: script.app, id, expected };
            self.writer.commit(&deed, vec![change]).await.map(drop)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// A script, as the thing that a deed is done to.
    pub(super) async fn script_of(
        &self,
        deed: &mut Deed,
        id: ScriptId,
    ) -> Result<ScriptRecord, ManagerError> {
        let script = self.script(id).await?;
        deed.set_app(script.app);
        deed.set_name(&script.name);
        Ok(script)
    }

    /// Version 1 of a script that has passed every check.
    pub(super) async fn new_script(
        &self,
        actor: &Actor,
        app: &AppRecord,
        input: ScriptInput,
    ) -> Result<ScriptRecord, ManagerError> {
        let ScriptInput { name, source, limits } = input;
        let mut findings = Findings::default();
        findings.take(check_name(&name));
        findings.take(self.check_size(app, &limits, &source));
        findings.take(check_text(&source));
        findings.end()?;
        // Only a source of a fair size is worth the executor's time.
        let mut findings = Findings::default();
        let found = self.check_source(source.clone()).await?;
        findings.extend(
            found.into_iter().filter(|found| found.severity == Severity::Error).map(FieldError::syntax),
        );
        findings.end()?;
        let (id, now, hash) = (ScriptId::new(), self.now(), content_hash(&source));
        let (app, updated_by) = (app.id, actor.admin);
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

/// No store keeps the one character that no database can.
fn check_text(source: &str) -> Result<(), FieldError> {
    if source.contains('\0') {
        return Err(FieldError::new("source", "invalid_text", "a source has no NUL character (U+0000)"));
    }
    Ok(())
}

pub(super) fn next_version(id: ScriptId, expected: u64, checked: ScriptRecord) -> Change {
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
