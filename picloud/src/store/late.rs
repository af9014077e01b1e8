//! A store that is not there yet, or not at the moment: every call fails until it is.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    AdminRecord, AppKey, AppRecord, AppStore, AuditRecord, AuditStore, Commit, DomainRecord, ExecutionFilter,
    ExecutionRecord, IdentityStore, LogStore, MinuteRecord, Page, Retention, RouteRecord, ScriptRecord,
    SessionRecord, SettingRecord, Store, StoreError, StoreFuture, VersionRecord, World,
};
use crate::{AdminId, AppId, AuditId, BoxFuture, DomainId, RequestId, RouteId, ScriptId, SessionId, Slug};

/// For tests: a [`Store`] whose database is away, as when a server starts without it: calls give
/// [`Unavailable`](StoreError::Unavailable) until there is one. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct LateStore(watch::Sender<Option<Arc<dyn Store>>>);

impl LateStore {
    /// One that nothing is behind yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Puts a store behind it, or takes it away.
    pub(crate) fn set(&self, store: Option<Arc<dyn Store>>) {
        self.0.send_replace(store);
    }

    fn now(&self) -> Result<Arc<dyn Store>, StoreError> {
        let away = || StoreError::Unavailable("there is no connection to the database yet".to_owned());
        self.0.borrow().clone().ok_or_else(away)
    }
}

impl std::fmt::Debug for LateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LateStore").field("is_there", &self.0.borrow().is_some()).finish()
    }
}

impl AppStore for LateStore {
    fn revision(&self) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.revision().await })
    }
    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        let mut store = self.0.subscribe();
        Box::pin(async move {
            let now = store.wait_for(Option::is_some).await.ok().and_then(|store| store.clone());
            if let Some(store) = now {
                store.changed(seen).await;
            }
        })
    }
    fn world(&self, since: u64) -> StoreFuture<'_, World> {
        Box::pin(async move { self.now()?.world(since).await })
    }
    fn apps(&self, page: Page<AppId>) -> StoreFuture<'_, Vec<AppRecord>> {
        Box::pin(async move { self.now()?.apps(page).await })
    }
    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
        Box::pin(async move { self.now()?.app(key).await })
    }
    fn former(&self, slug: Slug) -> StoreFuture<'_, AppRecord> {
        Box::pin(async move { self.now()?.former(slug).await })
    }
    fn domains(&self, app: AppId, page: Page<DomainId>) -> StoreFuture<'_, Vec<DomainRecord>> {
        Box::pin(async move { self.now()?.domains(app, page).await })
    }
    fn domain(&self, app: AppId, id: DomainId) -> StoreFuture<'_, DomainRecord> {
        Box::pin(async move { self.now()?.domain(app, id).await })
    }
    fn scripts(&self, app: AppId, page: Page<ScriptId>) -> StoreFuture<'_, Vec<ScriptRecord>> {
        Box::pin(async move { self.now()?.scripts(app, page).await })
    }
    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        Box::pin(async move { self.now()?.script(app, id).await })
    }
    fn versions(&self, app: AppId, script: ScriptId, page: Page<u64>) -> StoreFuture<'_, Vec<VersionRecord>> {
        Box::pin(async move { self.now()?.versions(app, script, page).await })
    }
    fn version(&self, app: AppId, script: ScriptId, version: u64) -> StoreFuture<'_, VersionRecord> {
        Box::pin(async move { self.now()?.version(app, script, version).await })
    }
    fn routes(&self, app: AppId, page: Page<RouteId>) -> StoreFuture<'_, Vec<RouteRecord>> {
        Box::pin(async move { self.now()?.routes(app, page).await })
    }
    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        Box::pin(async move { self.now()?.route(app, id).await })
    }
    fn app_of_script(&self, id: ScriptId) -> StoreFuture<'_, AppId> {
        Box::pin(async move { self.now()?.app_of_script(id).await })
    }
    fn app_of_route(&self, id: RouteId) -> StoreFuture<'_, AppId> {
        Box::pin(async move { self.now()?.app_of_route(id).await })
    }
    fn app_of_domain(&self, id: DomainId) -> StoreFuture<'_, AppId> {
        Box::pin(async move { self.now()?.app_of_domain(id).await })
    }
    fn commit(&self, commit: Commit) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.commit(commit).await })
    }
}

impl IdentityStore for LateStore {
    fn has_had_admin(&self) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.now()?.has_had_admin().await })
    }
    fn create_first_admin(&self, admin: AdminRecord, audit: AuditRecord) -> StoreFuture<'_, bool> {
        Box::pin(async move { self.now()?.create_first_admin(admin, audit).await })
    }
    fn admins(&self, page: Page<AdminId>) -> StoreFuture<'_, Vec<AdminRecord>> {
        Box::pin(async move { self.now()?.admins(page).await })
    }
    fn admin(&self, id: AdminId) -> StoreFuture<'_, AdminRecord> {
        Box::pin(async move { self.now()?.admin(id).await })
    }
    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        Box::pin(async move { self.now()?.admin_by_name(username).await })
    }
    fn rehash_password(&self, admin: AdminId, old: String, new: String) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.rehash_password(admin, old, new).await })
    }
    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.create_session(session).await })
    }
    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
        Box::pin(async move { self.now()?.session(token_hash).await })
    }
    fn sessions(&self, admin: AdminId) -> StoreFuture<'_, Vec<SessionRecord>> {
        Box::pin(async move { self.now()?.sessions(admin).await })
    }
    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.touch_session(id, at).await })
    }
    fn delete_session(&self, admin: AdminId, id: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.delete_session(admin, id).await })
    }
    fn delete_sessions(&self, admin: AdminId, keep: Option<SessionId>) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.delete_sessions(admin, keep).await })
    }
    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.prune_sessions(idle_before, created_before).await })
    }
    fn settings(&self) -> StoreFuture<'_, Vec<SettingRecord>> {
        Box::pin(async move { self.now()?.settings().await })
    }
}

impl AuditStore for LateStore {
    fn append_audit(&self, record: AuditRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.append_audit(record).await })
    }
    fn audit(&self, app: Option<AppId>, page: Page<AuditId>) -> StoreFuture<'_, Vec<AuditRecord>> {
        Box::pin(async move { self.now()?.audit(app, page).await })
    }
    fn prune_audit(&self, before: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.prune_audit(before).await })
    }
}

impl LogStore for LateStore {
    fn append_log(
        &self,
        executions: Vec<ExecutionRecord>,
        minutes: Vec<MinuteRecord>,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move { self.now()?.append_log(executions, minutes).await })
    }
    fn executions(
        &self,
        app: AppId,
        filter: ExecutionFilter,
        page: Page<RequestId>,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        Box::pin(async move { self.now()?.executions(app, filter, page).await })
    }
    fn execution(&self, app: AppId, id: RequestId) -> StoreFuture<'_, ExecutionRecord> {
        Box::pin(async move { self.now()?.execution(app, id).await })
    }
    fn minutes(
        &self,
        app: AppId,
        script: Option<ScriptId>,
        since: i64,
        until: i64,
    ) -> StoreFuture<'_, Vec<MinuteRecord>> {
        Box::pin(async move { self.now()?.minutes(app, script, since, until).await })
    }
    fn prune_log(&self, retention: Retention) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.now()?.prune_log(retention).await })
    }
}
