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

/// The settings of the execution log.
///
/// # Errors
/// A number is out of its range.
pub(super) fn choose(choice: &mut Choice, file: &File) -> Result<LogSettings, ConfigError> {
    let default = LogSettings::default();
    let slow = u64::try_from(default.slow.as_millis()).unwrap_or(u64::MAX);
    let (days, statistics) = (default.keep_executions.as_secs() / DAY, default.keep_minutes.as_secs() / DAY);
    let per_app = default.executions_per_app;
    let mut number = |name, file, default, range| choice.number(name, file, default, range);
    Ok(LogSettings {
        sample_first: number("log.sample_first", file.sample_first, default.sample_first, COUNT)?,
        sample_every: number("log.sample_every", file.sample_every, default.sample_every, COUNT)?,
        slow: Duration::from_millis(number("log.slow_ms", file.slow_ms, slow, SLOW)?),
        keep_executions: days_of(number("log.keep_days", file.keep_days, days, DAYS)?),
        keep_minutes: days_of(number(
            "log.keep_statistics_days",
            file.keep_statistics_days,
            statistics,
            DAYS,
        )?),
        executions_per_app: number("log.executions_per_app", file.executions_per_app, per_app, EXECUTIONS)?,
        ..default
    })
}

fn days_of(days: u64) -> Duration {
    Duration::from_secs(days * DAY)
}
