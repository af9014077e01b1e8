//! Who changed what, when and from where.

use serde::{Deserialize, Serialize};

use super::{Page, StoreFuture};
use crate::{AdminId, AppId, AuditId};

/// The audit trail. Append-only: there is no way to change or remove a record but [`prune_audit`](Self::prune_audit).
pub trait AuditStore: Send + Sync {
    /// Keeps a record of something that is no commit: a login, a refused attempt.
    fn append_audit(&self, record: AuditRecord) -> StoreFuture<'_, ()>;

    /// Records, newest first: those before `page.after`; of one app where one is given. Records of an app outlive it.
    fn audit(&self, app: Option<AppId>, page: Page<AuditId>) -> StoreFuture<'_, Vec<AuditRecord>>;

    /// Removes records made before `before`; says how many.
    fn prune_audit(&self, before: i64) -> StoreFuture<'_, u64>;
}

/// One thing that somebody did or tried to do. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Names this record; ordered by time.
    pub id: AuditId,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    /// Who; `None` for the platform itself, and for somebody who is not logged in.
    pub admin: Option<AdminId>,
    /// The user name at that time, also where it names nobody; empty for the platform itself.
    pub username: String,
    /// The client's address, if known.
    pub ip: Option<String>,
    /// What: a kind of thing and a verb, such as `script.update`, `app.delete` or `session.login`.
    pub action: String,
    /// Whether it was done; otherwise the code of the error.
    pub refused: Option<String>,
    /// The app that it concerns, if one.
    pub app: Option<AppId>,
    /// The id of the thing that it concerns, as text; empty if there is none.
    pub target: String,
    /// A name of that thing for readers, such as a slug, a script's name, or a route.
    pub name: String,
    /// SHA-256 of the state before, where there was one.
    pub before: Option<[u8; 32]>,
    /// SHA-256 of the state after, where there is one.
    pub after: Option<[u8; 32]>,
}
