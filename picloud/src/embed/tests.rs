//! An app inside a program, from the outside.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use serde_json::json;
use tower::ServiceExt;

use super::*;
use crate::{Code, Finished, Refused};

async fn get(service: Orchestrator, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Empty::<bytes::Bytes>::new()).unwrap();
    let response = service.oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[test]
fn all_that_is_wrong_is_told_at_once_with_line_and_caret() {
    let built = App::builder()
        .slug("Bad Slug")
        .script("a", "let x = 1;\nlet y = (x;\n")
        .script("b", "1")
        .script("b", "2")
        .route("GET /x", "nowhere")
        .build();
    let error = built.err().unwrap();
    let all = error.to_string();
    for part in ["slug `Bad Slug`", "b` is there twice", "a.rhai:2:", "2 | let y = (x;\n  |           ^"] {
        assert!(all.contains(part), "{part} in {all}");
    }
    let routes = App::builder()
        .script("a", "1")
        .route("GET /a/:x", "a")
        .route("get /a/:y", "a")
        .route("GET x", "a")
        .build();
    assert_eq!(routes.err().unwrap().problems().len(), 2);
}

#[test]
fn a_reload_keeps_what_is_unchanged_and_refuses_what_is_wrong_whole() {
    let first = App::builder().script("a", "1").script("b", "1");
    let app = first.clone().build().unwrap();
    let scripts = || app.0.lock().parts.scripts.clone();
    let before = scripts();
    app.reload(first.clone().script("c", "(")).unwrap_err();
    assert_eq!(scripts().len(), 2);
    app.reload(App::builder().script("a", "1").script("b", "2")).unwrap();
    let after = scripts();
    assert!(Arc::ptr_eq(&before["a"], &after["a"]));
    assert_eq!((after["b"].version, after["b"].id), (2, before["b"].id));
}

#[tokio::test]
async fn scripts_and_routes_change_while_the_app_runs() {
    let app = App::builder().script("a", "`one`").route("GET /", "a").build().unwrap();
    let service = app.service();
    assert_eq!(get(service.clone(), "/").await.1, "one");
    let error = app.set_script("a", "let x = (;").unwrap_err().to_string();
    assert!(error.contains("a.rhai:1:") && error.contains('^'), "{error}");
    assert_eq!(get(service.clone(), "/").await.1, "one");
    app.set_script("a", "`two ${ctx.version}`").unwrap();
    assert_eq!(get(service.clone(), "/").await.1, "two 2");
    app.set_script("b", "`b`").unwrap();
    app.set_route("GET /users/:id", "a").unwrap();
    app.set_route("get /users/:name", "b").unwrap();
    assert_eq!(get(service.clone(), "/users/1").await.1, "b");
    assert!(
        app.set_route("GET /x", "c")
            .unwrap_err()
            .to_string()
            .contains("there is no script `c`; there is a, b")
    );
    app.remove_script("b").unwrap();
    assert_eq!(get(service.clone(), "/users/1").await.0, StatusCode::NOT_FOUND);
    app.remove_route("GET /").unwrap();
    assert_eq!(get(service, "/").await.0, StatusCode::NOT_FOUND);
    for error in [app.remove_script("b"), app.remove_route("GET /"), app.set_script("/", "1")] {
        assert_eq!(error.unwrap_err().problems().len(), 1);
    }
}

/// What runs were seen, and what was refused.
#[derive(Default)]
struct Seen(Mutex<Vec<String>>);

impl Observer for Seen {
    fn finished(&self, run: &Finished<'_>) {
        let Finished { script, request, .. } = run;
        self.0.lock().unwrap().push(format!("{} {} {}", script.name, request.method, request.path));
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.0.lock().unwrap().push(format!("{} {}", refused.request.path, refused.code));
    }
}

fn body(delivered: &Delivered) -> &str {
    std::str::from_utf8(delivered.outcome.result.as_ref().unwrap().body()).unwrap()
}

#[tokio::test]
async fn every_script_that_listens_runs_for_an_event_at_the_same_time() {
    let seen = Arc::new(Seen::default());
    let slow = "time::sleep(100); `${ctx.trigger} ${ctx.event.level} ${ctx.method == ()}`";
    let app = App::builder()
        .script("slow", slow)
        .script("fails", "throw 1")
        .on("motion.hall", "slow")
        .on("motion.hall", "fails")
        .on("motion.hall", "slow")
        .observer(seen.clone())
        .build()
        .unwrap();
    app.set_script("also", slow).unwrap();
    app.on("motion.hall", "also").unwrap();
    let started = std::time::Instant::now();
    let delivered = app.emit("motion.hall", json!({ "level": 3 })).await.unwrap();
    assert!(started.elapsed() < Duration::from_millis(190), "one after another");
    let scripts: Vec<_> = delivered.iter().map(|one| &*one.script).collect();
    assert_eq!(scripts, ["slow", "fails", "also"]);
    assert_eq!((body(&delivered[0]), body(&delivered[2])), ("event 3 true", "event 3 true"));
    assert_eq!(delivered[1].outcome.result.as_ref().unwrap_err().code, Code::ScriptError);
    let mut runs = seen.0.lock().unwrap().clone();
    runs.sort();
    assert_eq!(runs, ["also EVENT motion.hall", "fails EVENT motion.hall", "slow EVENT motion.hall"]);
}

#[tokio::test]
async fn events_without_listeners_or_within_no_limits_run_nothing() {
    let seen = Arc::new(Seen::default());
    let app = App::builder().script("a", "1").on("x", "a").observer(seen.clone()).build().unwrap();
    assert!(app.emit("y", 1).await.unwrap().is_empty());
    let mut deep = json!(1);
    for _ in 0..101 {
        deep = json!([deep]);
    }
    for (payload, code) in [(deep, Code::Invalid), (json!("x".repeat(2 << 20)), Code::LimitBody)] {
        let delivered = app.emit("x", payload).await.unwrap();
        assert_eq!(delivered[0].outcome.result.as_ref().unwrap_err().code, code);
    }
    assert_eq!(*seen.0.lock().unwrap(), ["x invalid", "x limit_body"]);
    app.off("x", "a").unwrap();
    assert!(app.emit("x", 1).await.unwrap().is_empty());
    assert!(app.off("x", "a").is_err() && app.on("", "a").is_err() && app.on("x", "b").is_err());
}

#[tokio::test]
async fn an_event_for_a_script_that_is_gone_is_not_found() {
    let app = App::builder().script("a", "1").build().unwrap();
    let occurrence = crate::Occurrence::new("cron", "nightly", json!(null));
    let outcome = app.service().deliver(crate::ScriptId::new(), occurrence).await;
    assert_eq!(outcome.result.unwrap_err().code, Code::NotFound);
}
