//! An app inside another program: scripts, routes and host functions, without any store.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::watch;

use crate::{
    AppId, AppRoutes, Definition, Diagnostic, Executor, Gate, HostModule, Hosts, InvalidLimit, Limits,
    Orchestrator, OrchestratorBuilder, Position, RhaiExecutor, RhaiExecutorBuilder, Route, RouteMethod,
    RoutePattern, RouteTable, Script, ScriptId, Slug, Snapshot, app::check_script_name, script_name,
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
    executor: Arc<RhaiExecutor>,
    published: watch::Sender<Snapshot>,
    /// Ids and versions of scripts over reloads. Held while a reload replaces them.
    scripts: Mutex<BTreeMap<String, Arc<Script>>>,
}

/// Collects what an [`App`] is made of; nothing is checked before [`build`](Self::build).
#[must_use]
#[derive(Clone)]
pub struct AppBuilder {
    slug: String,
    scripts: Vec<(String, String)>,
    folders: Vec<PathBuf>,
    routes: Vec<(String, String)>,
    modules: Vec<HostModule>,
    grants: Vec<String>,
    limits: Limits,
}

impl App {
    /// An app without scripts, to add to.
    pub fn builder() -> AppBuilder {
        AppBuilder {
            slug: "app".to_owned(),
            scripts: Vec::new(),
            folders: Vec::new(),
            routes: Vec::new(),
            modules: Vec::new(),
            grants: Vec::new(),
            limits: Limits::default(),
        }
    }

    /// The app as a service that answers for any host, since the service around it has seen to that.
    #[must_use]
    pub fn service(&self) -> Orchestrator {
        self.orchestrator().build()
    }

    /// The same, to be set up further.
    pub fn orchestrator(&self) -> OrchestratorBuilder {
        Orchestrator::builder(self.0.published.subscribe(), self.0.executor.clone()).hosts(Hosts::Ignored)
    }

    /// Everything that the app's scripts can use, for completion and help in editors: modules that it was not granted
    /// are left out.
    #[must_use]
    pub fn definitions(&self) -> Vec<Definition> {
        let mut definitions = self.0.executor.definitions();
        definitions.retain(|definition| self.0.executor.grants("*", definition));
        definitions
    }

    /// Replaces scripts, routes and limits by what `builder` has, at once: requests in flight finish on what they
    /// started with. Host modules and grants stay those the app was built with.
    ///
    /// # Errors
    /// Everything that is wrong with the new definition. Nothing is replaced then.
    pub fn reload(&self, builder: AppBuilder) -> Result<(), BuildError> {
        self.0.publish(&builder)
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

    /// The app.
    ///
    /// # Errors
    /// Everything that is wrong, all at once: names, routes, limits, and scripts with line, column and a caret.
    pub fn build(self) -> Result<App, BuildError> {
        let executor = self.executor().build().map_err(|error| BuildError(error.problems().to_vec()))?;
        self.build_on(executor)
    }

    /// The app on an executor that was made from [`executor`](Self::executor).
    pub(crate) fn build_on(self, executor: RhaiExecutor) -> Result<App, BuildError> {
        let executor = Arc::new(executor);
        let empty = Snapshot::new(0, Arc::new(RouteTable::default()), Vec::new());
        let (id, gate, published) = (AppId::new(), Gate::default(), watch::Sender::new(empty));
        let app = App(Arc::new(Inner { id, gate, executor, published, scripts: Mutex::default() }));
        app.reload(self)?;
        Ok(app)
    }

    /// An executor with the modules and grants given so far.
    pub(crate) fn executor(&self) -> RhaiExecutorBuilder {
        let builder = self.modules.iter().cloned().fold(RhaiExecutor::builder(), |all, one| all.module(one));
        self.grants.iter().fold(builder, |builder, grant| builder.grant("*", grant))
    }

    /// The scripts given, and those of the folders.
    fn sources(&self, errors: &mut Vec<String>) -> BTreeMap<String, String> {
        let mut sources = BTreeMap::new();
        let mut add = |name: String, source: String, errors: &mut Vec<String>| {
            if let Err(error) = check_script_name(&name) {
                errors.push(format!("script `{name}`: {error}"));
            } else if sources.insert(name.clone(), source).is_some() {
                errors.push(format!("script `{name}` is there twice"));
            }
        };
        for (name, source) in &self.scripts {
            add(name.clone(), source.clone(), errors);
        }
        for folder in &self.folders {
            match read_folder(folder) {
                Ok(found) => found.into_iter().for_each(|(name, source)| add(name, source, errors)),
                Err(error) => errors.push(format!("folder {}: {error}", folder.display())),
            }
        }
        sources
    }
}

/// Names and sources of the scripts in `folder`.
fn read_folder(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(name) = script_name(&path) {
            let source = fs::read_to_string(&path)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            found.push((name.to_owned(), source));
        }
    }
    Ok(found)
}

impl Inner {
    fn publish(&self, builder: &AppBuilder) -> Result<(), BuildError> {
        let mut known = self.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut errors = Vec::new();
        let slug = builder
            .slug
            .parse::<Slug>()
            .map_err(|error| errors.push(format!("slug `{}`: {error}", builder.slug)));
        let limits = builder.limits.checked().map_err(|error: InvalidLimit| errors.push(error.to_string()));
        let sources = builder.sources(&mut errors);
        for (name, source) in &sources {
            let (bytes, most) = (source.len() as u64, builder.limits.script_bytes);
            if bytes > most {
                errors.push(format!(
                    "script `{name}` has {bytes} bytes, and the limit `script_bytes` is {most}"
                ));
                continue;
            }
            let found = self.executor.check(source);
            errors.extend(found.iter().map(|diagnostic| render(name, source, diagnostic)));
        }
        let (Ok(slug), Ok(limits)) = (slug, limits) else { return Err(BuildError(errors)) };
        let make = |(name, source): (String, String)| {
            (name.clone(), self.script(&known, &slug, limits, name, source))
        };
        let scripts: BTreeMap<_, _> = sources.into_iter().map(make).collect();
        let routes = routes(&builder.routes, &scripts, &mut errors);
        if !errors.is_empty() {
            return Err(BuildError(errors));
        }
        let any_host = "*".parse().expect("`*` is a claim");
        let table = RouteTable::builder().app([any_host], AppRoutes::new(self.id, routes)).build();
        self.published.send_replace(Snapshot::new(0, Arc::new(table), scripts.values().cloned().collect()));
        *known = scripts;
        Ok(())
    }

    /// The script as it was, if nothing about it has changed; its next version otherwise.
    fn script(
        &self,
        known: &BTreeMap<String, Arc<Script>>,
        slug: &Slug,
        limits: Limits,
        name: String,
        source: String,
    ) -> Arc<Script> {
        let previous = known.get(&name);
        if let Some(same) =
            previous.filter(|s| *s.source == source && s.limits == limits && s.app_slug == *slug)
        {
            return same.clone();
        }
        Arc::new(Script {
            app: self.id,
            app_slug: slug.clone(),
            gate: self.gate.clone(),
            id: previous.map_or_else(ScriptId::new, |script| script.id),
            name: name.into(),
            version: previous.map_or(1, |script| script.version + 1),
            source: source.into(),
            limits,
            compiled: Default::default(),
        })
    }
}

fn routes(
    given: &[(String, String)],
    scripts: &BTreeMap<String, Arc<Script>>,
    errors: &mut Vec<String>,
) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (text, script) in given {
        match route(text, script, scripts) {
            Err(error) => errors.push(format!("route `{text}`: {error}")),
            Ok(route) => match routes
                .iter()
                .find(|r| r.method == route.method && r.pattern.shape() == route.pattern.shape())
            {
                Some(same) => errors.push(format!(
                    "route `{text}` answers the same requests as `{} {}`",
                    same.method, same.pattern
                )),
                None => routes.push(route),
            },
        }
    }
    routes
}

fn route(text: &str, script: &str, scripts: &BTreeMap<String, Arc<Script>>) -> Result<Route, String> {
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", text));
    let method: RouteMethod = method.parse().map_err(|error| format!("{error}"))?;
    let pattern: RoutePattern = path.trim_start().parse().map_err(|error| format!("{error}"))?;
    let script = scripts.get(script).cloned().ok_or_else(|| {
        let names: Vec<_> = scripts.keys().map(String::as_str).collect();
        format!(
            "there is no script `{script}`; there is {}",
            if names.is_empty() { "none".into() } else { names.join(", ") }
        )
    })?;
    Ok(Route { method, pattern, script })
}

fn render(name: &str, source: &str, diagnostic: &Diagnostic) -> String {
    let Diagnostic { line, column, message, severity: _ } = diagnostic;
    point_at(name, source, message, Position { line: *line, column: *column })
}

/// A message about a script, with the source line and a caret below the place, for terminals.
#[must_use]
pub fn point_at(script: &str, source: &str, message: &str, at: Position) -> String {
    let Position { line, column } = at;
    let text = source.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
    let before = text.chars().take((column as usize).saturating_sub(1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let margin = " ".repeat(line.to_string().len());
    format!(
        "script `{script}`: {message}\n{margin}--> {script}.rhai:{line}:{column}\n{margin} |\n{line} | {text}\n{margin} | {indent}^"
    )
}

/// Everything that is wrong with an app's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(Vec<String>);

impl BuildError {
    /// One text for each thing that is wrong.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n\n"))
    }
}

impl std::error::Error for BuildError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_line_and_caret() {
        let built = App::builder()
            .slug("Bad Slug")
            .script("a", "let x = 1;\nlet y = (x;\n")
            .script("b", "1")
            .script("b", "2")
            .route("GET /x", "nowhere")
            .build();
        let error = built.err().unwrap();
        let all = error.to_string();
        for part in ["slug `Bad Slug`", "b` is there twice", "a.rhai:2:", "2 | let y = (x;\n  |           ^"]
        {
            assert!(all.contains(part), "{part} in {all}");
        }
        let routes = App::builder()
            .script("a", "1")
            .route("GET /a/:x", "a")
            .route("get /a/:y", "a")
            .route("GET x", "a")
            .build();
        assert_eq!(routes.err().unwrap().problems().len(), 2);
    }

    #[test]
    fn a_reload_keeps_what_is_unchanged_and_refuses_what_is_wrong_whole() {
        let first = App::builder().script("a", "1").script("b", "1");
        let app = first.clone().build().unwrap();
        let before = app.0.scripts.lock().unwrap().clone();
        app.reload(first.clone().script("c", "(")).unwrap_err();
        assert_eq!(app.0.scripts.lock().unwrap().len(), 2);
        app.reload(App::builder().script("a", "1").script("b", "2")).unwrap();
        let after = app.0.scripts.lock().unwrap().clone();
        assert!(Arc::ptr_eq(&before["a"], &after["a"]));
        assert_eq!((after["b"].version, after["b"].id), (2, before["b"].id));
    }
}
