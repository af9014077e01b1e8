//! Settings: shown with their source, and changed while the server runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use picloud::manager::Tunable;
use picloud_axum::{Options, Setting};
use serde_json::{Value, json};

use crate::world::World;

/// A platform with one setting that may change, and what that is.
async fn world() -> (World, Arc<AtomicU64>) {
    let in_effect = Arc::new(AtomicU64::new(0));
    let seen = in_effect.clone();
    let tunable = Tunable {
        name: "max_running",
        range: 1..=100,
        default: 50,
        apply: Arc::new(move |value| seen.store(value, Relaxed)),
    };
    let shown = |name: &str, value: Value, source: &str| Setting {
        name: name.to_owned(),
        value,
        source: source.to_owned(),
    };
    let settings =
        vec![shown("listen", json!("127.0.0.1:1"), "flag"), shown("max_running", json!(50), "file")];
    let options = Options { settings, ..Options::default() };
    let world = World::tunable(options, vec![tunable]).await;
    (world, in_effect)
}

fn item(config: &Value, name: &str) -> (Value, String, bool) {
    let found = config["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap();
    let source = found["source"].as_str().unwrap().to_owned();
    (found["value"].clone(), source, found["changeable"].as_bool().unwrap())
}

#[tokio::test]
async fn settings_are_shown_and_changed() {
    let (world, in_effect) = world().await;
    let config = world.ask("GET", "/config").await.expect(200).json;
    assert_eq!(item(&config, "listen"), (json!("127.0.0.1:1"), "flag".to_owned(), false));
    assert_eq!(item(&config, "max_running"), (json!(50), "file".to_owned(), true));
    let changed = world.post("PATCH", "/config", json!({"max_running": 7})).await.expect(200).json;
    assert_eq!(item(&changed, "max_running"), (json!(7), "database".to_owned(), true));
    assert_eq!(in_effect.load(Relaxed), 7);
    assert_eq!(world.ask("GET", "/config").await.json, changed);
    let back = world.post("PATCH", "/config", json!({"max_running": null})).await.expect(200).json;
    assert_eq!(back, config);
    assert_eq!(in_effect.load(Relaxed), 50);
    let trail = world.ask("GET", "/audit?limit=2").await.json;
    assert_eq!(
        (&trail["items"][0]["action"], &trail["items"][0]["name"]),
        (&json!("config.update"), &json!("max_running"))
    );
}

#[tokio::test]
async fn what_cannot_be_set_changes_nothing() {
    let (world, in_effect) = world().await;
    for (body, field, code) in [
        (json!({"max_running": 0}), "max_running", "out_of_range"),
        (json!({"max_running": 101}), "max_running", "out_of_range"),
        (json!({"max_running": "7"}), "max_running", "invalid_type"),
        (json!({"listen": 1, "max_running": 7}), "listen", "unknown_field"),
        (json!({"no_such": null}), "no_such", "unknown_field"),
    ] {
        world.post("PATCH", "/config", body).await.expect_invalid(field, code);
    }
    assert_eq!(in_effect.load(Relaxed), 0, "nothing was put into effect");
    assert_eq!(item(&world.ask("GET", "/config").await.json, "max_running").0, 50);
}
