//! Durable stores for PiCloud on SQL databases.
//!
//! [`SqliteStore`] keeps everything in one file. No type of the driver is public here.

#![forbid(unsafe_code)]

#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
