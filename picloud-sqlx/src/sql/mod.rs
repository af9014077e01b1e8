//! Statements, rows and transactions of either database, so that all SQL is written once.
//!
//! Both drivers understand `$1`, and bytes, text, 64-bit numbers and booleans are all the types there are.

mod row;
mod statement;
mod transaction;

pub(crate) use row::Row;
pub(crate) use statement::{Statement, Value, placeholders, statement};
pub(crate) use transaction::Transaction;
