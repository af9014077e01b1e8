//! The test kit: apps under test without a socket, files of tests beside scripts, the conformance suite that every
//! [`Store`](crate::store::Store) passes with rows to fill one, and a convention for tests that need more than Rust.

#[cfg(feature = "rhai")]
mod app;
pub mod parts;
pub mod row;
mod store;
#[cfg(feature = "rhai")]
mod suite;

#[cfg(feature = "rhai")]
pub use app::{Double, START_MS, TestApp, TestClock, TestRequest, TestResponse};
pub use store::{StoreCase, store_cases, store_conformance};
#[cfg(feature = "rhai")]
pub use suite::{Report, Suite, TestCase, TestFailure};
