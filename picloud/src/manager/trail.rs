//! The audit trail, for those who read it.

use super::{Actor, Manager, ManagerError, writer::Deed};
use crate::{
    AppId, AuditId, Code,
    store::{AppKey, AuditRecord, Page},
};

/// A change that was refused before the manager was asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A kind of thing and a verb, such as `script.update`.
    pub action: &'static str,
    /// What it is about: an id, or an app's slug, as the client gave it; empty if there is none.
    pub target: String,
    /// Why.
    pub code: Code,
}

impl Manager {
    /// What was done and what was refused, newest first; of one app where one is given, which may be gone.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn audit(
        &self,
        app: Option<AppId>,
        page: Page<AuditId>,
    ) -> Result<Vec<AuditRecord>, ManagerError> {
        self.read(self.store.audit(app, page)).await
    }

    /// Keeps a record of a refusal that came before the manager was asked: input that cannot be read. One that cannot be
    /// written is only logged.
    pub async fn note_refusal(&self, actor: &Actor, refusal: Refusal) {
        let Refusal { action, target, code } = refusal;
        let mut deed = Deed::new(actor, action);
        deed.set_named_target(&target);
        if let Some(app) = self.app_of_target(&target).await {
            deed.set_app(app);
        }
        self.writer.note(&deed, code).await;
    }

    /// The app that is meant by a slug or an id, of whatever kind.
    async fn app_of_target(&self, target: &str) -> Option<AppId> {
        if let Ok(app) = self.app(&AppKey::parse(target).ok()?).await {
            return Some(app.id);
        }
        if let Ok(script) = self.script(target.parse().ok()?).await {
            return Some(script.app);
        }
        if let Ok(route) = self.route(target.parse().ok()?).await {
            return Some(route.app);
        }
        self.domain(target.parse().ok()?).await.ok().map(|domain| domain.app)
    }
}
