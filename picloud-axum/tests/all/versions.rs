//! `ETag` and `If-Match`: nobody overwrites what they have not read.

use axum::body::Body;
use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn change(world: &World, method: &str, path: &str, tag: &str, body: &Value) -> Answer {
    let sent = world.admin(method, path).header("content-type", "application/json").header("if-match", tag);
    world.send(sent.body(Body::from(body.to_string())).unwrap()).await
}

/// Changes the thing at `path` and removes it, with right and wrong conditions.
async fn check(world: &World, method: &str, path: &str, body: Value) {
    let first = world.ask("GET", path).await.expect(200).header("etag").to_owned();
    assert!(first.starts_with('"') && first.ends_with('"'), "a strong tag: {first}");
    let second = change(world, method, path, &first, &body).await.expect(200).header("etag").to_owned();
    assert_ne!(first, second);
    assert_eq!(world.ask("GET", path).await.header("etag"), second);
    for stale in [first.as_str(), &format!("W/{second}"), "\"\"", "x", ""] {
        change(world, method, path, stale, &body).await.expect_problem(412, "precondition_failed");
        change(world, "DELETE", path, stale, &body).await.expect_problem(412, "precondition_failed");
    }
    assert_eq!(world.ask("GET", path).await.header("etag"), second, "nothing was changed");
    let third = change(world, method, path, &format!("{first}, {second}"), &body).await.expect(200);
    change(world, method, path, "*", &body).await.expect(200);
    change(world, "DELETE", path, third.header("etag"), &body)
        .await
        .expect_problem(412, "precondition_failed");
    let last = world.post(method, path, body.clone()).await.expect(200);
    change(world, "DELETE", path, last.header("etag"), &body).await.expect(204);
    change(world, "DELETE", path, "*", &body).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn routes_scripts_and_apps_are_changed_on_condition() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let route = json!({"method": "GET", "path": "/"});
    let route = world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    let route = format!("/routes/{}", route.json["id"].as_str().unwrap());
    check(&world, "PATCH", &route, json!({"enabled": false})).await;
    check(&world, "PUT", &format!("/scripts/{script}"), json!({"name": "main", "source": "2"})).await;
    check(&world, "PATCH", "/apps/shop", json!({"limits": {"operations": 5}})).await;
}

#[tokio::test]
async fn domains_are_released_on_condition() {
    let world = World::new().await;
    world.post("POST", "/apps", json!({"slug": "shop"})).await.expect(201);
    let claim = world.post("POST", "/apps/shop/domains", json!({"pattern": "*"})).await.expect(201);
    let path = claim.header("location");
    change(&world, "DELETE", path, "\"x\"", &Value::Null).await.expect_problem(412, "precondition_failed");
    change(&world, "DELETE", path, claim.header("etag"), &Value::Null).await.expect(204);
}
