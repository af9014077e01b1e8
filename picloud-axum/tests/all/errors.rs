//! What wrong requests are told.

use axum::body::Body;
use picloud_axum::Options;
use serde_json::json;

use crate::world::{World, login, request};

#[tokio::test]
async fn unknown_paths_of_the_platform_are_problems() {
    let world = World::new().await;
    for path in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v2/admin/apps",
        "/apps/",
        "/apps/a/b",
        "/apps/shop/scripts/",
        "/nope",
    ] {
        world.ask("GET", path).await.expect_problem(404, "not_found");
    }
    for path in [
        "/apps/nope",
        "/apps/No%20Slug",
        "/apps/a%2Fb",
        "/apps/%ff",
        "/scripts/x",
        "/routes/..",
        "/scripts/%00",
    ] {
        world.ask("GET", path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn known_paths_say_which_methods_they_have() {
    let world = World::new().await;
    for (method, path, allow) in [
        ("PUT", "/apps", "GET,HEAD,POST"),
        ("POST", "/apps/shop", "GET,HEAD,PATCH,DELETE"),
        ("GET", "/match", "POST"),
        ("GET", "/auth/login", "POST"),
        ("OPTIONS", "/apps", "GET,HEAD,POST"),
    ] {
        let answer = world.ask(method, path).await.expect_problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
    assert_eq!(world.ask("HEAD", "/apps").await.expect(200).text, "");
}

#[tokio::test]
async fn fields_that_are_unknown_missing_doubled_or_of_another_type_are_named() {
    let world = World::new().await;
    world.app_with_script("shop", "1").await;
    for (body, field, code) in [
        (r#"{"slug":"a","id":"x"}"#, "id", "unknown_field"),
        (r#"{"slug":"a","role":{"a":[1]}}"#, "role", "unknown_field"),
        (r#"{"slug":"a","limits":{"memory":1,"speed":2}}"#, "limits.speed", "unknown_field"),
        (r#"{}"#, "slug", "missing"),
        (r#"{"slug":"a","slug":"b"}"#, "slug", "duplicate"),
        (r#"{"slug":"a","limits":{"memory":1,"memory":2}}"#, "limits.memory", "duplicate"),
        (r#"{"slug":1}"#, "slug", "invalid_type"),
        (r#"{"slug":null}"#, "slug", "invalid_type"),
        (r#"{"slug":"a","limits":{"memory":-1}}"#, "limits.memory", "invalid_type"),
        (r#"{"slug":"a","limits":{"memory":0}}"#, "limits.memory", "out_of_range"),
        (r#"{"slug":"Not A Slug"}"#, "slug", "invalid_slug"),
        (r#"["a"]"#, "", "invalid_type"),
        (r#""a""#, "", "invalid_type"),
        ("null", "", "invalid_type"),
    ] {
        world.post_text("POST", "/apps", body).await.expect_invalid(field, code);
    }
    for (method, path) in
        [("PATCH", "/apps/shop"), ("POST", "/apps/shop/scripts"), ("POST", "/apps/shop/domains")]
    {
        for field in ["id", "app_id", "version", "created_at", "owner"] {
            let body = json!({"name": "x", "source": "1", "pattern": "a.test", field: "x"});
            let answer = world.post(method, path, body).await.expect_problem(422, "invalid");
            assert_eq!(answer.json["errors"][0]["code"], "unknown_field");
        }
    }
}

#[tokio::test]
async fn what_is_not_json_is_malformed() {
    let world = World::new().await;
    let bomb = "[".repeat(100_000);
    let whole = format!("{{\"slug\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "{\"slug\":\"a\"",
        "{\"slug\":\"a\"} x",
        "{'slug':1}",
        "\u{feff}{}",
        "{\"slug\":\"\\ud800\"}",
        &bomb,
        &whole,
    ] {
        world.post_text("POST", "/apps", body.to_owned()).await.expect_problem(400, "malformed");
    }
    world.post_text("POST", "/apps", &b"{\"slug\":\"\xff\"}"[..]).await.expect_problem(400, "malformed");
    let brackets = json!({"source": "\"[[[\\\"".repeat(100)});
    world.post("POST", "/scripts/check", brackets).await.expect(200);
}

#[tokio::test]
async fn bodies_are_json_by_their_type_and_within_the_limit() {
    let world = World::with(Options { body_limit: 100, ..Options::default() }).await;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""] {
        let sent = world.admin("POST", "/apps").header("content-type", content_type);
        let answer = world.send(sent.body(Body::from("{}")).unwrap()).await;
        answer.expect_problem(415, "unsupported_media_type");
    }
    let long = json!({"source": "x".repeat(100)}).to_string();
    world.post_text("POST", "/scripts/check", long.clone()).await.expect_problem(413, "limit_body");
    let announced = world.admin("POST", "/scripts/check").header("content-type", "application/json");
    let announced = announced.header("content-length", "101").body(Body::from("{}")).unwrap();
    world.send(announced).await.expect_problem(413, "limit_body");
    let mut untyped = login("ada", "x");
    untyped.headers_mut().remove("content-type");
    world.send(untyped).await.expect_problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn the_length_of_a_script_is_a_matter_of_its_limits_and_not_of_the_body() {
    let world = World::new().await;
    world.app_with_script("shop", "1").await;
    let largest = "/\n".repeat(64 * 1024).replacen("/\n", "/*", 1);
    let largest = format!("{}*/", &largest[..128 * 1024 - 2]);
    let script = json!({"name": "largest", "source": largest});
    world.post("POST", "/apps/shop/scripts", script).await.expect(201);
    let script = json!({"name": "larger", "source": "\n".repeat(1 << 20)});
    world.post("POST", "/apps/shop/scripts", script).await.expect_invalid("source", "too_long");
}

#[tokio::test]
async fn what_is_taken_names_its_holder() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    world.app_with_script("other", "1").await;
    world.post("POST", "/apps", json!({"slug": "shop"})).await.expect_problem(409, "conflict");
    let again = json!({"name": "main", "source": "2"});
    world.post("POST", "/apps/shop/scripts", again).await.expect_problem(409, "conflict");
    let route = json!({"method": "GET", "path": "/:a"});
    world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
    let route = json!({"method": "GET", "path": "/:b"});
    world.post("POST", &format!("/scripts/{script}/routes"), route).await.expect_problem(409, "conflict");
    let claim = json!({"pattern": "SHOP.test."});
    let refused = world.post("POST", "/apps/other/domains", claim).await.expect_problem(409, "conflict");
    assert!(refused.json["detail"].as_str().unwrap().contains("`shop`"), "{}", refused.text);
}

#[tokio::test]
async fn routes_of_the_platforms_paths_are_refused() {
    let world = World::new().await;
    let script = world.app_with_script("shop", "1").await;
    for path in ["/api/x", "/ADMIN", "/%61pi/v1", "/healthz", "/version"] {
        let route = json!({"method": "GET", "path": path});
        let refused = world.post("POST", &format!("/scripts/{script}/routes"), route).await;
        refused.expect_invalid("path", "invalid_path");
    }
}

#[tokio::test]
async fn no_answer_is_kept_by_caches_and_each_has_an_id() {
    let world = World::new().await;
    let anonymous = request("GET", "/auth/me").body(Body::empty()).unwrap();
    for answer in [
        world.ask("GET", "/apps").await,
        world.ask("GET", "/nope").await,
        world.ask("PUT", "/apps").await,
        world.send(anonymous).await,
    ] {
        assert_eq!((answer.header("cache-control"), answer.header("x-request-id").len()), ("no-store", 36));
    }
}
