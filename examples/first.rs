//! `cargo run -p picloud-examples --example first`: the program of docs/embedding.md, "From an empty folder".

use axum::Router;
use picloud::{App, AppBuilder, HostModule};

fn house() -> AppBuilder {
    let lights =
        HostModule::new("lights").async_function("set(room, on)", |room: String, on: bool| async move {
            tokio::task::yield_now().await; // a bus, a database: the script waits, no thread does
            if room == "hall" { Ok(on) } else { Err(format!("no lights in {room}")) }
        });
    App::builder()
        .module(lights)
        .script("light", "#{ on: lights::set(ctx.params.room, ctx.body.on) }")
        .route("PUT /rooms/:room/light", "light")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let service = Router::new().fallback_service(house().build()?.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, service).await?)
}

#[test]
fn the_light_goes_on() {
    let app = picloud::testing::TestApp::new(house());
    let body = serde_json::json!({ "on": true });
    app.put("/rooms/hall/light").json(&body).send().assert_status(200).assert_json("/on", true.into());
}
