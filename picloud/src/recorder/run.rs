//! A run as the log sees it, and the record made of it.

use serde_json::Value;

use crate::{
    Code, FailureLog, Finished, LogLine, Received, Refused, Script, Stats,
    store::{ExecutionRecord, MinuteRecord},
};

/// Bytes kept of a path.
const MAX_PATH: usize = 2048;

/// What is recorded of a run, all borrowed.
pub(super) struct Run<'a> {
    pub(super) script: &'a Script,
    pub(super) request: Received<'a>,
    pub(super) status: u16,
    pub(super) failure: Option<Failed<'a>>,
    pub(super) lines: &'a [LogLine],
    pub(super) lines_dropped: u64,
    /// `None` if the script did not run.
    pub(super) stats: Option<Stats>,
}

/// Why a run failed.
pub(super) struct Failed<'a> {
    pub(super) code: Code,
    pub(super) detail: &'a str,
    pub(super) log: Option<&'a FailureLog>,
}

impl<'a> Run<'a> {
    /// A run that has ended.
    pub(super) fn of(run: &'a Finished<'a>) -> Self {
        let Finished { script, request, outcome } = run;
        let failure = outcome.result.as_ref().err().map(|failure| Failed {
            code: failure.code,
            detail: &failure.detail,
            log: failure.log.as_deref(),
        });
        let (lines, lines_dropped, stats) = (&*outcome.logs, outcome.logs_dropped, Some(outcome.stats));
        let status = run.status().as_u16();
        Self { script, request: *request, status, failure, lines, lines_dropped, stats }
    }

    /// A request that was refused before `script` ran.
    pub(super) fn refused(script: &'a Script, refused: &'a Refused<'a>) -> Self {
        let Refused { script: _, request, code, detail } = refused;
        let failure = Some(Failed { code: *code, detail, log: None });
        let status = code.status().as_u16();
        Self { script, request: *request, status, failure, lines: &[], lines_dropped: 0, stats: None }
    }

    /// Adds the run to the counts of its minute.
    pub(super) fn count(&self, row: &mut MinuteRecord) {
        row.count += 1;
        row.errors += u64::from(self.failure.is_some());
        if let Some(stats) = self.stats {
            row.wall_us.record(micros(stats.wall));
            row.operations.record(stats.operations);
        }
    }

    /// About how many bytes the record takes.
    pub(super) fn size(&self) -> usize {
        let lines: usize = self.lines.iter().map(line_size).sum();
        let log = self.failure.as_ref().and_then(|failure| failure.log);
        let log = log.map_or(0, |log| {
            log.message.len() + log.trace.iter().map(|frame| frame.function.len() + 48).sum::<usize>()
        });
        let texts = self.script.name.len() + self.request.path.len().min(MAX_PATH) + self.request.route.len();
        size_of::<ExecutionRecord>() + texts + lines + log
    }

    pub(super) fn record(&self) -> ExecutionRecord {
        let log = self.failure.as_ref().and_then(|failure| failure.log);
        let message = self.failure.as_ref().map(|failure| log.map_or(failure.detail, |log| &log.message));
        let Stats { operations, wall, cpu, peak_memory } = self.stats.unwrap_or_default();
        let Received { id, at, trigger, method, path, route, ip } = self.request;
        // What is no request has neither method nor status; its name stands in place of the path.
        let is_request = trigger == "http";
        ExecutionRecord {
            id,
            app: self.script.app,
            script: self.script.id,
            script_name: self.script.name.to_string(),
            version: self.script.version,
            trigger: without_nul(trigger.to_owned()),
            at,
            method: if is_request { method.as_str().to_owned() } else { String::new() },
            path: without_nul(path[..path.floor_char_boundary(MAX_PATH)].to_owned()),
            route: route.to_owned(),
            status: if is_request { self.status } else { 0 },
            code: self.failure.as_ref().map(|failure| failure.code.as_str().to_owned()),
            message: message.map(|message| without_nul(message.to_owned())),
            position: log.and_then(|log| log.position),
            trace: log.map(|log| log.trace.clone()).unwrap_or_default(),
            lines: self.lines.iter().map(kept_line).collect(),
            lines_dropped: self.lines_dropped,
            wall_us: micros(wall),
            cpu_us: micros(cpu),
            operations,
            peak_memory,
            ip: ip.map(|ip| ip.to_string()),
        }
    }
}

fn line_size(line: &LogLine) -> usize {
    // Numbers and names of fields count as much as a text of this length.
    const FIELD: usize = 96;
    let fields =
        line.fields.iter().map(|(name, value)| name.len() + FIELD + value.as_str().map_or(0, str::len));
    size_of::<LogLine>() + line.message.len() + fields.sum::<usize>()
}

fn kept_line(line: &LogLine) -> LogLine {
    let LogLine { at_ms, level, message, fields, position } = line.clone();
    let fields = fields.into_iter().map(|(name, value)| (without_nul(name), value_without_nul(value)));
    LogLine { at_ms, level, message: without_nul(message), fields: fields.collect(), position }
}

/// No store keeps the one character that no database can.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "␀") } else { text }
}

fn value_without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(text)),
        Value::Array(items) => items.into_iter().map(value_without_nul).collect(),
        Value::Object(map) => {
            map.into_iter().map(|(name, value)| (without_nul(name), value_without_nul(value))).collect()
        }
        other => other,
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
