//! The test kit: the conformance suite that every [`Store`](crate::store::Store) passes, and rows to fill one with.

pub mod row;
mod store;

pub use store::{StoreCase, store_cases, store_conformance};
