//! The examples do what they say.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails, which is its job")]

use std::{collections::BTreeMap, fs, path::Path};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use picloud::App;
use tower::ServiceExt;

/// The app in a folder of this package, as `picloud dev` serves it.
fn app(folder: &str) -> App {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let text = fs::read_to_string(path.join("picloud.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let routes: BTreeMap<String, String> = table["routes"].clone().try_into().unwrap();
    let builder = App::builder().folder(path);
    routes.into_iter().fold(builder, |builder, (route, script)| builder.route(route, script)).build().unwrap()
}

/// GitHub's documented test vector.
const PAYLOAD: &str = "Hello, World!";
const SIGNATURE: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

async fn deliver(payload: &str, signature: Option<&str>) -> (StatusCode, String) {
    let mut request = Request::post("/github").header("x-github-event", "ping");
    if let Some(signature) = signature {
        request = request.header("x-hub-signature-256", signature);
    }
    let request = request.body(Body::from(payload.to_owned())).unwrap();
    let response = app("github-webhook").service().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn githubs_test_vector_is_accepted() {
    let (status, body) = deliver(PAYLOAD, Some(SIGNATURE)).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"accepted":true,"event":"ping"}"#));
}

#[tokio::test]
async fn one_changed_byte_is_refused() {
    let changed = SIGNATURE.replace("757107", "757108");
    let short = &SIGNATURE[..SIGNATURE.len() - 1];
    for (payload, signature) in [
        ("Hello, World?", Some(SIGNATURE)),
        (PAYLOAD, Some(changed.as_str())),
        (PAYLOAD, Some(short)),
        (PAYLOAD, Some("")),
        (PAYLOAD, None),
    ] {
        assert_eq!(deliver(payload, signature).await.0, StatusCode::UNAUTHORIZED, "{payload} {signature:?}");
    }
}

#[test]
fn the_axum_example_stays_short() {
    let source = include_str!("axum.rs");
    let code = source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//")).count();
    assert!(code < 40, "{code} lines");
}
