//! cargo run -p picloud-examples --example mounted
//!
//! An app inside what is there already: beside the routes, layers and state of an axum service, in a stack of tower
//! layers, or on hyper alone. Then: curl localhost:3000/scripts/hello

use std::{net::SocketAddr, time::Duration};

use axum::{
    Router,
    error_handling::HandleErrorLayer,
    extract::{Request, State},
    http::StatusCode,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use picloud::{App, CallContext, HostModule};
use tower::{BoxError, ServiceBuilder};

/// Who is asking, as the service around has found out.
#[derive(Clone)]
pub struct User(pub String);

/// What the service around keeps.
#[derive(Clone)]
pub struct Users {
    /// The user with a token.
    pub by_token: fn(&str) -> Option<User>,
}

/// Scripts ask for the user through the call of a host function, never through a global.
pub fn app() -> Result<App, picloud::BuildError> {
    let users = HostModule::new("users")
        .function("current()", |call: CallContext| call.extension::<User>().map(|user| user.0.clone()));
    App::builder()
        .module(users)
        .script("hello", "`hello ${users::current()} at ${ctx.path}`")
        .script("slow", "time::sleep(5_000); 1")
        .route("GET /hello", "hello")
        .route("GET /slow", "slow")
        .build()
}

/// Below a prefix and as the fallback, behind a layer of the service that knows the user.
pub fn in_axum(app: &App, users: Users) -> Router {
    Router::new()
        .route("/status", get(|| async { "up" }))
        .nest_service("/scripts", app.service())
        .fallback_service(app.service())
        .layer(from_fn_with_state(users, authenticate))
}

async fn authenticate(State(users): State<Users>, mut request: Request, next: Next) -> Response {
    let token = request.headers().get("x-token").and_then(|token| token.to_str().ok());
    match token.and_then(users.by_token) {
        Some(user) => drop(request.extensions_mut().insert(user)),
        None => return StatusCode::UNAUTHORIZED.into_response(),
    }
    next.run(request).await
}

/// With the layers of tower: at most 64 requests at once, each for a second, and a line for each.
pub fn in_tower(app: &App) -> Router {
    let late = |_: BoxError| async { (StatusCode::GATEWAY_TIMEOUT, "too late") };
    let layers = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(late))
        .map_request(|request: Request| {
            tracing::info!(method = %request.method(), path = request.uri().path(), "asked");
            request
        })
        .concurrency_limit(64)
        .timeout(Duration::from_secs(1))
        .service(app.service());
    Router::new().fallback_service(layers)
}

/// On hyper alone. A public server needs deadlines and a limit on connections beside.
pub async fn on_hyper(app: &App, listener: tokio::net::TcpListener) -> std::io::Result<()> {
    let service = TowerToHyperService::new(app.service());
    loop {
        let (stream, _) = listener.accept().await?;
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(TokioIo::new(stream), service.clone());
        tokio::spawn(async move { connection.await.inspect_err(|error| eprintln!("{error}")) });
    }
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let service =
        in_axum(&app()?, Users { by_token: |token| (token == "1234").then(|| User("Ada".to_owned())) });
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 3000))).await?;
    println!("curl -H 'x-token: 1234' http://{}/scripts/hello", listener.local_addr()?);
    Ok(axum::serve(listener, service).await?)
}
