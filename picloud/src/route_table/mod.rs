//! The built-in [`Router`]: an immutable table of claims and routes.
//!
//! host → one hash lookup for exact claims, then a tree of labels → the app's own tree of path segments.
//!
//! Assumptions that keep it simple:
//! * A table is never changed. The next one is a copy, with some apps replaced: the [`AppRoutes`] of all others are
//!   shared, and so are all parts of the map of hosts but those that change.
//! * Which of two patterns is the more specific is decided by the first place where they differ. So it does not
//!   depend on the request, and the first match of an ordered, backtracking walk is the best.
//! * A walk visits each node of a tree at most once, because only one way leads to a node. So the worst request costs
//!   no more than reading the app's routes once, however they are made to send it back.

#[cfg(test)]
mod dispatch_tests;
mod hosts;
mod overlap;
#[cfg(test)]
mod tests;
mod tree;

use std::{fmt, sync::Arc};

use http::Method;

use crate::{
    AppId, DomainPattern, Match, Miss, Params, RouteMethod, RoutePattern, Router, Script, is_reserved,
};

pub use overlap::{Overlap, Overlaps, overlap, overlaps};

use hosts::{Claim, Hosts};
use tree::Node;

/// One route, with the script it leads to.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method it answers.
    pub method: RouteMethod,
    /// The paths it answers.
    pub pattern: RoutePattern,
    /// What it runs.
    pub script: Arc<Script>,
}

/// The routes of one app. Immutable, and shared by all tables between two changes of the app.
pub struct AppRoutes {
    app: AppId,
    tree: Node,
}

impl AppRoutes {
    /// The routes of `app`. Of routes with the same method and shape, the first is kept.
    #[must_use]
    pub fn new(app: AppId, routes: impl IntoIterator<Item = Route>) -> Self {
        let (mut tree, mut routes) = (Node::default(), Vec::from_iter(routes));
        // In nearly the tree's own order, so that each finds its place at the end; the first of a shape stays the first.
        routes.sort_by_cached_key(|route| route.pattern.shape());
        for route in routes {
            tree.insert(route);
        }
        tree.shrink();
        Self { app, tree }
    }

    /// The app.
    #[must_use]
    pub fn app(&self) -> AppId {
        self.app
    }

    fn lookup(&self, method: &Method, path: &str) -> Result<&Route, Miss> {
        if is_reserved(path) {
            return Err(Miss::NoRoute { app: self.app });
        }
        self.tree.find(method, path).map_err(|allowed| {
            let allow = allowed.methods();
            if allow.is_empty() {
                return Miss::NoRoute { app: self.app };
            }
            Miss::MethodNotAllowed { app: self.app, allow }
        })
    }
}

impl fmt::Debug for AppRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppRoutes").field("app", &self.app).finish_non_exhaustive()
    }
}

/// The built-in [`Router`].
///
/// ```
/// use picloud::{AppId, AppRoutes, Miss, RouteTable, Router};
///
/// let app = AppId::new();
/// let table = RouteTable::builder().app(["*.example.com".parse()?], AppRoutes::new(app, [])).build();
///
/// let get = http::Method::GET;
/// assert_eq!(table.lookup(Some("a.example.com"), &get, "/").unwrap_err(), Miss::NoRoute { app });
/// assert_eq!(table.lookup(Some("a.test"), &get, "/").unwrap_err(), Miss::NoApp);
/// # Ok::<(), picloud::InvalidPattern>(())
/// ```
#[derive(Clone, Default)]
pub struct RouteTable {
    hosts: Hosts,
    refused: Vec<(AppId, DomainPattern)>,
}

impl RouteTable {
    /// An empty table to add apps to.
    pub fn builder() -> RouteTableBuilder {
        RouteTableBuilder(Self::default())
    }

    /// A copy to change, which shares with this table what stays. Costs little even with very many apps.
    pub fn edit(table: &Self) -> RouteTableBuilder {
        RouteTableBuilder(table.clone())
    }

    /// The claim that decides which app answers for a canonical host, its app, and what it captures.
    #[must_use]
    pub fn claim(&self, host: Option<&str>) -> Option<(&DomainPattern, AppId, Params)> {
        let claim = self.hosts.find(host)?;
        Some((&claim.pattern, claim.routes.app, claim.captures(host)))
    }

    /// The claims that were left out because they collide with an earlier one. None as long as the claims come from
    /// a store.
    #[must_use]
    pub fn refused(&self) -> &[(AppId, DomainPattern)] {
        &self.refused
    }
}

impl fmt::Debug for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteTable").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl Router for RouteTable {
    fn lookup(&self, host: Option<&str>, method: &Method, path: &str) -> Result<Match, Miss> {
        let claim = self.hosts.find(host).ok_or(Miss::NoApp)?;
        let Route { method, pattern, script } = claim.routes.lookup(method, path)?;
        Ok(Match {
            script: script.clone(),
            route: pattern.as_shared(),
            method: *method,
            params: pattern.captures(path),
            host_params: claim.captures(host),
        })
    }
}

/// Collects apps for a [`RouteTable`].
#[must_use]
#[derive(Debug, Default)]
pub struct RouteTableBuilder(RouteTable);

impl RouteTableBuilder {
    /// Adds an app with its claims. A claim that collides with an earlier one is left out, so that one broken app
    /// keeps no other from being routed; [`RouteTable::refused`] tells.
    pub fn app(
        mut self,
        claims: impl IntoIterator<Item = DomainPattern>,
        routes: impl Into<Arc<AppRoutes>>,
    ) -> Self {
        let routes = routes.into();
        for pattern in claims {
            if let Err(claim) = self.0.hosts.insert(Claim { pattern, routes: routes.clone() }) {
                self.0.refused.push((routes.app, claim.pattern));
            }
        }
        self
    }

    /// Takes out those of these claims that lead to `app`.
    pub fn remove(mut self, app: AppId, claims: &[DomainPattern]) -> Self {
        for pattern in claims {
            self.0.hosts.remove(app, pattern);
        }
        self.0.refused.retain(|(refused, _)| *refused != app);
        self
    }

    /// The table.
    #[must_use]
    pub fn build(self) -> RouteTable {
        self.0
    }
}
