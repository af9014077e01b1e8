//! Who is told of runs and refusals, and what they are told.

use std::net::IpAddr;

use http::{Method, StatusCode};

use crate::{Code, LogLine, Outcome, RequestId, Script};

/// Told of each request. Called on the request's own task before its answer is sent: be quick, never block.
///
/// Of two observers in a pair each is told.
pub trait Observer: Send + Sync {
    /// A run has ended.
    fn finished(&self, run: &Finished<'_>);

    /// A request is answered without a run.
    fn refused(&self, refused: &Refused<'_>);
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn finished(&self, run: &Finished<'_>) {
        self.0.finished(run);
        self.1.finished(run);
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.0.refused(refused);
        self.1.refused(refused);
    }
}

/// A finished run, as an [`Observer`] sees it.
pub struct Finished<'a> {
    /// What ran.
    pub script: &'a Script,
    /// What it ran for.
    pub request: Received<'a>,
    /// How it ended; what it used is there.
    pub outcome: &'a Outcome,
}

/// A request that was answered without a run, as an [`Observer`] sees it.
pub struct Refused<'a> {
    /// What would have run, if that was found.
    pub script: Option<&'a Script>,
    /// What was asked.
    pub request: Received<'a>,
    /// Why it was refused; also says the status that the caller gets.
    pub code: Code,
    /// The same in words, as the caller reads them.
    pub detail: &'a str,
}

/// A request, as an [`Observer`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct Received<'a> {
    /// Names the request.
    pub id: RequestId,
    /// When it came: microseconds since 1970 UTC.
    pub at: i64,
    /// What kind of thing it is, as `ctx.trigger`: `http` for requests.
    pub trigger: &'a str,
    /// The method as received; `EVENT` for what is not a request.
    pub method: &'a Method,
    /// The raw path; the name of an event that is not a request.
    pub path: &'a str,
    /// The pattern of the route that matched; empty where none did, and where a script was asked for by its id.
    pub route: &'a str,
    /// The client's address, if known.
    pub ip: Option<IpAddr>,
}

impl Finished<'_> {
    /// The status that the caller gets.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.outcome.result {
            Ok(response) => response.status(),
            Err(failure) => failure.code.status(),
        }
    }
}

/// Sends to `tracing` what is worth a line: failures, and what scripts said.
#[derive(Debug, Clone, Copy)]
pub struct Tracing;

impl Observer for Tracing {
    fn finished(&self, run: &Finished<'_>) {
        trace(run);
    }

    fn refused(&self, _: &Refused<'_>) {}
}

fn trace(run: &Finished<'_>) {
    let Finished { script, request: Received { id: request_id, .. }, outcome } = run;
    for LogLine { at_ms: _, level, message, fields, position } in &outcome.logs {
        let fields = (!fields.is_empty()).then(|| serde_json::to_string(fields).unwrap_or_default());
        let line = position.map(|at| at.line);
        tracing::info!(
            target: "picloud::script", app = %script.app_slug, script = %script.name, %request_id,
            said = level.as_str(), fields, line, "{message}"
        );
    }
    if outcome.logs_dropped > 0 {
        let dropped = outcome.logs_dropped;
        tracing::warn!(app = %script.app_slug, script = %script.name, %request_id, dropped, "log lines over the limit");
    }
    if let Err(failure) = &outcome.result {
        let log = failure.log.as_deref();
        let (line, column) = log.and_then(|log| log.position).map(|at| (at.line, at.column)).unzip();
        let message = log.map_or(failure.detail.as_str(), |log| log.message.as_str());
        tracing::error!(
            app = %script.app_slug, script = %script.name, version = script.version, %request_id,
            code = %failure.code, line, column, "{message}"
        );
    }
}
