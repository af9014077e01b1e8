//! What `check` finds in scripts that compile.

use super::*;
use crate::Severity;

fn check(source: &str) -> Vec<(u32, u32, Severity, String)> {
    let lights =
        HostModule::new("lights").function("set(room, on)", |_: String, on: bool| on).constant("MAX", 3);
    let secret = HostModule::new("vault").capability("vault").function("open()", || 1);
    let executor = RhaiExecutor::builder().module(lights).module(secret).build().unwrap();
    let found = executor.check(source);
    found.into_iter().map(|d| (d.line, d.column, d.severity, d.message)).collect()
}

#[test]
fn calls_that_can_only_fail_are_found_with_what_was_meant() {
    for (source, line, column, severity, message) in [
        (
            "let x = 1;\nlights::sett(\"a\", true)",
            2,
            9,
            Severity::Error,
            "`lights` has no function `sett`; did you mean `lights::set`?",
        ),
        (
            "lihgts::set(\"a\", true)",
            1,
            1,
            Severity::Error,
            "there is no module `lihgts`; did you mean `lights::set`?",
        ),
        (
            "if false { jsno::prase(\"1\") }",
            1,
            12,
            Severity::Error,
            "there is no module `jsno`; did you mean `json::parse`?",
        ),
        ("`${crypto :: sha1 (\"x\")}`", 1, 14, Severity::Error, "`crypto` has no function `sha1`"),
        ("warehouse::find(1)", 1, 1, Severity::Error, "there is no module `warehouse`; there are `base64`"),
        ("reponse(201)", 1, 1, Severity::Warning, "there is no function `reponse`; did you mean `response`?"),
        (
            "fn greet(x) { x }\ngreat(1)",
            2,
            1,
            Severity::Warning,
            "there is no function `great`; did you mean `greet`?",
        ),
        ("ctx.parms.id", 1, 5, Severity::Warning, "`ctx` has no part `parms`; did you mean `ctx.params`?"),
        ("fn id(ctx) { ctx.quary }\nid(ctx)", 1, 18, Severity::Warning, "did you mean `ctx.query`?"),
        (
            "vault::open()",
            1,
            1,
            Severity::Warning,
            "only apps that were granted `vault` can call `vault::open`",
        ),
    ] {
        let found = check(source);
        assert_eq!(found.len(), 1, "{source}: {found:?}");
        assert_eq!((found[0].0, found[0].1, found[0].2), (line, column, severity), "{source}: {found:?}");
        assert!(found[0].3.contains(message), "{source}: {found:?}");
    }
}

#[test]
fn what_is_or_may_be_right_is_left_alone() {
    for source in [
        "lights::set(\"a\", lights::MAX > 2); json::stringify(1)",
        "let reponse = |x| x; reponse.call(1)",
        "let reponse = |x| x; let f = || reponse(1); f.call()",
        "fn twice(f, x) { f(f(x)) } twice(|x| x, 1)",
        "let s = \"lihgts::set(1)\"; // lihgts::set(2)\n/* nope(1) */ `lihgts::set(3)`",
        "const LIMIT = 3; fn f() { global::LIMIT } f()",
        "import \"x\" as lihgts; lihgts::set(1)",
        "let m = #{ run: |x| x }; m.run(1)",
        "let ctx = #{ own: 1 }; ctx.own",
        "[1].map(|ctx| ctx.own)",
        "[#{ a: 1 }].filter(|n, ctx| ctx.a == 1)",
        "if (1 > 0) { return (1); } while (false) { } switch (1) { 1 => 2 }",
        "type_of(1); is_def_fn(\"x\", 1); print(Fn(\"abs\").call(-1)); debug(1); exit(1)",
        "let a = [3, 1]; sort(a); len(a); max(1, 2); parse_int(\"3\"); PI(); blob(3, 0)",
        "fn private_one() { 1 } private_one() + this_is_two();\nfn this_is_two() { 2 }",
        "ctx.headers[\"x\"]; ctx.body; ctx.json(); ctx . query",
    ] {
        assert_eq!(check(source), [], "{source}");
    }
}

#[test]
fn every_recipe_of_the_guide_is_clean() {
    let guide = include_str!("../../../../docs/scripting.md");
    let scripts = guide.split("```rhai\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    for script in scripts {
        assert_eq!(check(script), [], "{script}");
    }
}
