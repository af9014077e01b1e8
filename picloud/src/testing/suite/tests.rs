//! Test files as their authors write them, and what they are told.

use super::*;
use crate::App;

const LIGHTS: &str = r#"
fn wanted(ctx) { if ctx.body == () { throw error(400, "no body"); } ctx.body.on }
let on = wanted(ctx);
log::info("switching", #{ room: ctx.params.room });
if !lights::set(ctx.params.room, on) { throw "stuck"; }
#{ on: on, at: time::now(), id: crypto::uuid() }
"#;

/// The report on one test file, for the app above.
fn report(tests: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lights.rhai"), LIGHTS).unwrap();
    fs::write(folder.path().join("lights_test.rhai"), tests).unwrap();
    let app = App::builder()
        .folder(folder.path())
        .route("PUT /:room", "lights")
        .script("dusk", "#{ event: \"dusk\", on: ctx.event.on }")
        .on("dusk", "dusk");
    Suite::folder(app, folder.path()).unwrap().run()
}

/// Why the only test failed, as its author reads it.
fn failure(body: &str) -> String {
    let report =
        report(&format!("mock(\"lights::set\", |room, on| room == \"hall\");\nfn test_it() {{\n{body}\n}}"));
    assert_eq!(report.cases.len(), 1);
    assert!(!report.passed());
    report.cases[0].to_string()
}

#[test]
fn each_test_has_a_world_of_its_own() {
    report(
        r#"
mock("lights::set", |room, on| { log::info("called"); on });

fn test_lights_go_on() {
    let r = app::put("/hall", #{ on: true });
    assert_eq(r.status, 200);
    assert_eq(r.body.on, true);
    assert_eq(r.body.at, time::parse("2026-01-01T00:00:00Z"));
    assert_eq(calls("lights::set"), [["hall", true]]);
    assert_eq(r.logs[0].message, "switching");
    assert_eq(r.logs[0].fields, #{ room: "hall" });
    assert(r.ops < 1000 && r.error == ());
}

fn test_nothing_is_left_of_the_test_before() {
    assert_eq(calls("lights::set"), []);
    assert_eq(clock::now(), time::parse("2026-01-01T00:00:00Z"));
    clock::advance(1500);
    clock::advance(500);
    let r = app::put("/hall", #{ on: true });
    assert_eq(r.body.at - time::parse("2026-01-01T00:00:00Z"), 2000);
    clock::set("2030-05-05T00:00:00Z");
    assert_eq(time::format(time::now()), "2030-05-05T00:00:00.000Z");
}

fn test_numbers_follow_from_the_seed() {
    random::seed(7);
    let first = app::put("/hall", #{ on: true }).body.id;
    random::seed(7);
    assert_eq(app::put("/hall", #{ on: true }).body.id, first);
    assert_ne(app::put("/hall", #{ on: true }).body.id, first);
}

fn test_requests_of_every_kind() {
    assert_eq(app::get("/hall").status, 405);
    assert_eq(app::put("/hall", ()).body.detail, "no body");
    let r = request(#{ method: "PUT", path: "/a%20b", query: #{ x: 1 }, form: #{ on: "yes" }, ip: "10.0.0.1",
        headers: #{ "x-a": "b" }, cookies: #{ c: "d" } });
    assert_eq(r.status, 500, "a form has strings");
    assert_eq(calls("lights::set"), [["a b", "yes"]]);
}

fn test_a_double_may_fail_or_be_a_value() {
    mock("lights::set", |room, on| { throw "burnt out" });
    let r = app::put("/hall", #{ on: true });
    assert_eq(r.status, 500);
    assert_eq(r.error.code, "script_error");
    assert_eq(r.error.message, "burnt out");
    assert_eq(r.error.line, 5);
    mock("lights::set", true);
    assert_eq(app::put("/hall", #{ on: true }).status, 200);
}

fn test_events_run_scripts_that_listen() {
    let runs = app::emit("dusk", #{ on: true });
    assert_eq(runs.len, 1);
    assert_eq(runs[0].body, #{ event: "dusk", on: true });
    assert_eq(app::emit("dawn", ()), []);
}

fn helper() { fail("no test") }
fn test_with(parameter) { fail("no test") }
"#,
    )
    .assert_passed();
}

#[test]
fn a_failure_shows_place_difference_log_and_the_last_request() {
    let told = failure(
        "print(\"looking\");\nlet r = app::put(\"/hall\", #{ on: true });\nassert_eq(r.body.on, false);",
    );
    for part in [
        "lights_test.rhai test_it",
        "the values differ",
        "lights_test.rhai:5:1",
        "5 | assert_eq(r.body.on, false);\n  | ^",
        "expected false\n     got true",
        "info  lights_test: looking",
        "PUT /hall\n  answered 200 application/json",
        "info  lights:4: switching {\"room\":\"hall\"}",
    ] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
    let told = failure("let r = app::put(\"/attic\", #{ on: true });\nassert_eq(r.status, 200, \"attic\");");
    for part in ["attic: the values differ", "expected 200\n     got 500", "stuck", "lights.rhai:5:40", "^"] {
        assert!(told.contains(part), "{part}\nin\n{told}");
    }
}

#[test]
fn every_way_to_fail_has_its_place() {
    for (body, parts) in [
        ("assert(1 > 2);", &["assertion failed", ":3:1"][..]),
        ("assert(false, `of ${1 + 1}`);", &["of 2", ":3:1"]),
        ("fail(\"never\");", &["never", ":3:1"]),
        ("assert_ne([1], [1]);", &["the values are the same"]),
        ("assert_eq(#{a: [1, 2]}, #{a: [1, 3]});", &["/a/1: expected 3\n/a/1:      got 2"]),
        ("let x = 1 / 0;", &["Division by zero", ":3:11"]),
        ("app::get(\"/hall\", #{ header: 1 });", &["there is no option `header`", "headers"]),
        ("mock(\"lights\", 1);", &["module::function"]),
        (
            "mock(\"lights::set\", |room| room);\nlet r = app::put(\"/hall\", #{on: true}); assert_eq(r.error, ());",
            &["the double of lights::set does not take 2 arguments"],
        ),
        ("clock::advance(-1);", &["does not run backwards"]),
    ] {
        let told = failure(body);
        for part in parts {
            assert!(told.contains(part), "{part}\nin\n{told}");
        }
    }
}

#[test]
fn a_file_that_is_wrong_is_a_failure_of_its_own() {
    let told = report("fn test_a() {\n let = 1; }").cases[0].to_string();
    assert!(told.contains("lights_test.rhai:2:"), "{told}");
    let told = report("fn helper() {}").cases[0].to_string();
    assert!(told.contains("no tests"), "{told}");
    let wrong = report("fn test_a() { app::get(\"/\"); }").cases[0].to_string();
    assert!(wrong.contains("cannot be built") && wrong.contains("lights"), "{wrong}");
    assert!(!Report::default().passed());
}

#[test]
fn a_filter_chooses_by_file_and_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a_test.rhai"), "fn test_one() {}\nfn test_two() {}").unwrap();
    fs::write(folder.path().join("b_test.rhai"), "fn test_one() {}").unwrap();
    let suite = Suite::folder(App::builder(), folder.path()).unwrap();
    let names = |suite: &Suite| {
        suite.run().cases.iter().map(|c| format!("{} {}", c.file, c.name)).collect::<Vec<_>>()
    };
    assert_eq!(names(&suite).len(), 3);
    assert_eq!(names(&suite.clone().filter("test_one")).len(), 2);
    assert_eq!(names(&suite.filter("a_test.rhai::test_two")), ["a_test.rhai test_two"]);
}
