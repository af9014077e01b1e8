//! What scripts did: executions with their lines, and counts by minute.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Page, StoreFuture};
use crate::{AppId, Frame, Level, LogLine, Position, RequestId, ScriptId};

/// The execution log and statistics. Losing some of it in a crash is no loss of truth; it is never in the way of a
/// request. Rows go with their app.
pub trait LogStore: Send + Sync {
    /// Keeps executions, and adds counts to those that are there for the same app, script and minute. Rows of apps that
    /// are gone are left out.
    fn append_log(&self, executions: Vec<ExecutionRecord>, minutes: Vec<MinuteRecord>)
    -> StoreFuture<'_, ()>;

    /// Executions of an app that `filter` lets through, newest first: those before `page.after`.
    fn executions(
        &self,
        app: AppId,
        filter: ExecutionFilter,
        page: Page<RequestId>,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>>;

    /// One execution.
    fn execution(&self, app: AppId, id: RequestId) -> StoreFuture<'_, ExecutionRecord>;

    /// Counts of an app from minute `since` to before minute `until` (minutes since 1970 UTC), ordered by minute and
    /// script; of one script where one is given.
    fn minutes(
        &self,
        app: AppId,
        script: Option<ScriptId>,
        since: i64,
        until: i64,
    ) -> StoreFuture<'_, Vec<MinuteRecord>>;

    /// Removes what is older or more than `retention` allows; says how many executions went.
    fn prune_log(&self, retention: Retention) -> StoreFuture<'_, u64>;
}

/// One run of a script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionRecord {
    /// Names the run; the same as in the answer's `x-request-id`. Ordered by time.
    pub id: RequestId,
    /// The owning app.
    pub app: AppId,
    /// The script that ran.
    pub script: ScriptId,
    /// Its name then.
    pub script_name: String,
    /// Its version then.
    pub version: u64,
    /// `http`, `event`, `invoke`, …
    pub trigger: String,
    /// When it started: microseconds since 1970 UTC.
    pub at: i64,
    /// HTTP method; empty for other triggers.
    pub method: String,
    /// The path as received, cut to 2 KiB; for other triggers the name of what happened.
    pub path: String,
    /// The route that matched; empty for other triggers.
    pub route: String,
    /// HTTP status of the answer; 0 for other triggers.
    pub status: u16,
    /// `None` for success, else the code of the failure, such as `script_error`.
    pub code: Option<String>,
    /// Why it failed, in full.
    pub message: Option<String>,
    /// Where it failed.
    pub position: Option<Position>,
    /// The script functions that were active then, innermost first.
    pub trace: Vec<Frame>,
    /// What it logged.
    pub lines: Vec<LogLine>,
    /// Lines that it logged beyond its limits.
    pub lines_dropped: u64,
    /// From start to answer, in microseconds.
    pub wall_us: u64,
    /// On a processor, in microseconds.
    pub cpu_us: u64,
    /// Steps of the interpreter.
    pub operations: u64,
    /// The most bytes held at once.
    pub peak_memory: u64,
    /// The client's address, if known.
    pub ip: Option<String>,
}

/// Which executions are wanted. What is `None` lets all through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Of this script.
    pub script: Option<ScriptId>,
    /// With a line of at least this level.
    pub level: Option<Level>,
    /// `true`: failures only; `false`: successes only.
    pub failed: Option<bool>,
    /// With this code of failure.
    pub code: Option<String>,
    /// With a status among these.
    pub status: Option<RangeInclusive<u16>>,
    /// Started at this time or later: microseconds since 1970 UTC.
    pub since: Option<i64>,
    /// Started before this time.
    pub until: Option<i64>,
    /// With this text in a line's message, in the failure's message or in the path; ASCII case does not matter.
    pub text: Option<String>,
}

impl ExecutionFilter {
    /// Whether an execution is wanted: what every store decides by, each in its own language; and what a live tail,
    /// which reads no store, decides by.
    #[must_use]
    pub fn lets_through(&self, run: &ExecutionRecord) -> bool {
        self.script.is_none_or(|script| run.script == script)
            && self.level.is_none_or(|level| run.lines.iter().any(|line| line.level >= level))
            && self.failed.is_none_or(|failed| run.code.is_some() == failed)
            && self.code.as_ref().is_none_or(|code| run.code.as_ref() == Some(code))
            && self.status.as_ref().is_none_or(|statuses| statuses.contains(&run.status))
            && self.since.is_none_or(|since| run.at >= since)
            && self.until.is_none_or(|until| run.at < until)
            && self.text.as_ref().is_none_or(|text| mentions(run, text))
    }
}

fn mentions(run: &ExecutionRecord, text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let lines = run.lines.iter().map(|line| &line.message);
    let mut all = lines.chain(&run.message).chain([&run.path]);
    all.any(|place| place.to_ascii_lowercase().contains(&text))
}

/// What is counted of one script in one minute. Adding two gives the counts of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteRecord {
    /// The owning app.
    pub app: AppId,
    /// The script.
    pub script: ScriptId,
    /// Minutes since 1970 UTC.
    pub minute: i64,
    /// Runs.
    pub count: u64,
    /// Failures among them.
    pub errors: u64,
    /// Runs that are counted here, but whose record was left out: silent successes that were not sampled.
    pub unsampled: u64,
    /// Records and lines that had to be dropped because the log could not keep up.
    pub dropped: u64,
    /// Wall time, in microseconds.
    pub wall_us: Quantiles,
    /// Steps of the interpreter.
    pub operations: Quantiles,
}

impl MinuteRecord {
    /// Counts of nothing yet.
    #[must_use]
    pub fn new(app: AppId, script: ScriptId, minute: i64) -> Self {
        let (wall_us, operations) = (Quantiles::default(), Quantiles::default());
        Self { app, script, minute, count: 0, errors: 0, unsampled: 0, dropped: 0, wall_us, operations }
    }

    /// Adds what another has counted, whatever its script and minute.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.unsampled += other.unsampled;
        self.dropped += other.dropped;
        self.wall_us.merge(&other.wall_us);
        self.operations.merge(&other.operations);
    }
}

/// A histogram over powers of two, from which quantiles are estimated.
///
/// Bucket `i` counts values with `i` significant bits: 0, 1, 2 to 3, 4 to 7, and so on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Quantiles(Vec<u64>);

impl Quantiles {
    /// Counts one value.
    pub fn record(&mut self, value: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        if self.0.len() <= bucket {
            self.0.resize(bucket + 1, 0);
        }
        self.0[bucket] += 1;
    }

    /// Adds what another has counted.
    pub fn merge(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine += theirs;
        }
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The value below which the share `q` (0 to 1) of the values lies, interpolated inside its bucket; 0 if there is
    /// none.
    #[must_use]
    pub fn quantile(&self, q: f64) -> u64 {
        let wanted = q.clamp(0.0, 1.0) * self.count() as f64;
        let mut seen = 0.0;
        for (bucket, &count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            let count = count as f64;
            if seen + count >= wanted {
                let low = if bucket == 0 { 0.0 } else { 2f64.powi(bucket as i32 - 1) };
                let width = if bucket == 0 { 0.0 } else { low - 1.0 };
                return (low + width * ((wanted - seen) / count).clamp(0.0, 1.0)) as u64;
            }
            seen += count;
        }
        0
    }
}

/// How much of the log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Executions that started before this go: microseconds since 1970 UTC.
    pub executions_before: i64,
    /// Counts of minutes before this go: minutes since 1970 UTC.
    pub minutes_before: i64,
    /// Of each app at most this many executions stay, the newest.
    pub executions_per_app: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_factor_of_two() {
        let mut all = Quantiles::default();
        let mut odd = Quantiles::default();
        for value in 1..=1000 {
            if value % 2 == 0 { all.record(value) } else { odd.record(value) }
        }
        all.merge(&odd);
        assert_eq!(all.count(), 1000);
        for (q, exact) in [(0.5, 500), (0.9, 900), (0.99, 990)] {
            let found = all.quantile(q);
            assert!(found >= exact / 2 && found <= exact * 2, "{q}: {found}");
        }
        assert_eq!(Quantiles::default().quantile(0.5), 0);
    }
}
