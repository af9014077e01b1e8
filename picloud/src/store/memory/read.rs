//! Reading apps and what they own.

use std::sync::Arc;

use super::{MemoryStore, Owned, Tables, missing, oldest_first};
use crate::{
    AppId, BoxFuture, DomainId, RouteId, ScriptId, Slug,
    store::{
        AppKey, AppRecord, AppStore, AppWorld, Commit, DomainRecord, Page, RouteRecord, ScriptRecord,
        StoreError, StoreFuture, VersionRecord, World,
    },
};

impl AppStore for MemoryStore {
    fn revision(&self) -> StoreFuture<'_, u64> {
        Box::pin(async { Ok(self.lock().tables.revision) })
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        let mut revision = self.0.revision.subscribe();
        Box::pin(async move {
            // The sender lives as long as this store.
            let _ = revision.wait_for(|revision| *revision != seen).await;
        })
    }

    fn world(&self, since: u64) -> StoreFuture<'_, World> {
        Box::pin(async move {
            let copy = self.lock().tables.clone();
            let went = copy.gone.iter().filter(|(_, revision)| **revision > since);
            let changed = copy.apps.values().filter(|owned| owned.changed > since);
            Ok(World {
                revision: copy.revision,
                gone: went.map(|(app, _)| *app).collect(),
                apps: changed.map(|owned| owned.world()).collect(),
            })
        })
    }

    fn apps(&self, page: Page<AppId>) -> StoreFuture<'_, Vec<AppRecord>> {
        Box::pin(async move {
            let state = self.lock();
            let rows = oldest_first(&state.tables.apps, page.after);
            Ok(rows.take(page.limit).map(|owned| owned.app.clone()).collect())
        })
    }

    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
        Box::pin(async move { Ok(self.lock().tables.app(&key)?.app.clone()) })
    }

    fn former(&self, slug: Slug) -> StoreFuture<'_, AppRecord> {
        Box::pin(async move {
            let state = self.lock();
            let id = state.tables.former.get(&slug).ok_or(missing("app"))?;
            Ok(state.tables.app(&AppKey::Id(*id))?.app.clone())
        })
    }

    fn domains(&self, app: AppId, page: Page<DomainId>) -> StoreFuture<'_, Vec<DomainRecord>> {
        self.list(app, move |owned| {
            oldest_first(&owned.domains, page.after).take(page.limit).cloned().collect()
        })
    }

    fn domain(&self, app: AppId, id: DomainId) -> StoreFuture<'_, DomainRecord> {
        self.one(app, "domain", move |owned| owned.domains.get(&id).cloned())
    }

    fn scripts(&self, app: AppId, page: Page<ScriptId>) -> StoreFuture<'_, Vec<ScriptRecord>> {
        self.list(app, move |owned| {
            let rows = oldest_first(&owned.scripts, page.after).take(page.limit);
            rows.filter_map(|versions| versions.last()).map(|script| (**script).clone()).collect()
        })
    }

    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        self.one(app, "script", move |owned| owned.script(id).map(|script| (**script).clone()))
    }

    fn versions(&self, app: AppId, script: ScriptId, page: Page<u64>) -> StoreFuture<'_, Vec<VersionRecord>> {
        self.list(app, move |owned| {
            let all = owned.scripts.get(&script).into_iter().flatten().rev();
            let older = all.filter(|row| page.after.is_none_or(|after| row.version < after));
            older.take(page.limit).map(|row| version_of(row)).collect()
        })
    }

    fn version(&self, app: AppId, script: ScriptId, version: u64) -> StoreFuture<'_, VersionRecord> {
        self.one(app, "version", move |owned| {
            let found = owned.scripts.get(&script)?.iter().find(|row| row.version == version)?;
            Some(version_of(found))
        })
    }

    fn routes(&self, app: AppId, page: Page<RouteId>) -> StoreFuture<'_, Vec<RouteRecord>> {
        self.list(app, move |owned| {
            oldest_first(&owned.routes, page.after).take(page.limit).cloned().collect()
        })
    }

    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        self.one(app, "route", move |owned| owned.routes.get(&id).cloned())
    }

    fn app_of_script(&self, id: ScriptId) -> StoreFuture<'_, AppId> {
        self.owner("script", move |owned| owned.scripts.contains_key(&id))
    }

    fn app_of_route(&self, id: RouteId) -> StoreFuture<'_, AppId> {
        self.owner("route", move |owned| owned.routes.contains_key(&id))
    }

    fn app_of_domain(&self, id: DomainId) -> StoreFuture<'_, AppId> {
        self.owner("domain", move |owned| owned.domains.contains_key(&id))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, u64> {
        Box::pin(async { self.apply(commit) })
    }
}

impl MemoryStore {
    /// Rows of an app; none if there is no such app.
    fn list<T: Send + 'static>(
        &self,
        app: AppId,
        rows: impl FnOnce(&Owned) -> Vec<T> + Send + 'static,
    ) -> StoreFuture<'_, Vec<T>> {
        Box::pin(
            async move { Ok(self.lock().tables.apps.get(&app).map_or_else(Vec::new, |owned| rows(owned))) },
        )
    }

    /// A row of an app.
    fn one<T: Send + 'static>(
        &self,
        app: AppId,
        what: &'static str,
        row: impl FnOnce(&Owned) -> Option<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            self.lock().tables.apps.get(&app).and_then(|owned| row(owned)).ok_or(missing(what))
        })
    }

    /// The app that owns something.
    fn owner(
        &self,
        what: &'static str,
        owns: impl Fn(&Owned) -> bool + Send + 'static,
    ) -> StoreFuture<'_, AppId> {
        Box::pin(async move {
            let state = self.lock();
            let owner = state.tables.apps.values().find(|owned| owns(owned));
            owner.map(|owned| owned.app.id).ok_or(missing(what))
        })
    }
}

impl Tables {
    pub(super) fn app(&self, key: &AppKey) -> Result<&Arc<Owned>, StoreError> {
        match key {
            AppKey::Id(id) => self.apps.get(id),
            AppKey::Slug(slug) => self.apps.values().find(|owned| owned.app.slug == *slug),
        }
        .ok_or(missing("app"))
    }
}

impl Owned {
    /// The newest version of a script.
    pub(super) fn script(&self, id: ScriptId) -> Option<&Arc<ScriptRecord>> {
        self.scripts.get(&id)?.last()
    }

    fn world(&self) -> AppWorld {
        let newest = self.scripts.values().filter_map(|versions| versions.last());
        AppWorld {
            app: self.app.clone(),
            domains: self.domains.values().cloned().collect(),
            scripts: newest.filter(|script| keep_intact(script)).map(|script| (**script).clone()).collect(),
            routes: self.routes.values().cloned().collect(),
        }
    }
}

/// Says whether a script may be served, and logs it if not.
fn keep_intact(script: &ScriptRecord) -> bool {
    let intact = script.is_intact();
    if !intact {
        tracing::error!(script = %script.id, name = script.name, app = %script.app, "damaged script is left out");
    }
    intact
}

fn version_of(row: &ScriptRecord) -> VersionRecord {
    VersionRecord {
        app: row.app,
        script: row.id,
        version: row.version,
        source: row.source.clone(),
        hash: row.hash,
        saved_at: row.updated_at,
        saved_by: row.updated_by,
    }
}
