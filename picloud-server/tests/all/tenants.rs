//! Row 62 (T15): ids of one app under the name of another. Which operations there are says the OpenAPI document of the
//! running server, so that none can be forgotten.

use serde_json::{Map, Value, json};

use crate::{
    blackbox::World,
    process::{Admin, Reply, eventually},
    proxies::Kind,
};

const BASE: &str = "/api/v1/admin";
const VERBS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// An operation of the document.
struct Operation {
    method: String,
    /// Below the admin API, as a pattern.
    path: String,
    /// Names of parameters in the query.
    query: Vec<String>,
    /// Members of the body that hold an id.
    ids: Vec<String>,
}

fn operations(document: &Value) -> Vec<Operation> {
    let paths = document["paths"].as_object().unwrap();
    let below = paths.iter().filter_map(|(path, all)| Some((path.strip_prefix(BASE)?, all.as_object()?)));
    below
        .flat_map(|(path, all)| all.iter().map(|(method, one)| operation(document, path, method, one)))
        .collect()
}

fn operation(document: &Value, path: &str, method: &str, one: &Value) -> Operation {
    let query =
        one["parameters"].as_array().into_iter().flatten().filter(|parameter| parameter["in"] == "query");
    let schema = &one["requestBody"]["content"]["application/json"]["schema"];
    let schema = schema["$ref"].as_str().map_or(schema, |name| document.pointer(&name[1..]).unwrap());
    let members = schema["properties"].as_object().into_iter().flat_map(Map::keys);
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        query: query.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
        ids: members.filter(|name| *name == "id" || name.ends_with("_id")).cloned().collect(),
    }
}

/// What app `b` owns, by the part of the API that it is in.
fn ids(world: &World) -> Vec<(&'static str, String)> {
    let admin = &world.admin;
    let first = |path: &str| {
        let list = eventually(path, || admin.call("GET", path, None), |list| list.text().contains("\"id\":"));
        list.json()["items"][0]["id"].as_str().unwrap().to_owned()
    };
    // The log is written a moment later.
    assert_eq!(world.server.get("b.test", "/seen").status, 200);
    let logs = "/apps/b/logs";
    let run =
        eventually("the run", || admin.call("GET", logs, None), |list| list.text().contains("request_id"));
    vec![
        ("scripts", first("/apps/b/scripts")),
        ("routes", first("/apps/b/routes")),
        ("domains", first("/apps/b/domains")),
        ("logs", run.json()["items"][0]["request_id"].as_str().unwrap().to_owned()),
        ("admins", first("/admins")),
        ("sessions", first("/auth/sessions")),
    ]
}

/// A body that would do for any operation which an id leads to.
fn body() -> Value {
    json!({})
}

fn assert_not_found(admin: &Admin, method: &str, path: &str, body: &Value) {
    let reply = admin.call(method, path, Some(body));
    let hidden = reply.status == 404 && matches!(reply.code().as_str(), "not_found");
    assert!(hidden, "{method} {path} {body}: {reply}");
}

/// All that app `b` is and has.
fn state(admin: &Admin) -> Vec<String> {
    let paths = ["/apps", "/apps/b", "/apps/b/domains", "/apps/b/scripts", "/apps/b/routes", "/admins"];
    paths.iter().map(|path| admin.call("GET", path, None).text()).collect()
}

/// Below `/apps/a`, with an id of `b` at the end: of this operation, and as somebody might guess it.
fn below(operation: &Operation, ids: &[(&str, String)]) -> Vec<String> {
    let path = &operation.path;
    let fill = |path: &str, id: &str| {
        let mut filled = path.replace("{app}", "a");
        while let (Some(start), Some(end)) = (filled.find('{'), filled.find('}')) {
            filled.replace_range(start..=end, id);
        }
        filled
    };
    let ids = ids.iter().map(|(_, id)| id);
    match path.strip_prefix("/apps/{app}") {
        Some(rest) if rest.contains('{') => ids.map(|id| fill(path, id)).collect(),
        Some(_) => Vec::new(),
        None if path.contains('{') => ids.map(|id| fill(&format!("/apps/a{path}"), id)).collect(),
        None => Vec::new(),
    }
}

/// An id of another kind is none.
fn mistaken(operation: &Operation, ids: &[(&str, String)]) -> Vec<String> {
    let Some((before, _)) = operation.path.split_once("/{id}") else { return Vec::new() };
    let kind = before.rsplit('/').next().unwrap();
    let others = ids.iter().filter(|(other, _)| *other != kind);
    others.map(|(_, id)| operation.path.replace("{id}", id).replace("{version}", "1")).collect()
}

/// What is asked of `a` with an id of `b` in the query shows nothing of `b`.
fn check_query(admin: &Admin, operation: &Operation, ids: &[(&str, String)]) {
    if !operation.path.starts_with("/apps/{app}") || operation.path.ends_with("/stream") {
        return;
    }
    for name in &operation.query {
        for (_, id) in ids {
            let path = operation.path.replace("{app}", "a");
            let reply = admin.call(&operation.method, &format!("{path}?{name}={id}"), None);
            assert!(matches!(reply.status, 200 | 404 | 422), "{path}?{name}={id}: {reply}");
            // Those who changed something of `a` are nobody's.
            let owned = ids.iter().filter(|(kind, _)| !matches!(*kind, "admins" | "sessions"));
            let shown = owned.filter(|(_, id)| reply.status == 200 && reply.text().contains(id.as_str()));
            assert_eq!(shown.count(), 0, "{path}?{name}={id}: {reply}");
        }
    }
}

fn check_body(admin: &Admin, operation: &Operation, ids: &[(&str, String)]) {
    for name in &operation.ids {
        let path = match operation.path.strip_prefix("/routes/{id}") {
            Some(rest) => {
                let routes = admin.call("GET", "/apps/a/routes", None).json();
                format!("/routes/{}{rest}", routes["items"][0]["id"].as_str().unwrap())
            }
            None => operation.path.replace("{app}", "a"),
        };
        assert!(!path.contains('{'), "{path}: what is `{name}` the id of?");
        for (_, id) in ids {
            assert_not_found(admin, &operation.method, &path, &json!({ name: id }));
        }
    }
}

fn run(kind: Option<Kind>) {
    let Some(mut world) = World::start(kind) else { return };
    let admin = Admin { address: world.address(), ..world.admin.clone() };
    let document: Reply = admin.call("GET", "/../openapi.json", None);
    assert_eq!(document.status, 400, "no path leads upwards");
    let document = crate::process::get(world.address(), "admin.test", "/api/v1/openapi.json").json();
    let (operations, ids) = (operations(&document), ids(&world));
    assert!(operations.len() > 40, "{}", operations.len());
    let before = state(&admin);
    let mut asked = 0;
    for operation in &operations {
        for path in below(operation, &ids) {
            for verb in VERBS {
                let reply = admin.call(verb, &path, Some(&body()));
                let missing = reply.status == 404 || reply.status == 405 && path.contains("/logs/");
                assert!(missing, "{verb} {path}: {reply}");
                asked += 1;
            }
        }
        for path in mistaken(operation, &ids) {
            assert_not_found(&admin, &operation.method, &path, &valid_body(operation));
            asked += 1;
        }
        check_query(&admin, operation, &ids);
        check_body(&admin, operation, &ids);
    }
    assert!(asked > 300, "{asked}");
    assert_eq!(state(&admin), before, "nothing has changed");
    world.assert_well("ids of others");
}

/// A body that is not refused before the id is looked for.
fn valid_body(operation: &Operation) -> Value {
    match (operation.method.as_str(), operation.path.rsplit('/').next().unwrap()) {
        ("PUT", _) => json!({ "name": "x", "source": "1" }),
        ("POST", "routes") => json!({ "method": "GET", "path": "/x" }),
        ("POST", "rollback") => json!({ "version": 1 }),
        _ => json!({}),
    }
}

#[test]
fn row_62_ids_of_another_app_are_not_found_directly() {
    run(None);
}

#[test]
fn row_62_ids_of_another_app_are_not_found_behind_caddy() {
    run(Some(Kind::Caddy));
}
