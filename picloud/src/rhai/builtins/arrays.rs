//! `pad` for arrays, which may multiply a large value, and JSON for maps.

use rhai::{Array, Dynamic, ImmutableString, Map, Module};

use super::{
    cost::{self, Answer, MAX_DEPTH, SLOT, Spending},
    mutating, pure,
};
use crate::rhai::json;

pub(super) fn add(module: &mut Module) {
    mutating(module, "pad", pad);
    pure(module, "to_json", |map: &mut Map| {
        let text = json::stringify_map(map, MAX_DEPTH).map_err(|error| error.in_function("to_json"))?;
        Ok::<ImmutableString, cost::Refusal>(text.into())
    });
    pure(module, "parse_json", |text: ImmutableString| {
        json::parse(text.as_bytes(), MAX_DEPTH).map_err(|error| error.in_function("parse_json"))
    });
}

/// Makes `array` at least `len` elements long with copies of `item`.
fn pad(array: &mut Array, len: i64, item: Dynamic) -> Answer<()> {
    let wanted = usize::try_from(len).unwrap_or(0);
    let Some(missing @ 1..) = wanted.checked_sub(array.len()) else { return Ok(()) };
    let mut spending = Spending::default();
    let copy = copy_size(&item, 0, &mut spending)?;
    // The array moves when it grows, so both its old and its new place count.
    let slots = wanted.saturating_add(array.len()).saturating_mul(SLOT);
    cost::room(slots.saturating_add(copy.saturating_mul(missing)))?;
    array.reserve_exact(missing);
    for _ in 1..missing {
        spending.work(cost::SLOT.saturating_add(copy))?;
        array.push(item.clone());
    }
    array.push(item);
    spending.settle()
}

/// The bytes that a copy of `value` takes on the heap. Strings are shared and cost nothing.
fn copy_size(value: &Dynamic, depth: usize, spending: &mut Spending) -> Answer<usize> {
    if depth > MAX_DEPTH {
        return Err(format!("a value nested deeper than {MAX_DEPTH} levels cannot be copied by pad").into());
    }
    spending.step()?;
    let mut bytes = 0_usize;
    if value.is_shared() {
        return Ok(0);
    } else if let Ok(array) = value.as_array_ref() {
        bytes = array.len().saturating_mul(SLOT).saturating_add(24);
        for value in array.iter() {
            bytes = bytes.saturating_add(copy_size(value, depth + 1, spending)?);
        }
    } else if let Ok(map) = value.as_map_ref() {
        bytes = map.len().saturating_mul(64).saturating_add(512);
        for (key, value) in map.iter() {
            let inner = copy_size(value, depth + 1, spending)?;
            bytes = bytes.saturating_add(inner).saturating_add(key.len());
        }
    } else if let Ok(blob) = value.as_blob_ref() {
        bytes = blob.len().saturating_add(24);
    } else if let Some(function) = value.read_lock::<rhai::FnPtr>() {
        bytes = 128;
        for value in function.iter_curry() {
            bytes = bytes.saturating_add(SLOT).saturating_add(copy_size(value, depth + 1, spending)?);
        }
    }
    Ok(bytes)
}
