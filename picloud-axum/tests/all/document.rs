//! Holds every answer of every test against the OpenAPI document: its status is announced, and its body is as the
//! schema says.

use std::sync::LazyLock;

use http::Method;
use picloud_axum::Api;
use serde_json::Value;

use crate::world::Answer;

static DOCUMENT: LazyLock<Value> = LazyLock::new(Api::openapi);

/// Fails if the document does not tell of such an answer. What no operation answers is not in it.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Answer) {
    let Some(operation) = operation(method, path) else { return };
    let place = format!("{method} {path}");
    let answers = &operation["responses"];
    let Some(announced) = answers.get(answer.status.as_str()).or(answers.get("default")) else {
        panic!("{place}: {} is not documented: {}", answer.status, answer.text);
    };
    let content = resolve(announced)["content"].as_object();
    let Some(content) = content else { return };
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
    let body = content.get(media_type).unwrap_or_else(|| panic!("{place}: {media_type} is not documented"));
    if media_type.ends_with("json") {
        valid(&answer.json, &body["schema"]).unwrap_or_else(|why| panic!("{place}: {why}: {}", answer.text));
    }
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let fits = |template: &str| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    // What is written out goes before what has parameters, as in the router.
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first()?.1.get(method.as_str().to_lowercase())
}

fn resolve(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(&reference[1..]).unwrap(),
        None => value,
    }
}

/// Checks the part of JSON Schema that the document uses.
fn valid(value: &Value, schema: &'static Value) -> Result<(), String> {
    let schema = resolve(schema);
    if let Some(kinds) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let fits = kinds.iter().any(|kind| valid(value, kind).is_ok());
        return if fits { Ok(()) } else { Err(format!("{value} is none of {kinds:?}")) };
    }
    match &schema["type"] {
        Value::Null => {}
        Value::Array(kinds) if kinds.iter().any(|kind| is(value, kind)) => {}
        kind if is(value, kind) => {}
        kind => return Err(format!("{value} is not {kind}")),
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        valid(item, &schema["items"])?;
    }
    members(value, schema)
}

fn members(value: &Value, schema: &'static Value) -> Result<(), String> {
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(name.as_str().unwrap()) {
            return Err(format!("{name} is missing"));
        }
    }
    let Some(known) = schema["properties"].as_object() else { return Ok(()) };
    for (name, member) in members {
        let schema = known.get(name).ok_or_else(|| format!("{name} is not documented"))?;
        valid(member, schema).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

fn is(value: &Value, kind: &Value) -> bool {
    match kind.as_str() {
        Some("null") => value.is_null(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64() || value.is_i64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    }
}

#[test]
fn what_is_not_documented_is_noticed() {
    let schema = |name: &str| &DOCUMENT["components"]["schemas"][name];
    let app = serde_json::json!({
        "id": "x", "slug": "a", "limits": {}, "version": 1, "created_at": "2026-01-02T03:04:05Z",
    });
    assert_eq!(valid(&app, schema("App")), Ok(()));
    for (member, wrong) in [("version", "1".into()), ("slug", Value::Null), ("extra", 1.into())] {
        let mut app = app.clone();
        app[member] = wrong;
        assert!(valid(&app, schema("App")).is_err(), "{member}");
    }
    assert!(valid(&serde_json::json!({}), schema("App")).is_err());
}
