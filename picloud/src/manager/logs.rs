//! What scripts did: executions and counts, as they are read.

use std::collections::BTreeMap;

use super::{Manager, ManagerError};
use crate::{
    AppId, RequestId, ScriptId,
    store::{AppKey, ExecutionFilter, ExecutionRecord, MinuteRecord, Page},
};

/// Minutes that are read from the store at once.
const SLICE: i64 = 6 * 60;
/// Scripts that are looked through at once.
const SCRIPTS: usize = 100;

/// Which counts are wanted.
#[derive(Debug, Clone, Copy)]
pub struct StatisticsQuery {
    /// From this minute on (minutes since 1970 UTC).
    pub since: i64,
    /// To before this minute.
    pub until: i64,
    /// So many minutes are counted as one, from `since` on; at least 1.
    pub bucket: i64,
    /// Of this script only.
    pub script: Option<ScriptId>,
}

impl Manager {
    /// Executions of an app that `filter` lets through, newest first: those before `page.after`.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn executions(
        &self,
        key: &AppKey,
        filter: ExecutionFilter,
        page: Page<RequestId>,
    ) -> Result<Vec<ExecutionRecord>, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.executions(app.id, filter, page)).await
    }

    /// One execution of an app.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn execution(&self, key: &AppKey, id: RequestId) -> Result<ExecutionRecord, ManagerError> {
        let app = self.app(key).await?;
        self.read(self.store.execution(app.id, id)).await
    }

    /// Counts of an app by bucket and script; a bucket has the number of its first minute.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn statistics(
        &self,
        key: &AppKey,
        query: StatisticsQuery,
    ) -> Result<Vec<MinuteRecord>, ManagerError> {
        let app = self.app(key).await?;
        let StatisticsQuery { since, until, bucket, script } = query;
        let mut merged: BTreeMap<(i64, ScriptId), MinuteRecord> = BTreeMap::new();
        let mut from = since;
        // In slices, so that a month of many scripts is never in memory at once.
        while from < until {
            let to = until.min(from.saturating_add(SLICE));
            for row in self.read(self.store.minutes(app.id, script, from, to)).await? {
                let first = row.minute - (row.minute - since).rem_euclid(bucket.max(1));
                let into = merged.entry((first, row.script));
                into.or_insert_with(|| MinuteRecord::new(app.id, row.script, first)).merge(&row);
            }
            from = to;
        }
        Ok(merged.into_values().collect())
    }

    /// The script that a client means by a name or an id. An id is taken as it is: what is gone has a log, too.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn script_called(&self, app: AppId, text: &str) -> Result<ScriptId, ManagerError> {
        if let Ok(id) = text.parse() {
            return Ok(id);
        }
        let mut page = Page::first(SCRIPTS);
        loop {
            let scripts = self.read(self.store.scripts(app, page)).await?;
            if let Some(found) = scripts.iter().find(|script| script.name == text) {
                return Ok(found.id);
            }
            match scripts.last() {
                Some(last) => page.after = Some(last.id),
                None => return Err(ManagerError::NotFound { what: "script" }),
            }
        }
    }
}
