//! What load balancers and clients ask of a server before anything else.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    middleware::from_fn,
    response::{IntoResponse, Response},
    routing::get,
};
use picloud::{BoxFuture, Problem};
use serde::Serialize;

use crate::{envelope, error};

/// Version of the HTTP API: the `v1` in its paths.
pub const API_VERSION: u32 = 1;
/// Version of what scripts see: `ctx`, the answers and the modules.
pub const SCRIPT_VERSION: u32 = 1;
/// Version of what servers and remote executors say to each other.
pub const WIRE_VERSION: u32 = 1;

/// What a server says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// The release.
    pub picloud: &'static str,
    /// [`API_VERSION`].
    pub api: u32,
    /// [`SCRIPT_VERSION`].
    pub script: u32,
    /// Version of the database.
    pub schema: u64,
    /// [`WIRE_VERSION`].
    pub wire: u32,
    /// Where the server is reached from outside, if it has been told.
    pub public_base_url: Option<String>,
}

impl Version {
    /// The version of this build, on a database of version `schema`.
    #[must_use]
    pub fn new(schema: u64, public_base_url: Option<String>) -> Self {
        Self {
            picloud: env!("CARGO_PKG_VERSION"),
            api: API_VERSION,
            script: SCRIPT_VERSION,
            schema,
            wire: WIRE_VERSION,
            public_base_url,
        }
    }
}

/// Says whether the server should get requests now; if not, why, such as [`picloud::Code::NotReady`] while it stops.
pub type Ready = Arc<dyn Fn() -> BoxFuture<'static, Result<(), Problem>> + Send + Sync>;

/// `GET /healthz`, `GET /readyz` and `GET /version`. Has no fallback.
pub fn health_router(version: Version, ready: Ready) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readyz).with_state(ready))
        .route("/version", get(async move || Json(version.clone())))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn(envelope::wrap))
}

/// Answers every path with a problem: what stands behind all other routers where nothing else does.
pub fn nothing_else() -> Router {
    Router::new().fallback(error::no_such_path).layer(from_fn(envelope::wrap))
}

/// That a server is ready.
#[derive(Debug, Serialize)]
struct Readiness {
    ready: bool,
}

async fn readyz(State(ready): State<Ready>) -> Response {
    match ready().await {
        Ok(()) => Json(Readiness { ready: true }).into_response(),
        Err(problem) => {
            let mut response = problem.to_response().map(Body::from);
            response.extensions_mut().insert(problem);
            response
        }
    }
}
