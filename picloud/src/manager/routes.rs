//! Routes: which script answers for a method and a path.

use serde::Deserialize;

use super::{Actor, Manager, ManagerError, writer::Deed};
use crate::{
    FieldError, InvalidPattern, RouteId, RouteMethod, RoutePattern, ScriptId, overlaps,
    store::{AppKey, Change, Page, RouteRecord, ScriptRecord},
};

/// What a new route is made of.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewRoute {
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// A path pattern, such as `/users/:id`.
    pub path: String,
    /// Whether it answers.
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// What is to be different about a route; what is not set stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RouteChanges {
    /// Another method.
    #[serde(default)]
    pub method: Option<String>,
    /// Another path.
    #[serde(default)]
    pub path: Option<String>,
    /// On or off.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Another script of the same app.
    #[serde(default)]
    pub script_id: Option<ScriptId>,
}

/// How a new route would stand to those there are.
#[derive(Debug, Clone)]
pub struct RouteCheck {
    /// Same method and shape: with one of these the new route is refused.
    pub conflicts: Vec<RouteRecord>,
    /// More specific and switched on: these keep some requests that the new route matches.
    pub shadowed_by: Vec<RouteRecord>,
}

fn yes() -> bool {
    true
}

impl Manager {
    /// An app's routes.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn routes(&self, key: &AppKey, page: Page<RouteId>) -> Result<Vec<RouteRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.routes(app.id, page)).await
    }

    /// The routes that lead to a script.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn script_routes(&self, id: ScriptId) -> Result<Vec<RouteRecord>, ManagerError> {
        let app = self.read(self.store.app_of_script(id)).await?;
        let mut routes = self.read(self.store.routes(app, Page::all())).await?;
        routes.retain(|route| route.script == id);
        Ok(routes)
    }

    /// One route.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn route(&self, id: RouteId) -> Result<RouteRecord, ManagerError> {
        let app = self.read(self.store.app_of_route(id)).await?;
        self.read(self.store.route(app, id)).await
    }

    /// How a new route of an app would stand to those it has; saves nothing.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, or if the store does not answer.
    pub async fn check_route(
        &self,
        key: &AppKey,
        method: &str,
        path: &str,
    ) -> Result<RouteCheck, ManagerError> {
        let (method, pattern) = parse_route(method, path)?;
        let known: Vec<_> = self.routes(key, Page::all()).await?.into_iter().filter_map(parsed).collect();
        let found = overlaps((method, &pattern), known.iter().map(|(_, method, pattern)| (*method, pattern)));
        let record = |index: usize| known[index].0.clone();
        let shadowed_by = found.shadowed_by.into_iter().map(record).filter(|route| route.enabled);
        Ok(RouteCheck {
            shadowed_by: shadowed_by.collect(),
            conflicts: found.conflicts.into_iter().map(record).collect(),
        })
    }

    /// Makes a route to a script.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`, `Conflict` if the app has one of the same method and shape, or if the store does not
    /// answer.
    pub async fn create_route(
        &self,
        actor: &Actor,
        script: ScriptId,
        input: NewRoute,
    ) -> Result<RouteRecord, ManagerError> {
        let mut deed = Deed::new(actor, "route.create").name(&format!("{} {}", input.method, input.path));
        let result = async {
            let script = self.script(script).await?;
            deed.set_app(script.app);
            let route = self.new_route(&script, input)?;
            deed.set_target(route.id);
            deed.set_after(&route);
            self.writer.commit(&deed, vec![Change::CreateRoute(route.clone())]).await?;
            Ok(route)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// Changes a route; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// As [`create_route`](Self::create_route), and `Precondition`.
    pub async fn update_route(
        &self,
        actor: &Actor,
        id: RouteId,
        expected: Option<u64>,
        changes: RouteChanges,
    ) -> Result<RouteRecord, ManagerError> {
        let mut deed = Deed::new(actor, "route.update").target(id);
        let result = self.try_update_route(&mut deed, id, expected, &changes).await;
        self.writer.end(deed, result).await
    }

    async fn try_update_route(
        &self,
        deed: &mut Deed,
        id: RouteId,
        expected: Option<u64>,
        changes: &RouteChanges,
    ) -> Result<RouteRecord, ManagerError> {
        loop {
            let old = self.route_of(deed, id).await?;
            let next = changed(&old, changes, expected.unwrap_or(old.version))?;
            deed.set_after(&next);
            match self.writer.commit(deed, vec![update(next.clone())]).await {
                // Someone else was faster. Without an expectation the changes go on top of theirs.
                Err(ManagerError::Precondition { .. }) if expected.is_none() => {}
                done => return done.map(|_| next),
            }
        }
    }

    /// Removes a route; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, or if the store does not answer.
    pub async fn delete_route(
        &self,
        actor: &Actor,
        id: RouteId,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let mut deed = Deed::new(actor, "route.delete").target(id);
        let result = async {
            let app = self.route_of(&mut deed, id).await?.app;
            self.writer.commit(&deed, vec![Change::DeleteRoute { app, id, expected }]).await.map(drop)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }

    /// A route, as the thing that a deed is done to.
    async fn route_of(&self, deed: &mut Deed, id: RouteId) -> Result<RouteRecord, ManagerError> {
        let route = self.route(id).await?;
        deed.set_app(route.app);
        deed.set_name(&format!("{} {}", route.method, route.path));
        deed.set_before(&route);
        Ok(route)
    }

    pub(super) fn new_route(
        &self,
        script: &ScriptRecord,
        input: NewRoute,
    ) -> Result<RouteRecord, FieldError> {
        let NewRoute { method, path, enabled } = input;
        let (method, path, shape) = route_texts(&method, &path)?;
        let (id, app, script, created_at) = (RouteId::new(), script.app, script.id, self.now());
        Ok(RouteRecord { id, app, script, method, path, shape, enabled, version: 1, created_at })
    }
}

/// The route after `changes`, one version after `expected`.
fn changed(old: &RouteRecord, changes: &RouteChanges, expected: u64) -> Result<RouteRecord, FieldError> {
    let method = changes.method.as_ref().unwrap_or(&old.method);
    let path = changes.path.as_ref().unwrap_or(&old.path);
    let (method, path, shape) = route_texts(method, path)?;
    let enabled = changes.enabled.unwrap_or(old.enabled);
    let script = changes.script_id.unwrap_or(old.script);
    Ok(RouteRecord { script, method, path, shape, enabled, version: expected + 1, ..old.clone() })
}

pub(super) fn update(next: RouteRecord) -> Change {
    let RouteRecord { id, app, script, method, path, shape, enabled, version, created_at: _ } = next;
    Change::UpdateRoute { app, id, expected: Some(version - 1), script, method, path, shape, enabled }
}

/// The method and the pattern that a client wrote.
fn parse_route(method: &str, path: &str) -> Result<(RouteMethod, RoutePattern), FieldError> {
    let method = method
        .parse()
        .map_err(|error: InvalidPattern| FieldError::new("method", "invalid_method", error.to_string()))?;
    let pattern = path
        .parse()
        .map_err(|error: InvalidPattern| FieldError::new("path", "invalid_path", error.to_string()))?;
    Ok((method, pattern))
}

/// A row with what its texts mean; none if they mean nothing, as then it is not routed either.
fn parsed(row: RouteRecord) -> Option<(RouteRecord, RouteMethod, RoutePattern)> {
    let (method, pattern) = (row.method.parse().ok()?, row.path.parse().ok()?);
    Some((row, method, pattern))
}

/// The texts that are stored: method, canonical path and its shape.
pub(super) fn route_texts(method: &str, path: &str) -> Result<(String, String, String), FieldError> {
    let (method, pattern) = parse_route(method, path)?;
    Ok((method.to_string(), pattern.to_string(), pattern.shape()))
}
