//! The HTTP API from outside: requests in, answers out, no socket between.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod access;
mod accounts;
mod attempts;
mod audit;
mod config;
mod deploy;
mod document;
mod errors;
mod flow;
mod health;
mod lists;
mod logs;
mod matrix;
mod moved;
mod openapi;
mod own_authentication;
mod routing;
mod run;
mod stats;
mod tail;
mod versions;
mod world;
