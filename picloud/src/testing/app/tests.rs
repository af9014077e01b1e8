//! The kit as a test in Rust uses it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use serde_json::json;

use super::*;
use crate::{Code, HostModule, Level, Scheme};

fn lights() -> AppBuilder {
    let module = HostModule::new("lights")
        .function("count()", || 3_i64)
        .async_function("set(room, on)", |_: String, _: bool| async {
            Err::<bool, _>("no lights in a test")
        });
    let source =
        "let n = lights::count(); log::warn(\"set\", #{ n: n }); lights::set(ctx.params.room, ctx.body.on)";
    App::builder().module(module).script("light", source).route("PUT /:room", "light")
}

/// What a failing assertion says.
fn told<R>(failing: impl FnOnce() -> R) -> String {
    let failing = || drop(failing());
    let payload = catch_unwind(AssertUnwindSafe(failing)).unwrap_err();
    crate::coroutine::panic_text(&*payload)
}

#[test]
fn a_double_stands_in_for_one_function_and_the_rest_stays_real() {
    let app = TestApp::new(lights());
    let real = app.put("/hall").json(&json!({ "on": true })).send();
    real.assert_status(500).assert_failed(Code::ScriptError, "no lights in a test");

    let set = app.double("lights::set").answers(|args| Ok(json!({ "was": args })));
    let answer = app.put("/hall").json(&json!({ "on": true })).send();
    answer
        .assert_status(200)
        .assert_json("/was", json!(["hall", true]))
        .assert_header("content-type", "application/json")
        .assert_logged("set")
        .assert_logged_at(Level::Warn, "set")
        .assert_ops_below(100)
        .assert_memory_below(100_000)
        .assert_wall_below(Duration::from_secs(5));
    assert_eq!(answer.logs()[0].fields["n"], json!(3));
    set.assert_calls(json!([["hall", true]]));
    let set = set.fails("gone");
    app.put("/hall").json(&json!({ "on": false })).send().assert_failed(Code::ScriptError, "gone");
    assert_eq!(set.calls().len(), 2);
    let wrong = told(|| set.assert_calls(json!([["hall", true]])));
    assert!(wrong.contains("calls of lights::set") && wrong.contains("/1: not expected"), "{wrong}");
}

#[test]
fn a_failing_assertion_shows_script_line_log_and_difference() {
    let source = "log::info(`at ${ctx.path}`);\nlet x = [1];\nx[7]";
    let app = TestApp::script("GET /*path", source);
    let all = told(|| app.get("/a?b=c").send().assert_status(200).ops());
    for part in [
        "expected 200\n     got 500",
        "GET /a?b=c",
        "script.rhai:3:",
        "3 | x[7]\n  |   ^",
        "info  script:1: at /a",
    ] {
        assert!(all.contains(part), "{part}\nin\n{all}");
    }
    let app = TestApp::script("GET /", "#{ a: [1, #{ b: 2 }], text: \"t\" }");
    let answer = app.get("/").send();
    type Failing = fn(&TestResponse) -> &TestResponse;
    let cases: [(Failing, &str); 8] = [
        (|a| a.assert_json("/a", json!([1, { "b": 3 }])), "/1/b: expected 3"),
        (|a| a.assert_json("/c", json!(1)), "nothing at \"/c\""),
        (|a| a.assert_header("x-a", "b"), "no such header"),
        (|a| a.assert_text("x"), "expected \"x\""),
        (|a| a.assert_contains("zzz"), "does not contain \"zzz\""),
        (|a| a.assert_logged("zzz"), "no log line contains \"zzz\""),
        (|a| a.assert_ops_below(1), "fewer than 1\n"),
        (|a| a.assert_failed(Code::LimitMemory, ""), "did not fail with `limit_memory`"),
    ];
    for (failing, part) in cases {
        let text = told(|| failing(&answer).ops());
        assert!(text.contains(part) && text.contains("answered 200 application/json"), "{part}\nin\n{text}");
    }
}

#[test]
fn time_is_virtual_and_per_app() {
    let source = "let before = time::now(); time::sleep(60 * 1000); time::now() - before";
    let app = TestApp::new(
        App::builder()
            .limits(crate::Limits { wall_time_ms: 90_000, ..Default::default() })
            .script("s", source)
            .route("GET /", "s"),
    );
    let other = TestApp::script("GET /", "time::now()");
    app.get("/").send().assert_text("60000");
    assert_eq!(app.clock().now_ms(), START_MS + 60_000);
    other.get("/").send().assert_json("", json!(START_MS));
    other.clock().advance(Duration::from_secs(1));
    other.get("/").send().assert_json("", json!(START_MS + 1000));
    other.clock().set(5);
    other.get("/").send().assert_json("", json!(5));
}

#[test]
fn requests_carry_what_they_are_given() {
    let source = "json(#{ c: ctx.cookies, f: ctx.form(), ip: ctx.ip, s: ctx.scheme, h: ctx.headers[\"x-a\"], host: ctx.host })
        .cookie(\"seen\", \"yes\")";
    let app = TestApp::script("POST /", source);
    let answer = app
        .post("/")
        .cookie("a", "1")
        .cookie("b", "2")
        .header("x-a", "A")
        .header("host", "shop.test")
        .form(&[("x", "y z")])
        .client([10, 0, 0, 1].into(), Scheme::Https)
        .send();
    let expected = json!({
        "c": {"a": "1", "b": "2"}, "f": {"x": "y z"}, "ip": "10.0.0.1", "s": "https", "h": "A", "host": "shop.test"
    });
    assert_eq!(answer.assert_json("", expected).cookie("seen"), Some("yes"));
}

#[test]
fn events_reach_every_script_that_listens() {
    let app = TestApp::new(
        App::builder()
            .script("light", "log::info(ctx.trigger); #{ room: ctx.event.room }")
            .script("alarm", "throw `fire in ${ctx.event.room}`")
            .on("motion", "light")
            .on("motion", "alarm"),
    );
    let answers = app.emit("motion", &json!({ "room": "hall" }));
    answers[0].assert_status(200).assert_json("/room", json!("hall")).assert_logged("event");
    answers[1].assert_failed(Code::ScriptError, "fire in hall");
    assert!(told(|| answers[1].assert_status(200).ops()).contains("alarm.rhai:1:1"));
    assert!(app.emit("silence", &json!(null)).is_empty());
}

#[tokio::test]
async fn async_tests_send_without_blocking() {
    let app = TestApp::script("GET /", "crypto::uuid()");
    app.seed(1);
    let first = app.get("/").send_async().await.text().to_owned();
    app.seed(1);
    app.get("/").send_async().await.assert_text(&first);
    let wrong = told(|| drop(app.get("/").send()));
    assert!(wrong.contains("send_async"), "{wrong}");
}

#[test]
fn a_mistake_of_the_app_is_told_whole() {
    let app = TestApp::script("GET /", "let x = ;");
    let wrong = told(|| drop(app.get("/").send()));
    assert!(wrong.contains("script.rhai:1:9") && wrong.contains("tests.rs"), "{wrong}");
    // Unknown modules are such a mistake until they have a double.
    let app = TestApp::script("GET /", "lights::set(1)");
    assert!(told(|| drop(app.get("/").send())).contains("lights"));
    let _double = app.double("lights::set").returns(json!(7));
    app.get("/").send().assert_json("", json!(7));
}
