//! Settings: what is in effect and where it comes from, and those that may change while the server runs.

use std::collections::BTreeMap;

use axum::extract::State;
use picloud::manager::Tuned;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    api::{Ctx, Setting},
    credential::Admin,
    error::ApiError,
    input::Json,
};

/// The settings that are in effect.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Config {
    items: Vec<ConfigItem>,
}

/// A setting.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ConfigItem {
    /// As in the settings file, such as `limits.memory`.
    name: String,
    /// As it is in effect, without secrets; null where nothing is set.
    value: Value,
    /// Where it comes from: `flag`, `environment`, `file`, `default`, or `database` where it was set through this API.
    source: String,
    /// Whether it may change while the server runs.
    changeable: bool,
}

/// Settings by name, each with what it is to be; null takes it back to what flag, environment, file or default say.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ConfigChanges(BTreeMap<String, Option<u64>>);

pub(crate) async fn read(State(api): State<Ctx>, _: Admin) -> Result<axum::Json<Config>, ApiError> {
    Ok(axum::Json(config(&api.options.settings, api.manager.settings().await?)))
}

pub(crate) async fn update(
    State(api): State<Ctx>,
    admin: Admin,
    Json(ConfigChanges(changes)): Json<ConfigChanges>,
) -> Result<axum::Json<Config>, ApiError> {
    let tuned = api.manager.set_settings(&admin.actor(), changes).await?;
    Ok(axum::Json(config(&api.options.settings, tuned)))
}

/// What the server was started with, and over it what was set since.
fn config(started: &[Setting], tuned: Vec<Tuned>) -> Config {
    let fixed = started.iter().filter(|setting| tuned.iter().all(|tuned| tuned.name != setting.name));
    let fixed = fixed.cloned().map(|Setting { name, value, source }| ConfigItem {
        name,
        value,
        source,
        changeable: false,
    });
    let mut items: Vec<_> = fixed.collect();
    items.extend(tuned.iter().map(|tuned| changeable(started, tuned)));
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Config { items }
}

fn changeable(started: &[Setting], tuned: &Tuned) -> ConfigItem {
    let before = started.iter().find(|setting| setting.name == tuned.name);
    let source = match before {
        _ if tuned.is_set => "database",
        Some(setting) => &setting.source,
        None => "default",
    };
    let (name, source) = (tuned.name.to_owned(), source.to_owned());
    ConfigItem { name, value: tuned.value.into(), source, changeable: true }
}
