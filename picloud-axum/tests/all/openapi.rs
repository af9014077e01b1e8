//! The OpenAPI document: true, whole and fresh.

use std::{collections::HashSet, fs, path::Path};

use picloud_axum::Api;
use serde_json::Value;

use crate::world::{World, request};

/// Set this to write the copy anew.
const WRITE: &str = "PICLOUD_WRITE_OPENAPI";

#[test]
fn the_copy_in_the_repository_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let document = Api::openapi();
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, format!("{document:#}\n")).unwrap();
    }
    let copy: Value = serde_json::from_slice(&fs::read(path).unwrap_or_default()).unwrap_or_default();
    assert!(
        copy == document,
        "picloud-axum/openapi.json is stale: {WRITE}=1 cargo test -p picloud-axum openapi"
    );
}

#[tokio::test]
async fn it_is_served_to_everyone() {
    let world = World::new().await;
    let served = world.send(request("GET", "/api/v1/openapi.json").body(Default::default()).unwrap()).await;
    assert_eq!(served.expect(200).json, Api::openapi());
}

/// Every operation, with its method and path.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, item)| {
            let operations = item.as_object().unwrap().iter();
            operations.map(move |(method, operation)| (method.as_str(), path.as_str(), operation))
        })
        .collect()
}

#[test]
fn every_operation_says_what_clients_need() {
    let document = Api::openapi();
    let operations = operations(&document);
    let known: HashSet<_> = operations.iter().map(|(method, path, _)| (*method, *path)).collect();
    for route in Api::closed() {
        assert!(known.contains(&route), "{route:?} is not in the document");
    }
    let names: HashSet<_> = operations.iter().map(|(_, _, operation)| &operation["operationId"]).collect();
    assert_eq!(names.len(), operations.len(), "each has a name of its own");
    for (method, path, operation) in operations {
        let place = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() > 5), "{place}");
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2') || status == "default"), "{place}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let mut declared: Vec<_> = parameters
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let mut named: Vec<_> =
            path.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
        declared.sort_unstable();
        named.sort_unstable();
        assert_eq!(declared, named, "{place}");
        let closed = operation["security"].is_array();
        let listed =
            Api::closed().any(|route| route == (method, path)) || path.starts_with("/api/v1/execute/");
        assert_eq!(closed, listed, "{place}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_has_a_good_name() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(members) => {
                found.extend(members.get("$ref").and_then(Value::as_str));
                members.values().for_each(|member| references(member, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let document = Api::openapi();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        // A number at the end means that two types have one name.
        assert!(!name.ends_with(|last: char| last.is_ascii_digit()), "{name}");
        assert!(!schema.to_string().contains("[`"), "a link that only Rust understands: {name}");
    }
}
