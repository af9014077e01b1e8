//! An app as it is on the server.

use std::collections::BTreeMap;

use picloud::LimitOverrides;
use serde::Deserialize;

use super::api::{Api, Failure, segment};

/// An app with what it owns.
pub(super) struct Remote {
    pub(super) app: App,
    pub(super) domains: Vec<Domain>,
    /// By name.
    pub(super) scripts: BTreeMap<String, Script>,
    /// By method and path, as `GET /users/:id`.
    pub(super) routes: BTreeMap<String, Route>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct App {
    pub(super) slug: String,
    #[serde(default)]
    pub(super) limits: LimitOverrides,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Domain {
    pub(super) pattern: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Script {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) version: u64,
    /// Not in lists.
    #[serde(default)]
    pub(super) source: String,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Route {
    pub(super) script_id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) enabled: bool,
}

impl Remote {
    /// Reads an app; none if there is no such app.
    pub(super) fn read(api: &Api, app: &str) -> Result<Option<Self>, Failure> {
        let path = format!("/apps/{}", segment(app));
        let Some(app) = api.find::<App>(&path)? else { return Ok(None) };
        let scripts: Vec<Script> = api.list(&format!("{path}/scripts"))?;
        let routes: Vec<Route> = api.list(&format!("{path}/routes"))?;
        Ok(Some(Self {
            app,
            domains: api.list(&format!("{path}/domains"))?,
            scripts: scripts.into_iter().map(|script| (script.name.clone(), script)).collect(),
            routes: routes
                .into_iter()
                .map(|route| (format!("{} {}", route.method, route.path), route))
                .collect(),
        }))
    }

    /// Reads an app that must be there.
    pub(super) fn expect(api: &Api, app: &str) -> Result<Self, Failure> {
        Self::read(api, app)?.ok_or_else(|| Failure::Other(format!("there is no app `{app}` on {}", api.url)))
    }

    /// A script that must be there.
    pub(super) fn script(&self, name: &str) -> Result<&Script, Failure> {
        self.scripts.get(name).ok_or_else(|| {
            let names: Vec<_> = self.scripts.keys().map(String::as_str).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            Failure::Other(format!("the app `{}` has no script `{name}`; it has {there}", self.app.slug))
        })
    }

    /// The source of a script, which lists leave out.
    pub(super) fn source(api: &Api, script: &Script) -> Result<String, Failure> {
        Ok(api.get::<Script>(&format!("/scripts/{}", script.id))?.source)
    }

    /// The name of the script with this id.
    pub(super) fn name_of(&self, script: &str) -> &str {
        let found = self.scripts.values().find(|known| known.id == script);
        found.map_or("?", |script| script.name.as_str())
    }
}
