//! The data plane from request to response, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails, which is its job")]

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::{named::new_request_id, *};
use crate::{App, AppBuilder, HostModule, Invocation, Limits, RequestId};

async fn send(app: AppBuilder, request: Request<Full<Bytes>>) -> (StatusCode, HeaderMap, String) {
    let response = app.build().unwrap().service().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
}

fn request(method: &str, path: &str) -> Request<Full<Bytes>> {
    Request::builder().method(method).uri(path).header("host", "a.test").body(Full::default()).unwrap()
}

fn hello() -> AppBuilder {
    App::builder().script("hello", "`Hello, ${ctx.params.name}!`").route("GET /hello/:name", "hello")
}

fn code(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_request_runs_its_script() {
    let (status, headers, body) = send(hello(), request("GET", "/hello/Ada%20L")).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "Hello, Ada L!"));
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(headers["x-request-id"].len(), 36);
}

#[tokio::test]
async fn misses_say_why_and_which_methods_would_do() {
    let (status, _, body) = send(hello(), request("GET", "/nope")).await;
    assert_eq!((status, code(&body).as_str()), (StatusCode::NOT_FOUND, "no_route"));
    let (status, headers, body) = send(hello(), request("POST", "/hello/x")).await;
    assert_eq!((status, code(&body).as_str()), (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed"));
    assert_eq!(headers["allow"], "GET, HEAD");
    for method in ["TRACE", "CONNECT"] {
        assert_eq!(send(hello(), request(method, "/hello/x")).await.0, StatusCode::METHOD_NOT_ALLOWED);
    }
    let (status, _, body) = send(hello(), request("GET", "/hello/%zz")).await;
    assert_eq!((status, code(&body).as_str()), (StatusCode::BAD_REQUEST, "invalid_path"));
}

#[tokio::test]
async fn bodies_over_the_limit_are_refused_before_and_while_they_are_read() {
    let limits = Limits { request_body: 10, ..Limits::default() };
    let app = App::builder().limits(limits).script("s", "ctx.text()").route("POST /", "s");
    let post = |body: &'static [u8], length: Option<&str>| {
        let mut request = Request::builder().method("POST").uri("/").body(Full::from(body)).unwrap();
        if let Some(length) = length {
            request.headers_mut().insert("content-length", length.parse().unwrap());
        }
        request
    };
    assert_eq!(send(app.clone(), post(b"0123456789", None)).await.2, "0123456789");
    for length in [None, Some("11")] {
        let (status, _, body) = send(app.clone(), post(b"0123456789x", length)).await;
        assert_eq!((status, code(&body).as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "limit_body"));
    }
}

#[tokio::test]
async fn callers_learn_nothing_of_a_failure_unless_told_to() {
    let app = App::builder().script("s", "let secret = 1;\nsecret.nope()").route("/", "s").build().unwrap();
    let body = |service: Orchestrator| async {
        let response = service.oneshot(request("GET", "/")).await.unwrap();
        assert_eq!(response.status(), 500);
        String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    assert!(!body(app.service()).await.contains("nope"));
    let revealed = body(app.orchestrator().reveal_errors(true).build()).await;
    assert!(revealed.contains("nope") && revealed.contains("\"line\":2"), "{revealed}");
}

#[tokio::test]
async fn runs_beyond_the_bound_are_turned_away_at_once_and_let_in_later() {
    let (release, wait) = tokio::sync::watch::channel(false);
    let module = HostModule::new("host").async_function("wait", move || {
        let mut wait = wait.clone();
        async move { wait.wait_for(|go| *go).await.map(|_| 1_i64).map_err(|e| e.to_string()) }
    });
    let app = App::builder().module(module).script("s", "host::wait()").route("/", "s").build().unwrap();
    let service = app.orchestrator().max_running(10, 2).build();
    let first: Vec<_> = (0..2).map(|_| tokio::spawn(service.clone().oneshot(request("GET", "/")))).collect();
    while service.shared.running.running() < 2 {
        tokio::task::yield_now().await;
    }
    let turned_away = service.clone().oneshot(request("GET", "/")).await.unwrap();
    assert_eq!(turned_away.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(turned_away.headers()["retry-after"], "1");
    release.send_replace(true);
    for run in first {
        assert_eq!(run.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(service.oneshot(request("GET", "/")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_reload_is_seen_by_the_next_request_of_every_clone() {
    let app = App::builder().script("s", "\"one\"").route("/", "s").build().unwrap();
    let service = app.service();
    let ask = |service: Orchestrator| async {
        service.oneshot(request("GET", "/")).await.unwrap().into_body().collect().await.unwrap().to_bytes()
    };
    assert_eq!(ask(service.clone()).await, "one");
    app.reload(App::builder().script("s", "\"two\"").route("/", "s")).unwrap();
    assert_eq!(ask(service).await, "two");
}

#[tokio::test]
async fn dropping_an_answer_ends_its_run_and_frees_its_place() {
    let module = HostModule::new("host").async_function("never", std::future::pending::<Result<i64, String>>);
    let app = App::builder().module(module).script("s", "host::never()").route("/", "s").build().unwrap();
    let service = app.service();
    let gone =
        tokio::time::timeout(Duration::from_millis(20), service.clone().oneshot(request("GET", "/"))).await;
    assert!(gone.is_err());
    assert_eq!(service.shared.running.running(), 0);
}

#[tokio::test]
async fn executors_and_services_are_each_other() {
    let outcome = |text: &'static str| Outcome {
        result: Ok(Response::new(Bytes::from_static(text.as_bytes()))),
        logs: Vec::new(),
        logs_dropped: 0,
        stats: crate::Stats::default(),
    };
    let service =
        tower::service_fn(move |_: Invocation| async move { Ok::<_, Infallible>(outcome("from a service")) });
    let executor: Arc<dyn Executor> = Arc::new(crate::ServiceExecutor::new(service, |_: &str| Vec::new()));
    let app = hello().build().unwrap();
    let snapshots = app.orchestrator().snapshots;
    let mut orchestrator = Orchestrator::builder(snapshots, executor).hosts(Hosts::Ignored).build();
    let response = orchestrator.call(request("GET", "/hello/x")).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "from a service");
}

#[tokio::test]
async fn beside_the_api_pages_of_scripts_are_of_an_origin_of_their_own() {
    let source = "response(200, \"x\").header(\"Clear-Site-Data\", \"*\").header(\"Content-Security-Policy\", \"img-src *\")";
    let app = App::builder().script("s", source).route("/", "s").build().unwrap();
    let service = app.orchestrator().control_host(true).build();
    let response = service.clone().oneshot(request("GET", "/")).await.unwrap();
    let policies: Vec<_> = response.headers().get_all("content-security-policy").iter().collect();
    assert_eq!(policies, ["img-src *", "sandbox allow-scripts allow-forms allow-popups"]);
    assert!(!response.headers().contains_key("clear-site-data"));
    let mut worker = request("GET", "/");
    worker.headers_mut().insert("service-worker", "script".parse().unwrap());
    assert_eq!(service.oneshot(worker).await.unwrap().status(), StatusCode::FORBIDDEN);
    let alone = app.service().oneshot(request("GET", "/")).await.unwrap();
    assert!(alone.headers().contains_key("clear-site-data"));
}

/// The milliseconds that an id of ours begins with.
fn time_of(id: RequestId) -> i64 {
    i64::try_from(id.to_string().parse::<uuid::Uuid>().unwrap().as_u128() >> 80).unwrap()
}

#[test]
fn ids_of_later_requests_are_greater() {
    let mut ids: Vec<_> = (0..5000).map(|micros| (new_request_id(micros), micros)).collect();
    ids.sort_by_key(|(id, _)| id.to_string());
    assert!(ids.is_sorted_by_key(|(_, micros)| *micros));
    assert_ne!(new_request_id(1), new_request_id(1));
}

/// Writes down what it is told.
#[derive(Default)]
struct Notes(std::sync::Mutex<Vec<String>>);

impl Observer for Arc<Notes> {
    fn finished(&self, run: &Finished<'_>) {
        let Finished {
            script,
            request: Received { trigger: _, method, path, route, ip, id, at },
            outcome: _,
        } = run;
        assert_eq!((ip.is_none(), *at / 1000), (true, time_of(*id)));
        let line = format!("{} {method} {path} {route} {}", script.name, run.status().as_u16());
        self.0.lock().unwrap().push(line);
    }

    fn refused(&self, refused: &Refused<'_>) {
        let Refused { script, request: Received { method, path, route, .. }, code, detail } = refused;
        assert!(!detail.is_empty());
        let name = script.map_or("-", |script| &script.name);
        self.0.lock().unwrap().push(format!("{name} {method} {path} {route} {code}"));
    }
}

#[tokio::test]
async fn observers_are_told_of_runs_and_refusals() {
    let app = App::builder()
        .script("ok", "1")
        .route("GET /ok/:id", "ok")
        .script("bad", "1 / 0")
        .route("/bad", "bad")
        .script("chosen", "throw error(418, \"tea\")")
        .route("/chosen", "chosen");
    let app = app.limits(Limits { request_body: 1, ..Limits::default() }).build().unwrap();
    let (one, two) = (Arc::new(Notes::default()), Arc::new(Notes::default()));
    let service = app.orchestrator().observer(Arc::new((one.clone(), two.clone()))).build();
    let long = Request::post("/bad").header("host", "a.test").body(Full::from("long")).unwrap();
    for request in [
        request("GET", "/ok/7?q=1"),
        request("PUT", "/bad"),
        request("GET", "/chosen"),
        request("GET", "/nowhere"),
        request("GET", "/%zz"),
        long,
    ] {
        service.clone().oneshot(request).await.unwrap();
    }
    let expected = [
        "ok GET /ok/7 /ok/:id 200",
        "bad PUT /bad /bad 500",
        "chosen GET /chosen /chosen 418",
        "- GET /nowhere  no_route",
        "- GET /%zz  invalid_path",
        "bad POST /bad /bad limit_body",
    ];
    assert_eq!(*one.0.lock().unwrap(), expected);
    assert_eq!(*two.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_id_that_the_server_has_given_is_kept() {
    let given = RequestId::parse("0123456789abcdef0123456789ABCDEF").unwrap();
    for path in ["/hello/x", "/nowhere"] {
        let mut request = request("GET", path);
        request.extensions_mut().insert(given);
        let (_, headers, _) = send(hello(), request).await;
        assert_eq!(headers["x-request-id"], "01234567-89ab-cdef-0123-456789abcdef");
    }
    for wrong in ["", "x", "{01234567-89ab-cdef-0123-456789abcdef}", "0123456789abcdef0123456789abcdeg"] {
        assert!(RequestId::parse(wrong).is_none(), "{wrong}");
    }
}
