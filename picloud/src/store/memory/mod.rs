//! A store in memory: for tests, for embedders that keep the truth elsewhere, and as the plain model of the contract.

mod admin;
mod apply;
mod identity;
mod log;
mod read;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{
    AdminRecord, AppRecord, AuditRecord, AuditStore, Commit, DomainRecord, Page, RouteRecord, ScriptRecord,
    SessionRecord, SettingRecord, StoreError, StoreFuture,
};
use crate::{AdminId, AppId, AuditId, DomainId, RouteId, ScriptId, SessionId, Slug};
use log::Log;

/// A [`Store`](super::Store) whose contents end with the process. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// The revision, for those who wait for another.
    revision: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    tables: Tables,
    audit: BTreeMap<AuditId, AuditRecord>,
    log: Log,
}

/// What commits change. A commit works on a copy, which is cheap, as what belongs to one app is shared.
#[derive(Debug, Clone, Default)]
struct Tables {
    revision: u64,
    apps: BTreeMap<AppId, Arc<Owned>>,
    /// Whose each given-up slug was.
    former: BTreeMap<Slug, AppId>,
    /// At which revision an app went.
    gone: BTreeMap<AppId, u64>,
    had_admin: bool,
    admins: BTreeMap<AdminId, AdminRecord>,
    sessions: BTreeMap<SessionId, SessionRecord>,
    settings: BTreeMap<String, SettingRecord>,
}

/// An app and what it owns, each ordered by id, as lists are.
#[derive(Debug, Clone)]
struct Owned {
    app: AppRecord,
    /// The revision at which anything here was last changed.
    changed: u64,
    domains: BTreeMap<DomainId, DomainRecord>,
    /// All versions, the newest last; never empty.
    scripts: BTreeMap<ScriptId, Vec<Arc<ScriptRecord>>>,
    routes: BTreeMap<RouteId, RouteRecord>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A writer that panicked has left the state whole: it changes a copy, or one field at a time.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, commit: Commit) -> Result<u64, StoreError> {
        let mut state = self.lock();
        let mut next = state.tables.clone();
        next.revision += 1;
        for change in commit.changes {
            next.apply(change)?;
        }
        let revision = next.revision;
        state.append_audit(commit.audit)?;
        state.log.keep_apps(|app| next.apps.contains_key(&app));
        state.tables = next;
        drop(state);
        self.0.revision.send_replace(revision);
        Ok(revision)
    }
}

impl State {
    /// Appends all of them or none.
    fn append_audit(&mut self, records: Vec<AuditRecord>) -> Result<(), StoreError> {
        let mut new = BTreeMap::new();
        for record in records {
            if self.audit.contains_key(&record.id) {
                return Err(taken("id", record.id.to_string()));
            }
            insert_new(&mut new, record.id, record)?;
        }
        self.audit.append(&mut new);
        Ok(())
    }
}

impl AuditStore for MemoryStore {
    fn append_audit(&self, record: AuditRecord) -> StoreFuture<'_, ()> {
        Box::pin(async { self.lock().append_audit(vec![record]) })
    }

    fn audit(&self, app: Option<AppId>, page: Page<AuditId>) -> StoreFuture<'_, Vec<AuditRecord>> {
        Box::pin(async move {
            let state = self.lock();
            let older = newest_first(&state.audit, page.after);
            let wanted = older.filter(|record| app.is_none_or(|app| record.app == Some(app)));
            Ok(wanted.take(page.limit).cloned().collect())
        })
    }

    fn prune_audit(&self, before: i64) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let audit = &mut self.lock().audit;
            let count = audit.len();
            audit.retain(|_, record| record.at >= before);
            Ok((count - audit.len()) as u64)
        })
    }
}

/// The rows after `after`, oldest first.
fn oldest_first<K: Ord + Copy, V>(rows: &BTreeMap<K, V>, after: Option<K>) -> impl Iterator<Item = &V> {
    use std::ops::Bound::{Excluded, Unbounded};
    rows.range((after.map_or(Unbounded, Excluded), Unbounded)).map(|(_, row)| row)
}

/// The rows before `after`, newest first.
fn newest_first<K: Ord + Copy, V>(rows: &BTreeMap<K, V>, after: Option<K>) -> impl Iterator<Item = &V> {
    use std::ops::Bound::{Excluded, Unbounded};
    rows.range((Unbounded, after.map_or(Unbounded, Excluded))).rev().map(|(_, row)| row)
}

/// Inserts a row under an id that must not be there yet.
fn insert_new<K: Ord + ToString, V>(rows: &mut BTreeMap<K, V>, id: K, row: V) -> Result<(), StoreError> {
    if rows.contains_key(&id) {
        return Err(taken("id", id.to_string()));
    }
    rows.insert(id, row);
    Ok(())
}

fn taken(what: &'static str, value: impl Into<String>) -> StoreError {
    StoreError::Conflict { what, value: value.into(), holder: None }
}

fn missing(what: &'static str) -> StoreError {
    StoreError::NotFound { what }
}
