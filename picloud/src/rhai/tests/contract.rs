//! What scripts see and answer (contract, section 1).

use super::*;
use crate::{Level, Position};

#[tokio::test]
async fn the_last_value_is_the_answer() {
    let json = "application/json";
    let text = "text/plain; charset=utf-8";
    let table = [
        ("()", (204, "", "")),
        ("", (204, "", "")),
        ("\"hi\"", (200, text, "hi")),
        ("'c'.to_string()", (200, text, "c")),
        ("42", (200, json, "42")),
        ("1.5", (200, json, "1.5")),
        ("true", (200, json, "true")),
        ("[1, \"a\", ()]", (200, json, "[1,\"a\",null]")),
        ("#{ b: 1, a: [2] }", (200, json, "{\"a\":[2],\"b\":1}")),
        ("9223372036854775807", (200, json, "9223372036854775807")),
        ("base64::decode(\"AAE=\")", (200, "application/octet-stream", "\u{0}\u{1}")),
        ("response(201)", (201, "", "")),
        ("response(201, \"made\")", (201, text, "made")),
        ("response(202, #{a: 1})", (202, json, "{\"a\":1}")),
        ("response(200, \"<p>\").type(\"text/html\")", (200, "text/html", "<p>")),
        ("html(\"<p>\")", (200, "text/html; charset=utf-8", "<p>")),
        ("text(\"t\")", (200, text, "t")),
        ("json(\"t\")", (200, json, "\"t\"")),
        ("json(())", (200, json, "null")),
        ("response(204, \"never sent\")", (204, text, "")),
        ("let r = response(200, \"x\"); r.type(\"a/b\"); r", (200, "a/b", "x")),
    ];
    for (source, (status, kind, body)) in table {
        let expected = (status, kind.to_owned(), body.to_owned());
        assert_eq!(script(source).answer().await, expected, "{source}");
    }
}

#[tokio::test]
async fn redirects_headers_and_cookies() {
    let headers = script("redirect(\"/next\")").run().await.result.unwrap();
    assert_eq!(
        (headers.status().as_u16(), &headers.headers()["location"]),
        (302, &HeaderValue::from_static("/next"))
    );
    assert_eq!(script("redirect(308, \"/n\")").run().await.result.unwrap().status(), 308);
    let source =
        "response(200).header(\"X-A\", \"1\").header(\"x-a\", \"2\").cookie(\"c\", \"v\", #{max_age: 5})";
    let headers = script(source).headers().await;
    assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(headers["set-cookie"], "c=v; Max-Age=5; Path=/; SameSite=Lax; HttpOnly");
}

#[tokio::test]
async fn framing_headers_of_a_script_are_left_out_and_logged() {
    let source = "response(200, \"0123456789\").header(\"Content-Length\", \"5\").header(\"Transfer-Encoding\", \"x\")";
    let outcome = script(source).run().await;
    let response = outcome.result.unwrap();
    assert_eq!(response.headers().keys().collect::<Vec<_>>(), ["content-type"]);
    assert_eq!(outcome.logs.len(), 2);
}

#[tokio::test]
async fn headers_that_would_break_the_message_are_script_errors() {
    for source in [
        "response(200).header(\"x\", \"a\\r\\nb: c\")",
        "response(200).header(\"x\", \"a\\x00\")",
        "response(200).header(\"a b\", \"c\")",
        "response(99)",
        "response(101)",
        "response(600)",
        "redirect(\"/a\\r\\nSet-Cookie: x\")",
        "redirect(200, \"/\")",
        "|x| x",
    ] {
        assert_eq!(script(source).failure().await.0, "script_error", "{source}");
    }
}

#[tokio::test]
async fn ctx_has_every_part_of_the_request() {
    let table = [
        ("ctx.trigger", "http"),
        ("ctx.app", "shop"),
        ("ctx.script", "test"),
        ("`${ctx.version}`", "3"),
        ("ctx.method", "POST"),
        ("ctx.scheme", "http"),
        ("ctx.host", "a.test"),
        ("ctx.path", "/"),
        ("ctx.route", "/"),
        ("`${ctx.ip == ()}`", "true"),
        ("ctx.params.id", "7"),
        ("`${ctx.params.none == ()}`", "true"),
        ("ctx.query.a", "2"),
        ("`${ctx.query_all.a}`", "[\"1\", \"2\"]"),
        ("ctx.query.b", "x y"),
        ("ctx.headers[\"x-two\"]", "1, 2"),
        ("ctx.headers.host", "a.test"),
        ("ctx.cookies.session", "a b"),
        ("`${ctx.event == ()}`", "true"),
        ("ctx.request_id", "00000000-0001-7707-8707-070707070707"),
    ];
    for (source, expected) in table {
        let case = script(source).method(Method::POST).query("a=1&b=x%20y&a=2").param("id", "7");
        let case = case.header("host", "a.test").header("x-two", "1").header("x-two", "2");
        assert_eq!(case.header("cookie", "session=a%20b; other=1").text().await, expected, "{source}");
    }
}

#[tokio::test]
async fn the_body_is_read_by_its_type_and_in_other_ways_on_demand() {
    let table: [(&str, &str, &[u8], &str); 10] = [
        ("ctx.body.n", "application/json", b"{\"n\": 9007199254740993}", "9007199254740993"),
        ("ctx.body.n", "application/merge-patch+json; charset=utf-8", b"{\"n\": 1}", "1"),
        ("ctx.body.a", "application/x-www-form-urlencoded", b"a=1+2&b=3", "1 2"),
        ("ctx.body", "text/plain", "grüß".as_bytes(), "grüß"),
        ("`${ctx.body.len}`", "image/png", &[0, 255, 1], "3"),
        ("`${ctx.body == ()}`", "application/json", b"", "true"),
        ("ctx.text()", "application/json", b"{ }", "{ }"),
        ("ctx.json().a", "text/plain", b"{\"a\": \"b\"}", "b"),
        ("ctx.form().a", "text/plain", b"a=b", "b"),
        ("`${ctx.bytes().len}`", "application/json", b"{ }", "3"),
    ];
    for (source, kind, body, expected) in table {
        assert_eq!(script(source).body(kind, body).text().await, expected, "{source} {kind}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_the_callers_fault() {
    let (status, kind, body) = script("ctx.body").body("application/json", b"{\"a\": ").answer().await;
    assert_eq!((status, kind.as_str()), (400, "application/problem+json"));
    assert!(body.contains("not valid JSON"), "{body}");
    assert_eq!(script("ctx.text()").body("text/plain", &[0xff]).answer().await.0, 400);
    let caught = script("let r = 0; try { ctx.json() } catch (e) { r = `caught ${e.status}` } r")
        .body("text/plain", b"{")
        .text()
        .await;
    assert_eq!(caught, "caught 400");
}

#[tokio::test]
async fn errors_that_a_script_throws_are_its_answer() {
    let (status, kind, body) = script("throw error(404, \"no such cup\", #{cup: 7})").answer().await;
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, kind.as_str()), (404, "application/problem+json"));
    assert_eq!((&body["detail"], &body["details"]["cup"]), (&"no such cup".into(), &7.into()));
    assert_eq!(body["request_id"], "00000000-0001-7707-8707-070707070707");
    let inside = "fn f() { throw error(409, \"taken\") } f()";
    assert_eq!(script(inside).answer().await.0, 409);
}

#[tokio::test]
async fn any_other_error_tells_the_caller_nothing_and_the_log_everything() {
    let source = "fn inner(x) {\n  x.nope()\n}\nfn outer() { inner(5) }\nouter()";
    let failure = script(source).run().await.result.unwrap_err();
    assert_eq!(failure.code.as_str(), "script_error");
    assert!(!failure.detail.contains("nope"));
    let log = failure.log.unwrap();
    assert!(log.message.contains("nope") && !log.message.contains("i64"), "{}", log.message);
    assert_eq!(log.position, Some(Position { line: 2, column: 5 }));
    let functions: Vec<_> = log.trace.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(functions, ["inner", "outer"]);
    let (_, thrown) = script("throw #{ why: \"because\" }").failure().await;
    assert_eq!(thrown, "thrown: #{\"why\": \"because\"}");
    assert_eq!(script("throw \"plain\"").failure().await.1, "plain");
}

#[tokio::test]
async fn log_lines_carry_level_fields_and_position() {
    let source = "log::info(\"one\");\nlog::warn(\"two\", #{n: 2});\n  log::error(3);\nprint(\"four\");\ndebug([5]);\n()";
    let logs = script(source).run().await.logs;
    let seen: Vec<_> =
        logs.iter().map(|l| (l.level, l.message.as_str(), l.position.map(|p| p.line))).collect();
    let expected = [
        (Level::Info, "one", Some(1)),
        (Level::Warn, "two", Some(2)),
        (Level::Error, "3", Some(3)),
        (Level::Info, "four", None),
        (Level::Debug, "[5]", Some(5)),
    ];
    assert_eq!(seen, expected);
    assert_eq!(logs[1].fields["n"], 2);
}

#[tokio::test]
async fn ctx_is_read_only_and_not_seen_inside_functions() {
    assert_eq!(script("ctx.path = 1").failure().await.0, "script_error");
    assert_eq!(script("ctx = 1").failure().await.0, "script_error");
    let (_, message) = script("fn f() { ctx.path } f()").failure().await;
    assert!(message.contains("pass it to the function"), "{message}");
}

#[tokio::test]
async fn closures_may_use_ctx() {
    let source = "let ids = [\"1\", \"2\"]; `${ids.filter(|i| i == ctx.params.id)}`";
    assert_eq!(script(source).param("id", "2").text().await, "[\"2\"]");
}

#[test]
fn check_names_line_column_and_rule() {
    let check = |source: &str| RhaiExecutor::default().check(source);
    assert!(check("1 + 1").is_empty());
    let bad = check("let x = 1;\nlet y = (2;\n");
    assert_eq!((bad[0].line, bad[0].column), (2, 11), "{bad:?}");
    assert!(check("eval(\"1\")")[0].message.contains("eval"));
    assert!(check("undeclared")[0].message.contains("undeclared"));
    assert_eq!(check("import \"x\" as y;").len(), 0, "imports compile, and fail when they run");
    assert!(check(&" ".repeat((1 << 20) + 1))[0].message.contains("1048576"));
}

#[tokio::test]
async fn a_script_that_does_not_compile_fails_with_its_place() {
    let failure = script("let x = ;").run().await.result.unwrap_err();
    let log = failure.log.unwrap();
    assert_eq!((failure.code.as_str(), log.position.unwrap().line), ("script_error", 1));
}

#[tokio::test]
async fn imports_read_no_file() {
    let (code, message) = script("import \"/etc/passwd\" as p; 1").failure().await;
    assert_eq!(code, "script_error");
    assert!(message.to_lowercase().contains("module"), "{message}");
}
