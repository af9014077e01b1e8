//! An app inside an axum service, a tower stack, and hyper.

use std::time::{Duration, Instant};

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::curl::curl;

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../mounted.rs"]
mod example;

use example::{User, Users, app, in_axum, in_tower, on_hyper};

async fn get(service: Router, path: &str, token: &str) -> (StatusCode, String) {
    let request = Request::get(path).header("x-token", token).body(Body::empty()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn axums_routes_layers_and_state_stay_and_scripts_see_the_user() {
    let users = Users { by_token: |token| (token == "1234").then(|| User("Ada".to_owned())) };
    let service = in_axum(&app().unwrap(), users);
    for (path, token, status, body) in [
        ("/status", "1234", 200, "up"),
        ("/scripts/hello", "1234", 200, "hello Ada at /hello"),
        ("/hello", "1234", 200, "hello Ada at /hello"),
        ("/hello", "4321", 401, ""),
    ] {
        let (got, text) = get(service.clone(), path, token).await;
        assert_eq!((got.as_u16(), text.as_str()), (status, body), "{path}");
    }
    assert_eq!(get(service, "/scripts/nowhere", "1234").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn towers_timeout_ends_a_script() {
    let app = app().unwrap();
    let started = Instant::now();
    assert_eq!(get(in_tower(&app), "/slow", "").await.0, StatusCode::GATEWAY_TIMEOUT);
    assert!(started.elapsed() < Duration::from_secs(4));
    assert_eq!(get(in_tower(&app), "/hello", "").await.0, StatusCode::OK);
}

#[tokio::test]
async fn hyper_alone_is_enough() {
    let app = app().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hello", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { on_hyper(&app, listener).await });
    assert_eq!(curl(&[&url]).await, "hello  at /hello");
    server.abort();
}
