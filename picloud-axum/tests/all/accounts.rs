//! Accounts and sessions: who there is, who gets in, and what ends a session.

use axum::body::Body;
use http::Request;
use picloud::Scheme;
use picloud_axum::Options;
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, World, login, over, request};

const OTHER: &str = "another horse battery";

/// Asks with the session of `token`.
async fn ask_as(world: &World, token: &str, method: &str, path: &str) -> Answer {
    let asked = request(method, path).header("authorization", format!("Bearer {token}"));
    world.send(asked.body(Body::empty()).unwrap()).await
}

async fn is_in(world: &World, token: &str) -> bool {
    ask_as(world, token, "GET", "/auth/me").await.status == 200
}

fn set_up(token: &str, password: &str) -> Request<Body> {
    let body = json!({"token": token, "username": "Ada", "password": password}).to_string();
    request("POST", "/setup").header("content-type", "application/json").body(body.into()).unwrap()
}

#[tokio::test]
async fn whoever_has_the_set_up_token_becomes_the_first_admin_once() {
    let world = World::empty(Options::default());
    world.send(set_up("setup_x", PASSWORD)).await.expect_problem(401, "unauthorized");
    let token = world.manager.auth().issue_setup_token().await.unwrap().unwrap();
    world.send(set_up(&token[..token.len() - 1], PASSWORD)).await.expect_problem(401, "unauthorized");
    world.send(set_up("", PASSWORD)).await.expect_problem(401, "unauthorized");
    world.send(set_up(&token, "fourteen chars")).await.expect_invalid("password", "too_weak");
    let made = world.send(over(Scheme::Https, set_up(&token, PASSWORD))).await.expect(201);
    assert_eq!(made.json["admin"]["username"], "ada");
    assert!(made.header("set-cookie").starts_with("__Host-picloud_session=pcs_"));
    let session = made.json["token"].as_str().unwrap();
    assert!(is_in(&world, session).await);
    for token in [token.as_str(), "other"] {
        world.send(set_up(token, PASSWORD)).await.expect_problem(410, "gone");
    }
    assert_eq!(world.manager.auth().issue_setup_token().await.unwrap(), None);
    assert!(!world.manager.auth().bootstrap("eve", OTHER).await.unwrap(), "the environment comes too late");
    world.log_in("ada", PASSWORD).await;
}

#[tokio::test]
async fn of_many_who_have_the_token_one_becomes_the_admin() {
    let world = World::empty(Options::default());
    let token = world.manager.auth().issue_setup_token().await.unwrap().unwrap();
    let (first, second, third) = tokio::join!(
        world.send(set_up(&token, PASSWORD)),
        world.send(set_up(&token, PASSWORD)),
        world.send(set_up(&token, PASSWORD)),
    );
    let mut statuses = [first, second, third].map(|answer| answer.status.as_u16());
    statuses.sort_unstable();
    assert!(
        statuses[0] == 201 && statuses[1..].iter().all(|status| [401, 410].contains(status)),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn accounts_are_made_changed_and_removed() {
    let world = World::new().await;
    let bob = json!({"username": "Bob", "password": OTHER});
    let made = world.post("POST", "/admins", bob.clone()).await.expect(201);
    assert_eq!((&made.json["username"], &made.json["active"]), (&json!("bob"), &json!(true)));
    assert!(!made.text.contains("argon2") && !made.text.contains(OTHER));
    let path = made.header("location");
    assert_eq!(world.ask("GET", path).await.expect(200).json, made.json);
    world.post("POST", "/admins", bob).await.expect_problem(409, "conflict");
    let list = world.ask("GET", "/admins").await.expect(200);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 2);
    let renamed = world.post("PATCH", path, json!({"username": "rob"})).await.expect(200);
    assert_ne!(renamed.header("etag"), made.header("etag"));
    let token = world.log_in("rob", OTHER).await;
    world.send(login("bob", OTHER)).await.expect_problem(401, "unauthorized");
    let stale = world.admin("PATCH", path).header("if-match", made.header("etag"));
    let stale = stale.header("content-type", "application/json").body(Body::from(r#"{"active":false}"#));
    world.send(stale.unwrap()).await.expect_problem(412, "precondition_failed");

    world.post("PATCH", path, json!({"active": false})).await.expect(200);
    assert!(!is_in(&world, &token).await, "a deactivation ends sessions");
    world.send(login("rob", OTHER)).await.expect_problem(401, "unauthorized");
    world.post("PATCH", path, json!({"active": true})).await.expect(200);
    let token = world.log_in("rob", OTHER).await;
    world.ask("DELETE", path).await.expect(204);
    assert!(!is_in(&world, &token).await, "a removal ends sessions");
    world.ask("GET", path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn what_makes_no_account_is_named_field_by_field() {
    let world = World::new().await;
    let both = world.post("POST", "/admins", json!({"username": "a b", "password": "short"})).await;
    let both = both.expect_problem(422, "invalid");
    let fields: Vec<_> =
        both.json["errors"].as_array().unwrap().iter().map(|error| &error["field"]).collect();
    assert_eq!(fields, ["username", "password"]);
    let me = world.ask("GET", "/auth/me").await.json["admin"]["id"].as_str().unwrap().to_owned();
    for name in ["id", "role", "created_at", "version", "password_hash", "owner"] {
        let new = json!({"username": "bob", "password": OTHER, name: "x"});
        world.post("POST", "/admins", new).await.expect_invalid(name, "unknown_field");
        world
            .post("PATCH", &format!("/admins/{me}"), json!({name: "x"}))
            .await
            .expect_invalid(name, "unknown_field");
    }
}

#[tokio::test]
async fn the_last_active_admin_stays() {
    let world = World::new().await;
    let bob = world.post("POST", "/admins", json!({"username": "bob", "password": OTHER})).await.expect(201);
    let (bob, me) = (bob.header("location").to_owned(), me(&world).await);
    world.post("PATCH", &bob, json!({"active": false})).await.expect(200);
    world.ask("DELETE", &me).await.expect_problem(409, "conflict");
    world.post("PATCH", &me, json!({"active": false})).await.expect_problem(409, "conflict");
    world.post("PATCH", &bob, json!({"active": true})).await.expect(200);
    world.ask("DELETE", &me).await.expect(204);
    world.ask("GET", "/auth/me").await.expect_problem(401, "unauthorized");
}

/// The path of the account that is logged in.
async fn me(world: &World) -> String {
    let me = world.ask("GET", "/auth/me").await.expect(200);
    format!("/admins/{}", me.json["admin"]["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions() {
    let world = World::new().await;
    let (other, me) = (world.log_in("ada", PASSWORD).await, me(&world).await);
    world.post("PATCH", &me, json!({"password": OTHER})).await.expect(200);
    assert!(!is_in(&world, &other).await);
    assert!(is_in(&world, &world.token).await, "the one that asked goes on");
    world.send(login("ada", PASSWORD)).await.expect_problem(401, "unauthorized");
    world.log_in("ada", OTHER).await;
    let wrong = json!({"password": PASSWORD, "current_password": PASSWORD});
    world.post("PATCH", &me, wrong).await.expect_invalid("current_password", "wrong");
    let right = json!({"password": PASSWORD, "current_password": OTHER});
    world.post("PATCH", &me, right).await.expect(200);
}

#[tokio::test]
async fn in_a_browser_the_old_password_is_asked_for() {
    let world = World::new().await;
    let me = me(&world).await;
    let change = |body: Value| {
        let asked = request("PATCH", &me).header("cookie", format!("picloud_session={}", world.token));
        let asked = asked.header("content-type", "application/json").header("sec-fetch-site", "same-origin");
        asked.body(Body::from(body.to_string())).unwrap()
    };
    let without = change(json!({"password": OTHER}));
    world.send(without).await.expect_invalid("current_password", "missing");
    world.send(change(json!({"password": OTHER, "current_password": PASSWORD}))).await.expect(200);
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let world = World::new().await;
    world.post("POST", "/admins", json!({"username": "bob", "password": OTHER})).await.expect(201);
    let bob = world.log_in("bob", OTHER).await;
    let mut named = login("ada", PASSWORD);
    named.headers_mut().insert("user-agent", "curl/8".parse().unwrap());
    let second = world.send(over(Scheme::Http, named)).await.expect(200);
    let second = second.json["token"].as_str().unwrap();
    let list = world.ask("GET", "/auth/sessions").await.expect(200);
    let items = list.json["items"].as_array().unwrap();
    assert_eq!(items.iter().map(|item| &item["current"]).collect::<Vec<_>>(), [true, false]);
    assert_eq!((&items[1]["user_agent"], &items[1]["ip"]), (&json!("curl/8"), &json!("127.0.0.1")));
    assert!(!list.text.contains("pcs_"));

    let path = format!("/auth/sessions/{}", items[1]["id"].as_str().unwrap());
    ask_as(&world, &bob, "DELETE", &path).await.expect_problem(404, "not_found");
    assert!(is_in(&world, second).await, "it is not Bob's to end");
    world.ask("DELETE", &path).await.expect(204);
    assert!(!is_in(&world, second).await);
    world.ask("DELETE", &path).await.expect_problem(404, "not_found");

    let third = world.log_in("ada", PASSWORD).await;
    world.ask("DELETE", "/auth/sessions").await.expect(204);
    assert!(!is_in(&world, &third).await);
    assert!(is_in(&world, &world.token).await && is_in(&world, &bob).await);
}
