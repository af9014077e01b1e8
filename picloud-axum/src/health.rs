//! What load balancers and clients ask of a server before anything else.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    middleware::from_fn,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use picloud::{BoxFuture, Code, Problem};
use schemars::{JsonSchema, json_schema};
use serde::Serialize;

use crate::{
    envelope, error,
    openapi::{Describe, Operation},
    table::routes,
};

/// Version of the HTTP API: the `v1` in its paths.
pub const API_VERSION: u32 = 1;
/// Version of what scripts see: `ctx`, the answers and the modules.
pub const SCRIPT_VERSION: u32 = 1;
/// Version of what servers and remote executors say to each other.
pub const WIRE_VERSION: u32 = 1;

/// What a server says of itself.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Version {
    /// The release.
    pub picloud: &'static str,
    /// The version of the HTTP API: the `v1` in its paths.
    pub api: u32,
    /// The version of what scripts see.
    pub script: u32,
    /// The version of the database.
    pub schema: u64,
    /// The version of what servers and remote executors say to each other.
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

routes! {
    /// What anyone may ask.
    Health: Arc<Asked>, "";

    /// Whether the process answers.
    get "/healthz" => healthz;
    /// Whether the server should get requests now.
    get "/readyz" => readyz;
    /// What the server is.
    get "/version" => version;
}

/// What the answers are made of.
pub(crate) struct Asked {
    version: Version,
    ready: Ready,
}

/// `GET /healthz`, `GET /readyz` and `GET /version`. Has no fallback.
pub fn health_router(version: Version, ready: Ready) -> Router {
    Health::router()
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn(envelope::wrap))
        .with_state(Arc::new(Asked { version, ready }))
}

/// What every answer of the platform has, for routes of the server's own: an id, no place in any cache. A problem in the
/// extensions of an answer is written into its body, with the id.
pub fn enveloped(router: Router) -> Router {
    router.layer(from_fn(envelope::wrap))
}

/// Answers every path with a problem: what stands behind all other routers where nothing else does.
pub fn nothing_else() -> Router {
    enveloped(Router::new().fallback(error::no_such_path))
}

/// That a server is ready.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Readiness {
    ready: bool,
}

async fn healthz() -> &'static str {
    "ok"
}

async fn readyz(State(asked): State<Arc<Asked>>) -> Result<Json<Readiness>, NotReady> {
    (asked.ready)().await.map(|()| Json(Readiness { ready: true })).map_err(NotReady)
}

async fn version(State(asked): State<Arc<Asked>>) -> Json<Version> {
    Json(asked.version.clone())
}

/// Why a server is not ready.
struct NotReady(Problem);

impl IntoResponse for NotReady {
    fn into_response(self) -> Response {
        let mut response = self.0.to_response().map(Body::from);
        response.extensions_mut().insert(self.0);
        response
    }
}

impl Describe for Result<Json<Readiness>, NotReady> {
    fn describe(operation: &mut Operation<'_>) {
        Json::<Readiness>::describe(operation);
        operation.problems(&[Code::NotReady]);
    }
}

impl Describe for &'static str {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer_as(StatusCode::OK, "text/plain", &json_schema!({"type": "string"}));
    }
}
