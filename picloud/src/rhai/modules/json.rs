//! `json::parse`, `json::stringify`.

use rhai::{Dynamic, ImmutableString};

use super::{Answer, Bytes, Library, failure};
use crate::rhai::{builtins::MAX_DEPTH, json};

pub(super) fn json() -> Library {
    Library::new("json", "JSON texts. 64-bit integers stay exact.")
        .add("parse(data: string | blob) -> any", "The value of a JSON text.", |text: Dynamic| {
            let text = Bytes::of(text, "json::parse")?;
            json::parse(&text, MAX_DEPTH).map_err(|error| error.in_function("json::parse"))
        })
        .add("stringify(value: any) -> string", "Compact JSON text.", |value: &mut Dynamic| {
            stringify(value, 0)
        })
        .add(
            "stringify(value: any, indent: integer) -> string",
            "JSON text on several lines, with 0 to 10 spaces a level.",
            |value: &mut Dynamic, indent: i64| match usize::try_from(indent) {
                Ok(indent @ 0..=10) => stringify(value, indent),
                _ => Err(failure("json::stringify", "the indentation must be 0 to 10 spaces")),
            },
        )
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
