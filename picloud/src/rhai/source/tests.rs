//! What is rewritten, that Rhai sees the same scripts, and that places lead back to the source.

use proptest::prelude::*;
use rhai::Engine;

use super::*;
use crate::rhai::{engine, failure};

/// The text that is compiled, with short marks for what is inserted.
fn text(source: &str) -> String {
    match prepare(source) {
        Ok(prepared) if prepared.understood => prepared.text.replace(BEFORE, " <").replace("< ", "<"),
        Ok(_) => "irregular".to_owned(),
        Err(diagnostic) => format!("refused {}:{}", diagnostic.line, diagnostic.column),
    }
}

#[test]
fn subjects_are_found() {
    let table = [
        ("switch x { 1 => 2 }", "switch <x ){ 1 => 2 }"),
        ("switch(x){}", "switch <(x)){}"),
        ("switch x\n// { \" \n{}", "switch <x\n// { \" \n){}"),
        ("switch x /* { /* ' */ ` */ {}", "switch <x /* { /* ' */ ` */ ){}"),
        ("switch f(#{a: {1}}, [|x| {x}]) {}", "switch <f(#{a: {1}}, [|x| {x}]) ){}"),
        ("switch #{a: 1} {}", "switch <#{a: 1} ){}"),
        ("switch (switch a {1 => 2}) {}", "switch <(switch <a ){1 => 2}) ){}"),
        ("switch a { 1 => switch b {}, _ => {} }", "switch <a ){ 1 => switch <b ){}, _ => {} }"),
        ("`${switch a {}} switch ${`${switch b {}}`}`", "`${switch <a ){}} switch ${`${switch <b ){}}`}`"),
        ("switch `a${x}b` {}", "switch <`a${x}b` ){}"),
        ("`\\${` + switch a {}", "`\\${` + switch <a ){}"),
        ("`$${switch a {}}`", "`$${switch <a ){}}`"),
        ("`a``b` + switch a {}", "`a``b` + switch <a ){}"),
        ("\"\\\"switch a {\" + switch a {}", "\"\\\"switch a {\" + switch <a ){}"),
        ("\"a\"\"b\\\\\" + switch a {}", "\"a\"\"b\\\\\" + switch <a ){}"),
        ("'\"' + switch a {} + '\\''", "'\"' + switch <a ){} + '\\''"),
        ("#\"switch \\\"# + switch a {}", "#\"switch \\\"# + switch <a ){}"),
        ("##\"\"# switch {\"## + switch a {}", "##\"\"# switch {\"## + switch <a ){}"),
        ("let my_switch = 1; switch_on(switches)", "let my_switch = 1; switch_on(switches)"),
        ("// switch a {\n/* switch a { */ \"switch a {\"", "// switch a {\n/* switch a { */ \"switch a {\""),
        ("switch 1.5e3 {}", "switch <1.5e3 ){}"),
        ("switch a { 1 => 2 } /* { \" ", "switch <a ){ 1 => 2 } /* { \" "),
    ];
    for (source, expected) in table {
        assert_eq!(text(source), expected, "{source}");
    }
}

#[test]
fn subjects_with_blocks_are_refused() {
    let table = [
        ("switch if a { b } else { c } { 1 => 2 }", 8),
        ("switch a + { 1 } {}", 12),
        ("switch switch a {} {}", 8),
        ("switch |x| { x } {}", 12),
        ("switch || { 1 } {}", 11),
        ("switch 1 + loop { break 1 } {}", 12),
        ("switch a in { b } {}", 13),
        ("switch {}", 8),
        ("let a = 1 /**/; switch a {}", 11),
    ];
    for (source, column) in table {
        assert_eq!(text(source), format!("refused 1:{column}"), "{source}");
    }
}

#[test]
fn what_is_no_rhai_is_left_to_rhai() {
    for source in [
        "switch",
        "switch a",
        "switch a; { }",
        "switch a, b {}",
        "#{ switch: 1 }",
        "(switch a) {}",
        "switch a {",
        "switch (a] {}",
        "\"switch",
        "'switch\n'",
        "`switch ${a",
        "#switch",
        "##\"switch\"#",
        "switch a {} }",
    ] {
        assert_eq!(text(source), "irregular", "{source}");
    }
}

#[test]
fn places_lead_back() {
    let source = "1;\nlet y = switch x { 1 => switch f(z) { 2 => w } };\nv";
    let prepared = prepare(source).unwrap();
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let (own, compiled) = (lines(source), lines(&prepared.text));
    for name in ["1;", "let", "y", "x", "1 =>", "f(", "z", "{ 2", "w", "v"] {
        let find = |lines: &[String]| {
            let line = lines.iter().position(|line| line.contains(name)).unwrap();
            Position { line: line as u32 + 1, column: lines[line].find(name).unwrap() as u32 + 1 }
        };
        assert_eq!(prepared.columns.original(find(&compiled)), find(&own), "{name}");
    }
    let function = Position { line: 2, column: compiled[1].find("on(").unwrap() as u32 + 1 };
    assert_eq!(prepared.columns.original(function), Position { line: 2, column: 9 });
}

fn engine() -> Engine {
    engine::build(64, true, &[], &[], |_| {})
}

/// Whether every `switch` of a compiled script goes through our function.
fn all_guarded(ast: &rhai::AST) -> bool {
    let tree = format!("{ast:?}");
    tree.matches("Switch((").count() == tree.matches("Switch((FnCallExpr { namespace: __switch,").count()
}

/// Rhai takes the rewritten source as it takes the source, apart from what is put around subjects.
fn same_for_rhai(engine: &Engine, source: &str) {
    let Ok(prepared) = prepare(source) else { return };
    let own = engine.compile(source);
    if !prepared.understood {
        assert!(own.is_err(), "valid, but not understood: {source}");
        return;
    }
    match (own, engine.compile(&prepared.text)) {
        (Ok(_), Ok(ast)) => assert!(all_guarded(&ast), "{source}\n{}", prepared.text),
        (Ok(_), Err(error)) => panic!("{error}: {source}\n{}", prepared.text),
        (Err(error), Ok(_)) => panic!("only rewritten it is valid: {error}: {source}\n{}", prepared.text),
        (Err(own), Err(error)) => {
            let own_place = failure::diagnostic(&own, &Columns::default());
            let place = failure::diagnostic(&error, &prepared.columns);
            if own.err_type() == error.err_type() {
                assert_eq!((place.line, place.column), (own_place.line, own_place.column), "{source}");
            }
        }
    }
}

/// Expressions of every lexical kind; `nope` is not declared, so that the place of an error is known.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1",
        "1.5e3",
        "-7",
        "a",
        "nope",
        "\"switch a {\"",
        "\"\\\"{\"\"\\\\\"",
        "\"a\\\n   { \\x41\"",
        "'\"'",
        "'`'",
        "'\\''",
        "`{ \" ' ``$ $$ \\$ \\${ \n é`",
        "`\n\n`",
        "`\r\n{`",
        "#\"\\\"#",
        "##\"\"#\n\" {\"\n##\"##",
        "()",
        "/* { /* \" */ ' \n */ 2",
        "// { ` \" \r\n 3",
        "//\r 4",
        "a!in[1]",
        "0x1f",
        "1..=3",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(3, 24, 3, |inner| {
        let one = (
            prop::sample::select(vec![
                "(@)",
                "[@, 1]",
                "#{ a: @, \"}\": 2 }",
                "`x${@}{y`",
                "`${@;1}${@}`",
                "f(@)",
                "(|x| { @ })",
                "switch (@) { 1 => 2 }",
                "switch f(@) { 1 => { @ }, 3..5 => #{}, _ => @ }",
                "switch @ { 1 if a => 2, _ => 3 }",
                "if @ == 1 { @ } else { 2 }",
                "{ let b = @; b }",
            ]),
            inner.clone(),
        );
        let one = one.prop_map(|(shape, inner)| shape.replace('@', &inner));
        prop_oneof![one, (inner.clone(), inner).prop_map(|(a, b)| format!("({a}\n + {b})"))]
    })
}

proptest! {
    #[test]
    fn programs_stay_the_same(parts in prop::collection::vec(expressions(), 1..4)) {
        let source = format!("let a = 1; let y = {};", parts.join("; let y = "));
        same_for_rhai(&engine(), &source);
    }

    #[test]
    fn token_soup_does_no_harm(tokens in prop::collection::vec(prop::sample::select(vec![
        "switch", "switch ", "switch a {", "a", "1", " ", "\n", "{", "}", "(", ")", "[", "]", "#{", "#", "\"", "'", "`",
        "${", "$", "\\", "/", "*", "/*", "*/", "//", ";", ",", "=>", "|", "if ", "é", "\r", "_ => ", "let x = ", "x",
    ]), 0..30)) {
        same_for_rhai(&engine(), &tokens.concat());
    }

    #[test]
    fn any_text_without_the_word_is_untouched(source in "\\PC{0,80}") {
        prop_assume!(!source.contains("switch"));
        let prepared = prepare(&source).unwrap();
        prop_assert!(matches!(prepared.text, Cow::Borrowed(_)) && prepared.understood);
    }
}
