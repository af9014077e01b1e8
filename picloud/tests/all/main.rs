//! Tests of the crate from outside, in one binary.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails, which is its job")]

mod layers;
mod memory_store;
