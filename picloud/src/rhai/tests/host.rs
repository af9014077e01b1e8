//! What modules of the host can do, and what is told of them.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::*;
use crate::{CallContext, Definition, DefinitionKind, HostError, ScriptType};

#[derive(Clone)]
struct Light {
    level: i64,
}

impl ScriptType for Light {
    const NAME: &'static str = "Light";
}

fn lights() -> HostModule {
    HostModule::new("lights")
        .doc("The lights of the house.")
        .function("get(room)", |room: String| match room.as_str() {
            "hall" => Ok(Light { level: 50 }),
            "attic" => Err(HostError::answer(404, "no lights in the attic")),
            _ => Err(HostError::new(format!("no room called {room}"))),
        })
        .doc("The light of a room.")
        .custom_type::<Light>()
        .property("level", |light: &Light| light.level)
        .method("dim(by)", |light: &mut Light, by: u8| {
            light.level -= i64::from(by);
            light.level
        })
        .constant("BRIGHTEST", 100_i64)
}

fn run(source: &str, module: HostModule) -> Case {
    script_with(source, Limits::default(), vec![module])
}

#[tokio::test]
async fn types_of_the_host_have_methods_properties_and_constants() {
    let source = r#"let l = lights::get("hall"); let left = l.dim(20); [left, l.level, lights::BRIGHTEST, type_of(l)]"#;
    assert_eq!(run(source, lights()).text().await, r#"[30,30,100,"Light"]"#);
}

#[tokio::test]
async fn errors_of_the_host_name_function_argument_and_place() {
    for (source, expected) in [
        ("1 +\n lights::get(7)", "lights::get: `room` must be a string, not an integer"),
        ("1 +\n lights::get(\"cellar\")", "no room called cellar"),
        (
            "let l = lights::get(\"hall\");\n l.dim(300)",
            "Light.dim: `by` must be an integer from 0 to 255, not an integer",
        ),
        ("let x = 1;\n json::parse(\"[1,\")", "json::parse: "),
    ] {
        let outcome = run(source, lights()).run().await;
        let log = outcome.result.unwrap_err().log.unwrap();
        assert!(log.message.contains(expected), "{source}: {}", log.message);
        let line = log.position.map(|at| at.line);
        assert_eq!(line, Some(2), "{source}: {log:?}");
    }
}

#[tokio::test]
async fn the_host_can_choose_the_answer() {
    let (status, kind, body) = run(r#"lights::get("attic")"#, lights()).answer().await;
    assert_eq!((status, kind.as_str()), (404, "application/problem+json"));
    assert!(body.contains("no lights in the attic"), "{body}");
    let caught = r#"let s = 0; try { lights::get("attic") } catch (e) { s = e.status } s"#;
    assert_eq!(run(caught, lights()).text().await, "404");
}

#[tokio::test]
async fn values_cross_both_ways() {
    let module = HostModule::new("m")
        .function("float(x)", |x: f64| x)
        .function("maybe(x)", |x: Option<String>| x.map(|x| x.len()))
        .function("list(x)", |x: Vec<String>| x.concat())
        .function("map(x)", |mut x: BTreeMap<String, i64>| {
            x.insert("new".into(), 1);
            x
        })
        .function("any(x)", |x: Value| json!({ "got": x }))
        .function("bytes(x)", |x: Vec<u8>| x.len())
        .function("big()", || u64::MAX)
        .function("text(x)", |x: String| x.parse::<i64>());
    let source = r#"[m::float(1), m::maybe(()), m::maybe("four"), m::list(["a", "b"]), m::map(#{ a: 2 }), m::any([1, "x", ()]),
        m::bytes(blob(3, 0)), m::big() > 1.8e19, m::text("12")]"#;
    let expected = r#"[1.0,null,4,"ab",{"a":2,"new":1},{"got":[1,"x",null]},3,true,12]"#;
    assert_eq!(run(source, module.clone()).text().await, expected);
    let (_, message) = run(r#"m::text("x")"#, module.clone()).failure().await;
    assert_eq!(message, "invalid digit found in string");
    let (_, message) = run(r#"m::list([1])"#, module).failure().await;
    assert!(message.contains("`x` must be an array in which each value is a string"), "{message}");
}

#[tokio::test]
async fn a_call_knows_its_run() {
    let (send, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let module = HostModule::new("m").function("look(text)", move |call: CallContext, text: String| {
        let tenant = call.extension::<&'static str>().copied().unwrap_or("nobody");
        let left = call.remaining() <= Duration::from_secs(10) && call.remaining() > Duration::from_secs(5);
        let (send, over) = (send.clone(), call.over());
        assert!(!call.is_over());
        tokio::spawn(async move {
            over.await;
            send.send(call.is_over())
        });
        format!("{text} {tenant} {left}")
    });
    let mut case = run(r#"m::look(`${ctx.app}`)"#, module);
    case.request.extensions.insert("ada");
    assert_eq!(case.text().await, "shop ada true");
    assert_eq!(ends.recv().await, Some(true));
}

#[tokio::test]
async fn an_async_call_has_its_context_too() {
    let module = HostModule::new("m").async_function("who(n)", |call: CallContext, n: i64| async move {
        tokio::task::yield_now().await;
        Ok::<_, HostError>(format!("{} {} {n}", call.app(), call.script().name))
    });
    assert_eq!(run("m::who(3)", module).text().await, "shop test 3");
}

#[tokio::test]
async fn only_apps_that_were_granted_a_capability_may_use_its_module() {
    let module = lights().capability("lights");
    let (_, message) = run(r#"lights::get("hall").level"#, module.clone()).failure().await;
    assert_eq!(message, "lights::get: this app was not granted `lights`");
    for (slug, granted) in [("shop", true), ("*", true), ("other", false)] {
        let executor = RhaiExecutor::builder().module(module.clone()).grant(slug, "lights").build().unwrap();
        let case = Case { executor, ..script(r#"lights::get("hall").level"#) };
        assert_eq!(case.run().await.result.is_ok(), granted, "{slug}");
    }
}

#[test]
fn what_is_wrong_with_modules_is_told_at_once() {
    let module = HostModule::new("m")
        .function("spawn()", || 1_i64)
        .function("two(a)", |a: i64, b: i64| a + b)
        .function("one(a)", |a: i64| a)
        .function("one(b)", |b: String| b);
    let built = RhaiExecutor::builder()
        .module(module)
        .module(HostModule::new("time"))
        .module(HostModule::new("sync"))
        .build();
    let error = built.err().unwrap();
    for (problem, expected) in error.problems().iter().zip([
        "m::spawn: scripts cannot call this",
        "m::two: its signature names 1 parameters, and the function takes 2",
        "m::one: is there twice",
        "module `time`: there is one of this name already",
        "module `sync`: scripts cannot call this",
    ]) {
        assert!(problem.starts_with(expected), "{problem}");
    }
    assert_eq!(error.problems().len(), 5);
}

#[test]
fn everything_that_scripts_can_use_is_told() {
    let executor = RhaiExecutor::builder().module(lights().capability("lights")).build().unwrap();
    let definitions = executor.definitions();
    let find = |signature: &str| -> &Definition {
        definitions.iter().find(|d| d.signature == signature).unwrap_or_else(|| panic!("no {signature}"))
    };
    let get = find("lights::get(room: string) -> Light");
    assert_eq!(
        (get.name.as_str(), get.kind, get.doc.as_str()),
        ("lights::get", DefinitionKind::Function, "The light of a room.")
    );
    assert_eq!(get.capability.as_deref(), Some("lights"));
    assert_eq!(find("lights").doc, "The lights of the house.");
    assert_eq!(find("Light.dim(by: integer) -> integer").kind, DefinitionKind::Method);
    assert_eq!(find("Light.level: integer").kind, DefinitionKind::Property);
    assert_eq!(find("lights::BRIGHTEST: integer").kind, DefinitionKind::Constant);
    find("json::parse(data: string | blob) -> any");
    find("time::sleep(ms: integer)");
    find("ctx.params: map");
    find("ctx.bytes() -> blob");
    find("Response.header(name: string, value: string) -> Response");
    let own = definitions.iter().filter(|d| d.capability.is_none());
    assert!(own.clone().count() > 60, "{}", own.count());
    assert!(own.clone().all(|d| !d.doc.is_empty()), "something is not described");
    let first = serde_json::to_value(&definitions[0]).unwrap();
    assert_eq!(first["kind"], "constant");
    assert_eq!(first["name"], "ctx");
}
