//! A store behind an `Arc` or a `Box` is a store.

use std::sync::Arc;

use super::{
    AdminRecord, AppKey, AppRecord, AppStore, Change, DomainRecord, IdentityStore, RouteRecord, ScriptRecord,
    SessionRecord, StoreFuture, World,
};
use crate::{AdminId, AppId, DomainId, RouteId, ScriptId, SessionId};

/// Forwards every method of both traits through a pointer.
macro_rules! forward {
    ($pointer:ident) => {
        impl<S: AppStore + ?Sized> AppStore for $pointer<S> {
            fn revision(&self) -> StoreFuture<'_, u64> {
                (**self).revision()
            }
            fn world(&self) -> StoreFuture<'_, World> {
                (**self).world()
            }
            fn apps(&self) -> StoreFuture<'_, Vec<AppRecord>> {
                (**self).apps()
            }
            fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
                (**self).app(key)
            }
            fn domains(&self, app: AppId) -> StoreFuture<'_, Vec<DomainRecord>> {
                (**self).domains(app)
            }
            fn scripts(&self, app: AppId) -> StoreFuture<'_, Vec<ScriptRecord>> {
                (**self).scripts(app)
            }
            fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
                (**self).script(app, id)
            }
            fn script_anywhere(&self, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
                (**self).script_anywhere(id)
            }
            fn routes(&self, app: AppId) -> StoreFuture<'_, Vec<RouteRecord>> {
                (**self).routes(app)
            }
            fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
                (**self).route(app, id)
            }
            fn route_anywhere(&self, id: RouteId) -> StoreFuture<'_, RouteRecord> {
                (**self).route_anywhere(id)
            }
            fn domain_anywhere(&self, id: DomainId) -> StoreFuture<'_, DomainRecord> {
                (**self).domain_anywhere(id)
            }
            fn commit(&self, changes: Vec<Change>) -> StoreFuture<'_, u64> {
                (**self).commit(changes)
            }
        }

        impl<S: IdentityStore + ?Sized> IdentityStore for $pointer<S> {
            fn has_had_admin(&self) -> StoreFuture<'_, bool> {
                (**self).has_had_admin()
            }
            fn create_first_admin(&self, admin: AdminRecord) -> StoreFuture<'_, bool> {
                (**self).create_first_admin(admin)
            }
            fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
                (**self).admin_by_name(username)
            }
            fn set_password_hash(&self, admin: AdminId, password_hash: String) -> StoreFuture<'_, ()> {
                (**self).set_password_hash(admin, password_hash)
            }
            fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
                (**self).create_session(session)
            }
            fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
                (**self).session(token_hash)
            }
            fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
                (**self).touch_session(id, at)
            }
            fn delete_session(&self, id: SessionId) -> StoreFuture<'_, ()> {
                (**self).delete_session(id)
            }
            fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
                (**self).prune_sessions(idle_before, created_before)
            }
        }
    };
}

forward!(Arc);
forward!(Box);
