//! All routes that need a session, each with what is wrong in every way.

use axum::body::Body;
use picloud_axum::Api;
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// What a route is about, and a body that it takes.
struct Row {
    method: &'static str,
    path: &'static str,
    /// A good body; `Null` for none.
    body: Value,
}

fn row(method: &'static str, path: &'static str, body: Value) -> Row {
    Row { method, path, body }
}

/// Every route that takes a body or names a thing. A route that is not here fails the test below.
fn rows() -> Vec<Row> {
    let none = Value::Null;
    vec![
        row("get", "/apps/{app}", none.clone()),
        row("patch", "/apps/{app}", json!({})),
        row("delete", "/apps/{app}", none.clone()),
        row("post", "/apps", json!({"slug": "new"})),
        row("get", "/apps/{app}/domains", none.clone()),
        row("post", "/apps/{app}/domains", json!({"pattern": "x.test"})),
        row("delete", "/domains/{id}", none.clone()),
        row("get", "/apps/{app}/scripts", none.clone()),
        row("post", "/apps/{app}/scripts", json!({"name": "x", "source": "1"})),
        row("post", "/scripts/check", json!({"source": "1"})),
        row("get", "/scripts/{id}", none.clone()),
        row("put", "/scripts/{id}", json!({"name": "main", "source": "1"})),
        row("delete", "/scripts/{id}", none.clone()),
        row("get", "/apps/{app}/routes", none.clone()),
        row("post", "/apps/{app}/routes/check", json!({"method": "GET", "path": "/"})),
        row("get", "/scripts/{id}/routes", none.clone()),
        row("post", "/scripts/{id}/routes", json!({"method": "GET", "path": "/x"})),
        row("get", "/routes/{id}", none.clone()),
        row("patch", "/routes/{id}", json!({})),
        row("delete", "/routes/{id}", none.clone()),
        row("post", "/match", json!({"method": "GET", "url": "http://a.test/"})),
        row("post", "/admins", json!({"username": "bob", "password": "another horse battery"})),
        row("get", "/admins/{id}", none.clone()),
        row("patch", "/admins/{id}", json!({})),
        row("delete", "/admins/{id}", none.clone()),
        row("delete", "/auth/sessions/{id}", none.clone()),
        row("get", "/admins", none.clone()),
        row("get", "/config", none.clone()),
        row("patch", "/config", json!({})),
        row("get", "/apps", none.clone()),
        row("get", "/audit", none.clone()),
        row("get", "/auth/me", none.clone()),
        row("get", "/auth/sessions", none.clone()),
        row("delete", "/auth/sessions", none.clone()),
        row("post", "/auth/logout", none),
    ]
}

#[test]
fn no_route_is_left_out() {
    let rows = rows();
    for (method, path) in Api::closed() {
        let path = path.strip_prefix("/api/v1/admin").unwrap();
        let known = rows.iter().any(|row| (row.method, row.path) == (method, path));
        // What has a suite of its own: logs, statistics, runs, versions.
        assert!(known || is_elsewhere(path), "{method} {path} has no row");
    }
}

fn is_elsewhere(path: &str) -> bool {
    ["/logs", "/stats", "/run", "/versions", "/rollback", "/definitions", "/deploy"]
        .iter()
        .any(|part| path.contains(part))
}

async fn send(world: &World, row: &Row, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let built = world.admin(&row.method.to_uppercase(), path);
    let built = headers.iter().fold(built, |built, (name, value)| built.header(*name, *value));
    world.send(built.body(body).unwrap()).await
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn bodies_that_are_not_as_they_should_be_are_refused_and_change_nothing() {
    let world = World::new().await;
    for row in rows().iter().filter(|row| !row.body.is_null()) {
        let path = filled(row.path, "none", &Value::from(uuid()));
        let body = |text: &str| Body::from(text.to_owned());
        let mut more = row.body.clone();
        more["no_such_field"] = json!(1);
        let place = format!("{} {}", row.method, row.path);
        for (headers, text, status) in [
            (&[JSON][..], more.to_string(), 422),
            (&[JSON], "{".to_owned(), 400),
            (&[JSON], "[]".to_owned(), 422),
            (&[JSON], "\"text\"".to_owned(), 422),
            (&[JSON], String::new(), 400),
            (&[JSON], format!("{}1{}", "[".repeat(200), "]".repeat(200)), 400),
            (&[("content-type", "text/plain")], row.body.to_string(), 415),
            (&[], row.body.to_string(), 415),
        ] {
            let answer = send(&world, row, &path, headers, body(&text)).await;
            // What is not there may be said first.
            assert!([status, 404].contains(&answer.status.as_u16()), "{place} {text}: {}", answer.text);
        }
    }
    assert_eq!(world.ask("GET", "/apps").await.json["items"], json!([]));
    assert_eq!(world.ask("GET", "/admins").await.json["items"].as_array().unwrap().len(), 1);
}

fn uuid() -> String {
    "0190a0a0-0000-7000-8000-000000000000".to_owned()
}

fn filled(path: &str, app: &str, id: &Value) -> String {
    path.replace("{app}", app).replace("{id}", id.as_str().unwrap_or_default())
}

#[tokio::test]
async fn what_is_not_there_is_404_whatever_else_is_asked() {
    let world = World::new().await;
    for row in rows().iter().filter(|row| row.path.contains('{')) {
        for (app, id) in [("none", uuid()), (&uuid(), "x".to_owned()), ("A%20B", "..".to_owned())] {
            let path = filled(row.path, app, &Value::from(id));
            for tag in [None, Some("\"x\""), Some("*")] {
                let headers = [Some(JSON), tag.map(|tag| ("if-match", tag))];
                let headers: Vec<_> = headers.into_iter().flatten().collect();
                let answer = send(&world, row, &path, &headers, Body::from(row.body.to_string())).await;
                assert_eq!(answer.status, 404, "{} {path} {tag:?}: {}", row.method, answer.text);
            }
        }
    }
}

#[tokio::test]
async fn ids_of_other_kinds_and_other_apps_are_not_found() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let app = world.ask("GET", "/apps/shop").await.json["id"].clone();
    let me = world.ask("GET", "/auth/me").await.json["admin"]["id"].clone();
    let claim = world.ask("GET", "/apps/shop/domains").await.json["items"][0]["id"].clone();
    let ids = [("scripts", Value::from(script)), ("apps", app), ("admins", me), ("domains", claim)];
    for row in rows().iter().filter(|row| row.path.contains("{id}")) {
        for (_, id) in ids.iter().filter(|(kind, _)| !row.path.starts_with(&format!("/{kind}/"))) {
            let path = filled(row.path, "shop", id);
            let answer = send(&world, row, &path, &[JSON], Body::from(row.body.to_string())).await;
            assert_eq!(answer.status, 404, "{} {path}: {}", row.method, answer.text);
        }
    }
}

#[tokio::test]
async fn reading_changes_nothing_and_says_the_same_twice() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let state = async || {
        let mut all = Vec::new();
        for path in
            ["/apps", "/apps/shop/domains", "/apps/shop/scripts", "/apps/shop/routes", "/admins", "/audit"]
        {
            all.push(world.ask("GET", path).await.expect(200).text);
        }
        all
    };
    let before = state().await;
    for row in rows().iter().filter(|row| row.method == "get") {
        let path = filled(row.path, "shop", &Value::from(script.clone()));
        let first = world.ask("GET", &path).await;
        let second = world.ask("GET", &path).await;
        assert_eq!((first.status, first.header("etag")), (second.status, second.header("etag")), "{path}");
        if first.status == 200 {
            assert_eq!(first.text, second.text, "{path}");
        }
    }
    assert_eq!(state().await, before);
}
