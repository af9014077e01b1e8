//! Administrators, their sessions, and the settings that may change at run time.

use super::{AdminRecord, AuditRecord, Page, SessionRecord, SettingRecord, StoreFuture};
use crate::{AdminId, SessionId};

/// Administrators, their sessions, and settings. Admins and settings are changed by
/// [`AppStore::commit`](super::AppStore::commit), so that they are one transaction with what else changes.
///
/// # Contract
/// * User names are unique, compared as stored (the caller folds case).
/// * The store keeps hashes only: of passwords (PHC strings) and of tokens (SHA-256). It never sees the secrets.
/// * There is always an active admin with the role [`Owner`](super::Role::Owner), once there was one: a change that
///   would end that is refused with [`LastAdmin`](super::StoreError::LastAdmin), also when two race.
pub trait IdentityStore: Send + Sync {
    /// Whether there has ever been an admin. Nothing changes the answer back.
    fn has_had_admin(&self) -> StoreFuture<'_, bool>;

    /// Creates the first admin and says whether it did: `false` if there has ever been one. Of callers that race,
    /// on any number of processes, exactly one gets `true`. Counts as no commit.
    fn create_first_admin(&self, admin: AdminRecord, audit: AuditRecord) -> StoreFuture<'_, bool>;

    /// Admins.
    fn admins(&self, page: Page<AdminId>) -> StoreFuture<'_, Vec<AdminRecord>>;

    /// One admin.
    fn admin(&self, id: AdminId) -> StoreFuture<'_, AdminRecord>;

    /// An admin by user name.
    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord>;

    /// Replaces an admin's password hash if it still is `old`; used when the hashing parameters rise. Its version stays.
    fn rehash_password(&self, admin: AdminId, old: String, new: String) -> StoreFuture<'_, ()>;

    /// Keeps a new session.
    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()>;

    /// The session with this token hash, and its admin.
    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)>;

    /// The sessions of an admin.
    fn sessions(&self, admin: AdminId) -> StoreFuture<'_, Vec<SessionRecord>>;

    /// Moves `last_used_at` forward to `at`, never back; nothing happens if the session is gone.
    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()>;

    /// Ends a session of an admin.
    ///
    /// # Errors
    /// `NotFound` if the admin has no such session.
    fn delete_session(&self, admin: AdminId, id: SessionId) -> StoreFuture<'_, ()>;

    /// Ends all sessions of an admin but `keep`; says how many.
    fn delete_sessions(&self, admin: AdminId, keep: Option<SessionId>) -> StoreFuture<'_, u64>;

    /// Removes sessions last used before `idle_before` or created before `created_before`; says how many.
    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64>;

    /// All settings that were ever set, ordered by key.
    fn settings(&self) -> StoreFuture<'_, Vec<SettingRecord>>;
}
