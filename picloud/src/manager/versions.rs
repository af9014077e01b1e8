//! The history of scripts.

use super::{Actor, Manager, ManagerError, ScriptInput, writer::Deed};
use crate::{
    ScriptId,
    store::{Page, ScriptRecord, VersionRecord},
};

impl Manager {
    /// The versions of a script, newest first: those before version `page.after`.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn versions(&self, id: ScriptId, page: Page<u64>) -> Result<Vec<VersionRecord>, ManagerError> {
        let app = self.read(self.store.app_of_script(id)).await?;
        self.read(self.store.versions(app, id, page)).await
    }

    /// One version of a script.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn version(&self, id: ScriptId, version: u64) -> Result<VersionRecord, ManagerError> {
        let app = self.read(self.store.app_of_script(id)).await?;
        self.read(self.store.version(app, id, version)).await
    }

    /// Saves the source of an earlier version as the next one; only if the script is at version `expected`, where that
    /// is given. Name and limits stay.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `Invalid` if that source would not be taken any more, or if the store does not
    /// answer.
    pub async fn rollback(
        &self,
        actor: &Actor,
        id: ScriptId,
        version: u64,
        expected: Option<u64>,
    ) -> Result<ScriptRecord, ManagerError> {
        let mut deed = Deed::new(actor, "script.rollback").target(id);
        let result = self.try_rollback(&mut deed, actor, id, version, expected).await;
        self.writer.end(deed, result).await
    }

    async fn try_rollback(
        &self,
        deed: &mut Deed,
        actor: &Actor,
        id: ScriptId,
        version: u64,
        expected: Option<u64>,
    ) -> Result<ScriptRecord, ManagerError> {
        loop {
            let script = self.script_of(deed, id).await?;
            let earlier = self.read(self.store.version(script.app, id, version)).await?;
            let input = ScriptInput { name: script.name, source: earlier.source, limits: script.limits };
            let checked = self.new_script(actor, &self.app(&script.app.into()).await?, input).await?;
            let at = expected.unwrap_or(script.version);
            match self.save(deed, id, Some(at), checked).await {
                // Someone else was faster: with the name and the limits that they have set.
                Err(ManagerError::Precondition { .. }) if expected.is_none() => {}
                done => return done,
            }
        }
    }
}
