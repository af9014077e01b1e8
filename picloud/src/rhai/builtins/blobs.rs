//! Blobs that are made by size, and those turned into arrays or text.

use rhai::{Blob, Dynamic, ImmutableString, Module};

use super::{
    cost::{self, Answer},
    mutating,
    printing::lossy,
    pure,
    splitting::collect,
};

pub(super) fn add(module: &mut Module) {
    pure(module, "blob", |len: i64| blob(len, 0));
    pure(module, "blob", blob);
    mutating(module, "pad", pad);
    pure(module, "to_array", |blob: &mut Blob| {
        collect(blob.iter().map(|&byte| (Dynamic::from(i64::from(byte)), 0)))
    });
    pure(module, "as_string", |blob: Blob| {
        let text = lossy(&blob)?;
        cost::room(text.len())?;
        Ok::<ImmutableString, cost::Refusal>(text.into())
    });
}

/// The low eight bits, as everywhere where Rhai puts numbers into blobs.
fn byte(value: i64) -> u8 {
    value.to_le_bytes()[0]
}

fn blob(len: i64, value: i64) -> Answer<Blob> {
    let len = usize::try_from(len).unwrap_or(0);
    cost::room(len)?;
    cost::work(len)?;
    Ok(vec![byte(value); len])
}

fn pad(blob: &mut Blob, len: i64, value: i64) -> Answer<()> {
    let wanted = usize::try_from(len).unwrap_or(0);
    let Some(missing @ 1..) = wanted.checked_sub(blob.len()) else { return Ok(()) };
    cost::room(wanted.saturating_add(blob.len()))?;
    cost::work(missing)?;
    blob.reserve_exact(missing);
    blob.resize(wanted, byte(value));
    Ok(())
}
