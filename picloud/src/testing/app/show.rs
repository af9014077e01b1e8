//! A run and its answer as text, for failures.

use std::fmt::{self, Write as _};

use super::TestResponse;
use crate::rhai::kit::Reply;
use crate::{LogLine, embed::point_at};

/// Bytes of a body that are shown.
const MOST: usize = 2_000;

/// An answer with all that belongs to it, as text.
pub(in crate::testing) struct Told<'a>(pub(in crate::testing) &'a str, pub(in crate::testing) &'a Reply);

impl TestResponse {
    /// The answer, the script's place and its log, as text.
    pub(super) fn told(&self) -> String {
        Told(&self.asked, &self.reply).to_string()
    }
}

impl fmt::Debug for TestResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told())
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(asked, Reply { response, run }) = self;
        let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        writeln!(f, "{asked}\nanswered {} {}", response.status().as_u16(), kind.unwrap_or_default())?;
        if !response.body().is_empty() {
            writeln!(f, "{}", indented(&body(response.body())))?;
        }
        let Some(run) = run else { return f.write_str("no script ran\n") };
        if let Some(failure) = &run.failure {
            let log = failure.log.as_deref();
            let message = log.map_or(&failure.detail, |log| &log.message);
            match log.and_then(|log| log.position) {
                Some(at) => writeln!(f, "{}", point_at(&run.script, &run.source, message, at))?,
                None => writeln!(f, "script `{}`: {message}", run.script)?,
            }
        }
        if !run.logs.is_empty() {
            writeln!(f, "logged\n{}", indented(&lines(&run.script, &run.logs)))?;
        }
        let stats = run.stats;
        writeln!(f, "used {} operations, {} bytes, {:?}", stats.operations, stats.peak_memory, stats.wall)
    }
}

fn body(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return format!("{} bytes that are no text", bytes.len());
    };
    let end = text.floor_char_boundary(MOST);
    let more =
        if end < text.len() { format!("\n… {} bytes more", text.len() - end) } else { String::new() };
    format!("{}{more}", &text[..end])
}

/// Log lines with level and place.
pub(in crate::testing) fn lines(script: &str, logs: &[LogLine]) -> String {
    let mut text = String::new();
    for line in logs {
        let place = line.position.map_or_else(String::new, |at| format!(":{}", at.line));
        let _ = write!(text, "{:<5} {script}{place}: {}", line.level.as_str(), line.message);
        if !line.fields.is_empty() {
            let _ = write!(text, " {}", serde_json::Value::Object(line.fields.clone()));
        }
        text.push('\n');
    }
    text.pop();
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}
