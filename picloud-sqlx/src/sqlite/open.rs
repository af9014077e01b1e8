//! Opening the file: who may read it, how durable a write is, and how little memory a connection takes.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use picloud::store::StoreError;
use sqlx::{
    ConnectOptions, Connection, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::error::store_error;

/// How long SQLite waits for another process that holds a lock.
pub(super) const BUSY: Duration = Duration::from_secs(5);
/// How long a call waits for its turn in this process.
const QUEUE: Duration = Duration::from_secs(10);
/// After this time without work, a reader's memory and thread are given back.
const READER_IDLE: Duration = Duration::from_secs(60);

/// Makes the file for its owner only, if it is not there, and gives its absolute path. SQLite gives the files
/// beside it (log and shared memory) the same permissions.
pub(super) fn create_private(path: &Path) -> Result<PathBuf, StoreError> {
    // Absolute, because SQLite reads a meaning into some relative names: `:memory:`, `file:…`.
    let create = std::path::absolute(path).and_then(|path| private().open(&path).map(|_| path));
    create.map_err(|error| {
        let text = format!("{}: {error}", path.display());
        match error.kind() {
            io::ErrorKind::StorageFull => StoreError::Full(text),
            _ => StoreError::Unavailable(text),
        }
    })
}

pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// The one connection that writes.
pub(super) async fn writer(path: &Path) -> Result<SqlitePool, StoreError> {
    let options = common(path)
        .journal_mode(SqliteJournalMode::Wal)
        // With the write-ahead log, NORMAL may lose acknowledged writes when the power goes. FULL does not.
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", "4194304")
        .thread_name(|_| "sqlite-writer".to_owned());
    pool(1).idle_timeout(None).connect_with(options).await.map_err(store_error)
}

/// The connections that read. They are opened when first needed.
pub(super) fn readers(path: &Path) -> SqlitePool {
    let options = common(path).pragma("query_only", "ON").thread_name(|id| format!("sqlite-reader-{id}"));
    pool(2).idle_timeout(READER_IDLE).connect_lazy_with(options)
}

/// What holds for every connection.
fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .pragma("temp_store", "MEMORY")
        .pragma("mmap_size", "0")
        .pragma("cache_size", "-512") // KiB
        .statement_cache_capacity(48)
        .row_buffer_size(16)
        .disable_statement_logging()
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(QUEUE)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_release(|connection, _| Box::pin(is_clean(connection)))
}

/// Whether a connection may be used again. When SQLite has ended a transaction by itself (a full disk, a failed
/// read), the driver still counts it as open and would refuse every later one: such a connection is closed.
async fn is_clean(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // Waits for a rollback that is under way.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// Looks for damage, so that a broken file is found at the start and not in the middle of a request.
pub(super) async fn check(writer: &SqlitePool) -> Result<(), StoreError> {
    let query = sqlx::query_scalar("PRAGMA quick_check(1)");
    let found: String = query.fetch_one(writer).await.map_err(store_error)?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Corrupt(found)) }
}
