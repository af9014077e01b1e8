//! What is wrong with an app's definition, as a terminal shows it.

use std::fmt;

use crate::{Diagnostic, Position};

/// Everything that is wrong with an app's definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError(pub(super) Vec<String>);

impl BuildError {
    pub(super) fn one(problem: impl Into<String>) -> Self {
        Self(vec![problem.into()])
    }

    /// One text for each thing that is wrong.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n\n"))
    }
}

impl std::error::Error for BuildError {}

pub(super) fn render(name: &str, source: &str, diagnostic: &Diagnostic) -> String {
    let Diagnostic { line, column, message, severity: _ } = diagnostic;
    point_at(name, source, message, Position { line: *line, column: *column })
}

/// A message about a script, with the source line and a caret below the place, for terminals.
#[must_use]
pub fn point_at(script: &str, source: &str, message: &str, at: Position) -> String {
    let Position { line, column } = at;
    let text = source.lines().nth((line as usize).saturating_sub(1)).unwrap_or_default();
    let before = text.chars().take((column as usize).saturating_sub(1));
    let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let margin = " ".repeat(line.to_string().len());
    format!(
        "script `{script}`: {message}\n{margin}--> {script}.rhai:{line}:{column}\n{margin} |\n{line} | {text}\n{margin} | {indent}^"
    )
}
