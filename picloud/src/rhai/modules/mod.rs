//! The modules that every script has and that need nothing of a run but its budget.
//!
//! Functions take strings or blobs where either makes sense, and say in their errors which function did not like
//! what. `time` is a function of its own, because more is added to it before it is shared.

use rhai::{Blob, Dynamic, EvalAltResult, ImmutableString, Module, Position, Shared};

mod crypto;
mod encoding;
mod json;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod url;

pub(super) use time::time;

use super::{
    builtins::{Answer, Refusal, cost},
    library::Library,
};

/// Each module, except `time`.
pub(super) fn all() -> [Library; 6] {
    [json::json(), encoding::base64(), encoding::hex(), url::url(), crypto::crypto(), text::text()]
}

/// A module, ready for [`rhai::Engine::register_static_module`].
pub(super) fn share(mut module: Module) -> Shared<Module> {
    module.build_index();
    module.into()
}

/// An ordinary error of a script's call.
fn failure(function: &str, what: impl std::fmt::Display) -> Refusal {
    EvalAltResult::ErrorRuntime(format!("{function}: {what}").into(), Position::NONE).into()
}

/// Bytes that a script passed as a string or as a blob.
enum Bytes {
    Text(ImmutableString),
    Blob(Blob),
}

impl Bytes {
    fn of(value: Dynamic, function: &str) -> Answer<Self> {
        if value.is_string() {
            value.into_immutable_string().map(Self::Text).map_err(|_| failure(function, "not a string"))
        } else if value.is_blob() {
            value.into_blob().map(Self::Blob).map_err(|_| failure(function, "not a blob"))
        } else {
            Err(failure(function, format_args!("expected a string or a blob, not {}", kind(&value))))
        }
    }
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Blob(blob) => blob,
        }
    }
}

/// A string, or an error that says what came instead.
fn string(value: Dynamic, function: &str) -> Answer<ImmutableString> {
    if value.is_string() {
        value.into_immutable_string().map_err(|_| failure(function, "not a string"))
    } else {
        Err(failure(function, format_args!("expected a string, not {}", kind(&value))))
    }
}

/// What scripts call the type of `value`.
pub(super) fn kind(value: &Dynamic) -> &'static str {
    if value.is_unit() {
        "()"
    } else if value.is_fnptr() {
        "a function"
    } else if value.is_int() {
        "an integer"
    } else if value.is_float() {
        "a float"
    } else if value.is_bool() {
        "a boolean"
    } else {
        value.type_name()
    }
}

/// Room and work for a result of `bytes`, which is copied once on its way to the script.
fn afford(bytes: usize) -> Answer<()> {
    cost::room(bytes.saturating_mul(2))?;
    cost::work(bytes)
}
