//! PostgreSQL: a pool of connections, one writer at a time, and word of what other servers commit.

mod notice;
mod open;

#[cfg(test)]
pub(crate) use open::pool;

use std::sync::Arc;

use picloud::{BoxFuture, store::StoreError};
use sqlx::PgPool;
use tokio::sync::{OnceCell, watch};

use crate::{
    SqlStore,
    error::store_error,
    migration,
    sql::{Row, Statement, Transaction, statement},
    store::Backend,
};

/// A [`Store`](picloud::store::Store) in the schema `picloud` of a PostgreSQL database (15 or later). Clones share it.
///
/// Any number of servers may share the database.
pub type PgStore = SqlStore<Postgres>;

/// How [`PgStore`] reaches its database.
#[derive(Debug, Clone)]
pub struct Postgres {
    pool: PgPool,
    /// Set once the schema is known to be up to date.
    ready: Arc<OnceCell<()>>,
    listening: Arc<notice::Listening>,
}

impl SqlStore<Postgres> {
    /// The newest schema that this version knows.
    pub const SCHEMA: u64 = migration::SCHEMA;

    /// A store on the database that `url` names, such as `postgres://user@host/database`. It connects when first used,
    /// and again whenever it has to: each call gives `Unavailable` while the database does not answer.
    ///
    /// Must be called on a Tokio runtime.
    ///
    /// # Errors
    /// `Unavailable` if that is no URL of a PostgreSQL database.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let pool = open::pool(url)?;
        Ok(Self::new(Postgres { pool, ready: Arc::default(), listening: Arc::default() }))
    }

    /// Connects, and brings the schema up to date, making it if it is not there. Every call does so first; this one is
    /// for who wants to know.
    ///
    /// # Errors
    /// * `NewerSchema` if a newer version of the platform has written the database: it is left untouched.
    /// * `Unavailable` if it does not answer, or refuses.
    pub async fn ensure(&self) -> Result<(), StoreError> {
        self.backend.pool().await.map(drop)
    }

    /// Waits for what is running and closes all connections. Every later call is `Unavailable`.
    pub async fn close(&self) {
        self.backend.pool.close().await;
    }
}

impl Postgres {
    /// Connections to a database whose schema is up to date.
    async fn pool(&self) -> Result<&PgPool, StoreError> {
        self.ready.get_or_try_init(|| open::migrate(&self.pool)).await?;
        Ok(&self.pool)
    }
}

#[allow(private_interfaces, reason = "sealed: the trait cannot be named outside")]
impl Backend for Postgres {
    fn begin(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        Box::pin(async {
            let transaction = self.pool().await?.begin().await.map_err(store_error)?;
            let mut transaction = Transaction::Postgres(transaction);
            // One writer at a time, as on SQLite: what was checked stays true until the end, and revisions are
            // committed in their order.
            transaction.find(statement!("SELECT one FROM meta FOR UPDATE")).await?;
            Ok(transaction)
        })
    }

    fn snapshot(&self) -> BoxFuture<'_, Result<Transaction, StoreError>> {
        Box::pin(async {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
            self.pool().await?.begin_with(begin).await.map(Transaction::Postgres).map_err(store_error)
        })
    }

    fn rows(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        Box::pin(async {
            let query = statement.for_postgres()?;
            let rows = query.fetch_all(self.pool().await?).await.map_err(store_error)?;
            Ok(rows.into_iter().map(Row::Postgres).collect())
        })
    }

    fn announce<'a>(&'a self, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { transaction.find(statement!(notice::SEND)).await.map(drop) })
    }

    fn finish(&self, transaction: Transaction) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { transaction.commit().await.map_err(store_error) })
    }

    fn listen(&self, notices: &Arc<watch::Sender<()>>) {
        self.listening.start(&self.pool, notices);
    }
}
