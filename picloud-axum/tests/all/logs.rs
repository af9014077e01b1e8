//! The execution log: what is kept, and how it is found again.

use serde_json::{Value, json};

use crate::world::World;

/// Does what its path says.
const SCRIPT: &str = r#"
fn deep(x) { x.nope() }
let path = ctx.path;
if path == "/fail" { log::info("before"); deep(1); }
if path == "/warn" { log::warn("Careful now", #{ n: 7 }); }
if path == "/tea" { throw error(418, "tea"); }
if path == "/chosen" { return response(503); }
1
"#;

async fn world() -> World {
    let world = World::new().await;
    world.app_with_endpoint("shop", SCRIPT).await;
    world
}

/// The paths of the executions that a query finds, newest first.
async fn paths(world: &World, query: &str) -> Vec<String> {
    let found = world.ask("GET", &format!("/apps/shop/logs{query}")).await.expect(200);
    let items = found.json["items"].as_array().unwrap();
    items.iter().map(|item| item["path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_failure_is_found_by_the_id_that_its_caller_has() {
    let world = world().await;
    let answer = world.call("shop", "/fail?token=secret").await.expect(500);
    assert!(!answer.text.contains("nope"));
    let id = answer.header("x-request-id");
    world.recorder.flush().await;
    let run = world.ask("GET", &format!("/apps/shop/logs/{id}")).await.expect(200);
    assert!(!run.text.contains("secret"), "queries are not kept");
    let run = run.json;
    assert_eq!((&run["request_id"], &run["status"], &run["version"]), (&json!(id), &json!(500), &json!(1)));
    assert_eq!(
        (&run["method"], &run["path"], &run["route"]),
        (&json!("GET"), &json!("/fail"), &json!("/*path"))
    );
    assert_eq!(
        (&run["outcome"], &run["trigger"], &run["script"]),
        (&json!("script_error"), &json!("http"), &json!("main"))
    );
    assert_eq!((&run["ip"], &run["lines"][0]["message"]), (&json!("127.0.0.1"), &json!("before")));
    assert_eq!((&run["error"]["line"], &run["error"]["code"]), (&json!(2), &json!("script_error")));
    assert!(run["error"]["message"].as_str().unwrap().contains("nope"), "{run}");
    assert_eq!(
        (&run["error"]["trace"][0]["function"], &run["error"]["trace"][0]["line"]),
        (&json!("deep"), &json!(4))
    );
    assert!(
        run["stats"]["operations"].as_u64().unwrap() > 5 && run["stats"]["wall_us"].as_u64().unwrap() > 0
    );
    let listed = world.ask("GET", &format!("/apps/shop/logs?request_id={id}")).await.expect(200);
    assert_eq!(listed.json, json!({"items": [run], "next_cursor": null}));
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let world = world().await;
    for path in ["/quiet", "/fail", "/warn", "/tea", "/chosen"] {
        world.call("shop", path).await;
    }
    world.recorder.flush().await;
    for (query, found) in [
        ("", vec!["/chosen", "/tea", "/warn", "/fail", "/quiet"]),
        ("?outcome=ok", vec!["/chosen", "/tea", "/warn", "/quiet"]),
        ("?outcome=failed", vec!["/fail"]),
        ("?outcome=script_error", vec!["/fail"]),
        ("?outcome=limit_memory", vec![]),
        ("?status=418", vec!["/tea"]),
        ("?status=5xx", vec!["/chosen", "/fail"]),
        ("?status=2xx", vec!["/warn", "/quiet"]),
        ("?level=info", vec!["/warn", "/fail"]),
        ("?level=warn", vec!["/warn"]),
        ("?level=error", vec![]),
        ("?q=CAREFUL", vec!["/warn"]),
        ("?q=nope", vec!["/fail"]),
        ("?q=/qui", vec!["/quiet"]),
        ("?script=main&status=5xx&outcome=ok", vec!["/chosen"]),
        ("?since=2020-01-01T00:00:00Z&until=2020-01-02T00:00:00Z", vec![]),
        ("?since=2020-01-01T00:00:00%2B01:00&until=9000-01-01T00:00:00Z&limit=1", vec!["/chosen"]),
    ] {
        assert_eq!(paths(&world, query).await, found, "{query}");
    }
    let line = &world.ask("GET", "/apps/shop/logs?level=warn").await.json["items"][0]["lines"][0];
    assert_eq!((&line["level"], &line["message"]), (&json!("warn"), &json!("Careful now")));
    assert_eq!((&line["fields"], &line["line"]), (&json!({"n": 7}), &json!(5)));
    assert!(line["at"].as_str().unwrap().ends_with('Z') && line["column"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn scripts_are_named_by_name_or_id() {
    let world = world().await;
    world.call("shop", "/a").await;
    world.recorder.flush().await;
    let scripts = world.ask("GET", "/apps/shop/scripts").await;
    let id = scripts.json["items"][0]["id"].as_str().unwrap();
    assert_eq!(paths(&world, &format!("?script={id}")).await, ["/a"]);
    assert_eq!(paths(&world, "?script=main").await, ["/a"]);
    let none = world.ask("GET", "/apps/shop/logs?script=nobody").await;
    none.expect_invalid("script", "unknown_script");
    world.ask("DELETE", &format!("/scripts/{id}")).await.expect(204);
    assert_eq!(paths(&world, &format!("?script={id}")).await, ["/a"], "what is gone has a log, too");
}

#[tokio::test]
async fn what_means_nothing_is_refused() {
    let world = world().await;
    for (query, field, code) in [
        ("level=loud", "level", "invalid_level"),
        ("outcome=maybe", "outcome", "invalid_outcome"),
        ("status=abc", "status", "invalid_status"),
        ("status=9999999", "status", "invalid_status"),
        ("since=yesterday", "since", "invalid_time"),
        ("until=12", "until", "invalid_time"),
        ("request_id=x", "request_id", "invalid_id"),
        ("q=%00", "q", "invalid_text"),
        ("limit=0", "limit", "out_of_range"),
        ("cursor=x", "cursor", "invalid_cursor"),
        ("levels=warn", "levels", "unknown_field"),
        ("level=warn&level=info", "level", "duplicate"),
    ] {
        world.ask("GET", &format!("/apps/shop/logs?{query}")).await.expect_invalid(field, code);
    }
    world.ask("GET", "/apps/none/logs").await.expect_problem(404, "not_found");
    for id in ["x", "00000000-0000-7000-8000-000000000000"] {
        world.ask("GET", &format!("/apps/shop/logs/{id}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn pages_go_back_in_time_and_hold_each_run_once() {
    let world = world().await;
    let mut expected = Vec::new();
    for index in 0..7 {
        world.call("shop", &format!("/{index}")).await.expect(200);
        expected.insert(0, format!("/{index}"));
    }
    world.recorder.flush().await;
    let (mut found, mut cursor, mut pages) = (Vec::new(), Value::Null, 0);
    loop {
        let next = cursor.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = world.ask("GET", &format!("/apps/shop/logs?limit=3{next}")).await.expect(200);
        let items = page.json["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["path"].as_str().unwrap().to_owned()));
        (cursor, pages) = (page.json["next_cursor"].clone(), pages + 1);
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!((found, pages), (expected, 3));
}

#[tokio::test]
async fn no_app_sees_the_log_of_another() {
    let world = world().await;
    world.app_with_endpoint("other", "throw 1").await;
    let id = world.call("other", "/").await.expect(500).header("x-request-id").to_owned();
    world.recorder.flush().await;
    assert_eq!(paths(&world, "").await, [""; 0]);
    world.ask("GET", &format!("/apps/shop/logs/{id}")).await.expect_problem(404, "not_found");
    assert_eq!(paths(&world, &format!("?request_id={id}")).await, [""; 0]);
    world.ask("GET", &format!("/apps/other/logs/{id}")).await.expect(200);
    world.ask("DELETE", "/apps/other").await.expect(204);
    world.ask("GET", &format!("/apps/other/logs/{id}")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn refused_requests_are_in_the_log_of_their_script() {
    let world = world().await;
    let long = http::Request::post("/x").header("host", "shop.test").header("content-length", "99999999");
    world.send(long.body(axum::body::Body::from("x")).unwrap()).await.expect_problem(413, "limit_body");
    world.recorder.flush().await;
    let found = world.ask("GET", "/apps/shop/logs?outcome=limit_body").await.expect(200);
    assert_eq!(
        (&found.json["items"][0]["status"], &found.json["items"][0]["method"]),
        (&json!(413), &json!("POST"))
    );
}
