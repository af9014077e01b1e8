//! Who watches an app's executions as they come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::{AppId, store::ExecutionRecord};

/// Records that a watcher may be behind before it loses some.
const RING: usize = 256;
/// Most watchers at once, of all apps.
const MAX_TAILS: usize = 64;

/// The executions of one app as they come, those that are [kept](super::LogSettings).
#[derive(Debug)]
pub struct Tail(broadcast::Receiver<Arc<ExecutionRecord>>);

/// What a [`Tail`] gives.
#[derive(Debug, Clone)]
pub enum Tailed {
    /// The next execution.
    Execution(Arc<ExecutionRecord>),
    /// So many were lost, because they were not taken in time.
    Lost(u64),
}

impl Tail {
    /// Waits for what comes next; `None` once the recorder has gone. May be dropped and called again.
    pub async fn next(&mut self) -> Option<Tailed> {
        match self.0.recv().await {
            Ok(record) => Some(Tailed::Execution(record)),
            Err(RecvError::Lagged(count)) => Some(Tailed::Lost(count)),
            Err(RecvError::Closed) => None,
        }
    }
}

/// Watchers by app. Only apps that are watched have an entry.
#[derive(Default)]
pub(super) struct Tails(Mutex<HashMap<AppId, broadcast::Sender<Arc<ExecutionRecord>>>>);

impl Tails {
    /// A new watcher, unless there are too many.
    pub(super) fn watch(&self, app: AppId) -> Option<Tail> {
        let mut apps = self.lock();
        let watchers: usize = apps.values().map(broadcast::Sender::receiver_count).sum();
        if watchers >= MAX_TAILS {
            return None;
        }
        Some(Tail(apps.entry(app).or_insert_with(|| broadcast::Sender::new(RING)).subscribe()))
    }

    /// Shows records to those who watch.
    pub(super) fn show(&self, records: &[Arc<ExecutionRecord>]) {
        let mut apps = self.lock();
        apps.retain(|_, sender| sender.receiver_count() > 0);
        if apps.is_empty() {
            return;
        }
        for record in records {
            if let Some(sender) = apps.get(&record.app) {
                // The last one may just have gone.
                let _ = sender.send(record.clone());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, broadcast::Sender<Arc<ExecutionRecord>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
