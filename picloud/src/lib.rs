//! User-written [Rhai](https://rhai.rs) scripts as live HTTP endpoints, inside your service.
//!
//! host → app → route → invocation → executor → outcome → response, over scripts that may change while it runs.
//!
//! ```
//! use picloud::{App, HostModule};
//!
//! # fn main() -> Result<(), picloud::BuildError> {
//! let lights = HostModule::new("lights").async_function("set", |room: String, on: bool| async move {
//!     // Any future: a socket, a database. The script waits, no thread does.
//!     if room == "hall" { Ok(on) } else { Err(format!("no lights in {room}")) }
//! });
//! let app = App::builder()
//!     .module(lights)
//!     .script("light", r#"#{ on: lights::set(ctx.params.room, ctx.body.on) }"#)
//!     .route("PUT /rooms/:room/light", "light")
//!     .build()?;
//! let service = app.service(); // a tower::Service: `Router::fallback_service` in axum, or bare hyper
//! # drop(service);
//! # Ok(())
//! # }
//! ```
//!
//! # The flow
//!
//! An [`Orchestrator`] takes a request. Its [`Router`] finds the app by host and the [`Script`] by route; both come from
//! a [`Snapshot`] that never changes under a request. An [`Executor`] runs the [`Invocation`] and always gives an
//! [`Outcome`]: a response, or a [`Failure`] with one face for the caller and one for the log. The built-in
//! [`RhaiExecutor`] runs each script on a coroutine of its own, under [`Limits`] that hold whatever the script does.
//!
//! [`App`] puts this together without any store. A server with a database uses [`manager::Manager`] as the only writer
//! of a [`store::Store`], and a [`Publisher`] that turns what is stored into snapshots.
//!
//! # The memory of scripts
//!
//! Programs that run scripts of others should install [`MeteredAlloc`] (two lines): it counts what each run holds.
//!
//! # Features
//!
//! * `rhai` (default): the built-in executor and [`App`]. Without it: router, orchestrator, manager, stores, traits.
//! * `testing`: the test kit for scripts, and the conformance suite for stores of your own.
//! * `schema`: JSON Schemas of what the HTTP API parses, for its OpenAPI document.
//!
//! # What is not here
//!
//! No HTTP server, no TLS, no database: those are your service's, or `picloud-server`'s. No global state: no allocator,
//! no subscriber, no environment variables, no printing. No isolation between strangers beyond the limits: scripts share
//! the process.
#![deny(unsafe_code)]
#![warn(clippy::missing_errors_doc)]

mod app;
#[cfg(feature = "rhai")]
#[allow(unsafe_code, reason = "stack switching; each block argues for itself")]
mod coroutine;
mod domain;
#[cfg(feature = "rhai")]
mod embed;
mod executor;
mod gate;
mod headers;
mod host;
mod invocation;
mod limits;
pub mod manager;
#[allow(unsafe_code, reason = "a global allocator is an unsafe trait; each block argues for itself")]
mod meter;
mod orchestrator;
mod outcome;
mod path;
mod problem;
pub mod recorder;
#[cfg(feature = "rhai")]
mod rhai;
mod route;
mod route_table;
mod router;
mod script;
mod shared_map;
mod snapshot;
pub mod store;
#[cfg(feature = "rhai")]
mod surroundings;
#[cfg(feature = "testing")]
pub mod testing;

pub use app::{AdminId, AppId, AuditId, DomainId, InvalidName, RouteId, ScriptId, SessionId, Slug};
pub use domain::{DomainPattern, InvalidPattern};
#[cfg(feature = "rhai")]
pub use embed::{App, AppBuilder, BuildError, Delivered, point_at};
pub use executor::{
    BoxFuture, Definition, DefinitionKind, Diagnostic, Executor, ExecutorService, ServiceExecutor, Severity,
};
pub use gate::Gate;
pub use host::{Host, InvalidHost, request_host};
pub use invocation::{Event, HttpEvent, Invocation, Params, RequestId, Scheme};
pub use limits::{InvalidLimit, LimitOverrides, Limits};
pub use meter::MeteredAlloc;
pub use orchestrator::{
    Answer, Client, Finished, Hosts, Observer, Occurrence, Orchestrator, OrchestratorBuilder, Received,
    Refused, Tested, Tracing,
};
pub use outcome::{Code, Failure, FailureLog, Frame, Level, LogLine, Outcome, Position, Stats};
pub use path::{InvalidPath, RESERVED, check_path, is_reserved, shadow};
pub use problem::{FieldError, Problem};
#[cfg(feature = "rhai")]
pub use rhai::{
    AsyncFunction, CallContext, HostAnswer, HostError, HostFunction, HostMethod, HostModule, InvalidModules,
    RhaiExecutor, RhaiExecutorBuilder, ScriptType, ScriptValue,
};
pub use route::{RouteMethod, RoutePattern};
pub use route_table::{
    AppRoutes, Overlap, Overlaps, Route, RouteTable, RouteTableBuilder, overlap, overlaps,
};
pub use router::{Match, Miss, Router};
pub use script::{CompiledSlot, Script, content_hash, script_name};
pub use snapshot::{Publisher, Snapshot};

/// The code in the README compiles.
#[cfg(all(doctest, feature = "rhai"))]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The unit tests run with the meter, as the server does.
#[cfg(test)]
#[global_allocator]
static ALLOC: MeteredAlloc<std::alloc::System> = MeteredAlloc(std::alloc::System);
