//! What a failure of the driver means for a caller of the store.

use picloud::store::StoreError;
use sqlx::Error;

// Result codes of SQLite (https://www.sqlite.org/rescode.html); the low byte is the primary one.
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const NOT_A_DATABASE: i32 = 26;
const IO_FSYNC: i32 = 1034;
const IO_DIR_FSYNC: i32 = 1290;
/// The shared memory file could not grow: no space, under another name.
const IO_SHM_SIZE: i32 = 4874;

/// The store's error for a driver's error.
pub(super) fn store_error(error: Error) -> StoreError {
    let text = error.to_string();
    match &error {
        Error::Database(_) => match code(&error) {
            IO_SHM_SIZE => StoreError::Full(text),
            code if code & 0xff == FULL => StoreError::Full(text),
            code if matches!(code & 0xff, CORRUPT | NOT_A_DATABASE) => StoreError::Corrupt(text),
            _ => StoreError::Unavailable(text),
        },
        Error::Io(io) if io.kind() == std::io::ErrorKind::StorageFull => StoreError::Full(text),
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnNotFound(_) | Error::RowNotFound => {
            StoreError::Corrupt(text)
        }
        _ => StoreError::Unavailable(text),
    }
}

/// Whether a write was given to the disk and the disk did not take it.
pub(super) fn is_failed_sync(error: &Error) -> bool {
    matches!(code(error), IO_FSYNC | IO_DIR_FSYNC)
}

/// The conflict that a second use of an id is; any other failure as usual.
pub(super) fn insert_error(error: Error, id: impl ToString) -> StoreError {
    match error.as_database_error() {
        Some(database) if database.is_unique_violation() => {
            StoreError::Conflict { what: "id", value: id.to_string(), holder: None }
        }
        _ => store_error(error),
    }
}

/// SQLite's extended result code; 0 if the error is not SQLite's.
fn code(error: &Error) -> i32 {
    let code = error.as_database_error().and_then(|database| database.code());
    code.and_then(|code| code.parse().ok()).unwrap_or(0)
}
