//! Between values of scripts and `serde_json::Value`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rhai::{Array, Dynamic, Map};
use serde_json::{Number, Value};

use super::{JsonError, key_step, write::unsupported};
use crate::rhai::builtins::Spending;

/// The value of a script for `value`, which the host has read and whose size and depth it has checked.
pub(in crate::rhai) fn from_value(value: &Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(truth) => (*truth).into(),
        Value::Number(number) => from_number(number),
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => values.iter().map(from_value).collect::<Array>().into(),
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| (key.as_str().into(), from_value(value)))
            .collect::<Map>()
            .into(),
    }
}

fn from_number(number: &Number) -> Dynamic {
    if let Some(number) = number.as_i64() {
        number.into()
    } else if let Some(number) = number.as_u64() {
        unsigned(number)
    } else {
        number.as_f64().unwrap_or(f64::NAN).into()
    }
}

/// An integer where it fits; the nearest float above.
#[allow(
    clippy::cast_precision_loss,
    reason = "scripts have no larger integer, and a float says how large it is"
)]
pub(super) fn unsigned(number: u64) -> Dynamic {
    i64::try_from(number).map_or_else(|_| (number as f64).into(), Dynamic::from)
}

/// The entries of a map, mapped as for JSON text.
pub(in crate::rhai) fn to_object(
    map: &Map,
    max_depth: usize,
) -> Result<serde_json::Map<String, Value>, JsonError> {
    let mut tree = Tree { spending: Spending::default(), max_depth };
    let entries = tree.entries(map, 0)?;
    tree.spending.settle()?;
    Ok(entries)
}

/// The same mapping as for JSON text.
pub(in crate::rhai) fn to_value(value: &Dynamic, max_depth: usize) -> Result<Value, JsonError> {
    let mut tree = Tree { spending: Spending::default(), max_depth };
    let value = tree.value(value, 0)?;
    tree.spending.settle()?;
    Ok(value)
}

struct Tree {
    spending: Spending,
    max_depth: usize,
}

impl Tree {
    fn value(&mut self, value: &Dynamic, depth: usize) -> Result<Value, JsonError> {
        self.spending.step()?;
        self.spending.grow(size_of::<Value>())?;
        if value.is_shared() {
            self.check(depth)?;
            return match value.read_lock::<Dynamic>() {
                Some(inner) => self.value(&inner, depth + 1),
                None => Err(unsupported(value)),
            };
        }
        if let Ok(text) = value.as_immutable_string_ref() {
            self.spending.grow(text.len())?;
            Ok(Value::String(text.to_string()))
        } else if let Ok(number) = value.as_int() {
            Ok(number.into())
        } else if let Ok(map) = value.as_map_ref() {
            self.entries(&map, depth).map(Value::Object)
        } else if let Ok(array) = value.as_array_ref() {
            self.array(&array, depth)
        } else {
            self.rarer(value)
        }
    }

    fn rarer(&mut self, value: &Dynamic) -> Result<Value, JsonError> {
        if value.is_unit() {
            Ok(Value::Null)
        } else if let Ok(truth) = value.as_bool() {
            Ok(truth.into())
        } else if let Ok(number) = value.as_float() {
            Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
        } else if let Ok(character) = value.as_char() {
            Ok(character.to_string().into())
        } else if let Ok(blob) = value.as_blob_ref() {
            self.spending.grow(blob.len().saturating_mul(2))?;
            Ok(STANDARD.encode(&*blob).into())
        } else {
            Err(unsupported(value))
        }
    }

    fn array(&mut self, array: &Array, depth: usize) -> Result<Value, JsonError> {
        self.check(depth)?;
        let mut values = Vec::new();
        for (index, value) in array.iter().enumerate() {
            let value =
                self.value(value, depth + 1).map_err(|error| error.inside(|| format!("[{index}]")))?;
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn entries(&mut self, map: &Map, depth: usize) -> Result<serde_json::Map<String, Value>, JsonError> {
        self.check(depth)?;
        let mut entries = serde_json::Map::new();
        for (key, value) in map {
            self.spending.grow(key.len() + 64)?;
            let value = self.value(value, depth + 1).map_err(|error| error.inside(|| key_step(key)))?;
            entries.insert(key.to_string(), value);
        }
        Ok(entries)
    }

    fn check(&self, depth: usize) -> Result<(), JsonError> {
        if depth < self.max_depth { Ok(()) } else { Err(JsonError::TooDeep { max_depth: self.max_depth }) }
    }
}
