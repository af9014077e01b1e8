//! What an app is made of, checked as a whole before any of it is published.

use std::{collections::BTreeMap, fs, io, path::Path, sync::Arc};

use super::{AppBuilder, BuildError, error::render};
use crate::{
    AppId, Executor, Gate, InvalidLimit, Limits, Route, RouteMethod, RoutePattern, Script, ScriptId,
    Severity, Slug, app::check_script_name, script_name,
};

/// Most bytes of an event's name.
const MAX_EVENT: usize = 256;

/// The definition of an app, not checked yet.
#[derive(Clone)]
pub(super) struct Plan {
    slug: String,
    limits: Limits,
    pub(super) sources: BTreeMap<String, String>,
    /// Method and pattern, and the script.
    pub(super) routes: Vec<(String, String)>,
    /// Event, and the script that listens.
    pub(super) listeners: Vec<(String, String)>,
}

/// What is published.
#[derive(Clone, Default)]
pub(super) struct Parts {
    pub(super) scripts: BTreeMap<String, Arc<Script>>,
    pub(super) routes: Vec<Route>,
    pub(super) listeners: Listeners,
}

/// Scripts that listen, by event, in the order in which they were added.
pub(super) type Listeners = BTreeMap<String, Vec<Arc<Script>>>;

impl Plan {
    /// What `builder` says, folders read. What is wrong with names and folders is added to `errors`.
    pub(super) fn of(builder: &AppBuilder, errors: &mut Vec<String>) -> Self {
        Self {
            slug: builder.slug.clone(),
            limits: builder.limits,
            sources: sources(builder, errors),
            routes: builder.routes.clone(),
            listeners: builder.listeners.clone(),
        }
    }
}

/// Makes the parts of one app.
pub(super) struct Maker<'a> {
    pub(super) app: AppId,
    pub(super) gate: &'a Gate,
    pub(super) executor: &'a dyn Executor,
}

impl Maker<'_> {
    /// What to publish for `plan`; scripts of `previous` that have not changed stay the same, with what was compiled.
    ///
    /// # Errors
    /// Everything that is wrong, `errors` included.
    pub(super) fn make(
        &self,
        plan: &Plan,
        previous: &Parts,
        mut errors: Vec<String>,
    ) -> Result<Parts, BuildError> {
        let slug = plan.slug.parse::<Slug>();
        let slug = slug.map_err(|error| errors.push(format!("slug `{}`: {error}", plan.slug)));
        let limits = plan.limits.checked().map_err(|error: InvalidLimit| errors.push(error.to_string()));
        for (name, source) in &plan.sources {
            let known = previous.scripts.get(name).is_some_and(|script| *script.source == *source);
            if !known {
                self.check(name, source, &plan.limits, &mut errors);
            }
        }
        let (Ok(slug), Ok(limits)) = (slug, limits) else { return Err(BuildError(errors)) };
        let script = |(name, source): (&String, &String)| {
            (name.clone(), self.script(previous.scripts.get(name), &slug, limits, name, source))
        };
        let scripts: BTreeMap<_, _> = plan.sources.iter().map(script).collect();
        let routes = routes(&plan.routes, &scripts, &mut errors);
        let listeners = listeners(&plan.listeners, &scripts, &mut errors);
        if errors.is_empty() { Ok(Parts { scripts, routes, listeners }) } else { Err(BuildError(errors)) }
    }

    fn check(&self, name: &str, source: &str, limits: &Limits, errors: &mut Vec<String>) {
        let (bytes, most) = (source.len() as u64, limits.script_bytes);
        if bytes > most {
            return errors
                .push(format!("script `{name}` has {bytes} bytes, and the limit `script_bytes` is {most}"));
        }
        for diagnostic in self.executor.check(source) {
            let text = render(name, source, &diagnostic);
            match diagnostic.severity {
                Severity::Error => errors.push(text),
                Severity::Warning => tracing::warn!("{text}"),
            }
        }
    }

    /// The script as it was, if nothing about it has changed; its next version otherwise.
    fn script(
        &self,
        previous: Option<&Arc<Script>>,
        slug: &Slug,
        limits: Limits,
        name: &str,
        source: &str,
    ) -> Arc<Script> {
        let same = |script: &&Arc<Script>| {
            *script.source == *source && script.limits == limits && script.app_slug == *slug
        };
        if let Some(same) = previous.filter(same) {
            return same.clone();
        }
        Arc::new(Script {
            app: self.app,
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

/// The scripts given, and those of the folders.
fn sources(builder: &AppBuilder, errors: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let mut add = |name: String, source: String, errors: &mut Vec<String>| {
        if let Err(error) = check_script_name(&name) {
            errors.push(format!("script `{name}`: {error}"));
        } else if sources.insert(name.clone(), source).is_some() {
            errors.push(format!("script `{name}` is there twice"));
        }
    };
    for (name, source) in &builder.scripts {
        add(name.clone(), source.clone(), errors);
    }
    for folder in &builder.folders {
        match read_folder(folder) {
            Ok(found) => found.into_iter().for_each(|(name, source)| add(name, source, errors)),
            Err(error) => errors.push(format!("folder {}: {error}", folder.display())),
        }
    }
    sources
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

type Scripts = BTreeMap<String, Arc<Script>>;

fn routes(given: &[(String, String)], scripts: &Scripts, errors: &mut Vec<String>) -> Vec<Route> {
    let mut routes: Vec<Route> = Vec::new();
    for (text, script) in given {
        match route(text, script, scripts) {
            Err(error) => errors.push(format!("route `{text}`: {error}")),
            Ok(route) => match routes.iter().find(|other| answers_same(other, &route.method, &route.pattern))
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

fn answers_same(route: &Route, method: &RouteMethod, pattern: &RoutePattern) -> bool {
    route.method == *method && route.pattern.shape() == pattern.shape()
}

fn route(text: &str, script: &str, scripts: &Scripts) -> Result<Route, String> {
    let (method, pattern) = parse(text)?;
    Ok(Route { method, pattern, script: find(script, scripts)? })
}

/// Whether two texts are routes for the same requests.
pub(super) fn same_route(one: &str, other: &str) -> bool {
    match (parse(one), parse(other)) {
        (Ok((method, pattern)), Ok((other, shape))) => method == other && pattern.shape() == shape.shape(),
        _ => one == other,
    }
}

fn parse(text: &str) -> Result<(RouteMethod, RoutePattern), String> {
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", text));
    let method = method.parse().map_err(|error| format!("{error}"))?;
    let pattern = path.trim_start().parse().map_err(|error| format!("{error}"))?;
    Ok((method, pattern))
}

fn find(script: &str, scripts: &Scripts) -> Result<Arc<Script>, String> {
    scripts.get(script).cloned().ok_or_else(|| {
        let names: Vec<_> = scripts.keys().map(String::as_str).collect();
        let there = if names.is_empty() { "none".into() } else { names.join(", ") };
        format!("there is no script `{script}`; there is {there}")
    })
}

fn listeners(given: &[(String, String)], scripts: &Scripts, errors: &mut Vec<String>) -> Listeners {
    let mut listeners = Listeners::new();
    for (event, script) in given {
        let found = check_event(event).and_then(|()| find(script, scripts));
        match found {
            Err(error) => errors.push(format!("event `{event}`: {error}")),
            Ok(script) => {
                let listening = listeners.entry(event.clone()).or_default();
                // To listen twice is to listen once.
                if !listening.iter().any(|other| other.id == script.id) {
                    listening.push(script);
                }
            }
        }
    }
    listeners
}

fn check_event(event: &str) -> Result<(), String> {
    let fits = !event.is_empty() && event.len() <= MAX_EVENT && !event.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(format!("a name has 1 to {MAX_EVENT} bytes and no control characters")) }
}
