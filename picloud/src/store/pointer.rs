//! A store behind an `Arc` or a `Box` is a store.

use std::sync::Arc;

use super::{
    AdminRecord, AppKey, AppRecord, AppStore, AuditRecord, AuditStore, Commit, DomainRecord, ExecutionFilter,
    ExecutionRecord, IdentityStore, LogStore, MinuteRecord, Page, Retention, RouteRecord, ScriptRecord,
    SessionRecord, SettingRecord, StoreFuture, VersionRecord, World,
};
use crate::{AdminId, AppId, AuditId, BoxFuture, DomainId, RequestId, RouteId, ScriptId, SessionId, Slug};

/// Forwards every method of all traits through a pointer.
macro_rules! forward {
    ($pointer:ident) => {
        impl<S: AppStore + ?Sized> AppStore for $pointer<S> {
            fn revision(&self) -> StoreFuture<'_, u64> {
                (**self).revision()
            }
            fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
                (**self).changed(seen)
            }
            fn world(&self, since: u64) -> StoreFuture<'_, World> {
                (**self).world(since)
            }
            fn apps(&self, page: Page<AppId>) -> StoreFuture<'_, Vec<AppRecord>> {
                (**self).apps(page)
            }
            fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
                (**self).app(key)
            }
            fn former(&self, slug: Slug) -> StoreFuture<'_, AppRecord> {
                (**self).former(slug)
            }
            fn domains(&self, app: AppId, page: Page<DomainId>) -> StoreFuture<'_, Vec<DomainRecord>> {
                (**self).domains(app, page)
            }
            fn domain(&self, app: AppId, id: DomainId) -> StoreFuture<'_, DomainRecord> {
                (**self).domain(app, id)
            }
            fn scripts(&self, app: AppId, page: Page<ScriptId>) -> StoreFuture<'_, Vec<ScriptRecord>> {
                (**self).scripts(app, page)
            }
            fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
                (**self).script(app, id)
            }
            fn versions(
                &self,
                app: AppId,
                script: ScriptId,
                page: Page<u64>,
            ) -> StoreFuture<'_, Vec<VersionRecord>> {
                (**self).versions(app, script, page)
            }
            fn version(&self, app: AppId, script: ScriptId, version: u64) -> StoreFuture<'_, VersionRecord> {
                (**self).version(app, script, version)
            }
            fn routes(&self, app: AppId, page: Page<RouteId>) -> StoreFuture<'_, Vec<RouteRecord>> {
                (**self).routes(app, page)
            }
            fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
                (**self).route(app, id)
            }
            fn app_of_script(&self, id: ScriptId) -> StoreFuture<'_, AppId> {
                (**self).app_of_script(id)
            }
            fn app_of_route(&self, id: RouteId) -> StoreFuture<'_, AppId> {
                (**self).app_of_route(id)
            }
            fn app_of_domain(&self, id: DomainId) -> StoreFuture<'_, AppId> {
                (**self).app_of_domain(id)
            }
            fn commit(&self, commit: Commit) -> StoreFuture<'_, u64> {
                (**self).commit(commit)
            }
        }

        impl<S: IdentityStore + ?Sized> IdentityStore for $pointer<S> {
            fn has_had_admin(&self) -> StoreFuture<'_, bool> {
                (**self).has_had_admin()
            }
            fn create_first_admin(&self, admin: AdminRecord, audit: AuditRecord) -> StoreFuture<'_, bool> {
                (**self).create_first_admin(admin, audit)
            }
            fn admins(&self, page: Page<AdminId>) -> StoreFuture<'_, Vec<AdminRecord>> {
                (**self).admins(page)
            }
            fn admin(&self, id: AdminId) -> StoreFuture<'_, AdminRecord> {
                (**self).admin(id)
            }
            fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
                (**self).admin_by_name(username)
            }
            fn rehash_password(&self, admin: AdminId, old: String, new: String) -> StoreFuture<'_, ()> {
                (**self).rehash_password(admin, old, new)
            }
            fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
                (**self).create_session(session)
            }
            fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
                (**self).session(token_hash)
            }
            fn sessions(&self, admin: AdminId) -> StoreFuture<'_, Vec<SessionRecord>> {
                (**self).sessions(admin)
            }
            fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
                (**self).touch_session(id, at)
            }
            fn delete_session(&self, admin: AdminId, id: SessionId) -> StoreFuture<'_, ()> {
                (**self).delete_session(admin, id)
            }
            fn delete_sessions(&self, admin: AdminId, keep: Option<SessionId>) -> StoreFuture<'_, u64> {
                (**self).delete_sessions(admin, keep)
            }
            fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
                (**self).prune_sessions(idle_before, created_before)
            }
            fn settings(&self) -> StoreFuture<'_, Vec<SettingRecord>> {
                (**self).settings()
            }
        }

        impl<S: AuditStore + ?Sized> AuditStore for $pointer<S> {
            fn append_audit(&self, record: AuditRecord) -> StoreFuture<'_, ()> {
                (**self).append_audit(record)
            }
            fn audit(&self, app: Option<AppId>, page: Page<AuditId>) -> StoreFuture<'_, Vec<AuditRecord>> {
                (**self).audit(app, page)
            }
            fn prune_audit(&self, before: i64) -> StoreFuture<'_, u64> {
                (**self).prune_audit(before)
            }
        }

        impl<S: LogStore + ?Sized> LogStore for $pointer<S> {
            fn append_log(
                &self,
                executions: Vec<ExecutionRecord>,
                minutes: Vec<MinuteRecord>,
            ) -> StoreFuture<'_, ()> {
                (**self).append_log(executions, minutes)
            }
            fn executions(
                &self,
                app: AppId,
                filter: ExecutionFilter,
                page: Page<RequestId>,
            ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
                (**self).executions(app, filter, page)
            }
            fn execution(&self, app: AppId, id: RequestId) -> StoreFuture<'_, ExecutionRecord> {
                (**self).execution(app, id)
            }
            fn minutes(
                &self,
                app: AppId,
                script: Option<ScriptId>,
                since: i64,
                until: i64,
            ) -> StoreFuture<'_, Vec<MinuteRecord>> {
                (**self).minutes(app, script, since, until)
            }
            fn prune_log(&self, retention: Retention) -> StoreFuture<'_, u64> {
                (**self).prune_log(retention)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
