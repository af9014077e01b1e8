//! The execution log and statistics.

use std::collections::BTreeSet;

use picloud::{
    AppId, Level, RequestId, ScriptId,
    store::{
        ExecutionFilter, ExecutionRecord, LogStore, MinuteRecord, Page, Retention, StoreError, StoreFuture,
    },
};

use super::{Backend, SqlStore, before, record};
use crate::sql::{Statement, Transaction, Value, placeholders, statement};

/// How many executions one statement keeps.
const ROWS_AT_ONCE: usize = 32;
/// How many executions are looked at in one go for a text.
const SEARCHED_AT_ONCE: usize = 256;
const COLUMNS: &str =
    "id, app_id, script_id, script_name, version, cause, at, method, path, route, status, code,
    message, place, trace, lines, level, lines_dropped, wall_us, cpu_us, operations, peak_memory, ip";
const COLUMN_COUNT: usize = 23;

impl<B: Backend> LogStore for SqlStore<B> {
    fn append_log(
        &self,
        mut executions: Vec<ExecutionRecord>,
        mut minutes: Vec<MinuteRecord>,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let mut db = self.backend.begin().await?;
            let apps = executions.iter().map(|e| e.app).chain(minutes.iter().map(|m| m.app)).collect();
            let apps = present(&mut db, apps).await?;
            executions.retain(|execution| apps.contains(&execution.app));
            minutes.retain(|minute| apps.contains(&minute.app));
            keep(&mut db, executions).await?;
            for minute in minutes {
                add(&mut db, minute).await?;
            }
            self.backend.finish(db).await
        })
    }

    fn executions(
        &self,
        app: AppId,
        filter: ExecutionFilter,
        page: Page<RequestId>,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        Box::pin(async move {
            match filter.text {
                None => self.all(matching(app, &filter, page), record::execution).await,
                Some(_) => self.containing(app, &filter, page).await,
            }
        })
    }

    fn execution(&self, app: AppId, id: RequestId) -> StoreFuture<'_, ExecutionRecord> {
        let statement = statement!("SELECT * FROM executions WHERE app_id = $1 AND id = $2", app, id);
        Box::pin(self.one("execution", statement, record::execution))
    }

    fn minutes(
        &self,
        app: AppId,
        script: Option<ScriptId>,
        since: i64,
        until: i64,
    ) -> StoreFuture<'_, Vec<MinuteRecord>> {
        let statement = match script {
            Some(script) => {
                let sql = "SELECT * FROM minutes WHERE app_id = $1 AND minute >= $2 AND minute < $3
                    AND script_id = $4 ORDER BY minute";
                statement!(sql, app, since, until, script)
            }
            None => {
                let sql = "SELECT * FROM minutes WHERE app_id = $1 AND minute >= $2 AND minute < $3
                    ORDER BY minute, script_id";
                statement!(sql, app, since, until)
            }
        };
        Box::pin(self.all(statement, record::minute))
    }

    fn prune_log(&self, retention: Retention) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut db = self.backend.begin().await?;
            let old = statement!("DELETE FROM executions WHERE at < $1", retention.executions_before);
            let mut removed = db.run(old).await?;
            let sql = "DELETE FROM executions WHERE id IN (SELECT id FROM (
                SELECT id, ROW_NUMBER() OVER (PARTITION BY app_id ORDER BY id DESC) AS place FROM executions
                ) AS ranked WHERE ranked.place > $1)";
            removed += db.run(statement!(sql, retention.executions_per_app)).await?;
            db.run(statement!("DELETE FROM minutes WHERE minute < $1", retention.minutes_before)).await?;
            self.backend.finish(db).await?;
            Ok(removed)
        })
    }
}

impl<B: Backend> SqlStore<B> {
    /// Executions with a text in them. Which text is in which line only the records tell, so they are looked at, some
    /// at a time.
    async fn containing(
        &self,
        app: AppId,
        filter: &ExecutionFilter,
        mut page: Page<RequestId>,
    ) -> Result<Vec<ExecutionRecord>, StoreError> {
        let wanted = page.limit;
        page.limit = SEARCHED_AT_ONCE;
        let mut found = Vec::new();
        loop {
            let looked_at = self.all(matching(app, filter, page), record::execution).await?;
            let Some(oldest) = looked_at.last() else { return Ok(found) };
            page.after = Some(oldest.id);
            let more = looked_at.len() == page.limit;
            found.extend(looked_at.into_iter().filter(|execution| filter.lets_through(execution)));
            if !more || found.len() >= wanted {
                found.truncate(wanted);
                return Ok(found);
            }
        }
    }
}

/// Everything of a filter but its text.
fn matching(app: AppId, filter: &ExecutionFilter, page: Page<RequestId>) -> Statement {
    let (before, limit) = before(page);
    let mut sql = "SELECT * FROM executions WHERE app_id = $1 AND id < $2".to_owned();
    let mut values = vec![app.into(), before];
    let mut also = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    };
    also("script_id =", filter.script.map(Value::from));
    also("level >=", filter.level.map(|level| rank(level).into()));
    also("code =", filter.code.clone().map(Value::from));
    also("status >=", filter.status.as_ref().map(|statuses| Value::from(*statuses.start())));
    also("status <=", filter.status.as_ref().map(|statuses| Value::from(*statuses.end())));
    also("at >=", filter.since.map(Value::from));
    also("at <", filter.until.map(Value::from));
    also("(code IS NOT NULL) =", filter.failed.map(Value::from));
    values.push(limit);
    sql.push_str(&format!(" ORDER BY id DESC LIMIT ${}", values.len()));
    Statement::new(sql, values)
}

fn rank(level: Level) -> i64 {
    match level {
        Level::Debug => 1,
        Level::Info => 2,
        Level::Warn => 3,
        Level::Error => 4,
    }
}

/// Those apps that are there.
async fn present(db: &mut Transaction, apps: BTreeSet<AppId>) -> Result<BTreeSet<AppId>, StoreError> {
    let mut found = BTreeSet::new();
    for app in apps {
        if db.find(statement!("SELECT id FROM apps WHERE id = $1", app)).await?.is_some() {
            found.insert(app);
        }
    }
    Ok(found)
}

async fn keep(db: &mut Transaction, executions: Vec<ExecutionRecord>) -> Result<(), StoreError> {
    let mut rows = executions.into_iter().map(values).peekable();
    while rows.peek().is_some() {
        let some: Vec<_> = rows.by_ref().take(ROWS_AT_ONCE).collect();
        let places = placeholders(some.len(), COLUMN_COUNT);
        let sql = format!("INSERT INTO executions ({COLUMNS}) VALUES {places} ON CONFLICT (id) DO NOTHING");
        db.run(Statement::new(sql, some.into_iter().flatten().collect())).await?;
    }
    Ok(())
}

/// One row, in the order of [`COLUMNS`].
fn values(execution: ExecutionRecord) -> [Value; COLUMN_COUNT] {
    let level = execution.lines.iter().map(|line| rank(line.level)).max().unwrap_or(0);
    [
        execution.id.into(),
        execution.app.into(),
        execution.script.into(),
        without_nul(execution.script_name).into(),
        execution.version.into(),
        without_nul(execution.trigger).into(),
        execution.at.into(),
        without_nul(execution.method).into(),
        without_nul(execution.path).into(),
        without_nul(execution.route).into(),
        execution.status.into(),
        execution.code.map(without_nul).into(),
        execution.message.map(without_nul).into(),
        execution.position.map(|position| record::json(&position)).into(),
        record::json(&execution.trace).into(),
        record::json(&execution.lines).into(),
        level.into(),
        execution.lines_dropped.into(),
        execution.wall_us.into(),
        execution.cpu_us.into(),
        execution.operations.into(),
        execution.peak_memory.into(),
        execution.ip.map(without_nul).into(),
    ]
}

/// What a script says may hold NUL, which PostgreSQL cannot keep. One character is not worth losing a whole batch.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

/// Adds counts to those that are there.
async fn add(db: &mut Transaction, mut minute: MinuteRecord) -> Result<(), StoreError> {
    let sql = "SELECT * FROM minutes WHERE app_id = $1 AND script_id = $2 AND minute = $3";
    if let Some(found) = db.find(statement!(sql, minute.app, minute.script, minute.minute)).await? {
        let there = record::minute(&found)?;
        minute.count += there.count;
        minute.errors += there.errors;
        minute.unsampled += there.unsampled;
        minute.dropped += there.dropped;
        minute.wall_us.merge(&there.wall_us);
        minute.operations.merge(&there.operations);
    }
    let MinuteRecord { app, script, minute, count, errors, unsampled, dropped, wall_us, operations } = minute;
    let sql = "INSERT INTO minutes
        (app_id, script_id, minute, count, errors, unsampled, dropped, wall_us, operations)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (app_id, minute, script_id) DO UPDATE SET count = excluded.count, errors = excluded.errors,
        unsampled = excluded.unsampled, dropped = excluded.dropped, wall_us = excluded.wall_us,
        operations = excluded.operations";
    let (wall_us, operations) = (record::json(&wall_us), record::json(&operations));
    let insert = statement!(sql, app, script, minute, count, errors, unsampled, dropped, wall_us, operations);
    db.run(insert).await.map(drop)
}
