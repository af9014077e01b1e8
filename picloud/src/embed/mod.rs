//! An app inside another program: scripts, routes and host functions, without any store.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::watch;

use crate::{
    AppId, AppRoutes, Definition, Executor, Gate, HostModule, Hosts, Limits, Observer, Orchestrator,
    OrchestratorBuilder, RhaiExecutor, RhaiExecutorBuilder, RouteTable, Snapshot, app::check_script_name,
};

mod error;
mod events;
mod plan;
#[cfg(test)]
mod tests;

use self::plan::{Maker, Parts, Plan, same_route};
pub use self::{
    error::{BuildError, point_at},
    events::Delivered,
};

/// An app that lives in your program. Cheap to clone; clones are the same app.
///
/// ```
/// use picloud::App;
///
/// # fn main() -> Result<(), picloud::BuildError> {
/// let app = App::builder()
///     .script("hello", r#"`Hello, ${ctx.params.name}!`"#)
///     .route("GET /hello/:name", "hello")
///     .build()?;
/// let service = app.service(); // a tower::Service<http::Request<B>>: axum, hyper, your own stack
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    id: AppId,
    gate: Gate,
    executor: Arc<dyn Executor>,
    grants: Vec<String>,
    observer: Option<Arc<dyn Observer>>,
    published: watch::Sender<Snapshot>,
    /// Where events go in. Made for the first of them.
    door: OnceLock<Orchestrator>,
    /// Held while something is changed.
    state: Mutex<State>,
}

/// What the app is made of, and what was made of that.
struct State {
    plan: Plan,
    parts: Arc<Parts>,
}

/// Collects what an [`App`] is made of; nothing is checked before [`build`](Self::build).
#[must_use]
#[derive(Clone)]
pub struct AppBuilder {
    slug: String,
    scripts: Vec<(String, String)>,
    folders: Vec<PathBuf>,
    routes: Vec<(String, String)>,
    listeners: Vec<(String, String)>,
    modules: Vec<HostModule>,
    grants: Vec<String>,
    limits: Limits,
    observer: Option<Arc<dyn Observer>>,
}

impl App {
    /// An app without scripts, to add to.
    pub fn builder() -> AppBuilder {
        AppBuilder {
            slug: "app".to_owned(),
            scripts: Vec::new(),
            folders: Vec::new(),
            routes: Vec::new(),
            listeners: Vec::new(),
            modules: Vec::new(),
            grants: Vec::new(),
            limits: Limits::default(),
            observer: None,
        }
    }

    /// The app as a service that answers for any host, since the service around it has seen to that.
    #[must_use]
    pub fn service(&self) -> Orchestrator {
        self.orchestrator().build()
    }

    /// The same, to be set up further.
    pub fn orchestrator(&self) -> OrchestratorBuilder {
        let snapshots = self.0.published.subscribe();
        let builder = Orchestrator::builder(snapshots, self.0.executor.clone()).hosts(Hosts::Ignored);
        match &self.0.observer {
            Some(observer) => builder.observer(observer.clone()),
            None => builder,
        }
    }

    /// Everything that the app's scripts can use, for completion and help in editors: modules that it was not granted
    /// are left out.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        let mut definitions = self.0.executor.definitions();
        definitions
            .retain(|definition| definition.capability.iter().all(|needed| self.0.grants.contains(needed)));
        definitions
    }

    /// The source of a script.
    #[cfg(feature = "testing")]
    pub(crate) fn source(&self, script: &str) -> Option<Arc<str>> {
        self.0.lock().plan.sources.get(script).map(|source| source.as_str().into())
    }

    /// Replaces scripts, routes, listeners and limits by what `builder` has, at once: requests in flight finish on what
    /// they started with. Host modules, grants and the observer stay those the app was built with.
    ///
    /// # Errors
    /// Everything that is wrong with the new definition. Nothing is replaced then.
    pub fn reload(&self, builder: AppBuilder) -> Result<(), BuildError> {
        let mut errors = Vec::new();
        let plan = Plan::of(&builder, &mut errors);
        self.0.publish(&mut self.0.lock(), plan, errors)
    }

    /// Adds a script, or replaces the one of this name, at once: requests in flight finish on the version they started
    /// with.
    ///
    /// # Errors
    /// What is wrong with the name or the source, with line and caret. The script stays as it was then.
    pub fn set_script(&self, name: &str, source: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            check_script_name(name).map_err(|error| BuildError::one(format!("script `{name}`: {error}")))?;
            plan.sources.insert(name.to_owned(), source.to_owned());
            Ok(())
        })
    }

    /// Removes a script, and the routes and events that lead to it.
    ///
    /// # Errors
    /// There is no such script.
    pub fn remove_script(&self, name: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            if plan.sources.remove(name).is_none() {
                return Err(BuildError::one(format!("there is no script `{name}`")));
            }
            plan.routes.retain(|(_, script)| script != name);
            plan.listeners.retain(|(_, script)| script != name);
            Ok(())
        })
    }

    /// Leads requests to a script, as [`AppBuilder::route`]; where there is a route for the same requests it now leads
    /// there.
    ///
    /// # Errors
    /// What is wrong with the route, or there is no such script.
    pub fn set_route(&self, route: &str, script: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            plan.routes.retain(|(other, _)| !same_route(other, route));
            plan.routes.push((route.to_owned(), script.to_owned()));
            Ok(())
        })
    }

    /// Removes a route.
    ///
    /// # Errors
    /// There is no such route.
    pub fn remove_route(&self, route: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            let before = plan.routes.len();
            plan.routes.retain(|(other, _)| !same_route(other, route));
            if plan.routes.len() < before {
                return Ok(());
            }
            Err(BuildError::one(format!("there is no route `{route}`")))
        })
    }
}

impl AppBuilder {
    /// The app's name, as `ctx.app` and in logs. Default: `app`.
    pub fn slug(mut self, slug: impl Into<String>) -> Self {
        self.slug = slug.into();
        self
    }

    /// Adds a script. A later one of the same name is an error.
    pub fn script(mut self, name: impl Into<String>, source: impl Into<String>) -> Self {
        self.scripts.push((name.into(), source.into()));
        self
    }

    /// Adds every `*.rhai` file of a folder, named as the file without its ending, but for tests (`*_test.rhai`). Read
    /// at [`build`](Self::build).
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folders.push(path.into());
        self
    }

    /// Leads requests to a script: a method (or `ANY`), a space, and a path pattern: `GET /users/:id`,
    /// `ANY /files/*path`. Without a method it is `ANY`.
    pub fn route(mut self, route: impl Into<String>, script: impl Into<String>) -> Self {
        self.routes.push((route.into(), script.into()));
        self
    }

    /// Runs a script for each event of a name: see [`App::emit`]. Several scripts may listen to one event.
    pub fn on(mut self, event: impl Into<String>, script: impl Into<String>) -> Self {
        self.listeners.push((event.into(), script.into()));
        self
    }

    /// Gives scripts the functions of a module.
    pub fn module(mut self, module: HostModule) -> Self {
        self.modules.push(module);
        self
    }

    /// Opens the modules that need this [capability](HostModule::capability) to the app's scripts.
    pub fn grant(mut self, capability: impl Into<String>) -> Self {
        self.grants.push(capability.into());
        self
    }

    /// What each run may use. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Is told of each run, whatever it is for. Default: failures and lines of scripts go to `tracing`.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The app.
    ///
    /// # Errors
    /// Everything that is wrong, all at once: names, routes, limits, and scripts with line, column and a caret.
    pub fn build(self) -> Result<App, BuildError> {
        let executor = self.executor().build().map_err(|error| BuildError(error.problems().to_vec()))?;
        self.build_with(Arc::new(executor))
    }

    /// The app on an executor of yours. Modules and grants of the builder are for the built-in one, and have no effect.
    ///
    /// # Errors
    /// As [`build`](Self::build).
    pub fn build_with(self, executor: Arc<dyn Executor>) -> Result<App, BuildError> {
        let mut errors = Vec::new();
        let plan = Plan::of(&self, &mut errors);
        let state = Mutex::new(State { plan: plan.clone(), parts: Arc::default() });
        let empty = Snapshot::new(0, Arc::new(RouteTable::default()), Vec::new());
        let (id, gate, published) = (AppId::new(), Gate::default(), watch::Sender::new(empty));
        let (observer, grants, door) = (self.observer, self.grants, OnceLock::new());
        let inner = Inner { id, gate, executor, grants, observer, published, door, state };
        inner.publish(&mut inner.lock(), plan, errors)?;
        Ok(App(Arc::new(inner)))
    }

    /// An executor with the modules and grants given so far.
    pub(crate) fn executor(&self) -> RhaiExecutorBuilder {
        let builder = self.modules.iter().cloned().fold(RhaiExecutor::builder(), |all, one| all.module(one));
        self.grants.iter().fold(builder, |builder, grant| builder.grant("*", grant))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes what `change` makes of the definition, or nothing.
    fn change(&self, change: impl FnOnce(&mut Plan) -> Result<(), BuildError>) -> Result<(), BuildError> {
        let mut state = self.lock();
        let mut plan = state.plan.clone();
        change(&mut plan)?;
        self.publish(&mut state, plan, Vec::new())
    }

    fn publish(&self, state: &mut State, plan: Plan, errors: Vec<String>) -> Result<(), BuildError> {
        let maker = Maker { app: self.id, gate: &self.gate, executor: &*self.executor };
        let parts = maker.make(&plan, &state.parts, errors)?;
        let any_host = "*".parse().expect("`*` is a claim");
        let routes = AppRoutes::new(self.id, parts.routes.iter().cloned());
        let table = RouteTable::builder().app([any_host], routes).build();
        let scripts = parts.scripts.values().cloned().collect();
        self.published.send_replace(Snapshot::new(0, Arc::new(table), scripts));
        *state = State { plan, parts: Arc::new(parts) };
        Ok(())
    }
}
