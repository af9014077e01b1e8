//! Durable stores for PiCloud on SQL databases.
//!
//! [`SqliteStore`] keeps everything in one file, [`PgStore`] in a schema of a PostgreSQL database. Both are one
//! [`SqlStore`]: the same statements, over a thin layer for what the two do differently. No type of the driver is
//! public here.

#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod error;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod migration;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod store;

#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use migration::SCHEMA;
#[cfg(feature = "postgres")]
pub use postgres::{PgStore, Postgres};
#[cfg(feature = "sqlite")]
pub use sqlite::{Sqlite, SqliteStore, restore};
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub use store::SqlStore;
