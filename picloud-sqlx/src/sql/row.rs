//! One row of either database.

use picloud::store::StoreError;
use sqlx::Row as _;
use uuid::Uuid;

use crate::error::store_error;

/// One row that a statement has found.
pub(crate) enum Row {
    #[cfg(feature = "sqlite")]
    Sqlite(sqlx::sqlite::SqliteRow),
    #[cfg(feature = "postgres")]
    Postgres(sqlx::postgres::PgRow),
}

/// What a column may hold.
pub(crate) trait Column: Sized {
    /// Reads it by name.
    fn read(row: &Row, column: &str) -> sqlx::Result<Self>;
}

macro_rules! column {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn read(row: &Row, column: &str) -> sqlx::Result<Self> {
                match row {
                    #[cfg(feature = "sqlite")]
                    Row::Sqlite(row) => row.try_get(column),
                    #[cfg(feature = "postgres")]
                    Row::Postgres(row) => row.try_get(column),
                }
            }
        }
    )*};
}
column!(i64, bool, String, Vec<u8>, Option<String>, Option<Vec<u8>>);

impl Row {
    /// Reads one column.
    pub(crate) fn get<T: Column>(&self, column: &str) -> Result<T, StoreError> {
        T::read(self, column).map_err(store_error)
    }

    /// Reads an id of any kind.
    pub(crate) fn id<T: From<Uuid>>(&self, column: &str) -> Result<T, StoreError> {
        uuid(column, &self.get::<Vec<u8>>(column)?).map(T::from)
    }

    /// Reads an id that may be missing.
    pub(crate) fn optional_id<T: From<Uuid>>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let bytes = self.get::<Option<Vec<u8>>>(column)?;
        bytes.map(|bytes| uuid(column, &bytes).map(T::from)).transpose()
    }

    /// Reads a number that counts something.
    pub(crate) fn count(&self, column: &str) -> Result<u64, StoreError> {
        let count = self.get::<i64>(column)?;
        u64::try_from(count).map_err(|_| StoreError::Corrupt(format!("{column} is {count}")))
    }

    /// Reads a SHA-256.
    pub(crate) fn hash(&self, column: &str) -> Result<[u8; 32], StoreError> {
        hash(column, &self.get::<Vec<u8>>(column)?)
    }

    /// Reads a SHA-256 that may be missing.
    pub(crate) fn optional_hash(&self, column: &str) -> Result<Option<[u8; 32]>, StoreError> {
        self.get::<Option<Vec<u8>>>(column)?.map(|bytes| hash(column, &bytes)).transpose()
    }

    /// Reads JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        parse(column, &self.get::<String>(column)?)
    }

    /// Reads JSON that may be missing.
    pub(crate) fn optional_json<T: serde::de::DeserializeOwned>(
        &self,
        column: &str,
    ) -> Result<Option<T>, StoreError> {
        self.get::<Option<String>>(column)?.map(|text| parse(column, &text)).transpose()
    }
}

fn uuid(column: &str, bytes: &[u8]) -> Result<Uuid, StoreError> {
    Uuid::from_slice(bytes).map_err(|_| length(column, bytes))
}

fn hash(column: &str, bytes: &[u8]) -> Result<[u8; 32], StoreError> {
    bytes.try_into().map_err(|_| length(column, bytes))
}

fn length(column: &str, bytes: &[u8]) -> StoreError {
    StoreError::Corrupt(format!("{column} has {} bytes", bytes.len()))
}

fn parse<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("{column}: {error}")))
}
