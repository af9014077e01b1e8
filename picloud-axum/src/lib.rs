//! PiCloud over HTTP: the admin API, execute, health and version as axum routers.
//!
//! request → envelope (id, no-store, problems) → session → handler → `Manager` → JSON.
//!
//! [`Api::router`] is the whole API, [`health_router`] what load balancers ask. Both can be merged into or nested in
//! an axum app of your own. Handlers parse, call the manager and answer; every rule about apps, scripts and routes is
//! the manager's, and every failure becomes an answer in one place (`error.rs`).
//!
//! Not here: listeners, TLS, time limits for slow senders, and who may see which host. The server around puts a
//! [`picloud::Client`] into each request's extensions; without one, addresses are unknown and the scheme is `http`.
#![forbid(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod admins;
mod api;
mod apps;
mod attempt;
mod audit;
mod auth;
mod authenticate;
mod config;
mod credential;
mod definitions;
mod deploy;
mod domains;
mod envelope;
mod error;
mod etag;
mod execute;
mod executions;
mod health;
mod input;
mod lookup;
mod openapi;
mod origin;
mod page;
mod query;
mod routes;
mod run;
mod scripts;
mod stats;
mod table;
mod tail;
mod time;
mod versions;

pub use api::{Api, Execute, Options, Setting};
pub use authenticate::{Authenticate, Identity};
pub use health::{
    API_VERSION, Ready, SCRIPT_VERSION, Version, WIRE_VERSION, enveloped, health_router, nothing_else,
};
