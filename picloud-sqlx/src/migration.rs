//! Brings the schema up to date: all missing steps in one transaction, or none.

use std::time::{SystemTime, UNIX_EPOCH};

use picloud::{AppId, BoxFuture, DomainId, store::StoreError};

use crate::{
    error::store_error,
    sql::{Transaction, statement},
};

/// One step of the schema.
#[derive(Clone)]
struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    /// What statements cannot do alone.
    then: Option<Then>,
}

type Then = for<'a> fn(&'a mut Transaction) -> BoxFuture<'a, Result<(), StoreError>>;

/// Every step, oldest first; step `n` leads to schema `n`. A released step is never changed.
const STEPS: &[Step] = &[
    Step {
        name: "before apps",
        sqlite: include_str!("../migrations/sqlite/0001_before_apps.sql"),
        postgres: include_str!("../migrations/postgres/0001_before_apps.sql"),
        then: None,
    },
    Step {
        name: "apps",
        sqlite: include_str!("../migrations/sqlite/0002_apps.sql"),
        postgres: include_str!("../migrations/postgres/0002_apps.sql"),
        then: Some(|db| Box::pin(adopt(db))),
    },
];

/// The newest schema that this version knows; the number of steps.
pub const SCHEMA: u64 = STEPS.len() as u64;

/// Takes the steps that the database has not taken. The transaction must be the only one that does.
pub(crate) async fn run(db: &mut Transaction) -> Result<(), StoreError> {
    take(db, STEPS).await
}

async fn take(db: &mut Transaction, steps: &[Step]) -> Result<(), StoreError> {
    let found = schema(db, steps).await?;
    for (version, step) in (1u64..).zip(steps) {
        if version > found {
            take_one(db, version, step).await?;
        }
    }
    Ok(())
}

/// The schema there is; 0 for an empty database.
async fn schema(db: &mut Transaction, steps: &[Step]) -> Result<u64, StoreError> {
    // The name is our own, so that an application's own migrations may live beside it.
    let table = "CREATE TABLE IF NOT EXISTS _picloud_migrations (
        version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)";
    db.run(statement!(table)).await?;
    let taken = db.all(statement!("SELECT version, name FROM _picloud_migrations ORDER BY version")).await?;
    let Some(newest) = taken.last() else { return Ok(0) };
    let (found, known) = (newest.count("version")?, steps.len() as u64);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    for (row, step) in taken.iter().zip(steps) {
        let name = row.get::<String>("name")?;
        if name != step.name {
            let text =
                format!("the schema has a step `{name}` that no release ever had; start with a new database");
            return Err(StoreError::Corrupt(text));
        }
    }
    Ok(found)
}

async fn take_one(db: &mut Transaction, version: u64, step: &Step) -> Result<(), StoreError> {
    let sql = match db {
        #[cfg(feature = "sqlite")]
        Transaction::Sqlite(_) => step.sqlite,
        #[cfg(feature = "postgres")]
        Transaction::Postgres(_) => step.postgres,
    };
    db.script(sql).await.map_err(store_error)?;
    if let Some(then) = step.then {
        then(db).await?;
    }
    let record = "INSERT INTO _picloud_migrations (version, name, applied_at) VALUES ($1, $2, $3)";
    db.run(statement!(record, version, step.name, now())).await?;
    tracing::info!(version, step.name, "database schema is up to date with this step");
    Ok(())
}

/// Gives what there was before apps to one app, `default`, that answers on any host; then drops what is empty.
async fn adopt(db: &mut Transaction) -> Result<(), StoreError> {
    let any = "SELECT 1 FROM scripts_before_apps LIMIT 1";
    if db.find(statement!(any)).await?.is_some() {
        let app = AppId::new();
        adopt_into(db, app).await?;
        tracing::info!(%app, "what was there before apps now belongs to the app `default`");
    }
    db.run(statement!("DROP TABLE routes_before_apps")).await?;
    db.run(statement!("DROP TABLE scripts_before_apps")).await.map(drop)
}

async fn adopt_into(db: &mut Transaction, app: AppId) -> Result<(), StoreError> {
    let now = now();
    db.run(statement!("UPDATE meta SET revision = 1")).await?;
    let sql = "INSERT INTO apps (id, slug, limits, created_at, version, revision)
        VALUES ($1, 'default', '{}', $2, 1, 1)";
    db.run(statement!(sql, app, now)).await?;
    let sql = "INSERT INTO domains (id, app_id, pattern, shape, created_at) VALUES ($1, $2, '*', '*', $3)";
    db.run(statement!(sql, DomainId::new(), app, now)).await?;
    for sql in [
        "INSERT INTO scripts (id, app_id, name, limits, version, created_at)
            SELECT s.id, a.id, s.name, '{}', s.version, s.created_at FROM scripts_before_apps s, apps a",
        "INSERT INTO script_versions (app_id, script_id, version, source, hash, saved_at, saved_by)
            SELECT a.id, s.id, s.version, s.source, s.hash, s.updated_at, NULL FROM scripts_before_apps s, apps a",
        "INSERT INTO routes (id, app_id, script_id, method, path, shape, enabled, version, created_at)
            SELECT r.id, a.id, r.script_id, r.method, r.path, r.shape, r.enabled, 1, r.created_at
            FROM routes_before_apps r, apps a",
    ] {
        db.run(statement!(sql)).await?;
    }
    Ok(())
}

/// Microseconds since 1970 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "migration_tests.rs"]
mod tests;
