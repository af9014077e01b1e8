//! SQLite: one writer, a few readers, and nothing acknowledged before it is on the disk.

mod backup;
mod lock;
mod open;

use std::{
    fs::File,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use picloud::{BoxFuture, store::StoreError};
use sqlx::SqlitePool;
use tokio::sync::watch;

pub use backup::restore;

use crate::{
    SqlStore,
    error::{is_failed_sync, store_error},
    migration,
    sql::{Row, Statement, Transaction},
    store::Backend,
};

/// A [`Store`](picloud::store::Store) in one SQLite file. Clones share it.
///
/// Several processes may open the same file, on one machine; SQLite's locks keep them apart.
pub type SqliteStore = SqlStore<Sqlite>;

/// How [`SqliteStore`] reaches its file.
#[derive(Debug, Clone)]
pub struct Sqlite {
    /// One connection: SQLite has one writer at a time, and waiting here is fair and free of busy errors.
    pub(crate) writer: SqlitePool,
    /// Connections that cannot write; with the write-ahead log they neither wait for the writer nor hold it up.
    pub(crate) readers: SqlitePool,
    /// Set for good once the disk has failed to take what was written.
    pub(crate) read_only: Arc<AtomicBool>,
    /// Keeps the file from being replaced while it is open.
    _lock: Arc<File>,
}

impl SqlStore<Sqlite> {
    /// The newest schema that this version knows.
    pub const SCHEMA: u64 = migration::SCHEMA;

    /// Opens the database in `path`, making it if it is not there, and brings its schema up to date.
    ///
    /// A new file is readable by its owner only. The folder must exist.
    ///
    /// # Errors
    /// * `NewerSchema` if a newer version of the platform has written the database: it is left untouched.
    /// * `Corrupt` if the file is not a database, or a damaged one.
    /// * `Full` or `Unavailable` if it cannot be made, opened or locked.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = open::create_private(path.as_ref())?;
        let lock = Arc::new(lock::share(&path)?);
        let writer = open::writer(&path).await?;
        open::check(&writer).await?;
        migrate(&writer).await?;
        let readers = open::readers(&path);
        Ok(Self::new(Sqlite { writer, readers, read_only: Arc::default(), _lock: lock }))
    }

    /// Waits for what is running, moves the write-ahead log into the database and closes it. Every later call is
    /// `Unavailable`. Without it nothing is lost, but the log stays a file of its own until the next start.
    pub async fn close(&self) {
        self.backend.readers.close().await;
        self.backend.writer.close().await;
    }
}

/// Processes that start together wait for one another.
async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    let transaction = writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)?;
    let mut transaction = Transaction::Sqlite(transaction);
    migration::run(&mut transaction).await?;
    transaction.commit().await.map_err(store_error)
}

#[allow(private_interfaces, reason = "sealed: the trait cannot be named outside")]
impl Backend for Sqlite {
    fn begin(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        Box::pin(async {
            if self.read_only.load(Ordering::Acquire) {
                return Err(StoreError::Unavailable(READ_ONLY.to_owned()));
            }
            // The lock is taken at the start: a transaction that first reads and then wants to write may be refused.
            self.writer.begin_with("BEGIN IMMEDIATE").await.map(Transaction::Sqlite).map_err(store_error)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        // With the write-ahead log a transaction sees the state at its first read until its end.
        Box::pin(async { self.readers.begin().await.map(Transaction::Sqlite).map_err(store_error) })
    }

    fn rows(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let rows = statement.for_sqlite()?.fetch_all(&self.readers).await.map_err(store_error)?;
            Ok(rows.into_iter().map(Row::Sqlite).collect())
        })
    }

    fn announce<'a>(&'a self, _transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), StoreError>> {
        // Other processes look from time to time.
        Box::pin(async { Ok(()) })
    }

    fn finish(&self, transaction: Transaction) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async {
            transaction.commit().await.map_err(|error| {
                if is_failed_sync(&error) {
                    // After a failed sync the system may have dropped the pages and will not say so again: a retry
                    // that seems to succeed proves nothing. Reading goes on; writing needs a restart.
                    self.read_only.store(true, Ordering::Release);
                    tracing::error!(%error, "the disk did not take a write: no more writes until a restart");
                }
                store_error(error)
            })
        })
    }

    fn listen(&self, _notices: &Arc<watch::Sender<()>>) {}
}

const READ_ONLY: &str = "the disk failed to take an earlier write; check it, then restart";

#[cfg(test)]
mod tests;
