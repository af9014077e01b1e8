//! The Router that is published right now, and how it follows the store.

mod parts;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Mutex, watch};

use crate::{
    Limits, RouteTable, Router, Script, ScriptId,
    shared_map::SharedMap,
    store::{Store, StoreError, World},
};
use parts::Parts;

/// What the data plane serves: a router, and the scripts by id. Immutable.
#[derive(Clone)]
pub struct Snapshot {
    /// The store's revision this was made of; 0 without a store.
    pub revision: u64,
    /// Finds the script for a request.
    pub router: Arc<dyn Router>,
    scripts: SharedMap<ScriptId, Arc<Script>>,
}

impl Snapshot {
    /// A snapshot of a router of your own. Scripts can then only be reached through it.
    pub fn of_router(router: Arc<dyn Router>) -> Self {
        Self { revision: 0, router, scripts: SharedMap::default() }
    }

    pub(crate) fn new(revision: u64, router: Arc<dyn Router>, scripts: Vec<Arc<Script>>) -> Self {
        let scripts = scripts.into_iter().map(|script| (script.id, script)).collect();
        Self { revision, router, scripts }
    }

    /// The newest version of a script.
    #[must_use]
    pub fn script(&self, id: ScriptId) -> Option<&Arc<Script>> {
        self.scripts.get(&id)
    }
}

/// How long to wait after a failure, or after a notice that told nothing new.
const PAUSE: Duration = Duration::from_millis(50);
/// How long to wait between two looks at a store that fails.
const RETRY: Duration = Duration::from_secs(1);

/// Follows a store: makes a new [`Snapshot`] when there is something new, and publishes it.
///
/// [`refresh`](Self::refresh) is called after each commit, so that a save is live when its call returns;
/// [`follow`](Self::follow) finds what other processes wrote. A notice that comes twice, late or never is harmless,
/// because revisions are compared. Only apps that changed are read and made anew.
pub struct Publisher {
    store: Arc<dyn Store>,
    limits: Limits,
    published: watch::Sender<Snapshot>,
    /// What the published snapshot is made of. Held while the next one is made.
    parts: Mutex<Parts>,
    /// Table of the newest snapshot, for questions about it.
    table: RwLock<Arc<RouteTable>>,
    /// Whether the last look at the store failed.
    failing: AtomicBool,
}

impl Publisher {
    /// A publisher with an empty snapshot. `limits` are the server's; apps and scripts may set their own.
    pub fn new(store: Arc<dyn Store>, limits: Limits) -> Self {
        let table = Arc::new(RouteTable::default());
        let (published, _) = watch::channel(Snapshot::new(0, table.clone(), Vec::new()));
        let (parts, table, failing) = (Mutex::default(), RwLock::new(table), AtomicBool::new(false));
        Self { store, limits, published, parts, table, failing }
    }

    /// What is published, now and from now on.
    pub fn subscribe(&self) -> watch::Receiver<Snapshot> {
        self.published.subscribe()
    }

    /// The newest table.
    pub fn table(&self) -> Arc<RouteTable> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the store could be read when that was last tried. If not, scripts go on as last published.
    pub fn is_current(&self) -> bool {
        !self.failing.load(Ordering::Relaxed)
    }

    /// Publishes what the store holds, if it is newer than what is published.
    ///
    /// # Errors
    /// The store could not be read. What was published stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let mut parts = self.parts.lock().await;
        let result = self.read_news(&mut parts).await;
        self.failing.store(result.is_err(), Ordering::Relaxed);
        let Some(world) = result? else { return Ok(()) };
        self.publish(&mut parts, world);
        parts.is_of_store = true;
        Ok(())
    }

    /// Publishes what an earlier process has kept of the store, until the store can be read.
    pub async fn publish_kept(&self, world: World) {
        let mut parts = self.parts.lock().await;
        if !parts.is_of_store {
            self.publish(&mut parts, world);
        }
    }

    /// What is new in the store; all of it where nothing is known, or where the store has gone back in time.
    async fn read_news(&self, parts: &mut Parts) -> Result<Option<World>, StoreError> {
        let known = self.published.borrow().revision;
        let revision = self.store.revision().await?;
        if parts.is_of_store && revision == known {
            return Ok(None);
        }
        let since = if parts.is_of_store && revision > known { known } else { 0 };
        let world = self.store.world(since).await?;
        if since == 0 {
            parts.start_over();
        }
        Ok(Some(world))
    }

    fn publish(&self, parts: &mut Parts, world: World) {
        let revision = world.revision;
        parts.update(world, &self.limits);
        let (router, scripts) = (parts.table.clone(), parts.scripts.clone());
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = router.clone();
        self.published.send_replace(Snapshot { revision, router, scripts });
    }

    /// Publishes what changes, for ever: at each notice of the store, and at least every `interval`. Failures are
    /// logged, and tried again.
    pub async fn follow(&self, interval: Duration) {
        loop {
            let seen = self.published.borrow().revision;
            // Notice or not: what counts is the revision.
            let _ = tokio::time::timeout(interval, self.store.changed(seen)).await;
            let was_current = self.is_current();
            match self.refresh().await {
                Ok(()) if self.published.borrow().revision != seen => {}
                Ok(()) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    if was_current {
                        tracing::error!(%error, "the store cannot be read; scripts go on as last published");
                    }
                    tokio::time::sleep(RETRY.min(interval)).await;
                }
            }
            if !was_current && self.is_current() {
                tracing::info!("the store can be read again");
            }
        }
    }
}
