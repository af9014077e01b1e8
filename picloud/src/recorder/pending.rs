//! What waits to be written, and its way into the store.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Shared,
    shard::{Drained, Key},
};
use crate::store::{ExecutionRecord, MinuteRecord, StoreError};

/// Rows of a kind that are written in one go.
const BATCH: usize = 512;
/// Counts of minutes that may wait: the store has then been away for long.
const MAX_ROWS: usize = 8192;
/// How long a store that could not be written to is left alone.
const PAUSE: Duration = Duration::from_secs(1);

/// What waits to be written.
#[derive(Default)]
pub(super) struct Pending {
    records: VecDeque<(Arc<ExecutionRecord>, usize)>,
    rows: BTreeMap<Key, MinuteRecord>,
    /// When the store may be tried again. Set as long as it cannot be written to.
    retry_at: Option<Instant>,
}

/// Microseconds since 1970 UTC as minutes.
pub(super) fn minute_of(micros: i64) -> i64 {
    micros.div_euclid(60_000_000)
}

impl Pending {
    /// Takes over what the shards have; gives the records among it.
    pub(super) fn collect(&mut self, shared: &Shared, minute: i64) -> Vec<Arc<ExecutionRecord>> {
        let mut fresh = Vec::new();
        shared.shards.drain(minute, |Drained { rows, records }| {
            for row in rows.into_values() {
                shared.counts.drained(&row);
                self.add(row);
            }
            for (record, size) in records {
                let record = Arc::new(record);
                fresh.push(record.clone());
                self.records.push_back((record, size));
            }
        });
        fresh
    }

    /// Writes all that waits, unless the store cannot be written to. Where it `must`, the store is tried in any case.
    pub(super) async fn write(&mut self, shared: &Shared, must: bool) {
        if !must && self.retry_at.is_some_and(|at| Instant::now() < at) {
            return self.shrink(shared);
        }
        while !self.is_empty() {
            let records: Vec<_> = self.records.iter().take(BATCH).map(|(r, _)| (**r).clone()).collect();
            let rows: Vec<_> = self.rows.values().take(BATCH).cloned().collect();
            let (record_count, row_count) = (records.len(), rows.len());
            match shared.store.append_log(records, rows).await {
                Ok(()) => self.written(shared, record_count, row_count),
                Err(error) => {
                    self.failed(shared, &error, record_count, row_count);
                    if self.retry_at.is_some() {
                        break;
                    }
                }
            }
        }
        self.shrink(shared);
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.rows.is_empty()
    }

    fn add(&mut self, row: MinuteRecord) {
        match self.rows.get_mut(&(row.minute, row.script)) {
            Some(there) => there.merge(&row),
            None => drop(self.rows.insert((row.minute, row.script), row)),
        }
    }

    fn written(&mut self, shared: &Shared, records: usize, rows: usize) {
        if self.retry_at.take().is_some() {
            tracing::info!("the execution log can be written again");
        }
        shared.counts.stored(records);
        for (_, size) in self.records.drain(..records) {
            shared.room.release(size);
        }
        for _ in 0..rows {
            self.rows.pop_first();
        }
    }

    /// Keeps what waits where the store may take it later; otherwise what could not be written is dropped.
    fn failed(&mut self, shared: &Shared, error: &StoreError, records: usize, rows: usize) {
        shared.counts.failed();
        if matches!(error, StoreError::Unavailable(_) | StoreError::Full(_)) {
            if self.retry_at.is_none() {
                tracing::warn!(%error, "the execution log cannot be written; what comes is kept as far as there is room");
            }
            self.retry_at = Some(Instant::now() + PAUSE);
            return;
        }
        tracing::error!(%error, records, "executions are dropped: the store does not take them");
        let dropped: Vec<_> = self.records.drain(..records).collect();
        for (record, size) in &dropped {
            shared.room.release(*size);
            let mut row = MinuteRecord::new(record.app, record.script, minute_of(record.at));
            row.dropped = 1;
            self.add(row);
        }
        shared.counts.dropped(dropped.len());
        // Without records it is the counts that are not taken.
        for _ in 0..if dropped.is_empty() { rows } else { 0 } {
            self.lose_oldest(shared);
        }
    }

    /// Gives the oldest counts up where too many wait.
    fn shrink(&mut self, shared: &Shared) {
        while self.rows.len() > MAX_ROWS {
            self.lose_oldest(shared);
        }
    }

    fn lose_oldest(&mut self, shared: &Shared) {
        if let Some((_, row)) = self.rows.pop_first() {
            shared.counts.lost(row.count);
        }
    }
}
