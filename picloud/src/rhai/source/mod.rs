//! Rewrites a script before it is compiled, so that no `switch` hashes a value whose hash takes for ever.
//!
//! Rhai hashes what a `switch` looks at in one go: an array of half a million references to one long string fits into
//! any memory limit, and takes minutes. So `switch x {` is compiled as `switch __switch::on(x) {`, where the function
//! refuses values that hold others. Positions are translated back by [`Columns`].

use std::borrow::Cow;

use rhai::{Dynamic, EvalAltResult, Module, NativeCallContext};

use super::builtins::{Answer, cost, pure};
use crate::{Diagnostic, Position};

mod scanner;
pub(super) use scanner::{Word, words};
#[cfg(test)]
mod tests;

/// The module of the function that looks at each subject first. No script can declare functions in a module.
pub(super) const MODULE: &str = "__switch";
const BEFORE: &str = " __switch::on(";
const AFTER: &str = ")";

/// What is compiled in place of a script.
pub(super) struct Prepared<'a> {
    pub(super) text: Cow<'a, str>,
    pub(super) columns: Columns,
    /// Whether the source could be read to its end. If not, Rhai's parser says what is wrong with it.
    pub(super) understood: bool,
}

/// Rewrites `source`.
///
/// # Errors
/// A `switch` on an expression whose end cannot be seen without parsing it.
pub(super) fn prepare(source: &str) -> Result<Prepared<'_>, Diagnostic> {
    let untouched = |understood| Prepared { text: source.into(), columns: Columns::default(), understood };
    if !source.contains("switch") {
        return Ok(untouched(true));
    }
    match scanner::subjects(source) {
        Ok(marks) if marks.is_empty() => Ok(untouched(true)),
        Ok(marks) => Ok(rewritten(source, &marks)),
        Err(scanner::End::Irregular) => Ok(untouched(false)),
        Err(scanner::End::Refused(diagnostic)) => Err(diagnostic),
    }
}

fn rewritten<'a>(source: &str, marks: &[scanner::Mark]) -> Prepared<'a> {
    let mut text = String::with_capacity(source.len() + marks.len() * BEFORE.len());
    let mut columns = Columns::default();
    let mut done = 0;
    for mark in marks {
        let inserted = if mark.opens { BEFORE } else { AFTER };
        text.push_str(&source[done..mark.offset]);
        text.push_str(inserted);
        columns.0.push(Inserted { at: mark.at, length: inserted.len() as u32, shown: mark.shown });
        done = mark.offset;
    }
    text.push_str(&source[done..]);
    Prepared { text: text.into(), columns, understood: true }
}

/// What was inserted where: leads from places in the compiled text to places in the source.
#[derive(Default)]
pub(super) struct Columns(Vec<Inserted>);

struct Inserted {
    /// Where in the source: before this column.
    at: Position,
    length: u32,
    /// The column that stands for the inserted text itself.
    shown: u32,
}

impl Columns {
    /// Whether anything was inserted.
    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The place in the source that `compiled` comes from.
    pub(super) fn original(&self, compiled: Position) -> Position {
        let Position { line, mut column } = compiled;
        let first = self.0.partition_point(|inserted| inserted.at.line < line);
        for inserted in self.0[first..].iter().take_while(|inserted| inserted.at.line == line) {
            if column < inserted.at.column {
                break;
            }
            if column < inserted.at.column + inserted.length {
                return Position { line, column: inserted.shown };
            }
            column -= inserted.length;
        }
        Position { line, column }
    }
}

/// The module with the function around each subject.
pub(super) fn module() -> Module {
    let mut module = Module::new();
    pure(&mut module, "on", subject);
    module
}

/// Gives `value` back if it can be hashed in no time, or counts the time.
fn subject(cx: NativeCallContext<'_>, value: &mut Dynamic) -> Answer<Dynamic> {
    if value.is_array() || value.is_map() || value.is_fnptr() {
        let text = "switch compares with constants; an array, map or function cannot be switched on";
        return Err(EvalAltResult::ErrorRuntime(text.into(), cx.call_position()).into());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        cost::work(text.len())?;
    } else if let Ok(blob) = value.as_blob_ref() {
        cost::work(blob.len())?;
    }
    Ok(value.clone())
}
