//! What the recorder has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::store::MinuteRecord;

/// What a [`Recorder`](super::Recorder) has done since it was started. Of all runs that are not in `waiting` any more,
/// each was `stored`, `dropped` or `unsampled`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCounts {
    /// Runs, and requests that were refused before a script ran.
    pub runs: u64,
    /// Records that the store has taken.
    pub stored: u64,
    /// Records that were dropped: there was no room for them, or the store did not take them.
    pub dropped: u64,
    /// Runs that were counted only.
    pub unsampled: u64,
    /// Runs that are not even counted in the store, because it could not be written to for long.
    pub lost: u64,
    /// Writes that failed.
    pub failed_writes: u64,
    /// Records that wait to be written.
    pub waiting: u64,
    /// Bytes of them, about.
    pub waiting_bytes: u64,
}

#[derive(Default)]
pub(super) struct Counters {
    runs: AtomicU64,
    stored: AtomicU64,
    dropped: AtomicU64,
    unsampled: AtomicU64,
    lost: AtomicU64,
    failed_writes: AtomicU64,
}

impl Counters {
    pub(super) fn drained(&self, row: &MinuteRecord) {
        self.runs.fetch_add(row.count, Relaxed);
        self.unsampled.fetch_add(row.unsampled, Relaxed);
        self.dropped.fetch_add(row.dropped, Relaxed);
    }

    pub(super) fn stored(&self, records: usize) {
        self.stored.fetch_add(records as u64, Relaxed);
    }

    pub(super) fn dropped(&self, records: usize) {
        self.dropped.fetch_add(records as u64, Relaxed);
    }

    pub(super) fn lost(&self, runs: u64) {
        self.lost.fetch_add(runs, Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed_writes.fetch_add(1, Relaxed);
    }

    /// The numbers, with what waits.
    pub(super) fn read(&self, (waiting, waiting_bytes): (usize, usize)) -> LogCounts {
        LogCounts {
            runs: self.runs.load(Relaxed),
            stored: self.stored.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            unsampled: self.unsampled.load(Relaxed),
            lost: self.lost.load(Relaxed),
            failed_writes: self.failed_writes.load(Relaxed),
            waiting: waiting as u64,
            waiting_bytes: waiting_bytes as u64,
        }
    }
}
