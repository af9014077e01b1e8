//! Who has the database open: a lock beside it, because SQLite's own locks say nothing while nobody reads or writes.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

use picloud::store::StoreError;

use super::open::private;

/// Taken together with others who have the database open. It ends with the file that is given.
pub(super) fn share(database: &Path) -> Result<File, StoreError> {
    let file = open(database)?;
    file.try_lock_shared().map_err(|error| refused(database, error, "it is being restored"))?;
    Ok(file)
}

/// Taken by who wants to replace the database, and nobody may have it open.
pub(super) fn alone(database: &Path) -> Result<File, StoreError> {
    let file = open(database)?;
    file.try_lock()
        .map_err(|error| refused(database, error, "a server is running on it; stop that first"))?;
    Ok(file)
}

fn open(database: &Path) -> Result<File, StoreError> {
    let path = PathBuf::from(format!("{}-lock", database.display()));
    private().open(&path).map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))
}

fn refused(database: &Path, error: TryLockError, held: &str) -> StoreError {
    let why = match error {
        TryLockError::WouldBlock => held.to_owned(),
        TryLockError::Error(error) => error.to_string(),
    };
    StoreError::Unavailable(format!("{}: {why}", database.display()))
}
