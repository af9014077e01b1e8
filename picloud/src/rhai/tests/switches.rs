//! `switch` looks at what has a cheap hash, and nothing else of it has changed.

use super::*;
use crate::Position;

#[tokio::test]
async fn switch_compares_as_ever() {
    let table = [
        ("switch 2 { 1 => \"a\", 2 => \"b\", _ => \"c\" }", "b"),
        ("let x = \"two\"; switch x { \"one\" => \"a\", \"two\" => \"b\" }", "b"),
        ("const X = 'c'; switch X { 'c' => \"b\", _ => \"c\" }", "b"),
        ("switch 7 { 0..5 => \"a\", 5..=9 => \"b\", _ => \"c\" }", "b"),
        ("let n = 3; switch n { 3 if n > 5 => \"a\", 3 if n > 1 => \"b\", _ => \"c\" }", "b"),
        ("switch 1.5 { 1 => \"a\", 1.5 => \"b\", _ => \"c\" }", "b"),
        ("switch () { () => \"b\", _ => \"c\" }", "b"),
        ("switch true { true => \"b\", _ => \"c\" }", "b"),
        ("switch base64::decode(\"AAE=\") { 1 => \"a\", _ => \"b\" }", "b"),
        ("switch ctx { 1 => \"a\", _ => \"b\" }", "b"),
        ("switch 1 { 1 => switch 2 { 2 => \"b\" }, _ => \"c\" }", "b"),
        ("`${switch 1 { 1 => \"b\" }}`", "b"),
        ("fn f(x) { switch x { 1 => \"b\", _ => \"c\" } } f(1)", "b"),
        ("fn f() { switch this { 1 => \"b\", _ => \"c\" } } let x = 1; x.f()", "b"),
        ("let k = 1; let f = |x| switch x { 1 => `b${k}`, _ => \"c\" }; f.call(1)", "b1"),
        ("let k = 1; let f = || switch k { 1 => \"b\", _ => \"c\" }; k += 0; f.call()", "b"),
        ("let x = \"a\" + switch 1 { 1 => \"b\" } + \"c\"; x", "abc"),
        ("let m = #{ kind: \"k\" }; switch m.kind { \"k\" => \"b\" }", "b"),
    ];
    for (source, expected) in table {
        assert_eq!(script(source).text().await, expected, "{source}");
    }
    assert_eq!(script("switch 5 { 1 => 2 }").answer().await.0, 204);
}

#[tokio::test]
async fn values_that_hold_others_cannot_be_switched_on() {
    for source in [
        "switch [1] { 1 => 1, _ => 2 }",
        "switch #{} { 1 => 1, _ => 2 }",
        "switch Fn(\"f\") { 1 => 1, _ => 2 }",
        "let a = [1]; let f = || a.push(2); switch a { 1 => 1, _ => 2 }",
        "let n = 1; switch |x| x + n { 1 => 1 }",
    ] {
        let (code, message) = script(source).failure().await;
        assert_eq!(code, "script_error", "{source}");
        assert!(message.contains("cannot be switched on"), "{source}: {message}");
    }
}

#[tokio::test]
async fn a_switch_on_much_ends_at_once() {
    let long = "let s = \"\"; s.pad(1000000, 'a'); let a = []; a.pad(100000, s);";
    for (rest, expected) in [
        ("switch a { 1 => 1, _ => 2 }", "cannot be switched on"),
        ("fn f() {} let f = Fn(\"f\").curry(a); switch f { 1 => 1, _ => 2 }", "cannot be switched on"),
        ("loop { switch s { 1 => 1, _ => 2 } }", "operation limit"),
    ] {
        let started = std::time::Instant::now();
        let (_, message) = script(&format!("{long} {rest}")).failure().await;
        assert!(message.contains(expected), "{rest}: {message}");
        assert!(started.elapsed().as_secs() < 10, "{rest} took {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn no_script_can_take_the_place_of_the_function() {
    for source in [
        "fn on(x) { 7 } switch [1] { 7 => 1, _ => 2 }",
        "let __switch = 7; switch [1] { 7 => 1, _ => 2 }",
        "fn __switch(x) { 7 } switch [1] { 7 => 1, _ => 2 }",
    ] {
        assert!(script(source).failure().await.1.contains("cannot be switched on"), "{source}");
    }
    let import = "try { import \"x\" as __switch; } catch { } switch [1] { 7 => 1, _ => 2 }";
    assert_eq!(script(import).failure().await.0, "script_error");
    let module = HostModule::new("__switch").function("on(x)", |_: rhai::Dynamic| 7_i64);
    assert!(RhaiExecutor::builder().module(module).build().is_err());
}

#[tokio::test]
async fn places_on_a_line_with_a_switch_are_those_of_the_source() {
    let table = [
        ("nope(); switch 1 { 1 => 2 }", 1),
        ("switch nope() { 1 => 2 }", 8),
        ("switch 1 + nope() { 1 => 2 }", 12),
        ("switch 1 { 1 => nope() }", 17),
        ("switch 1 { 1 => switch 2 { 2 => nope() } }", 33),
        ("switch 1 { 1 => 2 }; switch 2 { _ => 2 }; nope()", 43),
        ("let a = [1]; switch a { 1 => 2 }", 14),
    ];
    for (source, column) in table {
        for (before, line) in [("", 1), ("switch 1 { 1 => 2 }\n", 2)] {
            let failure = script(&format!("{before}{source}")).run().await.result.unwrap_err();
            assert_eq!(failure.log.unwrap().position, Some(Position { line, column }), "{before}{source}");
        }
    }
    let frames = "fn f() { throw \"x\" } switch 1 { 1 => f() }";
    let log = script(frames).run().await.result.unwrap_err().log.unwrap();
    assert_eq!(log.trace[0].position, Some(Position { line: 1, column: 38 }));
    let logs = script("switch 1 { 1 => log::info(\"x\") }; ()").run().await.logs;
    assert_eq!(logs[0].position.map(|at| at.column), Some(22));
}

#[test]
fn check_names_the_columns_of_the_source() {
    let table = [
        ("switch 1 { 1 => undeclared }", 17, "undeclared"),
        ("switch undeclared { 1 => 2 }", 8, "undeclared"),
        ("switch 1 2 { 1 => 2 }", 10, "switch block"),
        ("switch if true { 1 } else { 2 } { 1 => 2 }", 8, "into a variable first"),
        ("switch 1 { 1 => 2", 18, "switch block"),
    ];
    for (source, column, message) in table {
        let found = RhaiExecutor::default().check(source);
        assert_eq!((found[0].line, found[0].column), (1, column), "{source}: {found:?}");
        assert!(found[0].message.contains(message), "{source}: {found:?}");
    }
}
