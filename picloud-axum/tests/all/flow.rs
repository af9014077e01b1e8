//! The whole way: log in, write a script, route to it, call it, change it, remove it.

use axum::{Router, body::Body};
use http::Request;
use picloud_axum::{Execute, Options};
use serde_json::json;

use crate::world::{World, request, send};

fn call(host: &str, path: &str) -> Request<Body> {
    Request::builder().uri(path).header("host", host).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_script_goes_live_changes_and_ends() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "`Hello, ${ctx.params.name}!`").await;
    let path = format!("/scripts/{script}");
    let route = json!({"method": "get", "path": "/hello/:name"});
    let route = world.post("POST", &format!("{path}/routes"), route).await.expect(201);
    assert_eq!((&route.json["method"], &route.json["enabled"]), (&json!("GET"), &json!(true)));
    assert_eq!(world.send(call("shop.test", "/hello/Ada")).await.text, "Hello, Ada!");

    let next = json!({"name": "main", "source": "`Bye, ${ctx.params.name}!`"});
    let next = world.post("PUT", &path, next).await.expect(200);
    assert_eq!(next.json["version"], 2);
    assert_eq!(world.send(call("shop.test", "/hello/Ada")).await.text, "Bye, Ada!");

    let route = format!("/routes/{}", route.json["id"].as_str().unwrap());
    let off = world.post("PATCH", &route, json!({"enabled": false})).await.expect(200);
    assert_eq!((&off.json["enabled"], &off.json["path"]), (&json!(false), &json!("/hello/:name")));
    world.send(call("shop.test", "/hello/Ada")).await.expect_problem(404, "no_route");
    world.ask("DELETE", &route).await.expect(204);
    world.ask("GET", &route).await.expect_problem(404, "not_found");
    world.ask("DELETE", &path).await.expect(204);
    world.ask("GET", &path).await.expect_problem(404, "not_found");
    world.ask("DELETE", "/apps/shop").await.expect(204);
    world.send(call("shop.test", "/hello/Ada")).await.expect_problem(404, "no_app");
}

#[tokio::test]
async fn what_was_made_is_where_location_says() {
    let world = World::new().await;
    let app = world.post("POST", "/apps", json!({"slug": "shop"})).await.expect(201);
    let again = world.ask("GET", app.header("location")).await.expect(200);
    assert_eq!((again.json, again.headers["etag"].clone()), (app.json.clone(), app.headers["etag"].clone()));
    let script = json!({"name": "main", "source": "1", "limits": {"operations": 7}});
    let script = world.post("POST", "/apps/shop/scripts", script).await.expect(201);
    assert_eq!(world.ask("GET", script.header("location")).await.expect(200).json, script.json);
    assert_eq!(script.json["limits"], json!({"operations": 7}));
    assert_eq!(script.json["app_id"], app.json["id"]);
    let created = script.json["created_at"].as_str().unwrap();
    assert!(created.len() == 27 && created.ends_with('Z'), "{created}");
    let domain = json!({"pattern": "Bücher.test"});
    let domain = world.post("POST", "/apps/shop/domains", domain).await.expect(201);
    assert_eq!(
        (&domain.json["pattern"], &domain.json["unicode"]),
        (&json!("xn--bcher-kva.test"), &json!("bücher.test"))
    );
    world.ask("DELETE", domain.header("location")).await.expect(204);
    world.ask("DELETE", domain.header("location")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn apps_are_named_by_slug_or_id_and_renamed() {
    let world = World::new().await;
    let app = world.post("POST", "/apps", json!({"slug": "shop"})).await.expect(201);
    let by_id = format!("/apps/{}", app.json["id"].as_str().unwrap());
    world.post("PATCH", "/apps/shop", json!({"slug": "store"})).await.expect(200);
    assert_eq!(world.ask("GET", &by_id).await.expect(200).json["slug"], "store");
    world.ask("GET", "/apps/shop").await.expect(308);
    world.ask("GET", &format!("{by_id}/scripts")).await.expect(200);
}

#[tokio::test]
async fn a_script_that_does_not_compile_is_told_with_its_place_and_not_saved() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    let broken = json!({"name": "main", "source": "let x = 1;\nlet y = (x;"});
    let refused = world.post("PUT", &format!("/scripts/{script}"), broken.clone()).await;
    let refused = refused.expect_invalid("source", "syntax");
    assert_eq!(refused.json["errors"][0]["line"], 2);
    assert!(refused.json["errors"][0]["column"].as_u64().unwrap() > 1);
    assert_eq!(world.ask("GET", &format!("/scripts/{script}")).await.json["source"], "1");

    let source = json!({"source": broken["source"]});
    let checked = world.post("POST", "/scripts/check", source).await.expect(200);
    let found = &checked.json["diagnostics"][0];
    assert_eq!((&found["line"], &found["severity"]), (&json!(2), &json!("error")));
    let checked = world.post("POST", "/scripts/check", json!({"source": "1"})).await.expect(200);
    assert_eq!(checked.json, json!({"diagnostics": []}));
}

#[tokio::test]
async fn execute_runs_a_script_without_routes_for_admins() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "#{ m: ctx.method, auth: ctx.headers.authorization }").await;
    let path = format!("/api/v1/execute/{script}");
    for method in ["GET", "POST", "DELETE"] {
        let answer = world.ask(method, &path).await.expect(200);
        assert_eq!(answer.json, json!({"m": method, "auth": null}), "the token is not shown to scripts");
        assert_eq!(answer.header("x-request-id").len(), 36);
    }
    world.send(request("GET", &path).body(Body::empty()).unwrap()).await.expect_problem(401, "unauthorized");
    world.ask("GET", "/api/v1/execute/x").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn execute_may_be_public_and_never_shows_the_platforms_token() {
    let world = World::with(Options { execute: Execute::Public, ..Options::default() }).await;
    let script = world.app_with_script("shop", "ctx.headers.authorization").await;
    let path = format!("/api/v1/execute/{script}");
    let anyone =
        |auth: &str| request("GET", &path).header("authorization", auth).body(Body::empty()).unwrap();
    assert_eq!(world.send(anyone("Basic dTpw")).await.expect(200).text, "Basic dTpw");
    world.ask("GET", &path).await.expect(204);
}

#[tokio::test]
async fn an_executed_script_cannot_act_on_the_host_it_is_answered_from() {
    let world = World::new().await;
    let source = r#"html("<script></script>").header("clear-site-data", "*").header("content-security-policy", "default-src *")
        .header("set-cookie", "picloud_session=x").header("cache-control", "public").header("service-worker-allowed", "/")"#;
    let script = world.app_with_script("shop", source).await;
    let path = format!("/api/v1/execute/{script}");
    let answer = world.ask("GET", &path).await.expect(200);
    for gone in ["clear-site-data", "set-cookie", "service-worker-allowed"] {
        assert!(!answer.headers.contains_key(gone), "{gone}");
    }
    let policies: Vec<_> = answer.headers.get_all("content-security-policy").iter().collect();
    assert!(
        policies.contains(&&http::HeaderValue::from_static("sandbox allow-scripts allow-forms allow-popups"))
    );
    assert_eq!(
        (answer.header("cache-control"), answer.header("x-content-type-options")),
        ("no-store", "nosniff")
    );
    let worker = world.admin("GET", &path).header("service-worker", "script").body(Body::empty()).unwrap();
    world.send(worker).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn the_api_can_be_nested_into_another_app() {
    let world = World::new().await;
    let nested = Router::new().nest("/{tenant}/picloud", world.api.clone());
    let new = world.admin("POST", "/apps").header("content-type", "application/json");
    let mut new = new.body(Body::from(r#"{"slug":"shop"}"#)).unwrap();
    *new.uri_mut() = "/acme/picloud/api/v1/admin/apps".parse().unwrap();
    let created = send(&nested, new).await.expect(201);
    let location = created.header("location");
    assert!(location.starts_with("/acme/picloud/api/v1/admin/apps/"), "{location}");
    let mut read = world.admin("GET", "/apps").body(Body::empty()).unwrap();
    *read.uri_mut() = location.parse().unwrap();
    assert_eq!(send(&nested, read).await.expect(200).json["slug"], "shop");
}
