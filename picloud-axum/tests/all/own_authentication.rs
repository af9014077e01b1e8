//! An embedder's own authentication in place of accounts and sessions.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, request::Parts};
use picloud::BoxFuture;
use picloud_axum::{Authenticate, Identity, Options};
use serde_json::json;

use crate::world::{World, answer, login, request};

/// Lets in whoever says that they are Grace.
struct Grace;

impl Authenticate for Grace {
    fn authenticate<'a>(&'a self, request: &'a Parts) -> BoxFuture<'a, Option<Identity>> {
        let name = request.headers.get("x-user").and_then(|name| name.to_str().ok());
        let found = name.filter(|name| *name == "grace").map(|name| Identity { name: name.to_owned() });
        Box::pin(std::future::ready(found))
    }
}

fn world() -> World {
    World::empty(Options { authenticate: Some(Arc::new(Grace)), ..Options::default() })
}

fn asked(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let start = request(method, path);
    let built = headers.iter().fold(start, |built, (name, value)| built.header(*name, *value));
    built.body(Body::from(body.to_owned())).unwrap()
}

#[tokio::test]
async fn whom_the_embedder_knows_may_do_everything_but_have_an_account() {
    let world = world();
    for headers in [&[][..], &[("x-user", "eve")], &[("authorization", "Bearer pcs_x")]] {
        world.send(asked("GET", "/apps", headers, "")).await.expect_problem(401, "unauthorized");
    }
    let json = ("content-type", "application/json");
    let made = asked("POST", "/apps", &[("x-user", "grace"), json], r#"{"slug":"shop"}"#);
    world.send(made).await.expect(201);
    let trail = world.send(asked("GET", "/audit", &[("x-user", "grace")], "")).await.expect(200);
    assert_eq!(trail.json["items"][0]["username"], json!("grace"));
    let account = [("GET", "/auth/me"), ("GET", "/auth/sessions"), ("GET", "/admins"), ("POST", "/setup")];
    let gone = account.map(|(method, path)| asked(method, path, &[("x-user", "grace")], ""));
    for request in gone.into_iter().chain([login("ada", "correct horse battery")]) {
        answer(&world.app, request).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn cookies_of_the_embedder_write_only_from_the_same_origin() {
    let world = world();
    let headers = [("x-user", "grace"), ("content-type", "application/json"), ("cookie", "theirs=1")];
    let send = |more: &[(&str, &str)]| {
        let headers = [&headers[..], more].concat();
        world.send(asked("POST", "/scripts/check", &headers, r#"{"source":"1"}"#))
    };
    send(&[]).await.expect_problem(403, "forbidden");
    send(&[("sec-fetch-site", "cross-site")]).await.expect_problem(403, "forbidden");
    send(&[("sec-fetch-site", "same-origin")]).await.expect(200);
    send(&[("authorization", "Token x")]).await.expect(200);
}
