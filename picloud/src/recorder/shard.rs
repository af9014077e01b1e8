//! Where requests leave what they have to say: counts, and records to keep. Never waited for.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    AppId, ScriptId,
    store::{ExecutionRecord, MinuteRecord},
};

/// Counts of scripts by minute, with a fixed order for writing: oldest minute first.
pub(super) type Key = (i64, ScriptId);

/// A place for each thread, so that threads hardly ever meet.
pub(super) struct Shards(Box<[Shard]>);

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Shard(Mutex<Ledger>);

/// What has come since the last look.
#[derive(Default)]
pub(super) struct Ledger {
    rows: HashMap<Key, MinuteRecord>,
    /// What a sample is taken of: how many there were in which minute.
    seen: HashMap<ScriptId, (i64, u64)>,
    records: Vec<(ExecutionRecord, usize)>,
}

impl Shards {
    /// Twice as many as there are processors, so that there is always a free one.
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(4, usize::from);
        Self((0..processors * 2).map(|_| Shard::default()).collect())
    }

    /// The thread's own shard, or another one that is free.
    pub(super) fn lock(&self) -> MutexGuard<'_, Ledger> {
        let home = home();
        for step in 0..self.0.len() {
            match self.0[(home + step) % self.0.len()].0.try_lock() {
                Ok(ledger) => return ledger,
                Err(TryLockError::Poisoned(poisoned)) => return poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        // Only with more threads than shards, and then for as long as it takes to add two numbers.
        self.0[home % self.0.len()].0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what has come from each shard in turn. Samples of minutes before `minute` are forgotten.
    pub(super) fn drain(&self, minute: i64, mut take: impl FnMut(Drained)) {
        for shard in &self.0 {
            let mut ledger = shard.0.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.seen.retain(|_, (of, _)| *of >= minute);
            let (rows, records) = (std::mem::take(&mut ledger.rows), std::mem::take(&mut ledger.records));
            drop(ledger);
            take(Drained { rows, records });
        }
    }
}

/// What a shard had.
pub(super) struct Drained {
    pub(super) rows: HashMap<Key, MinuteRecord>,
    /// Each with the room that was reserved for it.
    pub(super) records: Vec<(ExecutionRecord, usize)>,
}

impl Ledger {
    /// The counts of a script in a minute.
    pub(super) fn row(&mut self, app: AppId, script: ScriptId, minute: i64) -> &mut MinuteRecord {
        self.rows.entry((minute, script)).or_insert_with(|| MinuteRecord::new(app, script, minute))
    }

    /// Whether one more of many is in the sample: the first ones of each minute, then one in `every`.
    pub(super) fn samples(&mut self, script: ScriptId, minute: i64, first: u64, every: u64) -> bool {
        let (of, count) = self.seen.entry(script).or_insert((minute, 0));
        if *of != minute {
            (*of, *count) = (minute, 0);
        }
        *count += 1;
        *count <= first || (every > 0 && *count % every == 0)
    }

    pub(super) fn push(&mut self, record: ExecutionRecord, size: usize) {
        self.records.push((record, size));
    }
}

/// Which shard a thread goes to first.
fn home() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    OWN.try_with(|own| *own).unwrap_or(0)
}

/// How much waits to be written, which is bounded.
#[derive(Default)]
pub(super) struct Room {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

impl Room {
    /// Takes room for a record; says how many records wait with it, or nothing if there is no room.
    pub(super) fn take(&self, size: usize, max_records: usize, max_bytes: usize) -> Option<usize> {
        let records = self.records.fetch_add(1, Ordering::Relaxed) + 1;
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if records <= max_records && bytes <= max_bytes {
            return Some(records);
        }
        self.release(size);
        None
    }

    /// Gives the room of a record back.
    pub(super) fn release(&self, size: usize) {
        self.records.fetch_sub(1, Ordering::Relaxed);
        self.bytes.fetch_sub(size, Ordering::Relaxed);
    }

    /// Records and bytes that wait.
    pub(super) fn taken(&self) -> (usize, usize) {
        (self.records.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_minute_and_one_in_many_are_sampled() {
        let (mut ledger, script) = (Ledger::default(), ScriptId::new());
        let kept =
            |ledger: &mut Ledger, minute| (1..=30).filter(|_| ledger.samples(script, minute, 3, 10)).count();
        assert_eq!(kept(&mut ledger, 1), 3 + 3, "1, 2, 3, 10, 20, 30");
        assert_eq!(kept(&mut ledger, 2), 3 + 3, "each minute anew");
        assert_eq!((0..30).filter(|_| ledger.samples(script, 3, 2, 0)).count(), 2);
    }

    #[test]
    fn room_is_bounded_by_count_and_by_bytes() {
        let room = Room::default();
        assert_eq!(room.take(10, 2, 100), Some(1));
        assert_eq!(room.take(91, 2, 100), None);
        assert_eq!(room.take(90, 2, 100), Some(2));
        assert_eq!(room.take(0, 2, 100), None);
        room.release(10);
        assert_eq!(room.taken(), (1, 90));
    }
}
