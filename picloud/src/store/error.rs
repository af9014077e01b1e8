//! Why a store did not do what it was asked.

use crate::AppId;

/// Why a store did not do what it was asked; never carries a backend's own type in public.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing, in this app.
    #[error("no such {what}")]
    NotFound {
        /// The kind of thing: `app`, `script`, `version`, `route`, `domain`, `admin`, `session`, `execution`.
        what: &'static str,
    },
    /// Something else holds what must be unique.
    #[error("{what} `{value}` is already taken")]
    Conflict {
        /// What must be unique: `slug`, `domain`, `script name`, `route`, `username`; `id` if a caller made one twice.
        what: &'static str,
        /// The value in question.
        value: String,
        /// The app that holds it, where another app does.
        holder: Option<AppId>,
    },
    /// The thing has changed since the caller read it.
    #[error("{what} has changed: it is at version {actual}, not {expected}")]
    Precondition {
        /// The kind of thing.
        what: &'static str,
        /// The version the caller expected.
        expected: u64,
        /// The version there is.
        actual: u64,
    },
    /// The change would leave nobody who can log in.
    #[error("the last active admin cannot be removed, disabled or given a lesser role")]
    LastAdmin,
    /// The database does not answer; trying again later may help. The text is for logs.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// There is no room left. The text is for logs.
    #[error("storage is full: {0}")]
    Full(String),
    /// A newer version of the platform has written this database, and this one must not touch it.
    #[error(
        "the database has schema {found}, but this version knows only up to {known}: run a newer version"
    )]
    NewerSchema {
        /// The schema of the database.
        found: u64,
        /// The newest schema that this version knows.
        known: u64,
    },
    /// What is stored cannot be understood. The text is for logs.
    #[error("storage is damaged: {0}")]
    Corrupt(String),
}

impl StoreError {
    /// Compares what a caller expected, if anything, with the version there is.
    ///
    /// # Errors
    /// `Precondition` if they differ.
    pub fn check_version(what: &'static str, expected: Option<u64>, actual: u64) -> Result<(), Self> {
        match expected {
            Some(expected) if expected != actual => Err(Self::Precondition { what, expected, actual }),
            _ => Ok(()),
        }
    }
}
