//! The settings of a recorder that runs. Each run reads them and none waits for them, so they are single numbers.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use super::LogSettings;

/// What is in effect.
pub(super) struct Live {
    /// Those that stay.
    started: LogSettings,
    sample_first: AtomicU64,
    sample_every: AtomicU64,
    slow: AtomicU64,
    keep_executions: AtomicU64,
    keep_minutes: AtomicU64,
    executions_per_app: AtomicU64,
    /// Held by whoever changes them, so that two changes at once are both done.
    changing: Mutex<()>,
}

impl Live {
    pub(super) fn new(settings: LogSettings) -> Self {
        let live = Self {
            started: settings,
            sample_first: AtomicU64::default(),
            sample_every: AtomicU64::default(),
            slow: AtomicU64::default(),
            keep_executions: AtomicU64::default(),
            keep_minutes: AtomicU64::default(),
            executions_per_app: AtomicU64::default(),
            changing: Mutex::default(),
        };
        live.store(settings);
        live
    }

    pub(super) fn load(&self) -> LogSettings {
        let number = |cell: &AtomicU64| cell.load(Relaxed);
        LogSettings {
            sample_first: number(&self.sample_first),
            sample_every: number(&self.sample_every),
            slow: Duration::from_nanos(number(&self.slow)),
            keep_executions: Duration::from_nanos(number(&self.keep_executions)),
            keep_minutes: Duration::from_nanos(number(&self.keep_minutes)),
            executions_per_app: number(&self.executions_per_app),
            ..self.started
        }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut LogSettings)) {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut settings = self.load();
        change(&mut settings);
        self.store(settings);
    }

    fn store(&self, settings: LogSettings) {
        let LogSettings {
            sample_first,
            sample_every,
            slow,
            interval: _,
            max_records: _,
            max_bytes: _,
            keep_executions,
            keep_minutes,
            executions_per_app,
        } = settings;
        for (cell, number) in [
            (&self.sample_first, sample_first),
            (&self.sample_every, sample_every),
            (&self.slow, nanos(slow)),
            (&self.keep_executions, nanos(keep_executions)),
            (&self.keep_minutes, nanos(keep_minutes)),
            (&self.executions_per_app, executions_per_app),
        ] {
            cell.store(number, Relaxed);
        }
    }
}

/// More than five hundred years are for ever.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
