//! `json::parse`, `json::stringify`.

use rhai::{Dynamic, ImmutableString, Module};

use super::{Answer, Bytes, failure, pure};
use crate::rhai::{builtins::MAX_DEPTH, json};

/// `parse(text)`, `stringify(value)`, `stringify(value, indent)` with 0 to 10 spaces a level.
pub(super) fn json() -> Module {
    let mut module = Module::new();
    pure(&mut module, "parse", |text: Dynamic| {
        let text = Bytes::of(text, "json::parse")?;
        json::parse(&text, MAX_DEPTH).map_err(|error| error.in_function("json::parse"))
    });
    pure(&mut module, "stringify", |value: &mut Dynamic| stringify(value, 0));
    pure(&mut module, "stringify", |value: &mut Dynamic, indent: i64| match usize::try_from(indent) {
        Ok(indent @ 0..=10) => stringify(value, indent),
        _ => Err(failure("json::stringify", "the indentation must be 0 to 10 spaces")),
    });
    module
}

fn stringify(value: &Dynamic, indent: usize) -> Answer<ImmutableString> {
    let mut out = Vec::new();
    let done = if indent == 0 {
        json::write(value, MAX_DEPTH, &mut out)
    } else {
        json::write_pretty(value, MAX_DEPTH, indent, &mut out)
    };
    done.map_err(|error| error.in_function("json::stringify"))?;
    super::afford(out.len())?;
    Ok(json::into_text(out)?.into())
}
