//! Executions and counts.

use std::{collections::BTreeMap, sync::Arc};

use super::{MemoryStore, missing, newest_first};
use crate::{
    AppId, RequestId, ScriptId,
    store::{ExecutionFilter, ExecutionRecord, LogStore, MinuteRecord, Page, Retention, StoreFuture},
};

#[derive(Debug, Default)]
pub(super) struct Log(BTreeMap<AppId, AppLog>);

#[derive(Debug, Default)]
struct AppLog {
    executions: BTreeMap<RequestId, Arc<ExecutionRecord>>,
    minutes: BTreeMap<(i64, ScriptId), MinuteRecord>,
}

impl Log {
    /// Removes the rows of apps that are gone.
    pub(super) fn keep_apps(&mut self, exists: impl Fn(AppId) -> bool) {
        self.0.retain(|app, _| exists(*app));
    }

    fn add(&mut self, new: MinuteRecord) {
        let rows = &mut self.0.entry(new.app).or_default().minutes;
        match rows.get_mut(&(new.minute, new.script)) {
            None => drop(rows.insert((new.minute, new.script), new)),
            Some(row) => row.merge(&new),
        }
    }
}

impl AppLog {
    /// Says how many executions went.
    fn prune(&mut self, retention: Retention) -> u64 {
        let before = self.executions.len();
        self.executions.retain(|_, run| run.at >= retention.executions_before);
        let most = usize::try_from(retention.executions_per_app).unwrap_or(usize::MAX);
        while self.executions.len() > most {
            self.executions.pop_first();
        }
        self.minutes.retain(|(minute, _), _| *minute >= retention.minutes_before);
        (before - self.executions.len()) as u64
    }
}

impl LogStore for MemoryStore {
    fn append_log(
        &self,
        executions: Vec<ExecutionRecord>,
        minutes: Vec<MinuteRecord>,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let state = &mut *self.lock();
            for run in executions.into_iter().filter(|run| state.tables.apps.contains_key(&run.app)) {
                state.log.0.entry(run.app).or_default().executions.entry(run.id).or_insert(Arc::new(run));
            }
            for row in minutes.into_iter().filter(|row| state.tables.apps.contains_key(&row.app)) {
                state.log.add(row);
            }
            Ok(())
        })
    }

    fn executions(
        &self,
        app: AppId,
        filter: ExecutionFilter,
        page: Page<RequestId>,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        Box::pin(async move {
            let state = self.lock();
            let Some(log) = state.log.0.get(&app) else { return Ok(Vec::new()) };
            let wanted = newest_first(&log.executions, page.after).filter(|run| filter.lets_through(run));
            Ok(wanted.take(page.limit).map(|run| (**run).clone()).collect())
        })
    }

    fn execution(&self, app: AppId, id: RequestId) -> StoreFuture<'_, ExecutionRecord> {
        Box::pin(async move {
            let state = self.lock();
            let run = state.log.0.get(&app).and_then(|log| log.executions.get(&id));
            run.map(|run| (**run).clone()).ok_or(missing("execution"))
        })
    }

    fn minutes(
        &self,
        app: AppId,
        script: Option<ScriptId>,
        since: i64,
        until: i64,
    ) -> StoreFuture<'_, Vec<MinuteRecord>> {
        Box::pin(async move {
            let state = self.lock();
            let rows = state.log.0.get(&app).into_iter().flat_map(|log| log.minutes.values());
            let wanted = rows.filter(|row| (since..until).contains(&row.minute));
            Ok(wanted.filter(|row| script.is_none_or(|script| row.script == script)).cloned().collect())
        })
    }

    fn prune_log(&self, retention: Retention) -> StoreFuture<'_, u64> {
        Box::pin(async move { Ok(self.lock().log.0.values_mut().map(|log| log.prune(retention)).sum()) })
    }
}
