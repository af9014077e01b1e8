//! `[log]` of the settings file: what of the execution log is kept, and for how long.

use std::{ops::RangeInclusive, time::Duration};

use picloud::recorder::LogSettings;
use serde::Deserialize;

use super::{ConfigError, choice::Choice};

const COUNT: RangeInclusive<u64> = 0..=1_000_000;
const SLOW: RangeInclusive<u64> = 1..=300_000;
const DAYS: RangeInclusive<u64> = 1..=3650;
const EXECUTIONS: RangeInclusive<u64> = 100..=10_000_000;
const DAY: u64 = 24 * 60 * 60;

/// The table as it is written. What is not there has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    sample_first: Option<u64>,
    sample_every: Option<u64>,
    slow_ms: Option<u64>,
    keep_days: Option<u64>,
    keep_statistics_days: Option<u64>,
    executions_per_app: Option<u64>,
}

/// A setting of the execution log: a number in the file, over the API and, in its own unit, for the recorder.
pub(crate) struct LogNumber {
    pub(crate) name: &'static str,
    pub(crate) range: RangeInclusive<u64>,
    pub(crate) get: fn(&LogSettings) -> u64,
    pub(crate) set: fn(&mut LogSettings, u64),
    file: fn(&File) -> Option<u64>,
}

/// All settings of the execution log.
pub(crate) const LOG_NUMBERS: [LogNumber; 6] = [
    LogNumber {
        name: "log.sample_first",
        range: COUNT,
        get: |log| log.sample_first,
        set: |log, value| log.sample_first = value,
        file: |file| file.sample_first,
    },
    LogNumber {
        name: "log.sample_every",
        range: COUNT,
        get: |log| log.sample_every,
        set: |log, value| log.sample_every = value,
        file: |file| file.sample_every,
    },
    LogNumber {
        name: "log.slow_ms",
        range: SLOW,
        get: |log| u64::try_from(log.slow.as_millis()).unwrap_or(u64::MAX),
        set: |log, value| log.slow = Duration::from_millis(value),
        file: |file| file.slow_ms,
    },
    LogNumber {
        name: "log.keep_days",
        range: DAYS,
        get: |log| log.keep_executions.as_secs() / DAY,
        set: |log, value| log.keep_executions = Duration::from_secs(value * DAY),
        file: |file| file.keep_days,
    },
    LogNumber {
        name: "log.keep_statistics_days",
        range: DAYS,
        get: |log| log.keep_minutes.as_secs() / DAY,
        set: |log, value| log.keep_minutes = Duration::from_secs(value * DAY),
        file: |file| file.keep_statistics_days,
    },
    LogNumber {
        name: "log.executions_per_app",
        range: EXECUTIONS,
        get: |log| log.executions_per_app,
        set: |log, value| log.executions_per_app = value,
        file: |file| file.executions_per_app,
    },
];

/// The settings of the execution log.
///
/// # Errors
/// A number is out of its range.
pub(super) fn choose(choice: &mut Choice, file: &File) -> Result<LogSettings, ConfigError> {
    let mut settings = LogSettings::default();
    for LogNumber { name, range, get, set, file: in_file } in LOG_NUMBERS {
        let value = choice.number(name, in_file(file), get(&settings), range)?;
        set(&mut settings, value);
    }
    Ok(settings)
}
