//! Health, readiness and version.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::body::Body;
use http::Request;
use picloud::{Code, Problem};
use picloud_axum::{Ready, Version, health_router};
use serde_json::json;

use crate::world::send;

fn get(path: &str) -> Request<Body> {
    Request::builder().uri(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn health_and_version_need_nobody() {
    let ready: Ready = Arc::new(|| Box::pin(async { Ok(()) }));
    let app = health_router(Version::new(3, Some("https://picloud.test".to_owned())), ready);
    let health = send(&app, get("/healthz")).await.expect(200);
    assert_eq!((health.text.as_str(), health.header("content-type")), ("ok", "text/plain; charset=utf-8"));
    let expected = json!({
        "picloud": env!("CARGO_PKG_VERSION"), "api": 1, "script": 1, "schema": 3, "wire": 1,
        "public_base_url": "https://picloud.test",
    });
    assert_eq!(send(&app, get("/version")).await.expect(200).json, expected);
    let post = Request::builder().method("POST").uri("/healthz").body(Body::empty()).unwrap();
    let refused = send(&app, post).await.expect_problem(405, "method_not_allowed");
    assert_eq!(refused.header("allow"), "GET,HEAD");
}

#[tokio::test]
async fn readiness_says_why_not() {
    let stopping = Arc::new(AtomicBool::new(false));
    let state = stopping.clone();
    let ready: Ready = Arc::new(move || {
        let problem = Problem::new(Code::NotReady, "The server is stopping.");
        let answer = if state.load(Ordering::Relaxed) { Err(problem) } else { Ok(()) };
        Box::pin(std::future::ready(answer))
    });
    let app = health_router(Version::new(1, None), ready);
    assert_eq!(send(&app, get("/readyz")).await.expect(200).json, json!({"ready": true}));
    stopping.store(true, Ordering::Relaxed);
    let answer = send(&app, get("/readyz")).await.expect_problem(503, "not_ready");
    assert_eq!(answer.json["detail"], "The server is stopping.");
}
