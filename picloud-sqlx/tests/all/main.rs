//! What the stores keep, on real files and on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

#[cfg(all(unix, feature = "postgres"))]
mod cluster;
mod conformance;
#[cfg(all(unix, feature = "postgres"))]
mod postgres;
mod sqlite;
mod upgrade;
