//! What commands print.

use std::io::{self, Write};

use serde::Serialize;

/// One line. A reader that has gone is no failure of the command.
pub(super) fn line(text: &str) {
    let mut output = io::stdout().lock();
    if writeln!(output, "{text}").and_then(|()| output.flush()).is_err() {
        std::process::exit(0);
    }
}

/// A result as JSON, in one line.
pub(super) fn json(value: &impl Serialize) -> Result<(), String> {
    serde_json::to_string(value).map(|text| line(&text)).map_err(|error| error.to_string())
}
