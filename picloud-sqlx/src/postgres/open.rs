//! Connecting, and bringing the schema up to date.

use std::{str::FromStr, time::Duration};

use picloud::store::StoreError;
use sqlx::{
    ConnectOptions, Executor, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    error::store_error,
    migration,
    sql::{Transaction, statement},
};

/// Connections of one server; one of them listens.
const CONNECTIONS: u32 = 10;
/// How long a call waits for a connection. In this time a restart of the database goes unnoticed.
const PATIENCE: Duration = Duration::from_secs(5);
/// What holds for every connection. A server that hangs must not keep the others from writing.
const SESSION: &str =
    "SET search_path = picloud; SET client_min_messages = warning; SET lock_timeout = '10s';
    SET statement_timeout = '30s'; SET idle_in_transaction_session_timeout = '30s'";
/// Servers that start together take turns; any number that is always the same.
const LOCK: i64 = 0x70_6963_6c6f_7564;

/// Connections that are opened when first needed.
pub(crate) fn pool(url: &str) -> Result<PgPool, StoreError> {
    let options =
        PgConnectOptions::from_str(url).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let options = options.application_name("picloud").disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .after_connect(|connection, _| Box::pin(async { connection.execute(SESSION).await.map(drop) }));
    Ok(pool.connect_lazy_with(options))
}

/// Brings the schema up to date.
pub(super) async fn migrate(pool: &PgPool) -> Result<(), StoreError> {
    let mut db = Transaction::Postgres(pool.begin().await.map_err(store_error)?);
    db.find(statement!("SELECT 1 FROM pg_advisory_xact_lock($1)", LOCK)).await?;
    // Looked for first, because who may not make schemas may not say `IF NOT EXISTS` either.
    let found = db.find(statement!("SELECT 1 FROM pg_namespace WHERE nspname = 'picloud'")).await?;
    if found.is_none() {
        db.run(statement!("CREATE SCHEMA picloud")).await?;
    }
    migration::run(&mut db).await?;
    db.commit().await.map_err(store_error)
}
