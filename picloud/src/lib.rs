//! host → app → route → invocation → executor → outcome → response.
#![deny(unsafe_code)]

mod app;
#[cfg(feature = "rhai")]
#[allow(unsafe_code, reason = "stack switching; each block argues for itself")]
mod coroutine;
mod executor;
mod invocation;
mod limits;
#[allow(unsafe_code, reason = "a global allocator is an unsafe trait; each block argues for itself")]
mod meter;
mod outcome;
mod script;

pub use app::{AdminId, AppId, DomainId, InvalidName, RouteId, ScriptId, SessionId, Slug};
pub use executor::{BoxFuture, Diagnostic, Executor, ExecutorService, ServiceExecutor, Severity};
pub use invocation::{Event, HttpEvent, Invocation, Params, RequestId, Scheme};
pub use limits::{InvalidLimit, LimitOverrides, Limits};
pub use meter::MeteredAlloc;
pub use outcome::{Code, Failure, FailureLog, Frame, Level, LogLine, Outcome, Position, Stats};
pub use script::{CompiledSlot, Script, content_hash};
#[cfg(feature = "rhai")]
mod rhai;
pub mod store;

/// The unit tests run with the meter, as the server does.
#[cfg(test)]
#[global_allocator]
static ALLOC: MeteredAlloc<std::alloc::System> = MeteredAlloc(std::alloc::System);
