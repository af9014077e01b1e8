//! The picloud server as a library, for its binary and its tests.
#![forbid(unsafe_code)]

pub mod front;
