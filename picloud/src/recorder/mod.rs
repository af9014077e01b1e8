//! The execution log: takes what runs leave behind, and writes it to the store in the background.
//!
//! request → the shard of its thread → every 250 ms one batch → [`LogStore`], and then those who [watch](Tail).
//!
//! A request never waits here: it adds to counts in a shard that is hardly ever shared, and leaves a record there if
//! there is room. Where there is none the record is dropped, and that is counted.

mod counts;
mod live;
mod pending;
mod run;
mod settings;
mod shard;
mod tail;

pub use counts::LogCounts;
pub use settings::LogSettings;
pub use tail::{Tail, Tailed};

use std::{
    fmt,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, Notify};

use self::{
    counts::Counters,
    live::Live,
    pending::{Pending, minute_of},
    run::Run,
    shard::{Room, Shards},
    tail::Tails,
};
use crate::{
    AppId, Finished, Observer, Refused,
    app::unix_micros,
    store::{LogStore, Retention},
};

/// How often what is too old is removed.
const PRUNE: Duration = Duration::from_secs(60);

/// Keeps the execution log: an [`Observer`] that writes to a [`LogStore`]. Clones share everything.
///
/// ```
/// # use std::sync::Arc;
/// # async fn with(builder: picloud::OrchestratorBuilder) {
/// use picloud::{recorder::{LogSettings, Recorder}, store::MemoryStore};
/// let recorder = Recorder::start(Arc::new(MemoryStore::new()), LogSettings::default());
/// let orchestrator = builder.observer(Arc::new(recorder.clone())).build();
/// // … and before the process ends:
/// recorder.flush().await;
/// # drop(orchestrator);
/// # }
/// ```
#[derive(Clone)]
pub struct Recorder(Arc<Shared>);

struct Shared {
    store: Arc<dyn LogStore>,
    settings: Live,
    shards: Shards,
    room: Room,
    /// Half of the room is taken.
    filling: Arc<Notify>,
    /// Held while it is written.
    pending: Mutex<Pending>,
    tails: Tails,
    counts: Counters,
}

impl Recorder {
    /// A recorder, with a task that writes and removes what is too old until the last clone has gone.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn start(store: Arc<dyn LogStore>, settings: LogSettings) -> Self {
        let shared = Arc::new(Shared {
            store,
            settings: Live::new(settings),
            shards: Shards::new(),
            room: Room::default(),
            filling: Arc::default(),
            pending: Mutex::default(),
            tails: Tails::default(),
            counts: Counters::default(),
        });
        tokio::spawn(work(Arc::downgrade(&shared), shared.filling.clone(), settings.interval));
        Self(shared)
    }

    /// Writes all that has come so far; says whether the store has taken it. What it has not stays, as far as there
    /// is room.
    pub async fn flush(&self) -> bool {
        self.0.pass(true).await
    }

    /// The settings that are in effect.
    #[must_use]
    pub fn settings(&self) -> LogSettings {
        self.0.settings.load()
    }

    /// Changes what is kept: of runs from the next one on, and for how long within a minute. `interval`, `max_records`
    /// and `max_bytes` stay as they were at the start.
    pub fn change(&self, change: impl FnOnce(&mut LogSettings)) {
        self.0.settings.change(change);
    }

    /// What was done so far.
    #[must_use]
    pub fn counts(&self) -> LogCounts {
        self.0.counts.read(self.0.room.taken())
    }

    /// Watches the executions of an app; `None` if there are too many watchers already.
    #[must_use]
    pub fn tail(&self, app: AppId) -> Option<Tail> {
        self.0.tails.watch(app)
    }
}

impl Observer for Recorder {
    fn finished(&self, run: &Finished<'_>) {
        let run = Run::of(run);
        let slow = run.stats.is_some_and(|stats| stats.wall >= self.0.settings.load().slow);
        let spoke = !run.lines.is_empty() || run.lines_dropped > 0;
        self.0.take(&run, run.failure.is_some() || slow || spoke);
    }

    fn refused(&self, refused: &Refused<'_>) {
        let Some(script) = refused.script else { return };
        let run = Run::refused(script, refused);
        // There may be very many of one kind: that is when they are refused.
        self.0.take(&run, false);
    }
}

impl Shared {
    /// Counts a run, and keeps its record if it `must` be kept or is in the sample.
    fn take(&self, run: &Run<'_>, must: bool) {
        let (app, script, minute) = (run.script.app, run.script.id, minute_of(run.request.at));
        let LogSettings { sample_first, sample_every, max_records, max_bytes, .. } = self.settings.load();
        let mut ledger = self.shards.lock();
        let wanted = must || ledger.samples(script, minute, sample_first, sample_every);
        let row = ledger.row(app, script, minute);
        run.count(row);
        if !wanted {
            row.unsampled += 1;
            return;
        }
        let size = run.size();
        let Some(waiting) = self.room.take(size, max_records, max_bytes) else {
            row.dropped += 1;
            return;
        };
        drop(ledger);
        let record = run.record();
        self.shards.lock().push(record, size);
        if waiting == max_records / 2 {
            self.filling.notify_one();
        }
    }

    /// Takes what the shards have, writes it and shows it.
    async fn pass(&self, must: bool) -> bool {
        let mut pending = self.pending.lock().await;
        let fresh = pending.collect(self, minute_of(unix_micros()));
        pending.write(self, must).await;
        // Not before: who looks into the store and then watches misses none.
        self.tails.show(&fresh);
        pending.is_empty()
    }

    async fn prune(&self) {
        let (now, settings) = (unix_micros(), self.settings.load());
        let before = |age: Duration| now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX));
        let retention = Retention {
            executions_before: before(settings.keep_executions),
            minutes_before: minute_of(before(settings.keep_minutes)),
            executions_per_app: settings.executions_per_app,
        };
        match self.store.prune_log(retention).await {
            Ok(0) => {}
            Ok(removed) => tracing::debug!(removed, "old executions removed"),
            Err(error) => tracing::warn!(%error, "old executions cannot be removed now"),
        }
    }
}

/// Writes every `interval`, or when half of the room is taken, as long as there is a recorder.
async fn work(shared: Weak<Shared>, filling: Arc<Notify>, interval: Duration) {
    let mut prune_at = Instant::now();
    loop {
        // Whichever it was.
        let _ = tokio::time::timeout(interval, filling.notified()).await;
        let Some(shared) = shared.upgrade() else { return };
        shared.pass(false).await;
        if Instant::now() >= prune_at {
            shared.prune().await;
            prune_at = Instant::now() + PRUNE;
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("settings", &self.settings()).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "rhai"))]
mod tests;
