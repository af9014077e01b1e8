//! Every operation that changes something leaves exactly one record, done or refused, wherever it is refused. Which
//! operations there are says the OpenAPI document.

use axum::body::Body;
use picloud_axum::Api;
use serde_json::{Value, json};

use crate::{
    audit::trail,
    world::{Answer, World, request},
};

const NOBODY: &str = "0190a0a0-0000-7000-8000-000000000000";
const JSON: &str = "application/json";

/// What changes nothing, whatever its method.
const HARMLESS: [(&str, &str); 5] = [
    ("post", "/apps/{app}/deploy/check"),
    ("post", "/scripts/check"),
    ("post", "/apps/{app}/routes/check"),
    ("post", "/apps/{app}/run"),
    ("post", "/match"),
];

/// Done by those who are not logged in.
const DOORS: [&str; 2] = ["/setup", "/auth/login"];

/// An operation that changes something, what the trail calls it, and a body that it takes.
struct Deed {
    method: &'static str,
    path: &'static str,
    action: &'static str,
    /// `Null` for none.
    body: Value,
}

fn deeds() -> Vec<Deed> {
    let deed = |method, path, action, body| Deed { method, path, action, body };
    let none = || Value::Null;
    let account = json!({"username": "eve", "password": "another horse battery"});
    vec![
        deed("post", "/apps", "app.create", json!({"slug": "new"})),
        deed("patch", "/apps/{app}", "app.update", json!({"slug": "other"})),
        deed("delete", "/apps/{app}", "app.delete", none()),
        // One record of each change that it makes as well; this one makes none.
        deed("post", "/apps/{app}/deploy", "app.deploy", json!({})),
        deed("post", "/apps/{app}/domains", "domain.claim", json!({"pattern": "x.test"})),
        deed("delete", "/domains/{id}", "domain.release", none()),
        deed("post", "/apps/{app}/scripts", "script.create", json!({"name": "x", "source": "1"})),
        deed("put", "/scripts/{id}", "script.update", json!({"name": "main", "source": "2"})),
        deed("post", "/scripts/{id}/rollback", "script.rollback", json!({"version": 1})),
        deed("delete", "/scripts/{id}", "script.delete", none()),
        deed("post", "/scripts/{id}/routes", "route.create", json!({"method": "GET", "path": "/x"})),
        deed("patch", "/routes/{id}", "route.update", json!({"enabled": false})),
        deed("delete", "/routes/{id}", "route.delete", none()),
        deed("post", "/admins", "admin.create", account),
        deed("patch", "/admins/{id}", "admin.update", json!({"active": false})),
        deed("delete", "/admins/{id}", "admin.delete", none()),
        deed("patch", "/config", "config.update", json!({})),
        deed("delete", "/auth/sessions", "session.end_others", none()),
        deed("delete", "/auth/sessions/{id}", "session.end", none()),
        deed("post", "/auth/logout", "session.end", none()),
    ]
}

#[test]
fn no_operation_is_left_out() {
    let (document, deeds) = (Api::openapi(), deeds());
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1/admin") else { continue };
        for method in operations.as_object().unwrap().keys().filter(|method| *method != "get") {
            let known = deeds.iter().any(|deed| (deed.method, deed.path) == (method, path));
            let other = HARMLESS.contains(&(method, path)) || DOORS.contains(&path);
            assert!(known != other, "{method} {path} has no row");
        }
    }
}

/// A platform with one thing of each kind, and the ids by the part of the API that they are in.
async fn world() -> (World, Vec<(&'static str, String)>) {
    let world = World::new().await;
    let script = world.app_with_endpoint("shop", "1").await;
    let account = json!({"username": "bob", "password": "another horse battery"});
    let bob = world.post("POST", "/admins", account).await.expect(201).json["id"].clone();
    let first = async |path: &str| {
        world.ask("GET", path).await.expect(200).json["items"][0]["id"].as_str().unwrap().to_owned()
    };
    let ids = vec![
        ("scripts", script),
        ("routes", first("/apps/shop/routes").await),
        ("domains", first("/apps/shop/domains").await),
        ("admins", bob.as_str().unwrap().to_owned()),
        ("sessions", first("/auth/sessions").await),
    ];
    (world, ids)
}

impl Deed {
    /// The path for this app and this id, if it is about any.
    fn filled(&self, app: &str, id: &str) -> String {
        self.path.replace("{app}", app).replace("{id}", id)
    }

    fn filled_well(&self, ids: &[(&str, String)]) -> String {
        let kind = self.path.split("/{id}").next().and_then(|before| before.rsplit('/').next());
        let id = ids.iter().find(|(other, _)| Some(*other) == kind).map_or("", |(_, id)| id.as_str());
        self.filled("shop", id)
    }
}

async fn send(world: &World, deed: &Deed, path: &str, kind: &str, body: String) -> Answer {
    let sent = world.admin(&deed.method.to_uppercase(), path).header("content-type", kind);
    world.send(sent.body(Body::from(body)).unwrap()).await
}

/// Checks that the newest record, and only that, is new and tells of this.
async fn expect_one(world: &World, before: usize, deed: &Deed, refused: &Value, place: &str) -> usize {
    let trail = trail(world, "").await;
    let new: Vec<_> = trail[..trail.len() - before].iter().map(|entry| &entry["action"]).collect();
    assert_eq!(new, [deed.action], "{place}");
    let entry = &trail[0];
    assert_eq!((&entry["refused"], &entry["username"]), (refused, &json!("ada")), "{place}: {entry}");
    assert!(entry["admin_id"].is_string(), "{place}: {entry}");
    trail.len()
}

#[tokio::test]
async fn a_good_call_makes_one_record() {
    for deed in deeds() {
        let (mut world, ids) = world().await;
        let (path, before) = (deed.filled_well(&ids), trail(&world, "").await.len());
        let body = if deed.body.is_null() { String::new() } else { deed.body.to_string() };
        let place = format!("{} {path}", deed.method);
        let answer = send(&world, &deed, &path, JSON, body).await;
        assert!(answer.status.is_success(), "{place}: {}", answer.text);
        let mut logins = 0;
        if world.ask("GET", "/apps").await.status == 401 {
            world.token = world.log_in("ada", crate::world::PASSWORD).await;
            logins = 1;
        }
        let trail = trail(&world, "").await;
        let new = &trail[logins..trail.len() - before];
        assert!(matches!(new, [one] if one["action"] == deed.action), "{place}: {new:?}");
        assert_eq!((&new[0]["refused"], &new[0]["username"]), (&Value::Null, &json!("ada")), "{place}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_makes_one_record() {
    let (world, ids) = world().await;
    let mut before = trail(&world, "").await.len();
    for deed in deeds().iter().filter(|deed| !deed.body.is_null()) {
        let path = deed.filled_well(&ids);
        let mut more = deed.body.clone();
        more["no_such_field"] = json!(1);
        let huge = format!("{{\"x\":\"{}\"}}", "x".repeat(17 << 20));
        for (kind, body, code) in [
            (JSON, "{".to_owned(), "malformed"),
            (JSON, String::new(), "malformed"),
            (JSON, "[]".to_owned(), "invalid"),
            (JSON, more.to_string(), "invalid"),
            (JSON, huge, "limit_body"),
            ("text/plain", deed.body.to_string(), "unsupported_media_type"),
        ] {
            let place = format!("{} {path} {kind} {}", deed.method, body.get(..40).unwrap_or(&body));
            let answer = send(&world, deed, &path, kind, body).await;
            assert_eq!(answer.json["code"], code, "{place}: {}", answer.text);
            before = expect_one(&world, before, deed, &json!(code), &place).await;
        }
    }
    // Whose it was is known where the path says so.
    let shop = trail(&world, "&app=shop").await;
    let refused = |action: &str| {
        shop.iter().any(|entry| entry["action"] == action && entry["refused"] == "unsupported_media_type")
    };
    for action in ["app.update", "domain.claim", "script.update", "script.rollback", "route.update"] {
        assert!(refused(action), "{action}");
    }
}

#[tokio::test]
async fn a_path_that_leads_to_nothing_makes_one_record() {
    let (world, _) = world().await;
    let mut before = trail(&world, "").await.len();
    for deed in deeds().iter().filter(|deed| deed.path.contains('{')) {
        // A deployment makes the app that is not there.
        let nowhere = if deed.action == "app.deploy" { NOBODY } else { "none" };
        for (app, id) in [(nowhere, NOBODY), ("A%20B", "x"), (NOBODY, "..")] {
            let path = deed.filled(app, id);
            let place = format!("{} {path}", deed.method);
            let body = if deed.body.is_null() { String::new() } else { deed.body.to_string() };
            send(&world, deed, &path, JSON, body).await.expect_problem(404, "not_found");
            before = expect_one(&world, before, deed, &json!("not_found"), &place).await;
        }
    }
}

#[tokio::test]
async fn who_is_not_let_in_and_what_changes_nothing_make_none() {
    let (world, ids) = world().await;
    let before = trail(&world, "").await;
    for deed in deeds() {
        for body in ["{", &deed.body.to_string()] {
            let path = deed.filled_well(&ids);
            let sent = request(&deed.method.to_uppercase(), &path).header("content-type", JSON);
            world.send(sent.body(Body::from(body.to_owned())).unwrap()).await.expect(401);
        }
    }
    for (method, path) in HARMLESS {
        for (kind, body) in [(JSON, "{"), (JSON, "{\"no_such_field\":1}"), ("text/plain", "{}")] {
            let path = path.replace("{app}", "shop");
            let sent = world.admin(&method.to_uppercase(), &path).header("content-type", kind);
            let answer = world.send(sent.body(Body::from(body)).unwrap()).await;
            assert!(answer.status.is_client_error(), "{path} {body}: {}", answer.text);
        }
    }
    assert_eq!(trail(&world, "").await, before);
}
