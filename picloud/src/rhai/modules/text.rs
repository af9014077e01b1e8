//! `text`: small helps for building pages and messages.

use rhai::{Dynamic, ImmutableString, NativeCallContext};

use super::{Answer, Library, afford, cost, string};
use crate::rhai::builtins::Text;

pub(super) fn text() -> Library {
    Library::new("text", "Helps for building pages and messages.")
        .add(
            "escape_html(value: any) -> string",
            "The value as text with `& < > \" '` escaped: safe in HTML text and in quoted attributes.",
            escape_html,
        )
        .add(
            "trim_indent(text: string) -> string",
            "Without blank first and last line, and without the indentation that all lines share.",
            |text: Dynamic| trim_indent(&string(text, "text::trim_indent")?),
        )
}

fn escape_html(ctx: NativeCallContext<'_>, mut value: Dynamic) -> Answer<ImmutableString> {
    let plain = if value.is_string() {
        string(value, "text::escape_html")?
    } else {
        let mut text = Text::new();
        text.display(&ctx, &mut value)?;
        text.finish()?
    };
    cost::work(plain.len())?;
    if !plain.contains(SPECIAL) {
        return Ok(plain);
    }
    let mut escaped = Text::new();
    let mut rest = &*plain;
    while let Some(at) = rest.find(SPECIAL) {
        escaped.push(&rest[..at])?;
        escaped.push(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    escaped.push(rest)?;
    escaped.finish()
}

const SPECIAL: [char; 5] = ['&', '<', '>', '"', '\''];

fn trim_indent(text: &str) -> Answer<ImmutableString> {
    afford(text.len().saturating_mul(2))?;
    let blank = |line: &str| line.trim().is_empty();
    let indent_of = |line: &str| line.len() - line.trim_start().len();
    let indent = text.lines().filter(|line| !blank(line)).map(indent_of).min().unwrap_or(0);
    let last = text.split('\n').count() - 1;
    let mut trimmed = String::with_capacity(text.len());
    let mut first = true;
    for (index, line) in text.split('\n').enumerate() {
        if (index == 0 || index == last) && blank(line) {
            continue;
        }
        if !std::mem::take(&mut first) {
            trimmed.push('\n');
        }
        // Blank lines may be shorter than the indentation, and odd spaces may be wider than a byte.
        trimmed.push_str(line.get(indent..).unwrap_or(if blank(line) { "" } else { line }));
    }
    Ok(trimmed.into())
}
