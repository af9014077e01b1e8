//! Brings the schema up to date: all missing steps in one transaction, or none.

use std::time::{SystemTime, UNIX_EPOCH};

use picloud::store::StoreError;
use sqlx::{SqliteConnection, SqlitePool};

use super::error::store_error;

/// Every step, oldest first; step `n` leads to schema `n`. A released step is never changed.
const STEPS: &[(&str, &str)] = &[("initial", include_str!("../../migrations/sqlite/0001_initial.sql"))];

/// The schema after all steps.
pub(super) const KNOWN: u64 = STEPS.len() as u64;

/// Takes the steps that `writer`'s database has not taken. Processes that start together wait for one another.
pub(super) async fn run(writer: &SqlitePool) -> Result<(), StoreError> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
    let found = schema(&mut transaction).await.map_err(store_error)?;
    if found > KNOWN {
        return Err(StoreError::NewerSchema { found, known: KNOWN });
    }
    for (version, &(name, sql)) in (1u64..).zip(STEPS) {
        if version > found {
            step(&mut transaction, version, name, sql).await.map_err(store_error)?;
        }
    }
    transaction.commit().await.map_err(store_error)
}

/// The schema there is; 0 for an empty database.
async fn schema(db: &mut SqliteConnection) -> sqlx::Result<u64> {
    // The name is our own, so that an application's own migrations may live in the same file.
    let table = "CREATE TABLE IF NOT EXISTS _picloud_migrations (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
    sqlx::query(table).execute(&mut *db).await?;
    let newest = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _picloud_migrations");
    let newest: i64 = newest.fetch_one(db).await?;
    Ok(u64::try_from(newest).unwrap_or(0))
}

async fn step(db: &mut SqliteConnection, version: u64, name: &str, sql: &'static str) -> sqlx::Result<()> {
    sqlx::raw_sql(sql).execute(&mut *db).await?;
    let record = "INSERT INTO _picloud_migrations (version, name, applied_at) VALUES ($1, $2, $3)";
    sqlx::query(record).bind(version.cast_signed()).bind(name).bind(now()).execute(db).await?;
    tracing::info!(version, name, "database schema is up to date with this step");
    Ok(())
}

/// Microseconds since 1970 UTC.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
