//! The audit trail: each change makes one record, done or refused.

use axum::body::Body;
use picloud::Scheme;
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, World, login, over};

/// The whole trail, newest first.
pub(crate) async fn trail(world: &World, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = world.ask("GET", &format!("/audit?limit=3{query}{cursor}")).await.expect(200);
        all.extend(page.json["items"].as_array().unwrap().iter().cloned());
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// What came to the trail since it had `before` records: who, what, and why not.
async fn since(world: &World, before: usize) -> Vec<(String, String)> {
    let all = trail(world, "").await;
    let text = |value: &Value| value.as_str().unwrap_or("done").to_owned();
    let new = all[..all.len() - before].iter();
    new.map(|entry| (text(&entry["action"]), text(&entry["refused"]))).collect()
}

/// Sends JSON, and says what the trail has of it.
async fn told(world: &World, method: &str, path: &str, tag: &str, body: Value) -> (Answer, String) {
    let before = trail(world, "").await.len();
    let mut sent = world.admin(method, path).header("content-type", "application/json");
    if !tag.is_empty() {
        sent = sent.header("if-match", tag);
    }
    let answer = world.send(sent.body(Body::from(body.to_string())).unwrap()).await;
    let new = since(world, before).await;
    assert!(new.len() <= 1, "{method} {path}: {new:?}");
    let text = new.first().map(|(action, refused)| format!("{action} {refused}")).unwrap_or_default();
    (answer, text)
}

#[tokio::test]
async fn each_change_makes_one_record_done_or_refused() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let route = json!({"method": "GET", "path": "/"});
    let route = world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    let (script, route) = (format!("/scripts/{script}"), route.header("location").to_owned());
    let claim =
        world.ask("GET", "/apps/shop/domains").await.json["items"][0]["id"].as_str().unwrap().to_owned();
    let (claim, none) = (format!("/domains/{claim}"), "0190a0a0-0000-7000-8000-000000000000");
    let bob = json!({"username": "bob", "password": "another horse battery"});
    let bob = world.post("POST", "/admins", bob).await.expect(201).header("location").to_owned();
    let stale = "\"x-1\"";
    for (method, path, tag, body, status, record) in [
        ("POST", "/apps", "", json!({"slug": "a"}), 201, "app.create done"),
        ("POST", "/apps", "", json!({"slug": "a"}), 409, "app.create conflict"),
        ("POST", "/apps", "", json!({"slug": "A B"}), 422, "app.create invalid"),
        ("PATCH", "/apps/shop", "", json!({"limits": {}}), 200, "app.update done"),
        ("PATCH", "/apps/shop", stale, json!({"limits": {}}), 412, "app.update precondition_failed"),
        ("PATCH", "/apps/none", "", json!({}), 404, "app.update not_found"),
        ("DELETE", "/apps/shop", stale, json!({}), 412, "app.delete precondition_failed"),
        ("DELETE", "/apps/none", "", json!({}), 404, "app.delete not_found"),
        ("POST", "/apps/shop/domains", "", json!({"pattern": "b.test"}), 201, "domain.claim done"),
        ("POST", "/apps/shop/domains", "", json!({"pattern": "b.test"}), 409, "domain.claim conflict"),
        ("DELETE", &claim, stale, json!({}), 412, "domain.release precondition_failed"),
        ("DELETE", &claim, "", json!({}), 204, "domain.release done"),
        ("DELETE", &claim, "", json!({}), 404, "domain.release not_found"),
        ("POST", "/apps/shop/scripts", "", json!({"name": "x", "source": "("}), 422, "script.create invalid"),
        ("PUT", &script, "", json!({"name": "main", "source": "2"}), 200, "script.update done"),
        (
            "PUT",
            &script,
            stale,
            json!({"name": "main", "source": "2"}),
            412,
            "script.update precondition_failed",
        ),
        ("PATCH", &route, "", json!({"enabled": false}), 200, "route.update done"),
        ("PATCH", &route, stale, json!({"enabled": false}), 412, "route.update precondition_failed"),
        ("DELETE", &route, "", json!({}), 204, "route.delete done"),
        ("DELETE", &route, "", json!({}), 404, "route.delete not_found"),
        ("DELETE", &script, "", json!({}), 204, "script.delete done"),
        ("DELETE", &script, stale, json!({}), 404, "script.delete not_found"),
        ("PATCH", &bob, "", json!({"active": false}), 200, "admin.update done"),
        ("PATCH", &bob, "", json!({"password": "short"}), 422, "admin.update invalid"),
        ("DELETE", &bob, stale, json!({}), 412, "admin.delete precondition_failed"),
        ("DELETE", &bob, "", json!({}), 204, "admin.delete done"),
        ("DELETE", &format!("/admins/{none}"), "", json!({}), 404, "admin.delete not_found"),
        ("DELETE", "/auth/sessions", "", json!({}), 204, "session.end_others done"),
        ("DELETE", &format!("/auth/sessions/{none}"), "", json!({}), 404, "session.end not_found"),
        // What changes nothing leaves nothing.
        ("GET", "/apps/shop", "", json!({}), 200, ""),
        ("POST", "/scripts/check", "", json!({"source": "1"}), 200, ""),
        ("POST", "/match", "", json!({"method": "GET", "url": "http://b.test/"}), 200, ""),
        ("POST", "/apps/shop/routes/check", "", json!({"method": "GET", "path": "/"}), 200, ""),
    ] {
        let (answer, told) = told(&world, method, path, tag, body).await;
        assert_eq!(
            (answer.status.as_u16(), told.as_str()),
            (status, record),
            "{method} {path}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn logins_and_failed_logins_are_written_down_and_no_secret_is() {
    let world = World::new().await;
    let before = trail(&world, "").await.len();
    world.send(over(Scheme::Http, login("ada", "wrong password"))).await.expect(401);
    world.send(login("hunter2hunter2", "wrong password")).await.expect(401);
    world.send(login("ada", PASSWORD)).await.expect(200);
    let expected =
        [("session.login", "done"), ("session.login", "unauthorized"), ("session.login", "unauthorized")];
    let found = since(&world, before).await;
    assert_eq!(found.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>(), expected);
    let all = trail(&world, "").await;
    assert_eq!(
        (&all[2]["username"], &all[2]["ip"], &all[2]["admin_id"]),
        (&json!("ada"), &json!("127.0.0.1"), &Value::Null)
    );
    let text = Value::from(all).to_string();
    for secret in ["hunter2", "wrong password", PASSWORD, "argon2", "pcs_"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn the_trail_of_an_app_outlives_it_and_has_nothing_of_others() {
    let world = World::new().await;
    world.app_with_script("ours", "1").await;
    world.app_with_script("theirs", "1").await;
    let id = world.ask("GET", "/apps/ours").await.json["id"].as_str().unwrap().to_owned();
    let named = trail(&world, "&app=ours").await;
    world.ask("DELETE", "/apps/ours").await.expect(204);
    world.ask("GET", "/audit?app=ours").await.expect_problem(404, "not_found");
    let after = trail(&world, &format!("&app={id}")).await;
    assert_eq!(after[1..], named);
    let actions: Vec<_> = after.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["app.delete", "script.create", "domain.claim", "app.create"]);
    assert!(after.iter().all(|entry| entry["app_id"] == json!(id) && entry["username"] == "ada"));
    assert_eq!(after[0]["name"], "ours");
    assert_eq!(after[0]["before"].as_str().unwrap().len(), 64);
    world.ask("GET", "/audit?app=A%20B").await.expect_invalid("app", "invalid_app");
    world.ask("GET", "/audit?who=ada").await.expect_invalid("who", "unknown_field");
}
