//! What a run gives: a response or a named failure, with its log lines and what it used.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

/// The end of a run. There is always one, and never a Rust error beside it.
#[derive(Debug)]
pub struct Outcome {
    /// What the caller gets.
    pub result: Result<Response<Bytes>, Failure>,
    /// What the script logged, oldest first, already cut to the limits.
    pub logs: Vec<LogLine>,
    /// Lines and bytes the script logged beyond its limits, and that are not in `logs`.
    pub logs_dropped: u64,
    /// What the run used.
    pub stats: Stats,
}

impl Outcome {
    /// A failure before anything ran.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self { result: Err(failure), logs: Vec::new(), logs_dropped: 0, stats: Stats::default() }
    }
}

/// A failure with two faces: what the caller may read, and what only the log may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong, as a stable name.
    pub code: Code,
    /// For the caller. Never holds internals.
    pub detail: String,
    /// For the log of the app.
    pub log: Option<Box<FailureLog>>,
}

impl Failure {
    /// A failure that tells the log no more than the caller.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), log: None }
    }

    /// The same failure with what the log may hold.
    #[must_use]
    pub fn with_log(mut self, log: FailureLog) -> Self {
        self.log = Some(Box::new(log));
        self
    }
}

/// The log's face of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureLog {
    /// What went wrong, in full.
    pub message: String,
    /// Where in the script, from 1; the innermost place.
    pub position: Option<Position>,
    /// The script functions that were active, innermost first.
    pub trace: Vec<Frame>,
}

/// A place in a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1; 0 where only the line is known.
    pub column: u32,
}

/// One active call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The function that was called.
    pub function: String,
    /// Where it was called.
    pub position: Option<Position>,
}

/// One line that a script logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Milliseconds since 1970 UTC.
    pub at_ms: u64,
    /// How much it matters.
    pub level: Level,
    /// The text, cut to the limit.
    pub message: String,
    /// Named values given with the text; empty map where none were.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub fields: serde_json::Map<String, serde_json::Value>,
    /// Where in the script, if known.
    pub position: Option<Position>,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// From `debug(…)`.
    Debug,
    /// From `print(…)` and `log::info`.
    Info,
    /// From `log::warn`.
    Warn,
    /// From `log::error`.
    Error,
}

impl Level {
    /// `debug`, `info`, `warn` or `error`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// What a run used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Steps of the interpreter.
    pub operations: u64,
    /// From start to answer, waiting included.
    pub wall: Duration,
    /// On a processor.
    pub cpu: Duration,
    /// The most bytes held at once; 0 where no [`MeteredAlloc`](crate::MeteredAlloc) is installed.
    pub peak_memory: u64,
}

/// Declares each failure code once: name, status, title.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $status:expr, $title:literal;)*) => {
        /// Why the platform answers with an error; stable names, listed in `docs/versioning.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable snake_case name.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$variant => $status,)* }
            }

            /// A short summary that is the same for every occurrence (RFC 9457 §3.1.3).
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }
    };
}

codes! {
    /// No app claims the host.
    NoApp = "no_app", StatusCode::NOT_FOUND, "No app answers for this host";
    /// The app has no route for the path.
    NoRoute = "no_route", StatusCode::NOT_FOUND, "No route answers for this path";
    /// The path is known, the method is not.
    MethodNotAllowed = "method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "Method not allowed";
    /// The script failed.
    ScriptError = "script_error", StatusCode::INTERNAL_SERVER_ERROR, "The script failed";
    /// No, several or malformed host.
    InvalidHost = "invalid_host", StatusCode::BAD_REQUEST, "Invalid host";
    /// A malformed or ambiguous path.
    InvalidPath = "invalid_path", StatusCode::BAD_REQUEST, "Invalid path";
    /// Neither valid session nor token.
    Unauthorized = "unauthorized", StatusCode::UNAUTHORIZED, "Authentication required";
    /// Known, but not allowed.
    Forbidden = "forbidden", StatusCode::FORBIDDEN, "Forbidden";
    /// No such thing.
    NotFound = "not_found", StatusCode::NOT_FOUND, "Not found";
    /// It was there once and never will be again.
    Gone = "gone", StatusCode::GONE, "Gone";
    /// Something else holds what was asked for.
    Conflict = "conflict", StatusCode::CONFLICT, "Conflict";
    /// What was sent breaks a rule; `errors` says which.
    Invalid = "invalid", StatusCode::UNPROCESSABLE_ENTITY, "Invalid input";
    /// What was sent is not even readable: not JSON, not UTF-8.
    Malformed = "malformed", StatusCode::BAD_REQUEST, "Malformed request";
    /// A body of a type that is not understood here.
    UnsupportedMediaType = "unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "Unsupported media type";
    /// `If-Match` names another version.
    PreconditionFailed = "precondition_failed", StatusCode::PRECONDITION_FAILED, "Precondition failed";
    /// Too many attempts; `Retry-After` says how long to wait.
    TooManyAttempts = "too_many_attempts", StatusCode::TOO_MANY_REQUESTS, "Too many attempts";
    /// The database does not answer.
    StorageUnavailable = "storage_unavailable", StatusCode::SERVICE_UNAVAILABLE, "Storage unavailable";
    /// The database has no room.
    StorageFull = "storage_full", StatusCode::INSUFFICIENT_STORAGE, "Storage full";
    /// Too many runs at once.
    Overloaded = "overloaded", StatusCode::SERVICE_UNAVAILABLE, "Overloaded";
    /// The server is starting or stopping, or misses something that it needs.
    NotReady = "not_ready", StatusCode::SERVICE_UNAVAILABLE, "Not ready";
    /// A defect of the platform.
    Internal = "internal", StatusCode::INTERNAL_SERVER_ERROR, "Internal error";
    /// A run lasted too long.
    LimitWallTime = "limit_wall_time", StatusCode::GATEWAY_TIMEOUT, "Wall time limit reached";
    /// A run used a processor for too long.
    LimitCpuTime = "limit_cpu_time", StatusCode::GATEWAY_TIMEOUT, "CPU time limit reached";
    /// A run took too many steps.
    LimitOperations = "limit_operations", StatusCode::GATEWAY_TIMEOUT, "Operation limit reached";
    /// A run held too much memory.
    LimitMemory = "limit_memory", StatusCode::INTERNAL_SERVER_ERROR, "Memory limit reached";
    /// Calls or data were nested too deep.
    LimitStack = "limit_stack", StatusCode::INTERNAL_SERVER_ERROR, "Depth limit reached";
    /// A response was too large.
    LimitResponse = "limit_response", StatusCode::INTERNAL_SERVER_ERROR, "Response limit reached";
    /// An app keeps memory it can never free.
    LimitLeak = "limit_leak", StatusCode::INTERNAL_SERVER_ERROR, "Leak limit reached";
    /// A request body was too large.
    LimitBody = "limit_body", StatusCode::PAYLOAD_TOO_LARGE, "Request body too large";
    /// The request line or the headers were too large.
    LimitHeaders = "limit_headers", StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request headers too large";
    /// The request target was too long.
    LimitUri = "limit_uri", StatusCode::URI_TOO_LONG, "Request target too long";
    /// The client took too long to send its request.
    RequestTimeout = "request_timeout", StatusCode::REQUEST_TIMEOUT, "Request timeout";
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
