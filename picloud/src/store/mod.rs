//! Durable truth, behind object-safe traits.
//!
//! [`AppStore`] keeps apps and what they own, [`IdentityStore`] keeps admins and sessions; [`Store`] is both.
//! The contract of each method is here; the suite in `picloud::testing` (feature `testing`) is its executable form.

mod memory;
mod pointer;
mod record;

pub use memory::MemoryStore;
pub use record::{
    AdminRecord, AppKey, AppRecord, Change, DomainRecord, RouteRecord, ScriptRecord, SessionRecord, World,
};

use crate::{AdminId, AppId, BoxFuture, DomainId, RouteId, ScriptId, SessionId};

/// What a store's method gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Apps, and everything that belongs to one.
///
/// # Contract
/// * **Scope.** Every row but the app itself carries its app's id. A lookup by app and id finds nothing that belongs
///   to another app: the answer is [`StoreError::NotFound`], as if it did not exist.
/// * **Atomicity.** [`commit`](Self::commit) is one transaction: all of its changes, or none.
/// * **Durability.** What `commit` acknowledged survives the end of the process and of the machine's power.
/// * **Revision.** A number that grows by exactly one with every successful `commit`, and with nothing else.
/// * **Uniqueness** is enforced by the store itself, so that of racing writers one wins and the others get
///   [`StoreError::Conflict`]: app slug; domain shape over all apps; script name in its app; route method and shape
///   in its app.
/// * **Order.** Lists are ordered by id, oldest first; the list of an app that does not exist is empty.
/// * **Damage.** A script whose source does not match its hash is left out of [`world`](Self::world), with a log line
///   that names it: one broken row never keeps the others from being served. Its routes stay.
pub trait AppStore: Send + Sync {
    /// The current revision.
    fn revision(&self) -> StoreFuture<'_, u64>;

    /// Everything the data plane needs, read at one revision.
    fn world(&self) -> StoreFuture<'_, World>;

    /// All apps.
    fn apps(&self) -> StoreFuture<'_, Vec<AppRecord>>;

    /// One app.
    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord>;

    /// The domains an app claims.
    fn domains(&self, app: AppId) -> StoreFuture<'_, Vec<DomainRecord>>;

    /// The newest versions of an app's scripts.
    fn scripts(&self, app: AppId) -> StoreFuture<'_, Vec<ScriptRecord>>;

    /// The newest version of one script.
    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord>;

    /// The newest version of one script, whatever its app: only for callers that then check the app.
    fn script_anywhere(&self, id: ScriptId) -> StoreFuture<'_, ScriptRecord>;

    /// An app's routes.
    fn routes(&self, app: AppId) -> StoreFuture<'_, Vec<RouteRecord>>;

    /// One route.
    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord>;

    /// One route, whatever its app: only for callers that then check the app.
    fn route_anywhere(&self, id: RouteId) -> StoreFuture<'_, RouteRecord>;

    /// One domain, whatever its app: only for callers that then check the app.
    fn domain_anywhere(&self, id: DomainId) -> StoreFuture<'_, DomainRecord>;

    /// Applies `changes` in order, in one transaction, and gives the new revision.
    ///
    /// # Errors
    /// `NotFound`, `Precondition` or `Conflict`, checked in this order, of the first change that cannot be applied;
    /// nothing is changed then.
    fn commit(&self, changes: Vec<Change>) -> StoreFuture<'_, u64>;
}

/// Administrators and their sessions.
///
/// # Contract
/// * User names are unique, compared as stored (the caller folds case).
/// * The store keeps hashes only: of passwords (PHC strings) and of tokens (SHA-256). It never sees the secrets.
/// * Times are microseconds since 1970 UTC, given by the caller; a store has no clock of its own.
pub trait IdentityStore: Send + Sync {
    /// Whether there has ever been an admin. Deleting the last one does not change the answer back.
    fn has_had_admin(&self) -> StoreFuture<'_, bool>;

    /// Creates the first admin and says whether it did: `false` if there has ever been one. Of callers that race,
    /// on any number of processes, exactly one gets `true`.
    fn create_first_admin(&self, admin: AdminRecord) -> StoreFuture<'_, bool>;

    /// An admin by user name.
    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord>;

    /// Replaces an admin's password hash; used when the hashing parameters rise.
    fn set_password_hash(&self, admin: AdminId, password_hash: String) -> StoreFuture<'_, ()>;

    /// Keeps a new session.
    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()>;

    /// The session with this token hash, and its admin.
    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)>;

    /// Moves `last_used_at` forward to `at`, never back; nothing happens if the session is gone.
    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()>;

    /// Ends a session; nothing happens if it is gone.
    fn delete_session(&self, id: SessionId) -> StoreFuture<'_, ()>;

    /// Removes sessions last used before `idle_before` or created before `created_before`; says how many.
    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64>;
}

/// All that a server keeps.
pub trait Store: AppStore + IdentityStore {}

impl<S: AppStore + IdentityStore + ?Sized> Store for S {}

/// Why a store did not do what it was asked; never carries a backend's own type in public.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing, in this app.
    #[error("no such {what}")]
    NotFound {
        /// The kind of thing: `app`, `script`, `route`, `domain`, `admin`, `session`.
        what: &'static str,
    },
    /// Something else holds what must be unique.
    #[error("{what} `{value}` is already taken")]
    Conflict {
        /// What must be unique: `slug`, `domain`, `script name`, `route`, `username`; `id` if a caller made one twice.
        what: &'static str,
        /// The value in question.
        value: String,
        /// The app that holds it, where another app does.
        holder: Option<AppId>,
    },
    /// The thing has changed since the caller read it.
    #[error("{what} has changed: it is at version {actual}, not {expected}")]
    Precondition {
        /// The kind of thing.
        what: &'static str,
        /// The version the caller expected.
        expected: u64,
        /// The version there is.
        actual: u64,
    },
    /// The database does not answer; trying again later may help. The text is for logs.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// There is no room left. The text is for logs.
    #[error("storage is full: {0}")]
    Full(String),
    /// A newer version of the platform has written this database, and this one must not touch it.
    #[error(
        "the database has schema {found}, but this version knows only up to {known}: run a newer version"
    )]
    NewerSchema {
        /// The schema of the database.
        found: u64,
        /// The newest schema that this version knows.
        known: u64,
    },
    /// What is stored cannot be understood. The text is for logs.
    #[error("storage is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Compares what a caller expected, if anything, with the version there is.
    ///
    /// # Errors
    /// `Precondition` if they differ.
    pub fn check_version(what: &'static str, expected: Option<u64>, actual: u64) -> Result<(), Self> {
        match expected {
            Some(expected) if expected != actual => Err(Self::Precondition { what, expected, actual }),
            _ => Ok(()),
        }
    }
}
