//! All that can be read of a store, to compare it.

use crate::{
    AppId, Slug,
    store::{
        AdminRecord, AppKey, AppRecord, AppWorld, AuditRecord, DomainRecord, ExecutionFilter,
        ExecutionRecord, MinuteRecord, Page, RouteRecord, ScriptRecord, SessionRecord, SettingRecord, Store,
        StoreError, VersionRecord,
    },
};

/// All that can be read of one app.
#[derive(Debug, PartialEq)]
pub(super) struct AppReads {
    app: Option<AppRecord>,
    domains: Vec<DomainRecord>,
    scripts: Vec<ScriptRecord>,
    versions: Vec<VersionRecord>,
    routes: Vec<RouteRecord>,
    executions: Vec<ExecutionRecord>,
    minutes: Vec<MinuteRecord>,
    audit: Vec<AuditRecord>,
}

/// All that can be read of a store that holds these apps.
#[derive(Debug, PartialEq)]
pub(super) struct Reads {
    revision: u64,
    had_admin: bool,
    world: Vec<AppWorld>,
    apps: Vec<AppReads>,
    formers: Vec<Option<AppRecord>>,
    admins: Vec<AdminRecord>,
    hashes: Vec<String>,
    sessions: Vec<SessionRecord>,
    settings: Vec<SettingRecord>,
    audit: Vec<AuditRecord>,
}

pub(super) async fn of_app(store: &dyn Store, id: AppId) -> AppReads {
    let scripts = store.scripts(id, Page::all()).await.expect("scripts");
    let mut versions = Vec::new();
    for script in &scripts {
        versions.extend(store.versions(id, script.id, Page::all()).await.expect("versions"));
    }
    AppReads {
        app: found(store.app(AppKey::Id(id)).await),
        domains: store.domains(id, Page::all()).await.expect("domains"),
        scripts,
        versions,
        routes: store.routes(id, Page::all()).await.expect("routes"),
        executions: store.executions(id, ExecutionFilter::default(), Page::all()).await.expect("executions"),
        minutes: store.minutes(id, None, i64::MIN, i64::MAX).await.expect("minutes"),
        audit: store.audit(Some(id), Page::all()).await.expect("audit"),
    }
}

pub(super) async fn everything(store: &dyn Store, apps: &[AppId]) -> Reads {
    everything_with(store, apps, &[]).await
}

pub(super) async fn everything_with(store: &dyn Store, apps: &[AppId], slugs: &[Slug]) -> Reads {
    let (mut app_reads, mut formers, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
    for app in apps {
        app_reads.push(of_app(store, *app).await);
    }
    for slug in slugs {
        formers.push(found(store.former(slug.clone()).await));
    }
    let admins = store.admins(Page::all()).await.expect("admins");
    for admin in &admins {
        sessions.extend(store.sessions(admin.id).await.expect("sessions"));
    }
    Reads {
        revision: store.revision().await.expect("revision"),
        had_admin: store.has_had_admin().await.expect("an answer"),
        world: store.world(0).await.expect("world").apps,
        apps: app_reads,
        formers,
        hashes: admins.iter().map(|admin| admin.password_hash.clone()).collect(),
        admins,
        sessions,
        settings: store.settings().await.expect("settings"),
        audit: store.audit(None, Page::all()).await.expect("audit"),
    }
}

fn found<T: std::fmt::Debug>(result: Result<T, StoreError>) -> Option<T> {
    match result {
        Ok(row) => Some(row),
        Err(StoreError::NotFound { .. }) => None,
        Err(error) => panic!("expected a row or none, got {error:?}"),
    }
}
