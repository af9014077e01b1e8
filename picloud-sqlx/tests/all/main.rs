//! What the stores keep, on real files and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[cfg(feature = "sqlite")]
mod backup;
#[cfg(all(unix, feature = "postgres"))]
mod cluster;
mod conformance;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod schema;
#[cfg(feature = "sqlite")]
mod sqlite;
mod upgrade;
