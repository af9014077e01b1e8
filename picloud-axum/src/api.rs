//! What the API is made of, and the table of its routes.

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::{
    Router,
    middleware::{from_fn, from_fn_with_state},
    routing::any,
};
use http::Method;
use picloud::{Code, Limits, Orchestrator, Publisher, manager::Manager, recorder::Recorder};
use serde_json::Value;
use tokio::sync::watch;

use crate::{
    admins, apps, audit, auth,
    authenticate::Authenticate,
    config, credential, definitions, deploy, domains, envelope, error, execute, executions,
    health::Health,
    lookup,
    openapi::{Document, Entry},
    routes, run, scripts, stats,
    table::{Line, routes},
    tail, versions,
};

/// Runs a script by id, with any method.
const EXECUTE: &str = "/api/v1/execute/{script_id}";
/// The methods that the document shows for it.
const EXECUTE_METHODS: &[(&str, &str)] = &[
    ("get", "execute::get"),
    ("post", "execute::post"),
    ("put", "execute::put"),
    ("patch", "execute::patch"),
    ("delete", "execute::delete"),
];

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
#[derive(Clone)]
pub struct Options {
    /// Who is let in, in place of PiCloud's own accounts and sessions. Default: those.
    pub authenticate: Option<Arc<dyn Authenticate>>,
    /// Who may run scripts by id. Default: those who are logged in.
    pub execute: Execute,
    /// What the program around was started with, for those who ask. Secrets are left out of it.
    pub settings: Vec<Setting>,
    /// Bytes of a JSON body, but for the login, which has far less. Default: room for the largest script that any
    /// limit allows, half of it escaped, and 64 KiB for the rest.
    pub body_limit: usize,
    /// The execution log, for those who watch it. Default: none.
    pub recorder: Option<Recorder>,
    /// Becomes true when the server stops: answers that go on end then. Default: none.
    pub stopping: Option<watch::Receiver<bool>>,
    /// How often answers that go on give a sign of life, and see whether their session still is. Default: 15 s.
    pub heartbeat: Duration,
}

/// A setting of the program around, as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Such as `limits.memory`.
    pub name: String,
    /// As it is in effect, without secrets; null where nothing is set.
    pub value: Value,
    /// Where it comes from: `flag`, `environment`, `file` or `default`.
    pub source: String,
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
        let body_limit = script.saturating_mul(2).saturating_add(64 * 1024);
        let heartbeat = Duration::from_secs(15);
        Self {
            authenticate: None,
            execute: Execute::default(),
            settings: Vec::new(),
            body_limit,
            recorder: None,
            stopping: None,
            heartbeat,
        }
    }
}

routes! {
    /// What needs no session.
    Open: Ctx, "/api/v1";

    /// This document.
    get "/openapi.json" => openapi_document;
}

routes! {
    /// The doors to PiCloud's own accounts.
    Doors: Ctx, "/api/v1/admin";

    /// Makes the first admin, and logs them in.
    /// Needs the one-time token that the server prints when it starts without an admin. Gone once there has been one.
    post "/setup" => auth::setup, [Code::Unauthorized, Code::Gone, Code::Overloaded];
    /// Logs an admin in.
    /// The token is the answer, and a cookie too: a client uses one of them. After five wrong passwords an account has
    /// to wait, at most 15 minutes.
    post "/auth/login" => auth::login, [Code::Unauthorized, Code::TooManyAttempts, Code::Overloaded];
}

routes! {
    /// PiCloud's own accounts and sessions.
    Accounts: Ctx, "/api/v1/admin";

    /// Ends this session.
    post "/auth/logout" => auth::logout as "session.end";
    /// Who is logged in.
    get "/auth/me" => auth::me;
    /// Where else you are logged in: your sessions, oldest first.
    get "/auth/sessions" => auth::sessions;
    /// Ends all your sessions but this one.
    delete "/auth/sessions" => auth::end_other_sessions as "session.end_others";
    /// Ends one of your sessions.
    delete "/auth/sessions/{id}" => auth::end_session as "session.end";

    /// Accounts, oldest first.
    get "/admins" => admins::list;
    /// Makes an account.
    post "/admins" => admins::create as "admin.create", [Code::Conflict, Code::Overloaded];
    /// One account.
    get "/admins/{id}" => admins::read;
    /// Changes an account.
    /// A new password or a deactivation ends all its sessions but the one that asks.
    patch "/admins/{id}" => admins::update as "admin.update", [Code::Conflict, Code::TooManyAttempts, Code::Overloaded];
    /// Removes an account and its sessions. The last active one stays.
    delete "/admins/{id}" => admins::remove as "admin.delete", [Code::Conflict];
}

routes! {
    /// What needs an admin.
    Closed: Ctx, "/api/v1/admin";

    /// Apps, oldest first.
    get "/apps" => apps::list;
    /// Makes an app.
    post "/apps" => apps::create as "app.create", [Code::Conflict];
    /// One app.
    get "/apps/{app}" => apps::read;
    /// Renames an app, or replaces its limits.
    patch "/apps/{app}" => apps::update as "app.update", [Code::Conflict];
    /// Removes an app and all that it owns.
    delete "/apps/{app}" => apps::remove as "app.delete";

    /// Makes an app what is said here, all of it or nothing.
    /// Requests see the app as it was or as it is to be, and nothing in between. What is the same already stays; what is
    /// not named is removed with `prune` only. An app that is not there is made.
    post "/apps/{app}/deploy" => deploy::deploy as "app.deploy", [Code::Conflict];
    /// Says what a deployment would do, and what is wrong with it; saves nothing.
    /// What other apps hold is only seen when it is tried.
    post "/apps/{app}/deploy/check" => deploy::check;

    /// The host names that an app claims.
    get "/apps/{app}/domains" => domains::list;
    /// Claims host names for an app.
    /// A pattern is a host name, `*.` or `{name}.` before one for one more label, or `*` for any host.
    post "/apps/{app}/domains" => domains::claim as "domain.claim", [Code::Conflict];
    /// Gives up a claim.
    delete "/domains/{id}" => domains::release as "domain.release";

    /// An app's scripts, without their sources.
    get "/apps/{app}/scripts" => scripts::list;
    /// Makes a script.
    /// A source that does not compile is refused with line and column.
    post "/apps/{app}/scripts" => scripts::create as "script.create", [Code::Conflict];
    /// Says what is wrong with a source; saves nothing.
    post "/scripts/check" => scripts::check;
    /// One script.
    get "/scripts/{id}" => scripts::read;
    /// Saves the next version of a script.
    /// It answers from the moment that this call does.
    put "/scripts/{id}" => scripts::update as "script.update", [Code::Conflict];
    /// Removes a script and the routes that lead to it.
    delete "/scripts/{id}" => scripts::remove as "script.delete";

    /// The versions of a script, newest first, without their sources.
    get "/scripts/{id}/versions" => versions::list;
    /// One version of a script.
    get "/scripts/{id}/versions/{version}" => versions::read;
    /// Makes an earlier version of a script the newest.
    /// Its source is saved as the next version; name and limits stay.
    post "/scripts/{id}/rollback" => versions::rollback as "script.rollback";
    /// Everything that scripts can use, for completion and help in editors.
    get "/definitions" => definitions::list;

    /// Tries a script for a made-up request.
    /// Nothing is saved or counted. What host functions do, they do: `ctx.trigger` is `test`.
    post "/apps/{app}/run" => run::run, [Code::Overloaded];
    /// What an app's scripts did, newest first: the runs that were kept.
    get "/apps/{app}/logs" => executions::list;
    /// The same as they come: Server-Sent Events.
    get "/apps/{app}/logs/stream" => tail::stream;
    /// One run.
    get "/apps/{app}/logs/{request_id}" => executions::read;
    /// How often an app's scripts ran and failed, and how long they took.
    get "/apps/{app}/stats" => stats::read;

    /// An app's routes.
    get "/apps/{app}/routes" => routes::list;
    /// Says what a new route would collide with, and what would go before it; saves nothing.
    post "/apps/{app}/routes/check" => routes::check;
    /// The routes that lead to a script.
    get "/scripts/{id}/routes" => routes::list_of_script;
    /// Makes a route to a script.
    post "/scripts/{id}/routes" => routes::create as "route.create", [Code::Conflict];
    /// One route.
    get "/routes/{id}" => routes::read;
    /// Changes a route.
    patch "/routes/{id}" => routes::update as "route.update", [Code::Conflict];
    /// Removes a route.
    delete "/routes/{id}" => routes::remove as "route.delete";

    /// The settings that are in effect, and where they come from.
    get "/config" => config::read;
    /// Changes settings that may change while the server runs; all of them or none.
    patch "/config" => config::update as "config.update";

    /// Who changed what, when and from where, newest first; attempts that were refused, too.
    get "/audit" => audit::list, [Code::NotFound];

    /// Says what would answer a request, and why.
    post "/match" => lookup::lookup, [Code::NotFound];
}

impl Api {
    /// Method (in lower case) and path of every route that needs a session, but for execute.
    pub fn closed() -> impl Iterator<Item = (&'static str, &'static str)> {
        Self::lines().map(|line| (line.method, line.path))
    }

    fn lines() -> impl Iterator<Item = &'static Line> {
        Accounts::ROUTES.iter().chain(Closed::ROUTES)
    }

    /// What the audit trail calls an operation that changes something: by its method, and its path as a pattern, which
    /// may be nested in another.
    pub(crate) fn action(method: &Method, path: &str) -> Option<&'static str> {
        let same =
            |line: &&Line| method.as_str().eq_ignore_ascii_case(line.method) && path.ends_with(line.path);
        Self::lines().find(same).map(|line| line.action).filter(|action| !action.is_empty())
    }

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
        let execute = Router::new().route(EXECUTE, any(execute::execute));
        let (mut open, mut closed) = (Open::router(), Closed::router());
        match self.0.options.execute {
            Execute::Session => closed = closed.merge(execute),
            Execute::Public => open = open.merge(execute),
        }
        if self.0.options.authenticate.is_none() {
            open = open.merge(Doors::router());
            closed = closed.merge(Accounts::router());
        }
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

    /// The OpenAPI 3.1 document of all that this crate answers; `picloud-axum/openapi.json` is a copy of it.
    #[must_use]
    pub fn openapi() -> Value {
        let mut document = Document::new();
        Health::describe(&mut document);
        Open::describe(&mut document);
        Doors::describe(&mut document);
        Accounts::describe(&mut document);
        Closed::describe(&mut document);
        for (method, handler) in EXECUTE_METHODS {
            let doc = &["Runs a script by its id, whatever its routes and with any method."];
            let entry = Entry { method, path: EXECUTE, handler, doc, codes: &[] };
            document.operation(&entry, &execute::execute);
        }
        document.finish()
    }
}

async fn openapi_document() -> axum::Json<&'static Value> {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(Api::openapi);
    axum::Json(&DOCUMENT)
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { authenticate, execute, settings, body_limit, recorder, stopping: _, heartbeat } = self;
        f.debug_struct("Options")
            .field("authenticate", &authenticate.as_ref().map(|_| "…"))
            .field("execute", execute)
            .field("settings", settings)
            .field("body_limit", body_limit)
            .field("recorder", recorder)
            .field("heartbeat", heartbeat)
            .finish()
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("options", &self.0.options).finish_non_exhaustive()
    }
}
