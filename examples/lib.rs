//! The examples are the files beside this one; see README.md for the list.

/// The code in the guide compiles.
#[cfg(doctest)]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;
