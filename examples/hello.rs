//! cargo run -p picloud-examples --example hello
//!
//! One script, one route, one server. Then: curl localhost:3000/hello/Ada

use picloud::{App, AppBuilder};

/// The app.
pub fn app() -> AppBuilder {
    App::builder().script("hello", "`Hello, ${ctx.params.name}!`").route("GET /hello/:name", "hello")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = axum::Router::new().fallback_service(app().build()?.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/hello/Ada", listener.local_addr()?);
    Ok(axum::serve(listener, service).await?)
}
