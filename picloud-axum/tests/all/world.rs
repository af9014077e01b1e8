//! A whole platform in memory, and a client for it.

use std::{net::Ipv4Addr, sync::Arc};

use axum::{Router, body::Body};
use http::{HeaderMap, Request, StatusCode, request::Builder};
use http_body_util::BodyExt;
use picloud::{
    Client, Limits, Orchestrator, Publisher, RhaiExecutor, Scheme,
    manager::{Manager, Tunable},
    recorder::{LogSettings, Recorder},
    store::MemoryStore,
};
use picloud_axum::{Api, Options, Ready, Version, health_router};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt;

use crate::document;

pub(crate) const ADMIN: &str = "/api/v1/admin";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Runs at once, of an app and in all.
pub(crate) const MAX_RUNNING: usize = 64;

/// A platform with one admin, who is logged in.
pub(crate) struct World {
    /// The API, and the scripts behind it.
    pub(crate) app: Router,
    /// The API alone.
    pub(crate) api: Router,
    pub(crate) token: String,
    pub(crate) recorder: Recorder,
    /// Tells answers that go on to end.
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) manager: Manager,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    /// `Null` where the text is not JSON.
    pub(crate) json: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::tunable(options, Vec::new()).await
    }

    /// The same with settings that may change while it runs.
    pub(crate) async fn tunable(options: Options, tunables: Vec<Tunable>) -> Self {
        let mut world = Self::build(options, tunables);
        assert!(world.manager.auth().bootstrap("ada", PASSWORD).await.unwrap());
        world.token = world.log_in("ada", PASSWORD).await;
        world
    }

    /// A platform without an admin.
    pub(crate) fn empty(options: Options) -> Self {
        Self::build(options, Vec::new())
    }

    fn build(options: Options, tunables: Vec<Tunable>) -> Self {
        let store = Arc::new(MemoryStore::new());
        let executor = Arc::new(RhaiExecutor::default());
        let publisher = Arc::new(Publisher::new(store.clone(), Limits::default()));
        let published = publisher.clone();
        let recorder = Recorder::start(store.clone(), LogSettings::default());
        let (stopping, stop) = watch::channel(false);
        let options = Options { recorder: Some(recorder.clone()), stopping: Some(stop), ..options };
        let manager =
            Manager::new(store, executor.clone()).with_tunables(tunables).with_publish(Arc::new(move |_| {
                let published = published.clone();
                Box::pin(async move { published.refresh().await.unwrap() })
            }));
        let orchestrator = Orchestrator::builder(publisher.subscribe(), executor);
        let orchestrator =
            orchestrator.observer(Arc::new(recorder.clone())).max_running(MAX_RUNNING, MAX_RUNNING).build();
        let api = Api::new(manager.clone(), publisher, orchestrator.clone(), options);
        let ready: Ready = Arc::new(|| Box::pin(std::future::ready(Ok(()))));
        let health = health_router(Version::new(1, None), ready);
        let app = Router::new().merge(api.router()).merge(health).fallback_service(orchestrator);
        Self { app, api: api.router(), token: String::new(), manager, recorder, stopping }
    }

    /// The token of a new session.
    pub(crate) async fn log_in(&self, username: &str, password: &str) -> String {
        let answer = self.send(login(username, password)).await.expect(200);
        answer.json["token"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(&self.app, request).await
    }

    /// Asks as the admin.
    pub(crate) async fn ask(&self, method: &str, path: &str) -> Answer {
        self.send(self.admin(method, path).body(Body::empty()).unwrap()).await
    }

    /// Sends JSON as the admin.
    pub(crate) async fn post(&self, method: &str, path: &str, body: Value) -> Answer {
        self.post_text(method, path, body.to_string()).await
    }

    pub(crate) async fn post_text(&self, method: &str, path: &str, body: impl Into<Body>) -> Answer {
        let request = self.admin(method, path).header("content-type", "application/json");
        self.send(request.body(body.into()).unwrap()).await
    }

    /// A request of the admin, to be built further. Paths are those below the admin API unless they start with `/api`.
    pub(crate) fn admin(&self, method: &str, path: &str) -> Builder {
        request(method, path).header("authorization", format!("Bearer {}", self.token))
    }

    /// An app that claims `{slug}.test`, with the script `main`; gives the id of that.
    pub(crate) async fn app_with_script(&self, slug: &str, source: &str) -> String {
        self.post("POST", "/apps", json!({"slug": slug})).await.expect(201);
        let pattern = json!({"pattern": format!("{slug}.test")});
        self.post("POST", &format!("/apps/{slug}/domains"), pattern).await.expect(201);
        let script = json!({"name": "main", "source": source});
        let script = self.post("POST", &format!("/apps/{slug}/scripts"), script).await;
        script.expect(201).json["id"].as_str().unwrap().to_owned()
    }

    /// The same, with a route for all methods and paths.
    pub(crate) async fn app_with_endpoint(&self, slug: &str, source: &str) -> String {
        let script = self.app_with_script(slug, source).await;
        for path in ["/", "/*path"] {
            let route = json!({"method": "ANY", "path": path});
            self.post("POST", &format!("/scripts/{script}/routes"), route).await.expect(201);
        }
        script
    }

    /// Calls the endpoint of an app.
    pub(crate) async fn call(&self, slug: &str, path: &str) -> Answer {
        let request = Request::builder().uri(path).header("host", format!("{slug}.test"));
        self.send(over(Scheme::Http, request.body(Body::empty()).unwrap())).await
    }
}

impl Answer {
    /// The same answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Checks that this is a problem of this status and code, whole.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.json["status"], status);
        assert_eq!(answer.json["code"], code, "{}", answer.text);
        assert_eq!(answer.json["request_id"], answer.header("x-request-id"));
        for member in ["type", "title", "detail"] {
            assert!(!answer.json[member].as_str().unwrap().is_empty(), "{}", answer.text);
        }
        answer
    }

    /// Checks that this is a 422 with this one field and code.
    #[track_caller]
    pub(crate) fn expect_invalid(self, field: &str, code: &str) -> Self {
        let answer = self.expect_problem(422, "invalid");
        let errors = answer.json["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 1, "{}", answer.text);
        assert_eq!((&errors[0]["field"], &errors[0]["code"]), (&json!(field), &json!(code)));
        answer
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Sends a request, and holds the answer against the OpenAPI document.
pub(crate) async fn send(app: &Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answer = answer(app, request).await;
    document::check(&method, &path, &answer);
    answer
}

/// Sends a request.
pub(crate) async fn answer(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let json = serde_json::from_slice(&body).unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    Answer { status: parts.status, headers: parts.headers, text, json }
}

/// A request of nobody. Paths are those below the admin API unless they start with `/api`.
pub(crate) fn request(method: &str, path: &str) -> Builder {
    let path = if path.starts_with("/api") && !path.starts_with("/apps") {
        path.to_owned()
    } else {
        format!("{ADMIN}{path}")
    };
    Request::builder().method(method).uri(path).header("host", "picloud.test")
}

pub(crate) fn login(username: &str, password: &str) -> Request<Body> {
    let body = json!({"username": username, "password": password}).to_string();
    let request = request("POST", "/auth/login").header("content-type", "application/json");
    request.body(body.into()).unwrap()
}

/// Marks a request as one that came over `scheme`.
pub(crate) fn over(scheme: Scheme, mut request: Request<Body>) -> Request<Body> {
    request.extensions_mut().insert(Client { ip: Ipv4Addr::LOCALHOST.into(), scheme });
    request
}
