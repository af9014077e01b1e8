//! The store on SQLite: one writer, a few readers, and nothing acknowledged before it is on the disk.

mod apps;
mod change;
mod error;
mod identity;
mod migration;
mod open;
mod row;

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use picloud::store::StoreError;
use sqlx::{Sqlite, SqlitePool, Transaction};

use error::{is_failed_sync, store_error};

/// A [`Store`](picloud::store::Store) in one SQLite file. Clones share it.
///
/// Several processes may open the same file, on one machine; SQLite's locks keep them apart.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    /// One connection: SQLite has one writer at a time, and waiting here is fair and free of busy errors.
    writer: SqlitePool,
    /// Connections that cannot write; with the write-ahead log they neither wait for the writer nor hold it up.
    readers: SqlitePool,
    /// Set for good once the disk has failed to take what was written.
    read_only: Arc<AtomicBool>,
}

impl SqliteStore {
    /// The newest schema that this version knows; the number of migrations.
    pub const SCHEMA: u64 = migration::KNOWN;

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
        let writer = open::writer(&path).await?;
        open::check(&writer).await?;
        migration::run(&writer).await?;
        let readers = open::readers(&path);
        Ok(Self { writer, readers, read_only: Arc::default() })
    }

    /// Waits for what is running, moves the write-ahead log into the database and closes it. Every later call is
    /// `Unavailable`. Without it nothing is lost, but the log stays a file of its own until the next start.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Starts a write transaction. Dropping it undoes it.
    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        if self.read_only.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable(READ_ONLY.to_owned()));
        }
        // The lock is taken at the start: a transaction that first reads and then wants to write may be refused.
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(store_error)
    }

    /// Ends a write transaction: after this, it is on the disk.
    async fn finish(&self, transaction: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        transaction.commit().await.map_err(|error| {
            if is_failed_sync(&error) {
                // After a failed sync the system may have dropped the pages and will not say so again: a retry
                // that seems to succeed proves nothing. Reading goes on; writing needs a restart.
                self.read_only.store(true, Ordering::Release);
                tracing::error!(%error, "the disk did not take a write: no more writes until a restart");
            }
            store_error(error)
        })
    }
}

const READ_ONLY: &str = "the disk failed to take an earlier write; check it, then restart";

#[cfg(test)]
mod tests;
