//! What a snapshot is made of, app by app, so that the next one shares all that has not changed.

use std::{collections::HashMap, sync::Arc};

use crate::{
    AppId, AppRoutes, DomainPattern, Gate, Limits, Route, RouteTable, Script, ScriptId,
    shared_map::SharedMap,
    store::{AppRecord, AppWorld, DomainRecord, RouteRecord, ScriptRecord, World},
};

/// The newest table and scripts, and what to take out of them when an app changes.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) table: Arc<RouteTable>,
    pub(super) scripts: SharedMap<ScriptId, Arc<Script>>,
    /// Whether this is what the store held, and not what was kept of it.
    pub(super) is_of_store: bool,
    apps: HashMap<AppId, Part>,
}

/// What is known of one app.
#[derive(Default)]
struct Part {
    /// Counts its runs, through all changes.
    gate: Gate,
    claims: Box<[DomainPattern]>,
    scripts: Box<[ScriptId]>,
}

/// Scripts by id, those that may be used again.
type Scripts = HashMap<ScriptId, Arc<Script>>;

impl Parts {
    /// Takes the next update as the whole world: apps that it does not name are gone.
    pub(super) fn start_over(&mut self) {
        self.is_of_store = false;
    }

    /// Replaces the apps that `world` names.
    pub(super) fn update(&mut self, world: World, limits: &Limits) {
        let (mut table, mut scripts) = (RouteTable::edit(&self.table), self.scripts.clone());
        let mut old = self.take_apps(&world);
        let mut reusable = Scripts::new();
        for (app, part) in &old {
            table = table.remove(*app, &part.claims);
            reusable.extend(part.scripts.iter().filter_map(|id| Some((*id, scripts.remove(id)?))));
        }
        for AppWorld { app, domains, scripts: rows, routes } in world.apps {
            let gate = old.remove(&app.id).unwrap_or_default().gate;
            let own: Scripts = rows
                .into_iter()
                .map(|row| (row.id, script_of(&row, &app, &gate, reusable.get(&row.id), limits)))
                .collect();
            let routes = AppRoutes::new(app.id, routes.iter().filter_map(|row| route_of(row, &app, &own)));
            let claims: Box<[_]> = domains.iter().filter_map(|row| claim_of(row, &app)).collect();
            table = table.app(claims.iter().cloned(), routes);
            self.apps.insert(app.id, Part { gate, claims, scripts: own.keys().copied().collect() });
            own.into_iter().for_each(|(id, script)| scripts.insert(id, script));
        }
        (self.table, self.scripts) = (Arc::new(table.build()), scripts);
    }

    /// Takes out the apps that are gone or come anew.
    fn take_apps(&mut self, world: &World) -> HashMap<AppId, Part> {
        if !self.is_of_store {
            return std::mem::take(&mut self.apps);
        }
        let named = world.gone.iter().chain(world.apps.iter().map(|world| &world.app.id));
        named.filter_map(|app| self.apps.remove_entry(app)).collect()
    }
}

/// The script of a row: the one already published, with what it has compiled, if it is still the same.
fn script_of(
    row: &ScriptRecord,
    app: &AppRecord,
    gate: &Gate,
    known: Option<&Arc<Script>>,
    limits: &Limits,
) -> Arc<Script> {
    let limits = app.limits.apply(*limits).and_then(|limits| row.limits.apply(limits)).unwrap_or_else(|error| {
        tracing::error!(app = %app.slug, script = row.name, %error, "a stored limit is out of range and not used");
        *limits
    });
    if let Some(known) = known {
        // The source, too: where the store went back in time, a version may be another than it was.
        let same = known.version == row.version && known.limits == limits && known.app_slug == app.slug;
        if same && *known.name == row.name && *known.source == row.source {
            return known.clone();
        }
    }
    Arc::new(Script {
        app: app.id,
        app_slug: app.slug.clone(),
        gate: gate.clone(),
        id: row.id,
        name: row.name.as_str().into(),
        version: row.version,
        source: row.source.as_str().into(),
        limits,
        compiled: Default::default(),
    })
}

/// A row that cannot be understood is left out and logged; it keeps no other from being routed.
fn route_of(row: &RouteRecord, app: &AppRecord, scripts: &Scripts) -> Option<Route> {
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
