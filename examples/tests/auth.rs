//! Whoever the program around knows may use the API, and is named in the audit trail.

use std::collections::HashMap;

use axum::{Router, body::Body};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../auth.rs"]
mod example;

async fn get(platform: &Router, path: &str, token: &str) -> (StatusCode, String) {
    let request =
        Request::get(path).header("host", "a.test").header("authorization", format!("Bearer {token}"));
    let response = platform.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn tokens_of_ones_own_open_the_api_and_others_do_not() {
    let platform = example::platform(example::Tokens(HashMap::from([("tea", "ada")]))).await.unwrap();
    let (status, apps) = get(&platform, "/api/v1/admin/apps", "tea").await;
    assert!(status == StatusCode::OK && apps.contains("\"slug\":\"hello\""), "{apps}");
    for (path, token, expected) in [
        ("/api/v1/admin/apps", "water", StatusCode::UNAUTHORIZED),
        ("/api/v1/admin/admins", "tea", StatusCode::NOT_FOUND),
        ("/hello/Ada", "water", StatusCode::OK),
    ] {
        assert_eq!(get(&platform, path, token).await.0, expected, "{path}");
    }
}
