//! What has to change so that an app is what a deployment says.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    super::{
        Actor, Manager, ManagerError, ScriptInput,
        error::Findings,
        routes::{self, route_texts},
        scripts::next_version,
        writer::Deed,
    },
    Deployment, Step,
};
use crate::{
    FieldError, LimitOverrides, RouteId, ScriptId, content_hash,
    store::{AppRecord, Change, DomainRecord, RouteRecord, ScriptRecord},
};

/// An app with what it owns.
pub(super) struct There {
    pub(super) app: AppRecord,
    /// By name.
    pub(super) scripts: BTreeMap<String, ScriptRecord>,
    /// By method and shape, of which there is one.
    pub(super) routes: BTreeMap<(String, String), RouteRecord>,
    pub(super) domains: Vec<DomainRecord>,
}

impl There {
    pub(super) fn empty(app: AppRecord) -> Self {
        Self { app, scripts: BTreeMap::new(), routes: BTreeMap::new(), domains: Vec::new() }
    }

    fn names(&self) -> BTreeMap<ScriptId, String> {
        self.scripts.values().map(|script| (script.id, script.name.clone())).collect()
    }
}

/// One thing to do: as it is told, as it is recorded, and as it is done.
pub(super) struct Work {
    pub(super) step: Step,
    pub(super) deed: Deed,
    pub(super) change: Change,
}

/// A plan in the making. Its work is in an order in which each thing finds what it needs.
pub(super) struct Planner<'a> {
    manager: &'a Manager,
    actor: &'a Actor,
    /// As it is to be.
    pub(super) app: AppRecord,
    pub(super) is_new: bool,
    there: There,
    /// Scripts that there will be, by name.
    scripts: BTreeMap<String, ScriptId>,
    pub(super) work: Vec<Work>,
    pub(super) kept: Vec<Step>,
    pub(super) findings: Findings,
}

impl<'a> Planner<'a> {
    pub(super) fn new(manager: &'a Manager, actor: &'a Actor, is_new: bool, there: There) -> Self {
        let (work, kept, findings) = (Vec::new(), Vec::new(), Findings::default());
        let (app, scripts) = (there.app.clone(), BTreeMap::new());
        Self { manager, actor, app, is_new, there, scripts, work, kept, findings }
    }

    pub(super) async fn plan(&mut self, wanted: &Deployment) -> Result<(), ManagerError> {
        self.app(wanted.limits);
        self.scripts(wanted).await?;
        let routes = self.routes(wanted);
        self.unnamed_routes(wanted, &routes);
        self.unnamed_scripts(wanted);
        self.domains(wanted);
        Ok(())
    }

    fn does(&mut self, step: Step, deed: Deed, change: Change) {
        self.work.push(Work { step, deed, change });
    }

    /// What is done only where what is not named is removed.
    fn removes(&mut self, wanted: &Deployment, step: Step, deed: Deed, change: Change) {
        if wanted.prune {
            self.does(step, deed, change);
        } else {
            self.kept.push(step);
        }
    }

    fn deed(&self, action: &'static str, target: impl ToString, name: &str) -> Deed {
        let mut deed = Deed::new(self.actor, action).target(target).name(name);
        deed.set_app(self.app.id);
        deed
    }

    fn app(&mut self, limits: Option<LimitOverrides>) {
        let limits = limits.unwrap_or(self.app.limits);
        if self.findings.take(self.manager.check_limits(self.manager.limits, &limits)).is_none() {
            return;
        }
        let AppRecord { id, slug, version, .. } = self.app.clone();
        let old = std::mem::replace(&mut self.app.limits, limits);
        if self.is_new {
            let mut deed = self.deed("app.create", id, slug.as_str());
            deed.set_after(&self.app);
            self.does(Step::CreateApp { slug: slug.to_string() }, deed, Change::CreateApp(self.app.clone()));
        } else if old != limits {
            let mut deed = self.deed("app.update", id, slug.as_str());
            deed.set_before(&self.there.app);
            self.app.version += 1;
            deed.set_after(&self.app);
            let change = Change::UpdateApp { id, expected: Some(version), slug, limits };
            self.does(Step::SetLimits { limits }, deed, change);
        }
    }

    async fn scripts(&mut self, wanted: &Deployment) -> Result<(), ManagerError> {
        if !wanted.prune {
            self.scripts =
                self.there.scripts.iter().map(|(name, script)| (name.clone(), script.id)).collect();
        }
        let mut named = BTreeSet::new();
        for (at, script) in wanted.scripts.iter().enumerate() {
            let name = script.name.clone();
            if !named.insert(name.clone()) {
                let detail = format!("there are two scripts `{name}`");
                self.findings.extend([FieldError::new(format!("scripts[{at}].name"), "duplicate", detail)]);
                continue;
            }
            let old = self.there.scripts.get(&name).cloned();
            let limits =
                script.limits.unwrap_or(old.as_ref().map_or_else(Default::default, |old| old.limits));
            if let Some(old) = &old
                && old.hash == content_hash(&script.source)
                && old.limits == limits
            {
                self.scripts.insert(name, old.id);
                continue;
            }
            let input = ScriptInput { name: name.clone(), source: script.source.clone(), limits };
            match self.manager.new_script(self.actor, &self.app, input).await {
                Ok(checked) => self.script(old, checked),
                Err(ManagerError::Invalid(errors)) => {
                    // What leads to it is not wrong as well.
                    self.scripts.insert(name, old.map_or_else(ScriptId::new, |old| old.id));
                    self.findings
                        .extend(errors.into_iter().map(|error| within(&format!("scripts[{at}]"), error)));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn script(&mut self, old: Option<ScriptRecord>, checked: ScriptRecord) {
        let name = checked.name.clone();
        let (action, id) =
            old.as_ref().map_or(("script.create", checked.id), |old| ("script.update", old.id));
        let mut deed = self.deed(action, id, &name);
        deed.set_sources(old.as_ref().map(|old| old.hash), Some(checked.hash));
        self.scripts.insert(name.clone(), id);
        match old {
            Some(old) => self.does(Step::UpdateScript { name }, deed, next_version(id, old.version, checked)),
            None => self.does(Step::CreateScript { name }, deed, Change::CreateScript(checked)),
        }
    }

    /// Plans the routes that are named; those of them that are there.
    fn routes(&mut self, wanted: &Deployment) -> BTreeSet<RouteId> {
        let (mut there, mut shapes, names) = (BTreeSet::new(), BTreeSet::new(), self.there.names());
        for (at, route) in wanted.routes.iter().enumerate() {
            let field = format!("routes[{at}]");
            let texts = route_texts(&route.method, &route.path).map_err(|error| within(&field, error));
            let script = self.script_of(&route.script, &field);
            let (Some((method, path, shape)), Some(script)) =
                (self.findings.take(texts), self.findings.take(script))
            else {
                continue;
            };
            if !shapes.insert((method.clone(), shape.clone())) {
                let detail = format!("there are two routes for the requests of `{method} {path}`");
                self.findings.extend([FieldError::new(format!("{field}.path"), "duplicate", detail)]);
                continue;
            }
            let old = self.there.routes.get(&(method.clone(), shape.clone())).cloned();
            there.extend(old.as_ref().map(|old| old.id));
            let old = old.map(|old| (names.get(&old.script).cloned().unwrap_or_default(), old));
            self.route(old, (script, &route.script), (method, path, shape));
        }
        there
    }

    fn script_of(&self, name: &str, field: &str) -> Result<ScriptId, FieldError> {
        self.scripts.get(name).copied().ok_or_else(|| {
            FieldError::new(
                format!("{field}.script"),
                "unknown_script",
                format!("there is no script `{name}`"),
            )
        })
    }

    /// Plans one route; `old` is the one of its shape, after the name of the script that it leads to.
    fn route(
        &mut self,
        old: Option<(String, RouteRecord)>,
        (script, name): (ScriptId, &str),
        (method, path, shape): (String, String, String),
    ) {
        let (told, name) = (format!("{method} {path}"), name.to_owned());
        let Some((was, old)) = old else {
            let (id, app, created_at) = (RouteId::new(), self.app.id, self.manager.now());
            let (enabled, version) = (true, 1);
            let new = RouteRecord { id, app, script, method, path, shape, enabled, version, created_at };
            let mut deed = self.deed("route.create", id, &told);
            deed.set_after(&new);
            return self.does(
                Step::CreateRoute { route: told, script: name },
                deed,
                Change::CreateRoute(new),
            );
        };
        let step = if old.script != script {
            Step::MoveRoute { route: told.clone(), script: name, was }
        } else if old.path != path {
            Step::RenameRoute { route: told.clone(), was: format!("{} {}", old.method, old.path) }
        } else if !old.enabled {
            Step::EnableRoute { route: told.clone() }
        } else {
            return;
        };
        let next = RouteRecord { script, path, enabled: true, version: old.version + 1, ..old.clone() };
        let mut deed = self.deed("route.update", old.id, &told);
        deed.set_before(&old);
        deed.set_after(&next);
        self.does(step, deed, routes::update(next));
    }

    /// Those of a script that goes, go with it.
    fn unnamed_routes(&mut self, wanted: &Deployment, named: &BTreeSet<RouteId>) {
        let scripts = wanted.scripts.iter().filter_map(|script| self.there.scripts.get(&script.name));
        let stay: BTreeSet<_> = scripts.map(|script| script.id).collect();
        let unnamed = |route: &&RouteRecord| {
            route.enabled && !named.contains(&route.id) && stay.contains(&route.script)
        };
        let gone: Vec<_> = self.there.routes.values().filter(unnamed).cloned().collect();
        for old in gone {
            let route = format!("{} {}", old.method, old.path);
            let mut deed = self.deed("route.delete", old.id, &route);
            deed.set_before(&old);
            let change = Change::DeleteRoute { app: old.app, id: old.id, expected: Some(old.version) };
            self.removes(wanted, Step::DeleteRoute { route }, deed, change);
        }
    }

    fn unnamed_scripts(&mut self, wanted: &Deployment) {
        let named: BTreeSet<_> = wanted.scripts.iter().map(|script| script.name.as_str()).collect();
        let unnamed = |script: &&ScriptRecord| !named.contains(script.name.as_str());
        let gone: Vec<_> = self.there.scripts.values().filter(unnamed).cloned().collect();
        for ScriptRecord { id, app, name, hash, version, .. } in gone {
            let mut deed = self.deed("script.delete", id, &name);
            deed.set_sources(Some(hash), None);
            let change = Change::DeleteScript { app, id, expected: Some(version) };
            self.removes(wanted, Step::DeleteScript { name }, deed, change);
        }
    }

    fn domains(&mut self, wanted: &Deployment) {
        let Some(patterns) = &wanted.domains else { return };
        let (mut claims, mut shapes) = (Vec::new(), BTreeSet::new());
        let there: BTreeSet<_> = self.there.domains.iter().map(|old| old.pattern.clone()).collect();
        for (at, pattern) in patterns.iter().enumerate() {
            let field = format!("domains[{at}]");
            let new = self.manager.new_domain(self.app.id, pattern);
            let new = new.map_err(|error| FieldError { field: field.clone(), ..error });
            let Some(new) = self.findings.take(new) else { continue };
            if !shapes.insert(new.shape.clone()) {
                let detail = format!("there are two claims of the hosts of `{}`", new.pattern);
                self.findings.extend([FieldError::new(field, "duplicate", detail)]);
            } else if !there.contains(&new.pattern) {
                claims.push(new);
            }
        }
        self.release(wanted, &shapes, &claims);
        for new in claims {
            let mut deed = self.deed("domain.claim", new.id, &new.pattern);
            deed.set_after(&new);
            self.does(Step::ClaimDomain { pattern: new.pattern.clone() }, deed, Change::ClaimDomain(new));
        }
    }

    /// Gives up what is not named, and before that what is claimed anew under other names of its labels.
    fn release(&mut self, wanted: &Deployment, shapes: &BTreeSet<String>, claims: &[DomainRecord]) {
        let anew: BTreeSet<_> = claims.iter().map(|new| new.shape.as_str()).collect();
        for old in self.there.domains.clone() {
            let renamed = anew.contains(old.shape.as_str());
            if shapes.contains(&old.shape) && !renamed {
                continue;
            }
            let mut deed = self.deed("domain.release", old.id, &old.pattern);
            deed.set_before(&old);
            let change = Change::ReleaseDomain { app: old.app, id: old.id };
            let step = Step::ReleaseDomain { pattern: old.pattern };
            if renamed {
                self.does(step, deed, change);
            } else {
                self.removes(wanted, step, deed, change);
            }
        }
    }
}

/// The error of a part, told of the whole.
fn within(part: &str, error: FieldError) -> FieldError {
    FieldError { field: format!("{part}.{}", error.field), ..error }
}
