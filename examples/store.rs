//! cargo run -p picloud-examples --example store
//!
//! A store of your own: it keeps everything in another one, and tells of each commit, as for a search index, a cache
//! elsewhere or a copy in git. A store on another database implements the same methods; the suite that proves this one
//! (examples/tests/telling.rs) is the contract.

use std::sync::Arc;

use picloud::{
    AdminId, AppId, AuditId, BoxFuture, DomainId, RequestId, RhaiExecutor, RouteId, ScriptId, SessionId,
    Slug, manager::Manager, store::*,
};

/// Whom a [`Telling`] store tells: gets each commit, and the revision that it made.
pub type Tell = Arc<dyn Fn(&Commit, u64) + Send + Sync>;

/// A store that tells of each commit once it is made.
pub struct Telling<S>(pub S, pub Tell);

/// Methods that the store inside answers.
macro_rules! inside {
    ($($name:ident($($argument:ident: $type:ty),*) -> $gives:ty;)*) => {
        $(fn $name(&self, $($argument: $type),*) -> StoreFuture<'_, $gives> { self.0.$name($($argument),*) })*
    };
}

impl<S: AppStore> AppStore for Telling<S> {
    inside! {
        revision() -> u64;
        world(since: u64) -> World;
        apps(page: Page<AppId>) -> Vec<AppRecord>;
        app(key: AppKey) -> AppRecord;
        former(slug: Slug) -> AppRecord;
        domains(app: AppId, page: Page<DomainId>) -> Vec<DomainRecord>;
        domain(app: AppId, id: DomainId) -> DomainRecord;
        scripts(app: AppId, page: Page<ScriptId>) -> Vec<ScriptRecord>;
        script(app: AppId, id: ScriptId) -> ScriptRecord;
        versions(app: AppId, script: ScriptId, page: Page<u64>) -> Vec<VersionRecord>;
        version(app: AppId, script: ScriptId, version: u64) -> VersionRecord;
        routes(app: AppId, page: Page<RouteId>) -> Vec<RouteRecord>;
        route(app: AppId, id: RouteId) -> RouteRecord;
        app_of_script(id: ScriptId) -> AppId;
        app_of_route(id: RouteId) -> AppId;
        app_of_domain(id: DomainId) -> AppId;
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        self.0.changed(seen)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let revision = self.0.commit(commit.clone()).await?;
            (self.1)(&commit, revision);
            Ok(revision)
        })
    }
}

impl<S: IdentityStore> IdentityStore for Telling<S> {
    inside! {
        has_had_admin() -> bool;
        create_first_admin(admin: AdminRecord, audit: AuditRecord) -> bool;
        admins(page: Page<AdminId>) -> Vec<AdminRecord>;
        admin(id: AdminId) -> AdminRecord;
        rehash_password(admin: AdminId, old: String, new: String) -> ();
        create_session(session: SessionRecord) -> ();
        session(token_hash: [u8; 32]) -> (SessionRecord, AdminRecord);
        sessions(admin: AdminId) -> Vec<SessionRecord>;
        touch_session(id: SessionId, at: i64) -> ();
        delete_session(admin: AdminId, id: SessionId) -> ();
        delete_sessions(admin: AdminId, keep: Option<SessionId>) -> u64;
        prune_sessions(idle_before: i64, created_before: i64) -> u64;
        settings() -> Vec<SettingRecord>;
    }

    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        self.0.admin_by_name(username)
    }
}

impl<S: AuditStore> AuditStore for Telling<S> {
    inside! {
        append_audit(record: AuditRecord) -> ();
        audit(app: Option<AppId>, page: Page<AuditId>) -> Vec<AuditRecord>;
        prune_audit(before: i64) -> u64;
    }
}

impl<S: LogStore> LogStore for Telling<S> {
    inside! {
        append_log(executions: Vec<ExecutionRecord>, minutes: Vec<MinuteRecord>) -> ();
        executions(app: AppId, filter: ExecutionFilter, page: Page<RequestId>) -> Vec<ExecutionRecord>;
        execution(app: AppId, id: RequestId) -> ExecutionRecord;
        minutes(app: AppId, script: Option<ScriptId>, since: i64, until: i64) -> Vec<MinuteRecord>;
        prune_log(retention: Retention) -> u64;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tell: Tell =
        Arc::new(|commit, revision| println!("revision {revision}: {} changes", commit.changes.len()));
    let store = Arc::new(Telling(MemoryStore::new(), tell));
    Manager::new(store, Arc::new(RhaiExecutor::default())).seed_hello().await?;
    Ok(())
}
