//! What of the execution log is kept, and how much of it may wait to be written.

use std::time::Duration;

/// What of the execution log is kept, and how much of it may wait to be written.
///
/// Failures, slow runs and runs that logged something are always kept, as long as there is room. Of all other runs,
/// and of requests that were refused before a script ran, a sample is kept; all are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSettings {
    /// Of each script and minute the first so many silent successes are kept, on each processor. Default: 20.
    pub sample_first: u64,
    /// Of those after them one in so many is kept; 0 keeps none. Default: 1,000.
    pub sample_every: u64,
    /// A run that took this long is kept. Default: 1 s.
    pub slow: Duration,
    /// How often what has come is written. Default: 250 ms.
    pub interval: Duration,
    /// Records that may wait to be written. Default: 8,192.
    pub max_records: usize,
    /// Bytes of records that may wait to be written. Default: 16 MiB.
    pub max_bytes: usize,
    /// How long executions are kept. Default: 7 days.
    pub keep_executions: Duration,
    /// How long the counts of minutes are kept. Default: 30 days.
    pub keep_minutes: Duration,
    /// Executions kept of each app, the newest. Default: 10,000.
    pub executions_per_app: u64,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            sample_first: 20,
            sample_every: 1000,
            slow: Duration::from_secs(1),
            interval: Duration::from_millis(250),
            max_records: 8192,
            max_bytes: 16 * 1024 * 1024,
            keep_executions: DAY * 7,
            keep_minutes: DAY * 30,
            executions_per_app: 10_000,
        }
    }
}
