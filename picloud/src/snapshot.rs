//! The Router that is published right now, and how it follows the store.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::sync::{Mutex, watch};

use crate::{
    AppId, AppRoutes, DomainPattern, Gate, Limits, Route, RouteTable, Router, Script, ScriptId,
    store::{AppRecord, DomainRecord, RouteRecord, ScriptRecord, Store, StoreError, World},
};

/// What the data plane serves: a router, and the scripts by id. Immutable.
#[derive(Clone)]
pub struct Snapshot {
    /// The store's revision this was made of; 0 without a store.
    pub revision: u64,
    /// Finds the script for a request.
    pub router: Arc<dyn Router>,
    scripts: Arc<HashMap<ScriptId, Arc<Script>>>,
}

impl Snapshot {
    /// A snapshot of a router of your own. Scripts can then only be reached through it.
    pub fn of_router(router: Arc<dyn Router>) -> Self {
        Self { revision: 0, router, scripts: Arc::default() }
    }

    pub(crate) fn new(revision: u64, router: Arc<dyn Router>, scripts: Vec<Arc<Script>>) -> Self {
        let scripts = scripts.into_iter().map(|script| (script.id, script)).collect();
        Self { revision, router, scripts: Arc::new(scripts) }
    }

    /// The newest version of a script.
    #[must_use]
    pub fn script(&self, id: ScriptId) -> Option<&Arc<Script>> {
        self.scripts.get(&id)
    }
}

/// Follows a store: makes a new [`Snapshot`] when there is something new, and publishes it.
///
/// [`refresh`](Self::refresh) is called after each commit, so that a save is live when its call returns; a slow poll
/// ([`follow`](Self::follow)) finds what other processes wrote. A notice that comes twice, late or never is harmless,
/// because revisions are compared.
pub struct Publisher {
    store: Arc<dyn Store>,
    limits: Limits,
    published: watch::Sender<Snapshot>,
    /// What the last snapshot was made of, to reuse what has not changed. Held while the next one is made.
    previous: Mutex<Previous>,
    /// Table of the newest snapshot, for questions about it.
    table: RwLock<Arc<RouteTable>>,
}

#[derive(Default)]
struct Previous {
    scripts: HashMap<ScriptId, Arc<Script>>,
    gates: HashMap<AppId, Gate>,
    apps: HashMap<AppId, PreviousApp>,
}

/// Routes of an app, and the rows they were made of.
struct PreviousApp {
    rows: Vec<RouteRecord>,
    routes: Arc<AppRoutes>,
}

impl Publisher {
    /// A publisher with an empty snapshot. `limits` are the server's; apps and scripts may set their own.
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Self {
        let table = Arc::new(RouteTable::default());
        let (published, _) = watch::channel(Snapshot::new(0, table.clone(), Vec::new()));
        Self { store, limits, published, previous: Mutex::default(), table: RwLock::new(table) }
    }

    /// What is published, now and from now on.
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.published.subscribe()
    }

    /// The newest table.
    pub fn table(&self) -> Arc<RouteTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Publishes what the store holds, if it is newer than what is published.
    ///
    /// # Errors
    /// The store could not be read. What was published stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut previous = self.previous.lock().await;
        let revision = self.store.revision().await?;
        if revision == self.published.borrow().revision {
            return Ok(());
        }
        let world = self.store.world().await?;
        let revision = world.revision;
        let (table, next) = build(world, &previous, &self.limits);
        let table = Arc::new(table);
        let scripts = next.scripts.values().cloned().collect();
        *previous = next;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = table.clone();
        self.published.send_replace(Snapshot::new(revision, table, scripts));
        Ok(())
    }

    /// Refreshes every `interval`, for ever. Failures are logged, and tried again.
    pub async fn follow(&self, interval: Duration) {
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "the store could not be read; scripts go on as last published");
            }
        }
    }
}

/// Rows by the app they belong to.
fn by_app<T>(rows: Vec<T>, app: impl Fn(&T) -> AppId) -> HashMap<AppId, Vec<T>> {
    let mut grouped: HashMap<AppId, Vec<T>> = HashMap::new();
    for row in rows {
        grouped.entry(app(&row)).or_default().push(row);
    }
    grouped
}

/// A table of `world`, and what the next one can reuse of it.
fn build(world: World, previous: &Previous, limits: &Limits) -> (RouteTable, Previous) {
    let mut next = Previous::default();
    let mut domains = by_app(world.domains, |row| row.app);
    let mut routes = by_app(world.routes, |row| row.app);
    let mut scripts = by_app(world.scripts, |row| row.app);
    let mut table = RouteTable::builder();
    for app in world.apps {
        let gate = previous.gates.get(&app.id).cloned().unwrap_or_default();
        let mut changed = false;
        for row in scripts.remove(&app.id).unwrap_or_default() {
            let (script, fresh) = script_of(row, &app, &gate, previous, limits);
            changed |= fresh;
            next.scripts.insert(script.id, script);
        }
        let rows = routes.remove(&app.id).unwrap_or_default();
        let routes = routes_of(&app, &rows, changed, previous, &next.scripts);
        let claims = domains.remove(&app.id).unwrap_or_default();
        table = table.app(claims.iter().filter_map(|row| claim_of(row, &app)), routes.clone());
        next.gates.insert(app.id, gate);
        next.apps.insert(app.id, PreviousApp { rows, routes });
    }
    (table.build(), next)
}

/// The script of a row: the one already published, with what it has compiled, if it is still the same.
fn script_of(
    row: ScriptRecord,
    app: &AppRecord,
    gate: &Gate,
    previous: &Previous,
    limits: &Limits,
) -> (Arc<Script>, bool) {
    let limits = app.limits.apply(*limits).and_then(|limits| row.limits.apply(limits)).unwrap_or_else(|error| {
        tracing::error!(app = %app.slug, script = row.name, %error, "a stored limit is out of range and not used");
        *limits
    });
    if let Some(known) = previous.scripts.get(&row.id) {
        let same = known.version == row.version && known.limits == limits && known.app_slug == app.slug;
        if same && *known.name == row.name {
            return (known.clone(), false);
        }
    }
    let script = Script {
        app: app.id,
        app_slug: app.slug.clone(),
        gate: gate.clone(),
        id: row.id,
        name: row.name.into(),
        version: row.version,
        source: row.source.into(),
        limits,
        compiled: Default::default(),
    };
    (Arc::new(script), true)
}

/// The routes of an app: those already published if neither they nor the scripts have changed.
fn routes_of(
    app: &AppRecord,
    rows: &[RouteRecord],
    scripts_changed: bool,
    previous: &Previous,
    scripts: &HashMap<ScriptId, Arc<Script>>,
) -> Arc<AppRoutes> {
    match previous.apps.get(&app.id) {
        Some(known) if !scripts_changed && known.rows == rows => known.routes.clone(),
        _ => Arc::new(AppRoutes::new(app.id, rows.iter().filter_map(|row| route_of(row, app, scripts)))),
    }
}

/// A row that cannot be understood is left out and logged; it keeps no other from being routed.
fn route_of(row: &RouteRecord, app: &AppRecord, scripts: &HashMap<ScriptId, Arc<Script>>) -> Option<Route> {
    if !row.enabled {
        return None;
    }
    let (Ok(method), Ok(pattern)) = (row.method.parse(), row.path.parse()) else {
        tracing::error!(app = %app.slug, method = row.method, path = row.path, "a stored route is not valid and left out");
        return None;
    };
    let script = scripts.get(&row.script)?.clone();
    Some(Route { method, pattern, script })
}

fn claim_of(row: &DomainRecord, app: &AppRecord) -> Option<DomainPattern> {
    let claim = row.pattern.parse();
    claim
        .inspect_err(|error| {
            tracing::error!(app = %app.slug, pattern = row.pattern, %error, "a stored domain is not valid and left out");
        })
        .ok()
}
