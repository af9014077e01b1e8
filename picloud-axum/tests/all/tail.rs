//! The live tail: executions as they come.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use picloud_axum::Options;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::World;

/// An answer that goes on.
struct Stream {
    body: Body,
    text: String,
}

/// One event.
#[derive(Debug)]
struct Event {
    name: String,
    id: String,
    data: Value,
}

impl Stream {
    async fn open(world: &World, query: &str, last: Option<&str>) -> Self {
        let mut request = world.admin("GET", &format!("/apps/shop/logs/stream{query}"));
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = world.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
            (200, &"text/event-stream".parse().unwrap())
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut stream = Self { body: response.into_body(), text: String::new() };
        assert_eq!(stream.block().await.unwrap(), ": listening");
        stream
    }

    /// The next lines up to an empty one; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(block);
            }
            let frame = tokio::time::timeout(Duration::from_secs(20), self.body.frame()).await.unwrap()?;
            self.text += std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap();
        }
    }

    async fn event(&mut self) -> Event {
        let block = self.block().await.expect("it goes on");
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_default().to_owned()
        };
        Event { name: field("event"), id: field("id"), data: serde_json::from_str(&field("data")).unwrap() }
    }
}

async fn world() -> World {
    let world = World::new().await;
    world.app_with_endpoint("shop", r#"if ctx.path == "/fail" { throw 1; } print(ctx.path);"#).await;
    world
}

#[tokio::test]
async fn executions_come_as_they_end_in_the_form_of_the_list() {
    let world = world().await;
    let (mut all, mut failed) =
        (Stream::open(&world, "", None).await, Stream::open(&world, "?outcome=failed", None).await);
    world.call("shop", "/a").await.expect(204);
    let event = all.event().await;
    assert_eq!((event.name.as_str(), &event.data["path"]), ("execution", &json!("/a")));
    assert_eq!(event.id, event.data["request_id"]);
    assert_eq!(event.data, world.ask("GET", &format!("/apps/shop/logs/{}", event.id)).await.expect(200).json);
    let id = world.call("shop", "/fail").await.expect(500).header("x-request-id").to_owned();
    assert_eq!((all.event().await.id, failed.event().await.id), (id.clone(), id));
}

#[tokio::test]
async fn who_comes_back_is_told_what_was_missed() {
    let world = world().await;
    let mut stream = Stream::open(&world, "", None).await;
    world.call("shop", "/1").await;
    let seen = stream.event().await.id;
    drop(stream);
    world.call("shop", "/2").await;
    world.call("shop", "/fail").await;
    world.recorder.flush().await;
    let mut again = Stream::open(&world, "?outcome=ok", Some(&seen)).await;
    assert_eq!(again.event().await.data["path"], "/2");
    world.call("shop", "/3").await;
    assert_eq!(again.event().await.data["path"], "/3", "each once");
    let mut odd = Stream::open(&world, "", Some("no id of ours")).await;
    world.call("shop", "/4").await;
    assert_eq!(odd.event().await.data["path"], "/4");
}

#[tokio::test]
async fn who_reads_too_slowly_is_told_how_many_were_lost() {
    let world = world().await;
    let mut stream = Stream::open(&world, "", None).await;
    for _ in 0..400 {
        world.call("shop", "/x").await;
    }
    world.recorder.flush().await;
    let (mut told, mut lost) = (0, 0);
    while told + lost < 400 {
        let event = stream.event().await;
        match event.name.as_str() {
            "lost" => lost += event.data["count"].as_u64().unwrap(),
            _ => told += 1,
        }
    }
    assert_eq!(told + lost, 400);
}

#[tokio::test]
async fn the_tail_ends_when_the_server_stops() {
    let world = world().await;
    let mut stream = Stream::open(&world, "", None).await;
    world.stopping.send(true).unwrap();
    assert!(stream.block().await.is_none());
}

#[tokio::test]
async fn the_tail_ends_with_the_session_and_shows_signs_of_life_until_then() {
    let world = World::with(Options { heartbeat: Duration::from_millis(50), ..Options::default() }).await;
    world.app_with_script("shop", "1").await;
    let mut stream = Stream::open(&world, "", None).await;
    assert_eq!(stream.block().await.unwrap(), ": alive");
    world.ask("POST", "/auth/logout").await.expect(204);
    while let Some(block) = stream.block().await {
        assert_eq!(block, ": alive", "sent before the session ended");
    }
}

#[tokio::test]
async fn it_is_for_admins_and_for_apps_that_are_there() {
    let world = world().await;
    world.ask("GET", "/apps/none/logs/stream").await.expect_problem(404, "not_found");
    world.ask("GET", "/apps/shop/logs/stream?level=loud").await.expect_invalid("level", "invalid_level");
    let anyone = Request::get("/api/v1/admin/apps/shop/logs/stream").body(Body::empty()).unwrap();
    world.send(anyone).await.expect_problem(401, "unauthorized");
    assert_eq!(as_many_as_may_be(&world).await.len(), 64);
}

async fn as_many_as_may_be(world: &World) -> Vec<Body> {
    let mut open = Vec::new();
    loop {
        let request = world.admin("GET", "/apps/shop/logs/stream").body(Body::empty()).unwrap();
        let response = world.app.clone().oneshot(request).await.unwrap();
        if response.status() == 503 {
            return open;
        }
        open.push(response.into_body());
    }
}
