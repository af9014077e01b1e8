//! The Rhai executor.

mod budget;
