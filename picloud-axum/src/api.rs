//! What the API is made of, and the table of its routes.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::{any, delete, get, patch, post, put},
};
use picloud::{Limits, Orchestrator, Publisher, manager::Manager};

use crate::{apps, auth, credential, domains, envelope, error, execute, lookup, routes, scripts};

/// The admin API and execute. Clones share everything.
///
/// ```
/// # use std::sync::Arc;
/// # fn with(manager: picloud::manager::Manager, publisher: Arc<picloud::Publisher>, orchestrator: picloud::Orchestrator) {
/// use picloud_axum::{Api, Options};
/// let api = Api::new(manager, publisher, orchestrator.clone(), Options::default());
/// let app: axum::Router = api.router().fallback_service(orchestrator);
/// # }
/// ```
#[derive(Clone)]
pub struct Api(Ctx);

/// What handlers work with.
pub(crate) type Ctx = Arc<Shared>;

pub(crate) struct Shared {
    pub(crate) manager: Manager,
    pub(crate) publisher: Arc<Publisher>,
    pub(crate) orchestrator: Orchestrator,
    pub(crate) options: Options,
}

/// What an operator may choose about the API.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who may run scripts by id. Default: those who are logged in.
    pub execute: Execute,
    /// Bytes of a JSON body, but for the login, which has far less. Default: room for the largest script that any
    /// limit allows, half of it escaped, and 64 KiB for the rest.
    pub body_limit: usize,
}

/// Who may run scripts by id, whatever their routes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Execute {
    /// Admins who are logged in.
    #[default]
    Session,
    /// Everyone who knows the id.
    Public,
}

impl Default for Options {
    fn default() -> Self {
        let script = usize::try_from(Limits::MAX.script_bytes).unwrap_or(usize::MAX);
        Self { execute: Execute::default(), body_limit: script.saturating_mul(2).saturating_add(64 * 1024) }
    }
}

/// Declares the routes that need a session, once: for the router, and for those who check or document them.
macro_rules! closed {
    ($($method:ident $path:literal => $handler:path;)*) => {
        impl Api {
            /// Method (in lower case) and path of every route that needs a session, but for execute.
            pub const CLOSED: &'static [(&'static str, &'static str)] =
                &[$((stringify!($method), concat!("/api/v1/admin", $path)),)*];
        }

        fn closed() -> Router<Ctx> {
            Router::new()$(.route(concat!("/api/v1/admin", $path), $method($handler)))*
        }
    };
}

closed! {
    post "/auth/logout" => auth::logout;
    get "/auth/me" => auth::me;

    get "/apps" => apps::list;
    post "/apps" => apps::create;
    get "/apps/{app}" => apps::read;
    patch "/apps/{app}" => apps::update;
    delete "/apps/{app}" => apps::remove;

    get "/apps/{app}/domains" => domains::list;
    post "/apps/{app}/domains" => domains::claim;
    delete "/domains/{id}" => domains::release;

    get "/apps/{app}/scripts" => scripts::list;
    post "/apps/{app}/scripts" => scripts::create;
    post "/scripts/check" => scripts::check;
    get "/scripts/{id}" => scripts::read;
    put "/scripts/{id}" => scripts::update;
    delete "/scripts/{id}" => scripts::remove;

    get "/apps/{app}/routes" => routes::list;
    post "/apps/{app}/routes/check" => routes::check;
    get "/scripts/{id}/routes" => routes::list_of_script;
    post "/scripts/{id}/routes" => routes::create;
    get "/routes/{id}" => routes::read;
    patch "/routes/{id}" => routes::update;
    delete "/routes/{id}" => routes::remove;

    post "/match" => lookup::lookup;
}

impl Api {
    /// An API that changes things through `manager`, answers questions about routing from what `publisher` has
    /// published, and runs scripts on `orchestrator`.
    #[must_use]
    pub fn new(
        manager: Manager,
        publisher: Arc<Publisher>,
        orchestrator: Orchestrator,
        options: Options,
    ) -> Self {
        Self(Arc::new(Shared { manager, publisher, orchestrator, options }))
    }

    /// All below `/api`; paths there that nothing answers are answered with a problem too. Has no fallback.
    pub fn router(&self) -> Router {
        let execute = Router::new().route("/api/v1/execute/{script_id}", any(execute::execute));
        let login = Router::new().route("/api/v1/admin/auth/login", post(auth::login));
        let (open, closed) = match self.0.options.execute {
            Execute::Session => (login, closed().merge(execute)),
            Execute::Public => (login.merge(execute), closed()),
        };
        // Denied by default: the layer stands before each of these routes, whatever its method.
        let closed = closed
            .method_not_allowed_fallback(error::method_not_allowed)
            .route_layer(from_fn_with_state(self.0.clone(), credential::require));
        open.method_not_allowed_fallback(error::method_not_allowed)
            .merge(closed)
            .route("/api", any(error::no_such_path))
            .route("/api/", any(error::no_such_path))
            .route("/api/{*rest}", any(error::no_such_path))
            .layer(from_fn(envelope::wrap))
            .with_state(self.0.clone())
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("options", &self.0.options).finish_non_exhaustive()
    }
}
