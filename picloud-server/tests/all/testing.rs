//! `picloud test`: what the author of a test reads, and what continuous integration gets.

use std::{fs, path::Path, process::Output};

use tempfile::{TempDir, tempdir};

use crate::process::command;

const HELLO: &str = "log::info(\"greeting\");\n`Hello, ${ctx.params.name}!`";
const MANIFEST: &str = "[routes]\n\"GET /hello/:name\" = \"hello\"\n";
const GOOD: &str = "fn test_greets() { assert_eq(app::get(\"/hello/Ada\").text, \"Hello, Ada!\"); }\n";
const BAD: &str = "fn test_shouts() {\n    let r = app::get(\"/hello/Ada\");\n    assert_eq(r.text, \"HELLO & <ADA>\");\n}\n";

fn folder(tests: &str) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in [("hello.rhai", HELLO), ("picloud.toml", MANIFEST), ("hello_test.rhai", tests)] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        command(folder, &[&["test"], arguments].concat()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn tests_that_pass_end_with_0() {
    let folder = folder(GOOD);
    let (code, out, err) = run(folder.path(), &[]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.contains("ok   hello_test.rhai::test_greets ("), "{out}");
    assert!(out.contains("1 passed, 0 failed in "), "{out}");
}

#[test]
fn a_failure_is_shown_with_line_caret_difference_and_log_and_ends_with_1() {
    let folder = folder(&[GOOD, BAD].concat());
    let (code, out, err) = run(folder.path(), &[]);
    assert_eq!((code, err.as_str()), (Some(1), "picloud: 1 of 2 tests failed\n"), "{out}");
    for part in [
        "ok   hello_test.rhai::test_greets (",
        "FAIL hello_test.rhai::test_shouts (",
        "--> hello_test.rhai:4:5",
        "4 |     assert_eq(r.text, \"HELLO & <ADA>\");\n  |     ^",
        "expected \"HELLO & <ADA>\"\n     got \"Hello, Ada!\"",
        "GET /hello/Ada\n  answered 200",
        "info  hello:1: greeting",
        "1 passed, 1 failed",
    ] {
        assert!(out.contains(part), "{part}\nin\n{out}");
    }
}

#[test]
fn reports_for_machines() {
    let folder = folder(&[GOOD, BAD].concat());
    let (code, out, _) = run(folder.path(), &["--json", "--junit", "report.xml"]);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["passed"], &report["failed"]), (Some(1), &1.into(), &1.into()));
    let failed = &report["tests"][1];
    assert_eq!((&failed["name"], &failed["failure"]["line"]), (&"test_shouts".into(), &4.into()));
    let xml = fs::read_to_string(folder.path().join("report.xml")).unwrap();
    for part in [
        "<testsuites tests=\"2\" failures=\"1\" errors=\"0\">",
        "<testsuite name=\"hello_test.rhai\" tests=\"2\" failures=\"1\"",
        "<testcase classname=\"hello_test\" name=\"test_greets\" time=\"",
        "<failure message=\"the values differ\">",
        "HELLO &amp; &lt;ADA&gt;",
    ] {
        assert!(xml.contains(part), "{part}\nin\n{xml}");
    }
}

#[test]
fn a_filter_chooses_and_nothing_to_run_is_an_error() {
    let folder = folder(&[GOOD, BAD].concat());
    assert_eq!(run(folder.path(), &[".", "--filter", "greets"]).0, Some(0));
    let (code, _, err) = run(folder.path(), &["--filter", "nothing"]);
    assert!(code == Some(1) && err.contains("`nothing`"), "{err}");
    fs::remove_file(folder.path().join("hello_test.rhai")).unwrap();
    let (code, _, err) = run(folder.path(), &[]);
    assert!(code == Some(1) && err.contains("*_test.rhai"), "{err}");
    let (code, _, err) = run(folder.path(), &["nowhere"]);
    assert!(code == Some(1) && err.contains("nowhere"), "{err}");
}
