//! A transaction of either database.

use std::{future::poll_fn, pin::pin};

use futures_core::Stream as _;
use picloud::store::StoreError;

use super::{Row, Statement};
use crate::error::store_error;

/// A transaction. Dropping it undoes it.
pub(crate) enum Transaction {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::Transaction<'static, sqlx::Sqlite>),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::Transaction<'static, sqlx::Postgres>),
}

/// Runs the same code for either database: with its query and its connection.
macro_rules! either {
    ($transaction:expr, $statement:expr, |$query:ident, $db:ident, $row:ident| $code:expr) => {
        match $transaction {
            #[cfg(feature = "sqlite")]
            Transaction::Sqlite(transaction) => {
                let ($query, $db, $row) = ($statement.for_sqlite()?, &mut **transaction, Row::Sqlite);
                $code
            }
            #[cfg(feature = "postgres")]
            Transaction::Postgres(transaction) => {
                let ($query, $db, $row) = ($statement.for_postgres()?, &mut **transaction, Row::Postgres);
                $code
            }
        }
    };
}

impl Transaction {
    /// Runs a statement that changes rows; says how many.
    pub(crate) async fn run(&mut self, statement: Statement) -> Result<u64, StoreError> {
        self.try_run(statement).await?.map_err(store_error)
    }

    /// Like [`run`](Self::run), with the driver's error for who wants to look at it.
    pub(crate) async fn try_run(&mut self, statement: Statement) -> Result<sqlx::Result<u64>, StoreError> {
        either!(self, statement, |query, db, _row| {
            Ok(query.execute(db).await.map(|done| done.rows_affected()))
        })
    }

    /// The first row that a statement finds.
    pub(crate) async fn find(&mut self, statement: Statement) -> Result<Option<Row>, StoreError> {
        either!(self, statement, |query, db, row| {
            Ok(query.fetch_optional(db).await.map_err(store_error)?.map(row))
        })
    }

    /// Calls `take` with each row as it comes, so that a large answer is never there as a whole.
    pub(crate) async fn each(
        &mut self,
        statement: Statement,
        mut take: impl FnMut(Row) + Send,
    ) -> Result<(), StoreError> {
        either!(self, statement, |query, db, row| {
            let mut rows = pin!(query.fetch(db));
            while let Some(found) = poll_fn(|cx| rows.as_mut().poll_next(cx)).await {
                take(row(found.map_err(store_error)?));
            }
            Ok(())
        })
    }

    /// All rows that a statement finds.
    pub(crate) async fn all(&mut self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let mut rows = Vec::new();
        self.each(statement, |row| rows.push(row)).await?;
        Ok(rows)
    }

    /// Runs statements without parameters, in the database's own words.
    pub(crate) async fn script(&mut self, sql: &str) -> sqlx::Result<()> {
        let script = sqlx::raw_sql(sqlx::AssertSqlSafe(sql));
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => script.execute(&mut **transaction).await.map(drop),
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => script.execute(&mut **transaction).await.map(drop),
        }
    }

    /// Ends it: after this, it is on the disk.
    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(transaction) => transaction.commit().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(transaction) => transaction.commit().await,
        }
    }
}
