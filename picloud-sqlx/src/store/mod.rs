//! The store on either database: all of the contract, in statements that both understand.

mod admins;
mod apps;
mod audit;
mod change;
mod identity;
mod log;
mod record;
pub(crate) mod world;

use std::{fmt::Debug, sync::Arc};

use picloud::{
    BoxFuture,
    store::{Page, StoreError},
};
use tokio::sync::watch;

use crate::sql::{Row, Statement, Transaction, Value};

/// A [`Store`](picloud::store::Store) on an SQL database. Clones share it.
#[derive(Debug, Clone)]
pub struct SqlStore<B> {
    pub(crate) backend: B,
    /// Changes with each commit of this process, and when the backend hears of others'.
    pub(crate) notices: Arc<watch::Sender<()>>,
}

/// What the databases do differently. Implemented in this crate only.
#[allow(private_interfaces, reason = "sealed: the trait cannot be named outside")]
pub trait Backend: Clone + Debug + Send + Sync + 'static {
    /// Starts a transaction that writes. It is the only one until it ends, on any server.
    fn begin(&self) -> BoxFuture<'_, Result<Transaction, StoreError>>;

    /// Starts a transaction that reads, and that sees one state until it ends.
    fn snapshot(&self) -> BoxFuture<'_, Result<Transaction, StoreError>>;

    /// The rows that one statement finds.
    fn rows(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;

    /// Has other servers told of a commit once it is made.
    fn announce<'a>(&'a self, transaction: &'a mut Transaction) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Ends a transaction that writes: after this, it is on the disk.
    fn finish(&self, transaction: Transaction) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Sees to it that `notices` hears of what other servers commit.
    fn listen(&self, notices: &Arc<watch::Sender<()>>);
}

impl<B: Backend> SqlStore<B> {
    pub(crate) fn new(backend: B) -> Self {
        Self { backend, notices: Arc::new(watch::Sender::new(())) }
    }

    /// The rows that a statement finds.
    async fn rows(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        // Nothing that is kept holds a NUL character.
        if statement.has_nul() { Ok(Vec::new()) } else { self.backend.rows(statement).await }
    }

    /// The rows that a statement finds, as records.
    async fn all<T>(&self, statement: Statement, from: Reader<T>) -> Result<Vec<T>, StoreError> {
        self.rows(statement).await?.iter().map(from).collect()
    }

    /// The one row that a statement finds, as a record.
    async fn one<T>(
        &self,
        what: &'static str,
        statement: Statement,
        from: Reader<T>,
    ) -> Result<T, StoreError> {
        let rows = self.rows(statement).await?;
        from(rows.first().ok_or(StoreError::NotFound { what })?)
    }

    /// Runs one statement in a transaction of its own and says how many rows it changed.
    async fn run(&self, statement: Statement) -> Result<u64, StoreError> {
        let mut db = self.backend.begin().await?;
        let changed = db.run(statement).await?;
        self.backend.finish(db).await?;
        Ok(changed)
    }
}

/// Makes a record of a row.
type Reader<T> = fn(&Row) -> Result<T, StoreError>;

/// Where a list that is ordered by id begins: after this.
fn after<I: Into<uuid::Uuid>>(page: Page<I>) -> (Value, Value) {
    let after = page.after.map_or(Vec::new(), |id| id.into().as_bytes().to_vec());
    (after.into(), page.limit.into())
}

/// Where a list that is ordered by id, newest first, begins: before this.
fn before<I: Into<uuid::Uuid>>(page: Page<I>) -> (Value, Value) {
    // Longer than any id, and thus after all.
    let before = page.after.map_or(vec![0xff; 17], |id| id.into().as_bytes().to_vec());
    (before.into(), page.limit.into())
}
