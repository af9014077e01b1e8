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

#[tokio::test]
async fn the_history_of_a_script_is_listed_and_rolled_back() {
    let world = World::new().await;
    let script = world.app_with_endpoint("shop", "`one`").await;
    let path = format!("/scripts/{script}");
    let named = json!({"name": "renamed", "source": "`two`", "limits": {"operations": 777}});
    world.post("PUT", &path, named).await.expect(200);
    let listed = world.ask("GET", &format!("{path}/versions?limit=1")).await.expect(200).json;
    let item = &listed["items"][0];
    assert_eq!(
        (&item["version"], &item["source"], &item["script_id"]),
        (&json!(2), &Value::Null, &json!(script))
    );
    let next = listed["next_cursor"].as_str().unwrap();
    let listed = world.ask("GET", &format!("{path}/versions?limit=1&cursor={next}")).await.expect(200).json;
    assert_eq!((&listed["items"][0]["version"], &listed["next_cursor"]), (&json!(1), &Value::Null));
    let first = world.ask("GET", &format!("{path}/versions/1")).await.expect(200).json;
    assert_eq!((&first["source"], &first["sha256"]), (&json!("`one`"), &listed["items"][0]["sha256"]));
    assert!(first["saved_by"].is_string() && first["saved_at"].as_str().unwrap().ends_with('Z'));

    let stale = change(&world, "POST", &format!("{path}/rollback"), "\"x\"", &json!({"version": 1})).await;
    stale.expect_problem(412, "precondition_failed");
    assert_eq!(world.call("shop", "/").await.text, "two");
    let tag = world.ask("GET", &path).await.header("etag").to_owned();
    let back =
        change(&world, "POST", &format!("{path}/rollback"), &tag, &json!({"version": 1})).await.expect(200);
    assert_eq!((&back.json["version"], &back.json["source"]), (&json!(3), &json!("`one`")));
    assert_eq!((&back.json["name"], &back.json["limits"]), (&json!("renamed"), &json!({"operations": 777})));
    assert_eq!(world.call("shop", "/").await.text, "one", "live when the call returns");
    assert_eq!(world.ask("GET", &path).await.header("etag"), back.header("etag"));
    world.post("POST", &format!("{path}/rollback"), json!({"version": 2})).await.expect(200);
    assert_eq!(world.call("shop", "/").await.text, "two");
}

#[tokio::test]
async fn versions_that_are_not_there_are_not_found() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    for version in ["0", "2", "-1", "x", "99999999999999999999"] {
        world
            .ask("GET", &format!("/scripts/{script}/versions/{version}"))
            .await
            .expect_problem(404, "not_found");
    }
    let none = json!({"version": 9});
    world.post("POST", &format!("/scripts/{script}/rollback"), none).await.expect_problem(404, "not_found");
    let wrong = json!({"version": "1"});
    world
        .post("POST", &format!("/scripts/{script}/rollback"), wrong)
        .await
        .expect_invalid("version", "invalid_type");
    let nobody = "/scripts/00000000-0000-7000-8000-000000000000";
    for path in ["versions", "versions/1"] {
        world.ask("GET", &format!("{nobody}/{path}")).await.expect_problem(404, "not_found");
    }
    world
        .ask("GET", &format!("/scripts/{script}/versions?cursor=x"))
        .await
        .expect_invalid("cursor", "invalid_cursor");
}
