//! Executors and routers of one's own.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use picloud::{App, Executor, Orchestrator};
use tower::ServiceExt;

use crate::curl::serve;

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../executor.rs"]
mod executor;
#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../router.rs"]
mod router;

async fn send(service: Orchestrator, request: Request<Body>) -> (StatusCode, String) {
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_closure_is_an_executor() {
    let builder = App::builder().script("hello", "Good day").route("GET /hello/:name", "hello");
    let app = builder.build_with(Arc::new(executor::greeter())).unwrap();
    assert_eq!(send(app.service(), get("/hello/Ada")).await, (StatusCode::OK, "Good day, Ada!".to_owned()));
}

fn remote(executor: executor::Remote) -> App {
    let builder = App::builder().script("echo", "not read here").route("POST /echo/:name", "echo");
    builder.build_with(Arc::new(executor)).unwrap()
}

#[tokio::test]
async fn a_remote_executor_runs_the_script_elsewhere() {
    let source =
        r#"response(201, `${ctx.params.name} ${ctx.query.n} ${ctx.text()}`).header("x-from", "worker")"#;
    let worker = App::builder().script("echo", source).route("POST /echo/:name", "echo").build().unwrap();
    let front = remote(executor::Remote { worker: serve(worker).await });
    let request = Request::post("/echo/a?n=1").header("host", "front.test").body(Body::from("body")).unwrap();
    let response = front.service().oneshot(request).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-from"]),
        (201, &"worker".parse().unwrap())
    );
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "a 1 body");
}

#[tokio::test]
async fn a_worker_that_is_away_is_an_answer_with_nothing_of_the_inside() {
    // Bound and closed again: nobody listens there.
    let worker = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let front = remote(executor::Remote { worker });
    let (status, body) = send(front.service(), Request::post("/echo/a").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("The worker does not answer.") && !body.contains("refused"), "{body}");
}

#[test]
fn an_executor_of_ones_own_says_what_it_knows() {
    assert!(executor::greeter().check("anything").is_empty());
    assert!(executor::greeter().definitions().is_empty());
}

#[tokio::test]
async fn a_router_of_ones_own_finds_scripts_by_name_and_host() {
    let router = router::ByName::new(
        &[("hello", "`hello ${ctx.params.rest}`"), ("api", "1")],
        &[("hello", "`next ${ctx.version}`")],
    );
    let service = router::service(router.unwrap());
    for (uri, host, status, body) in [
        ("/hello/a/b", "a.test", 200, "hello a/b"),
        ("/hello", "a.test", 200, "hello "),
        ("/hello", "next.a.test", 200, "next 2"),
        ("/nothing", "a.test", 404, "no_route"),
        ("/api/x", "a.test", 404, "no_route"),
    ] {
        let request = Request::get(uri).header("host", host).body(Body::empty()).unwrap();
        let (got, text) = send(service.clone(), request).await;
        assert_eq!(got.as_u16(), status, "{uri}: {text}");
        assert!(text.contains(body), "{uri}: {text}");
    }
    let request = Request::post("/hello").header("host", "a.test").body(Body::empty()).unwrap();
    assert_eq!(send(service, request).await.0, StatusCode::METHOD_NOT_ALLOWED);
}
