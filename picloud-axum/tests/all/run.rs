//! Test runs: what would happen, without anything happening.

use serde_json::{Value, json};

use crate::world::World;

async fn run(world: &World, body: Value) -> Value {
    world.post("POST", "/apps/shop/run", body).await.expect(200).json
}

async fn world() -> (World, String) {
    let world = World::new().await;
    let script = world.app_with_script("shop", "`Hello, ${ctx.params.name}!`").await;
    let route = json!({"method": "GET", "path": "/hello/:name"});
    world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    (world, script)
}

#[tokio::test]
async fn a_saved_script_runs_as_its_route_would_have_it() {
    let (world, script) = world().await;
    let ran = run(&world, json!({"script_id": script, "request": {"path": "/hello/Ada%20L"}})).await;
    assert_eq!(
        (&ran["response"]["status"], &ran["response"]["body"]),
        (&json!(200), &json!("Hello, Ada L!"))
    );
    assert_eq!(ran["response"]["headers"]["content-type"], "text/plain; charset=utf-8");
    assert_eq!(ran["response"]["headers"]["x-request-id"], ran["request_id"]);
    assert_eq!((&ran["error"], &ran["logs"]), (&Value::Null, &json!([])));
    assert!(ran["stats"]["operations"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn an_unsaved_source_sees_the_request_that_was_made_up() {
    let (world, _) = world().await;
    let source = r#"log::warn("seen", #{ a: 1 });
        #{ t: ctx.trigger, m: ctx.method, p: ctx.path, q: ctx.query, all: ctx.query_all.x, h: ctx.headers["x-a"], b: ctx.body,
           app: ctx.app, script: ctx.script, version: ctx.version, route: ctx.route }"#;
    let ran = run(&world, json!({
        "source": source,
        "request": {"method": "put", "path": "/p", "headers": {"X-A": "1"}, "query": {"x": ["1", "2"], "y": "&"}, "body": {"k": [1]}},
    })).await;
    let body: Value = serde_json::from_str(ran["response"]["body"].as_str().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "t": "test", "m": "PUT", "p": "/p", "q": {"x": "2", "y": "&"}, "all": ["1", "2"], "h": "1", "b": {"k": [1]},
            "app": "shop", "script": "draft", "version": 0, "route": "",
        })
    );
    let line = &ran["logs"][0];
    assert_eq!(
        (&line["level"], &line["message"], &line["fields"]),
        (&json!("warn"), &json!("seen"), &json!({"a": 1}))
    );
}

#[tokio::test]
async fn bodies_go_in_and_come_out_as_they_are() {
    let (world, _) = world().await;
    let text =
        run(&world, json!({"source": "ctx.body", "request": {"method": "POST", "body": "täxt"}})).await;
    assert_eq!(text["response"]["body"], "täxt");
    let bytes =
        run(&world, json!({"source": "ctx.bytes()", "request": {"method": "POST", "body_base64": "/wD+"}}))
            .await;
    assert_eq!(
        (&bytes["response"]["body"], &bytes["response"]["body_base64"]),
        (&Value::Null, &json!("/wD+"))
    );
    let none = run(&world, json!({"source": "()"})).await;
    assert_eq!((&none["response"]["status"], &none["response"]["body"]), (&json!(204), &json!("")));
    let form = json!({"source": "ctx.body.a", "request": {"method": "POST", "body": "a=1",
        "headers": {"content-type": "application/x-www-form-urlencoded"}, "path": "/?z=1"}});
    assert_eq!(run(&world, form).await["response"]["body"], "1");
    let cookies = r#"response(200).cookie("a", "1").cookie("b", "2")"#;
    let cookies = run(&world, json!({"source": cookies})).await;
    assert_eq!(cookies["response"]["headers"]["set-cookie"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_failure_is_told_in_full() {
    let (world, script) = world().await;
    let source = "fn f(x) { x.nope() }\nprint(\"before\");\nf(1)";
    let ran = run(&world, json!({"source": source, "script_id": script})).await;
    assert_eq!((&ran["response"]["status"], &ran["logs"][0]["message"]), (&json!(500), &json!("before")));
    let error = &ran["error"];
    assert_eq!((&error["code"], &error["line"]), (&json!("script_error"), &json!(1)));
    assert_eq!((&error["trace"][0]["function"], &error["trace"][0]["line"]), (&json!("f"), &json!(3)));
    assert!(error["message"].as_str().unwrap().contains("nope") && error["column"].as_u64().unwrap() > 0);
    let limits = json!({"name": "main", "source": "1", "limits": {"operations": 1000}});
    world.post("PUT", &format!("/scripts/{script}"), limits).await.expect(200);
    let ran = run(&world, json!({"source": "loop {}", "script_id": script})).await;
    assert_eq!(
        (&ran["error"]["code"], &ran["response"]["status"]),
        (&json!("limit_operations"), &json!(504))
    );
}

#[tokio::test]
async fn nothing_is_saved_and_nothing_is_counted() {
    let (world, script) = world().await;
    let before = world.ask("GET", &format!("/scripts/{script}")).await.expect(200);
    run(&world, json!({"source": "print(1)", "script_id": script})).await;
    run(&world, json!({"source": "throw 1"})).await;
    world.recorder.flush().await;
    assert_eq!(world.ask("GET", &format!("/scripts/{script}")).await.expect(200).json, before.json);
    assert_eq!(world.ask("GET", "/apps/shop/logs").await.expect(200).json["items"], json!([]));
    assert_eq!(world.ask("GET", "/apps/shop/stats").await.expect(200).json["totals"]["count"], 0);
}

#[tokio::test]
async fn what_cannot_be_tried_is_refused_with_its_place() {
    let (world, script) = world().await;
    let refused = world.post("POST", "/apps/shop/run", json!({"source": "let x = 1;\nlet y = (x;"})).await;
    let refused = refused.expect_invalid("source", "syntax");
    assert_eq!(refused.json["errors"][0]["line"], 2);
    assert!(refused.json["errors"][0]["column"].as_u64().unwrap() > 1);
    for (body, field, code) in [
        (json!({}), "source", "missing"),
        (json!({"source": "1", "request": {"method": "A B"}}), "request.method", "invalid_method"),
        (json!({"source": "1", "request": {"path": "x"}}), "request.path", "invalid_path"),
        (
            json!({"source": "1", "request": {"headers": {"a b": "1"}}}),
            "request.headers.a b",
            "invalid_header",
        ),
        (json!({"source": "1", "request": {"headers": {"a": "\n"}}}), "request.headers.a", "invalid_header"),
        (json!({"source": "1", "request": {"body_base64": "?"}}), "request.body_base64", "invalid_base64"),
        (
            json!({"source": "1", "request": {"body": 1, "body_base64": ""}}),
            "request.body_base64",
            "conflict",
        ),
        (json!({"source": "1", "request": {"url": "/"}}), "request.url", "unknown_field"),
        (json!({"source": "1", "save": true}), "save", "unknown_field"),
    ] {
        world.post("POST", "/apps/shop/run", body).await.expect_invalid(field, code);
    }
    let long = json!({"source": "1", "request": {"body": "x".repeat(1024 * 1024 + 1)}});
    world.post("POST", "/apps/shop/run", long).await.expect_problem(413, "limit_body");
    world.app_with_script("other", "1").await;
    let foreign = json!({"script_id": script});
    world.post("POST", "/apps/other/run", foreign).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn definitions_tell_what_scripts_can_use() {
    let (world, _) = world().await;
    let listed = world.ask("GET", "/definitions").await.expect(200);
    let items = listed.json["items"].as_array().unwrap();
    let found = items.iter().find(|item| item["name"] == "log::info").unwrap();
    assert_eq!(found["kind"], "function");
    assert!(found["signature"].as_str().unwrap().starts_with("log::info("), "{found}");
}
