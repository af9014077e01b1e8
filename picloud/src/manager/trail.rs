//! The audit trail, for those who read it.

use super::{Manager, ManagerError};
use crate::{
    AppId, AuditId,
    store::{AuditRecord, Page},
};

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
}
