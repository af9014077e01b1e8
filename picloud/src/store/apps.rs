//! Apps, and everything that belongs to one.

use super::{
    AppKey, AppRecord, Commit, DomainRecord, Page, RouteRecord, ScriptRecord, StoreFuture, VersionRecord,
    World,
};
use crate::{AppId, BoxFuture, DomainId, RouteId, ScriptId, Slug};

/// Apps, and everything that belongs to one; the one place through which what the data plane serves is changed.
///
/// # Contract
/// * **Scope.** Every row but the app itself carries its app's id. A lookup by app and id finds nothing that belongs
///   to another app: the answer is [`NotFound`](super::StoreError::NotFound), as if it did not exist.
/// * **Revision.** A number that grows by exactly one with every successful [`commit`](Self::commit), and with nothing
///   else.
/// * **Uniqueness** is enforced by the store itself, so that of racing writers one wins and the others get
///   [`Conflict`](super::StoreError::Conflict): app slug; domain shape over all apps; script name in its app; route
///   method and shape in its app; user name of an admin.
/// * **Former slugs.** A slug that an app gives up stays its own, found by [`former`](Self::former), until some app
///   takes it. It goes with the app.
/// * **Lists** of an app that does not exist are empty.
/// * **Damage.** A script whose source does not match its hash is left out of [`world`](Self::world), with a log line
///   that names it: one broken row never keeps the others from being served. Its routes stay.
pub trait AppStore: Send + Sync {
    /// The current revision; 0 for a store that was never written to.
    fn revision(&self) -> StoreFuture<'_, u64>;

    /// Ends when there may be another revision than `seen`: at once if there is one, else when this store is told of a
    /// commit, by this process or by another. A hint: it may end early, and may miss commits of other processes, so
    /// callers also look from time to time.
    fn changed(&self, seen: u64) -> BoxFuture<'_, ()>;

    /// What the data plane needs of every app that is not as it was at revision `since`, read at one revision, and the
    /// ids of apps that went since. With 0: of every app.
    fn world(&self, since: u64) -> StoreFuture<'_, World>;

    /// Apps.
    fn apps(&self, page: Page<AppId>) -> StoreFuture<'_, Vec<AppRecord>>;

    /// One app.
    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord>;

    /// The app that once had this slug, if none has it now.
    fn former(&self, slug: Slug) -> StoreFuture<'_, AppRecord>;

    /// The domains an app claims.
    fn domains(&self, app: AppId, page: Page<DomainId>) -> StoreFuture<'_, Vec<DomainRecord>>;

    /// One domain.
    fn domain(&self, app: AppId, id: DomainId) -> StoreFuture<'_, DomainRecord>;

    /// The newest versions of an app's scripts.
    fn scripts(&self, app: AppId, page: Page<ScriptId>) -> StoreFuture<'_, Vec<ScriptRecord>>;

    /// The newest version of one script.
    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord>;

    /// The versions of a script, newest first: those before version `page.after`.
    fn versions(&self, app: AppId, script: ScriptId, page: Page<u64>) -> StoreFuture<'_, Vec<VersionRecord>>;

    /// One version of a script.
    fn version(&self, app: AppId, script: ScriptId, version: u64) -> StoreFuture<'_, VersionRecord>;

    /// An app's routes.
    fn routes(&self, app: AppId, page: Page<RouteId>) -> StoreFuture<'_, Vec<RouteRecord>>;

    /// One route.
    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord>;

    /// The app that owns a script: what scopes the lookups above where a client names the script alone.
    fn app_of_script(&self, id: ScriptId) -> StoreFuture<'_, AppId>;

    /// The app that owns a route.
    fn app_of_route(&self, id: RouteId) -> StoreFuture<'_, AppId>;

    /// The app that owns a domain.
    fn app_of_domain(&self, id: DomainId) -> StoreFuture<'_, AppId>;

    /// Applies changes in order and keeps their audit records, in one transaction; gives the new revision.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `LastAdmin` or `Conflict`, checked in this order, of the first change that cannot be
    /// applied; nothing is changed then.
    fn commit(&self, commit: Commit) -> StoreFuture<'_, u64>;
}
