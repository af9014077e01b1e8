//! host → app → route → invocation → executor → outcome → response.
mod app;
mod executor;
mod invocation;
mod limits;
mod outcome;
mod script;

pub use app::{AdminId, AppId, DomainId, InvalidName, RouteId, ScriptId, SessionId, Slug};
pub use executor::{BoxFuture, Diagnostic, Executor, ExecutorService, ServiceExecutor, Severity};
pub use invocation::{Event, HttpEvent, Invocation, Params, RequestId, Scheme};
pub use limits::{InvalidLimit, LimitOverrides, Limits};
pub use outcome::{Code, Failure, FailureLog, Frame, Level, LogLine, Outcome, Position, Stats};
pub use script::{CompiledSlot, Script, content_hash};
#[cfg(feature = "rhai")]
mod rhai;
pub mod store;
