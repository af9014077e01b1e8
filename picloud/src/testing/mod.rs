//! The test kit: the conformance suite that every [`Store`](crate::store::Store) passes, rows to fill one with, and a
//! convention for tests that need more than Rust.

pub mod parts;
pub mod row;
mod store;

pub use store::{StoreCase, store_cases, store_conformance};
