//! What a failure of the driver means for a caller of the store.

use picloud::store::StoreError;
use sqlx::{Error, error::DatabaseError};

/// The store's error for a driver's error.
pub(crate) fn store_error(error: Error) -> StoreError {
    let text = error.to_string();
    match &error {
        Error::Database(database) => match kind(&**database) {
            Kind::Full => StoreError::Full(text),
            Kind::Corrupt => StoreError::Corrupt(text),
            Kind::Other => StoreError::Unavailable(text),
        },
        Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => StoreError::Full(text),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnNotFound(_) | Error::RowNotFound => {
            StoreError::Corrupt(text)
        }
        Error::PoolTimedOut => StoreError::Unavailable("the database did not answer in time".to_owned()),
        _ => StoreError::Unavailable(text),
    }
}

/// The conflict that a second use of an id is; any other failure as usual.
pub(crate) fn insert_error(error: Error, id: impl ToString) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => {
            StoreError::Conflict { what: "id", value: id.to_string(), holder: None }
        }
        _ => store_error(error),
    }
}

enum Kind {
    Full,
    Corrupt,
    Other,
}

fn kind(error: &dyn DatabaseError) -> Kind {
    #[cfg(feature = "postgres")]
    if error.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return postgres_kind(&error.code().unwrap_or_default());
    }
    #[cfg(feature = "sqlite")]
    if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() {
        return sqlite_kind(error);
    }
    Kind::Other
}

/// By SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html).
#[cfg(feature = "postgres")]
fn postgres_kind(state: &str) -> Kind {
    match state {
        // disk_full
        "53100" => Kind::Full,
        // data_corrupted, index_corrupted
        "XX001" | "XX002" => Kind::Corrupt,
        _ => Kind::Other,
    }
}

// Result codes of SQLite (https://www.sqlite.org/rescode.html); the low byte is the primary one.
#[cfg(feature = "sqlite")]
const CORRUPT: i32 = 11;
#[cfg(feature = "sqlite")]
const FULL: i32 = 13;
#[cfg(feature = "sqlite")]
const NOT_A_DATABASE: i32 = 26;
#[cfg(feature = "sqlite")]
const IO_FSYNC: i32 = 1034;
#[cfg(feature = "sqlite")]
const IO_DIR_FSYNC: i32 = 1290;
/// The shared memory file could not grow: no space, under another name.
#[cfg(feature = "sqlite")]
const IO_SHM_SIZE: i32 = 4874;

#[cfg(feature = "sqlite")]
fn sqlite_kind(error: &dyn DatabaseError) -> Kind {
    match sqlite_code(error) {
        IO_SHM_SIZE => Kind::Full,
        code if code & 0xff == FULL => Kind::Full,
        code if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) => Kind::Corrupt,
        _ => Kind::Other,
    }
}

/// Whether a write was given to the disk and the disk did not take it.
#[cfg(feature = "sqlite")]
pub(crate) fn is_failed_sync(error: &Error) -> bool {
    error.as_database_error().is_some_and(|error| matches!(sqlite_code(error), IO_FSYNC | IO_DIR_FSYNC))
}

/// SQLite's extended result code; 0 if the error is not SQLite's.
#[cfg(feature = "sqlite")]
fn sqlite_code(error: &dyn DatabaseError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or(0)
}
