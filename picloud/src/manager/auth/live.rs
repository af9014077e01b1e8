//! Whether a session still is: for what goes on longer than a request.

use super::{Auth, Session, stored};
use crate::manager::ManagerError;

impl Auth {
    /// Whether a session has neither ended nor run out. Does not count as using it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn is_live(&self, session: &Session) -> Result<bool, ManagerError> {
        let sessions = self.store.sessions(session.admin).await.map_err(stored)?;
        let now = self.times();
        Ok(sessions.iter().any(|record| record.id == session.id && self.seen.is_live(record, now)))
    }
}
