//! cargo run -p picloud-examples --example axum
//!
//! Scripts inside an axum service that is already there: its own routes first, everything else goes to scripts.
//! Then: curl localhost:3000/status && curl localhost:3000/rooms/hall

use std::time::Duration;

use axum::{Router, routing::get};
use picloud::{App, HostModule, MeteredAlloc};

#[global_allocator]
static ALLOC: MeteredAlloc<std::alloc::System> = MeteredAlloc(std::alloc::System);

const SCRIPT: &str = r#"
let celsius = sensors::read(ctx.params.room);
if celsius < 18.0 { log::warn("cold", #{ room: ctx.params.room }); }
#{ room: ctx.params.room, celsius: celsius }
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sensors = HostModule::new("sensors").async_function("read", |room: String| async move {
        tokio::time::sleep(Duration::from_millis(20)).await; // a real sensor takes its time, and holds no thread
        if room == "hall" { Ok(17.5) } else { Err(format!("no sensor in {room}")) }
    });
    let app =
        App::builder().module(sensors).script("room", SCRIPT).route("GET /rooms/:room", "room").build()?;

    let service = Router::new().route("/status", get(|| async { "up" })).fallback_service(app.service());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/rooms/hall", listener.local_addr()?);
    Ok(axum::serve(listener, service).await?)
}
