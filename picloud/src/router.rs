//! The seam between requests and scripts: what a lookup is asked, and what it answers.

use std::sync::Arc;

use http::Method;

use crate::{AppId, Params, RouteMethod, Script};

/// Finds the script that answers a request.
///
/// # Contract
/// * Pure: the same question has the same answer for the whole life of a router; a lookup waits for nothing.
/// * Host first: the app is that of the most specific claim on `host`, whatever its routes.
/// * Then the app's most specific route whose path and method fit.
/// * A path that [`is_reserved`](crate::is_reserved) never matches, so that no script can answer for the platform.
pub trait Router: Send + Sync {
    /// Looks up a request.
    ///
    /// * `host` is canonical, as [`Host`](crate::Host) gives it; `None` where the embedder does not dispatch by host:
    ///   then only the app that claims any host can answer.
    /// * `path` is raw, percent-encoding untouched, and has passed [`check_path`](crate::check_path).
    ///
    /// # Errors
    /// How far the lookup came, and why no further.
    fn lookup(&self, host: Option<&str>, method: &Method, path: &str) -> Result<Match, Miss>;
}

impl<R: Router + ?Sized> Router for Arc<R> {
    fn lookup(&self, host: Option<&str>, method: &Method, path: &str) -> Result<Match, Miss> {
        (**self).lookup(host, method, path)
    }
}

/// The script that answers a request, and why it does.
#[derive(Debug, Clone)]
pub struct Match {
    /// What to run; it names its app.
    pub script: Arc<Script>,
    /// The pattern of the route. Unique in the app, together with the method.
    pub route: Arc<str>,
    /// The method of the route, which may be `ANY`.
    pub method: RouteMethod,
    /// Captures of the route, decoded once.
    pub params: Params,
    /// Captures of the app's claim on the host.
    pub host_params: Params,
}

/// Why no script answers a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    /// No app claims the host.
    #[error("no app claims the host")]
    NoApp,
    /// The app has no route for the path.
    #[error("the app has no route for the path")]
    NoRoute {
        /// The app that claims the host.
        app: AppId,
    },
    /// The app has routes for the path, but none for the method.
    #[error("no route for the path has the method")]
    MethodNotAllowed {
        /// The app that claims the host.
        app: AppId,
        /// The methods that would have matched, in alphabetical order: all seven of [`RouteMethod`] where there is an
        /// `ANY` route.
        allow: Vec<Method>,
    },
}
