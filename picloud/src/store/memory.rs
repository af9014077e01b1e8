//! A store in memory: for tests, for embedders that keep the truth elsewhere, and as the plain model of the contract.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    AdminRecord, AppKey, AppRecord, AppStore, Change, DomainRecord, IdentityStore, RouteRecord, ScriptRecord,
    SessionRecord, StoreError, StoreFuture, World,
};
use crate::{AdminId, AppId, DomainId, LimitOverrides, RouteId, ScriptId, SessionId, Slug};

/// A [`Store`](super::Store) whose contents end with the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    apps: Apps,
    identities: Identities,
}

/// Apps and what they own. Ordered by id, as lists are; sources are shared, so that a copy is cheap.
#[derive(Debug, Clone, Default)]
struct Apps {
    revision: u64,
    apps: BTreeMap<AppId, AppRecord>,
    domains: BTreeMap<DomainId, DomainRecord>,
    scripts: BTreeMap<ScriptId, Arc<ScriptRecord>>,
    routes: BTreeMap<RouteId, RouteRecord>,
}

#[derive(Debug, Default)]
struct Identities {
    had_admin: bool,
    admins: BTreeMap<AdminId, AdminRecord>,
    sessions: BTreeMap<SessionId, SessionRecord>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A writer that panicked has left the state whole: it changes a copy, or one field at a time.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AppStore for MemoryStore {
    fn revision(&self) -> StoreFuture<'_, u64> {
        Box::pin(async { Ok(self.lock().apps.revision) })
    }

    fn world(&self) -> StoreFuture<'_, World> {
        Box::pin(async {
            let copy = self.lock().apps.clone();
            Ok(copy.into_world())
        })
    }

    fn apps(&self) -> StoreFuture<'_, Vec<AppRecord>> {
        Box::pin(async { Ok(self.lock().apps.apps.values().cloned().collect()) })
    }

    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
        Box::pin(async move { self.lock().apps.app(&key).cloned() })
    }

    fn domains(&self, app: AppId) -> StoreFuture<'_, Vec<DomainRecord>> {
        Box::pin(async move {
            Ok(self.lock().apps.domains.values().filter(|domain| domain.app == app).cloned().collect())
        })
    }

    fn scripts(&self, app: AppId) -> StoreFuture<'_, Vec<ScriptRecord>> {
        Box::pin(async move {
            let state = self.lock();
            Ok(state
                .apps
                .scripts
                .values()
                .filter(|script| script.app == app)
                .map(|s| (**s).clone())
                .collect())
        })
    }

    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        Box::pin(async move { self.lock().apps.script(app, id).cloned() })
    }

    fn script_anywhere(&self, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        Box::pin(async move {
            let state = self.lock();
            let script = state.apps.scripts.get(&id).ok_or(StoreError::NotFound { what: "script" })?;
            Ok((**script).clone())
        })
    }

    fn routes(&self, app: AppId) -> StoreFuture<'_, Vec<RouteRecord>> {
        Box::pin(async move {
            Ok(self.lock().apps.routes.values().filter(|route| route.app == app).cloned().collect())
        })
    }

    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        Box::pin(async move { self.lock().apps.route(app, id).cloned() })
    }

    fn route_anywhere(&self, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        Box::pin(async move {
            let found = self.lock().apps.routes.get(&id).cloned();
            found.ok_or(StoreError::NotFound { what: "route" })
        })
    }

    fn domain_anywhere(&self, id: DomainId) -> StoreFuture<'_, DomainRecord> {
        Box::pin(async move {
            let found = self.lock().apps.domains.get(&id).cloned();
            found.ok_or(StoreError::NotFound { what: "domain" })
        })
    }

    fn commit(&self, changes: Vec<Change>) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut state = self.lock();
            let mut next = state.apps.clone();
            for change in changes {
                next.apply(change)?;
            }
            next.revision += 1;
            state.apps = next;
            Ok(state.apps.revision)
        })
    }
}

impl Apps {
    fn into_world(self) -> World {
        let Self { revision, apps, domains, scripts, routes } = self;
        World {
            revision,
            apps: apps.into_values().collect(),
            domains: domains.into_values().collect(),
            scripts: scripts.into_values().filter(|s| keep_intact(s)).map(Arc::unwrap_or_clone).collect(),
            routes: routes.into_values().collect(),
        }
    }

    fn app(&self, key: &AppKey) -> Result<&AppRecord, StoreError> {
        match key {
            AppKey::Id(id) => self.apps.get(id),
            AppKey::Slug(slug) => self.apps.values().find(|app| app.slug == *slug),
        }
        .ok_or(StoreError::NotFound { what: "app" })
    }

    fn script(&self, app: AppId, id: ScriptId) -> Result<&ScriptRecord, StoreError> {
        let script = self.scripts.get(&id).filter(|script| script.app == app);
        script.map(|script| &**script).ok_or(StoreError::NotFound { what: "script" })
    }

    fn route(&self, app: AppId, id: RouteId) -> Result<&RouteRecord, StoreError> {
        self.routes.get(&id).filter(|route| route.app == app).ok_or(StoreError::NotFound { what: "route" })
    }

    fn apply(&mut self, change: Change) -> Result<(), StoreError> {
        match change {
            Change::CreateApp(app) => self.create_app(app),
            Change::UpdateApp { id, expected, slug, limits } => self.update_app(id, expected, slug, limits),
            Change::DeleteApp { id, expected } => self.delete_app(id, expected),
            Change::ClaimDomain(domain) => self.claim_domain(domain),
            Change::ReleaseDomain { app, id } => self.release_domain(app, id),
            Change::CreateScript(script) => self.create_script(script),
            Change::UpdateScript { app, id, expected, name, source, hash, limits, at, by } => {
                let old = self.script(app, id)?;
                StoreError::check_version("script", expected, old.version)?;
                let (version, created_at) = (old.version + 1, old.created_at);
                self.check_script_name(app, id, &name)?;
                let (updated_at, updated_by) = (at, by);
                let next = ScriptRecord {
                    id,
                    app,
                    name,
                    source,
                    hash,
                    limits,
                    version,
                    created_at,
                    updated_at,
                    updated_by,
                };
                self.scripts.insert(id, Arc::new(next));
                Ok(())
            }
            Change::DeleteScript { app, id, expected } => self.delete_script(app, id, expected),
            Change::CreateRoute(route) => self.create_route(route),
            Change::UpdateRoute { app, id, expected, method, path, shape, enabled } => {
                let old = self.route(app, id)?.clone();
                StoreError::check_version("route", expected, old.version)?;
                let next = RouteRecord { method, path, shape, enabled, version: old.version + 1, ..old };
                self.check_route(&next)?;
                self.routes.insert(id, next);
                Ok(())
            }
            Change::DeleteRoute { app, id, expected } => self.delete_route(app, id, expected),
        }
    }

    fn create_app(&mut self, app: AppRecord) -> Result<(), StoreError> {
        self.check_slug(app.id, &app.slug)?;
        insert_new(&mut self.apps, app.id, app)
    }

    fn update_app(
        &mut self,
        id: AppId,
        expected: Option<u64>,
        slug: Slug,
        limits: LimitOverrides,
    ) -> Result<(), StoreError> {
        let old = self.app(&AppKey::Id(id))?.clone();
        StoreError::check_version("app", expected, old.version)?;
        self.check_slug(id, &slug)?;
        self.apps.insert(id, AppRecord { slug, limits, version: old.version + 1, ..old });
        Ok(())
    }

    fn delete_app(&mut self, id: AppId, expected: Option<u64>) -> Result<(), StoreError> {
        StoreError::check_version("app", expected, self.app(&AppKey::Id(id))?.version)?;
        self.apps.remove(&id);
        self.domains.retain(|_, domain| domain.app != id);
        self.scripts.retain(|_, script| script.app != id);
        self.routes.retain(|_, route| route.app != id);
        Ok(())
    }

    fn claim_domain(&mut self, domain: DomainRecord) -> Result<(), StoreError> {
        self.app(&AppKey::Id(domain.app))?;
        if let Some(held) = self.domains.values().find(|held| held.shape == domain.shape) {
            let holder = (held.app != domain.app).then_some(held.app);
            return Err(StoreError::Conflict { what: "domain", value: domain.pattern, holder });
        }
        insert_new(&mut self.domains, domain.id, domain)
    }

    fn release_domain(&mut self, app: AppId, id: DomainId) -> Result<(), StoreError> {
        let held = self.domains.get(&id).filter(|domain| domain.app == app);
        held.ok_or(StoreError::NotFound { what: "domain" })?;
        self.domains.remove(&id);
        Ok(())
    }

    fn create_script(&mut self, script: ScriptRecord) -> Result<(), StoreError> {
        self.app(&AppKey::Id(script.app))?;
        self.check_script_name(script.app, script.id, &script.name)?;
        insert_new(&mut self.scripts, script.id, Arc::new(script))
    }

    fn delete_script(&mut self, app: AppId, id: ScriptId, expected: Option<u64>) -> Result<(), StoreError> {
        StoreError::check_version("script", expected, self.script(app, id)?.version)?;
        self.scripts.remove(&id);
        self.routes.retain(|_, route| route.script != id);
        Ok(())
    }

    fn create_route(&mut self, route: RouteRecord) -> Result<(), StoreError> {
        self.app(&AppKey::Id(route.app))?;
        self.script(route.app, route.script)?;
        self.check_route(&route)?;
        insert_new(&mut self.routes, route.id, route)
    }

    fn delete_route(&mut self, app: AppId, id: RouteId, expected: Option<u64>) -> Result<(), StoreError> {
        StoreError::check_version("route", expected, self.route(app, id)?.version)?;
        self.routes.remove(&id);
        Ok(())
    }

    fn check_slug(&self, id: AppId, slug: &Slug) -> Result<(), StoreError> {
        match self.apps.values().find(|held| held.slug == *slug && held.id != id) {
            Some(held) => {
                Err(StoreError::Conflict { what: "slug", value: slug.to_string(), holder: Some(held.id) })
            }
            None => Ok(()),
        }
    }

    fn check_script_name(&self, app: AppId, id: ScriptId, name: &str) -> Result<(), StoreError> {
        if self.scripts.values().any(|held| held.app == app && held.name == name && held.id != id) {
            return Err(StoreError::Conflict { what: "script name", value: name.to_owned(), holder: None });
        }
        Ok(())
    }

    fn check_route(&self, route: &RouteRecord) -> Result<(), StoreError> {
        let same = |held: &RouteRecord| {
            held.app == route.app
                && held.method == route.method
                && held.shape == route.shape
                && held.id != route.id
        };
        if self.routes.values().any(same) {
            let value = format!("{} {}", route.method, route.path);
            return Err(StoreError::Conflict { what: "route", value, holder: None });
        }
        Ok(())
    }
}

/// Inserts a row under an id that must not be there yet.
fn insert_new<K: Ord + ToString, V>(rows: &mut BTreeMap<K, V>, id: K, row: V) -> Result<(), StoreError> {
    if rows.contains_key(&id) {
        return Err(StoreError::Conflict { what: "id", value: id.to_string(), holder: None });
    }
    rows.insert(id, row);
    Ok(())
}

/// Says whether a script may be served, and logs it if not.
fn keep_intact(script: &ScriptRecord) -> bool {
    let intact = script.is_intact();
    if !intact {
        tracing::error!(script = %script.id, name = script.name, app = %script.app, "damaged script is left out");
    }
    intact
}

impl IdentityStore for MemoryStore {
    fn has_had_admin(&self) -> StoreFuture<'_, bool> {
        Box::pin(async { Ok(self.lock().identities.had_admin) })
    }

    fn create_first_admin(&self, admin: AdminRecord) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let identities = &mut self.lock().identities;
            let first = !std::mem::replace(&mut identities.had_admin, true);
            if first {
                identities.admins.insert(admin.id, admin);
            }
            Ok(first)
        })
    }

    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        Box::pin(async move {
            let state = self.lock();
            let found = state.identities.admins.values().find(|admin| admin.username == username);
            found.cloned().ok_or(StoreError::NotFound { what: "admin" })
        })
    }

    fn set_password_hash(&self, admin: AdminId, password_hash: String) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut state = self.lock();
            let admin =
                state.identities.admins.get_mut(&admin).ok_or(StoreError::NotFound { what: "admin" })?;
            admin.password_hash = password_hash;
            Ok(())
        })
    }

    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let identities = &mut self.lock().identities;
            if !identities.admins.contains_key(&session.admin) {
                return Err(StoreError::NotFound { what: "admin" });
            }
            insert_new(&mut identities.sessions, session.id, session)
        })
    }

    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
        Box::pin(async move {
            let state = self.lock();
            let found = state.identities.sessions.values().find(|session| session.token_hash == token_hash);
            let session = found.ok_or(StoreError::NotFound { what: "session" })?;
            let admin = state.identities.admins.get(&session.admin);
            Ok((session.clone(), admin.ok_or(StoreError::NotFound { what: "session" })?.clone()))
        })
    }

    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            if let Some(session) = self.lock().identities.sessions.get_mut(&id) {
                session.last_used_at = session.last_used_at.max(at);
            }
            Ok(())
        })
    }

    fn delete_session(&self, id: SessionId) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            self.lock().identities.sessions.remove(&id);
            Ok(())
        })
    }

    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let sessions = &mut self.lock().identities.sessions;
            let before = sessions.len();
            sessions.retain(|_, s| s.last_used_at >= idle_before && s.created_at >= created_before);
            Ok((before - sessions.len()) as u64)
        })
    }
}
