//! JSON to and from values of scripts, with bounds on depth and size; 64-bit integers stay exact.
//!
//! | script | JSON |
//! |---|---|
//! | `()` | `null` |
//! | boolean, integer, string, array, map | the same; map keys in order |
//! | float | number; NaN and infinities have no JSON form and become `null` |
//! | char | string |
//! | blob | string of standard base64 with padding |
//! | function pointer, any other type | an error that names the type and the place |
//!
//! From JSON, numbers without fraction and exponent become integers where they fit into 64 bits with sign, and
//! floats where they do not. Of equal keys the last one wins.

mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::fmt;

use rhai::{EvalAltResult, Map, Position};

pub(super) use read::parse;
pub(super) use value::{from_value, to_object, to_value};
pub(super) use write::{write, write_pretty};

use super::builtins::{Answer, Refusal};

/// Why something could not be read or written as JSON.
#[derive(Debug)]
pub(super) enum JsonError {
    /// The text is not JSON.
    Syntax {
        /// What is wrong.
        message: String,
        /// Line, from 1; 0 if unknown.
        line: usize,
        /// Column in bytes, from 1; 0 before the first byte.
        column: usize,
    },
    /// Nested deeper than allowed.
    TooDeep {
        /// How deep it may be.
        max_depth: usize,
    },
    /// A value has no JSON form.
    Unsupported {
        /// What it is.
        what: String,
        /// Where it is, like `.items[3].f`; empty for the value itself.
        path: String,
    },
    /// The budget of the run is used up, or another error of the engine that must be passed on as it is.
    Refused(Refusal),
}

impl JsonError {
    /// As a script error of the function `name`.
    pub(super) fn in_function(self, name: &str) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => EvalAltResult::ErrorRuntime(format!("{name}: {other}").into(), Position::NONE).into(),
        }
    }

    /// Puts a step before the path, on the way out of a nested value.
    fn inside(mut self, step: impl FnOnce() -> String) -> Self {
        if let Self::Unsupported { path, .. } = &mut self {
            path.insert_str(0, &step());
        }
        self
    }
}

impl From<Refusal> for JsonError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { message, line: 0, .. } => f.write_str(message),
            Self::Syntax { message, line, column } => write!(f, "{message} at line {line} column {column}"),
            Self::TooDeep { max_depth } => write!(f, "nested deeper than {max_depth} levels"),
            Self::Unsupported { what, path } if path.is_empty() => write!(f, "{what} has no JSON form"),
            Self::Unsupported { what, path } => write!(f, "{what} at {path} has no JSON form"),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

/// A map as compact JSON text.
pub(super) fn stringify_map(map: &Map, max_depth: usize) -> Result<String, JsonError> {
    let mut out = Vec::new();
    write::write_map(map, max_depth, &mut out)?;
    into_text(out).map_err(JsonError::Refused)
}

/// What the writer has written, as a string.
pub(super) fn into_text(out: Vec<u8>) -> Answer<String> {
    String::from_utf8(out).map_err(|error| error.to_string().into())
}

/// A step of a path.
fn key_step(key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || c == '_';
    if !key.is_empty() && key.len() <= 64 && key.chars().all(plain) {
        format!(".{key}")
    } else {
        format!("[{:?}]", key.chars().take(64).collect::<String>())
    }
}
