//! What scripts did: the runs that were kept, with their lines.

use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use picloud::{
    AppId, Code, FailureLog, FieldError, Frame, Level, LogLine, RequestId, ScriptId, Stats,
    store::{AppKey, ExecutionFilter, ExecutionRecord},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    input::{AppPath, RequestPath},
    openapi::{Describe, Operation},
    page::{Page, Wanted},
    query,
    time::Time,
};

/// One run of a script.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Execution {
    /// The same as in the answer's `x-request-id`.
    pub(crate) request_id: Uuid,
    script_id: ScriptId,
    /// The script's name then.
    script: String,
    version: u64,
    /// What it ran for: `http`, …
    trigger: String,
    /// When it started.
    at: Time,
    /// Empty for other triggers than `http`, as are `path` and `route`.
    method: String,
    path: String,
    /// The route that matched; empty for a run by the script's id.
    route: String,
    /// Of the answer; 0 for other triggers than `http`.
    status: u16,
    /// `ok`, or the code of the failure.
    outcome: String,
    error: Option<ErrorView>,
    /// What the script logged, oldest first.
    lines: Vec<Line>,
    /// Lines beyond the limits.
    lines_dropped: u64,
    stats: StatsView,
    /// The client's address, if known.
    ip: Option<String>,
}

/// Why a run failed, with what callers are not told.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExecutionError")]
pub(crate) struct ErrorView {
    code: String,
    message: String,
    line: Option<u32>,
    column: Option<u32>,
    /// The script functions that were active, innermost first.
    trace: Vec<Call>,
}

/// One active call.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Call {
    function: String,
    /// Where it was called.
    line: Option<u32>,
    column: Option<u32>,
}

/// One line that a script logged.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LogLine")]
pub(crate) struct Line {
    at: Time,
    /// `debug`, `info`, `warn` or `error`.
    level: &'static str,
    message: String,
    fields: Map<String, Value>,
    /// Where in the script, if known.
    line: Option<u32>,
    column: Option<u32>,
}

/// What a run used.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExecutionStats")]
pub(crate) struct StatsView {
    /// From start to answer, waiting included.
    wall_us: u64,
    /// On a processor.
    cpu_us: u64,
    /// Steps of the interpreter.
    operations: u64,
    /// The most bytes held at once.
    peak_memory: u64,
}

impl From<ExecutionRecord> for Execution {
    fn from(row: ExecutionRecord) -> Self {
        let log =
            FailureLog { message: row.message.unwrap_or_default(), position: row.position, trace: row.trace };
        let error = row.code.clone().map(|code| ErrorView::new(code, log));
        let (wall_us, cpu_us, operations, peak_memory) =
            (row.wall_us, row.cpu_us, row.operations, row.peak_memory);
        Self {
            request_id: row.id.into(),
            script_id: row.script,
            script: row.script_name,
            version: row.version,
            trigger: row.trigger,
            at: Time(row.at),
            method: row.method,
            path: row.path,
            route: row.route,
            status: row.status,
            outcome: row.code.unwrap_or_else(|| "ok".to_owned()),
            error,
            lines: row.lines.into_iter().map(Line::from).collect(),
            lines_dropped: row.lines_dropped,
            stats: StatsView { wall_us, cpu_us, operations, peak_memory },
            ip: row.ip,
        }
    }
}

impl ErrorView {
    pub(crate) fn new(code: String, FailureLog { message, position, trace }: FailureLog) -> Self {
        let (line, column) = position.map(|at| (at.line, at.column)).unzip();
        Self { code, message, line, column, trace: trace.into_iter().map(Call::from).collect() }
    }
}

impl From<Frame> for Call {
    fn from(Frame { function, position }: Frame) -> Self {
        let (line, column) = position.map(|at| (at.line, at.column)).unzip();
        Self { function, line, column }
    }
}

impl From<LogLine> for Line {
    fn from(LogLine { at_ms, level, message, fields, position }: LogLine) -> Self {
        let (line, column) = position.map(|at| (at.line, at.column)).unzip();
        let at = Time(i64::try_from(at_ms).unwrap_or(i64::MAX).saturating_mul(1000));
        Self { at, level: level.as_str(), message, fields, line, column }
    }
}

impl From<Stats> for StatsView {
    fn from(Stats { operations, wall, cpu, peak_memory }: Stats) -> Self {
        let micros = |time: std::time::Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Self { wall_us: micros(wall), cpu_us: micros(cpu), operations, peak_memory }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    filter: Filter,
) -> Result<axum::Json<Page<Execution>>, ApiError> {
    let wanted = filter.page;
    let filter = filter.resolve(&api, &key).await?;
    let rows = match filter.request {
        None => api.manager.executions(&key, filter.store, wanted.rows()).await?,
        Some(id) => match api.manager.execution(&key, id).await {
            Ok(row) if filter.store.lets_through(&row) => vec![row],
            Ok(_) => Vec::new(),
            Err(error) if error.code() == Code::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        },
    };
    Ok(axum::Json(wanted.cut(rows, |row: &ExecutionRecord| row.id)))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    RequestPath(key, id): RequestPath,
) -> Result<axum::Json<Execution>, ApiError> {
    Ok(axum::Json(api.manager.execution(&key, id).await?.into()))
}

/// Which executions are wanted, as a query says it.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    script: Option<String>,
    request: Option<RequestId>,
    store: ExecutionFilter,
    page: Wanted<RequestId>,
}

/// Which executions are wanted.
pub(crate) struct Resolved {
    pub(crate) request: Option<RequestId>,
    pub(crate) store: ExecutionFilter,
}

const KNOWN: &str =
    "`script`, `level`, `outcome`, `status`, `since`, `until`, `request_id`, `q`, `limit` and `cursor`";

impl Resolved {
    pub(crate) fn lets_through(&self, row: &ExecutionRecord) -> bool {
        self.request.is_none_or(|id| row.id == id) && self.store.lets_through(row)
    }
}

impl Filter {
    /// Finds the script that is meant.
    ///
    /// # Errors
    /// 404 if there is no such app, 422 if it has no such script.
    pub(crate) async fn resolve(self, api: &Ctx, key: &AppKey) -> Result<Resolved, ApiError> {
        let Self { script, request, mut store, page: _ } = self;
        let app = api.manager.app(key).await?.id;
        if let Some(text) = script {
            store.script = Some(find_script(api, app, &text).await?);
        }
        Ok(Resolved { request, store })
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), FieldError> {
        match name {
            "script" => self.script = Some(value.to_owned()),
            "level" => self.store.level = Some(level(value)?),
            "outcome" => self.outcome(value)?,
            "status" => self.store.status = Some(statuses(value)?),
            "since" => self.store.since = Some(query::time("since", value)?),
            "until" => self.store.until = Some(query::time("until", value)?),
            "request_id" => self.request = Some(request_id(value)?),
            "q" => self.store.text = Some(text(value)?),
            _ if self.page.take(name, value)? => {}
            _ => return Err(query::unknown(name, KNOWN)),
        }
        Ok(())
    }

    fn outcome(&mut self, value: &str) -> Result<(), FieldError> {
        match value {
            "ok" => self.store.failed = Some(false),
            "failed" => self.store.failed = Some(true),
            code if Code::ALL.iter().any(|known| known.as_str() == code) => {
                self.store.code = Some(code.to_owned());
            }
            _ => {
                let detail = "an outcome is `ok`, `failed` or a code such as `script_error`";
                return Err(FieldError::new("outcome", "invalid_outcome", detail));
            }
        }
        Ok(())
    }
}

/// The script of an app that a query names.
///
/// # Errors
/// 422 if there is none.
pub(crate) async fn find_script(api: &Ctx, app: AppId, text: &str) -> Result<ScriptId, ApiError> {
    api.manager.script_called(app, text).await.map_err(|error| match error.code() {
        Code::NotFound => {
            let detail = format!("the app has no script `{text}`; give a name or an id");
            ApiError::field(FieldError::new("script", "unknown_script", detail))
        }
        _ => error.into(),
    })
}

impl<S: Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        query::read(parts, |name, value| filter.take(name, value)).map_err(ApiError::field)?;
        Ok(filter)
    }
}

/// What [`Filter`] reads, for the document.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Parameters {
    /// Of this script: its name or id.
    script: String,
    /// With a line of at least this level: `debug`, `info`, `warn` or `error`.
    level: String,
    /// `ok`, `failed`, or the code of a failure.
    outcome: String,
    /// Of the answer: a number such as 404, or a class such as 5xx.
    status: String,
    /// Started at this time or later.
    #[schemars(extend("format" = "date-time"))]
    since: String,
    /// Started before this time.
    #[schemars(extend("format" = "date-time"))]
    until: String,
    /// This one.
    request_id: Uuid,
    /// With this text in a line's message, in the failure's message or in the path.
    q: String,
}

impl Describe for Filter {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<Parameters>();
        Wanted::<RequestId>::describe(operation);
    }
}

fn level(text: &str) -> Result<Level, FieldError> {
    let levels = [Level::Debug, Level::Info, Level::Warn, Level::Error];
    levels.into_iter().find(|level| level.as_str() == text).ok_or_else(|| {
        FieldError::new("level", "invalid_level", "a level is `debug`, `info`, `warn` or `error`")
    })
}

/// `404` as 404 to 404, `5xx` as 500 to 599.
fn statuses(text: &str) -> Result<std::ops::RangeInclusive<u16>, FieldError> {
    let refuse = || {
        let detail = "a status is a number such as 404 or a class such as 5xx";
        FieldError::new("status", "invalid_status", detail)
    };
    if let Some(class) = text.strip_suffix("xx") {
        let class: u16 = class.parse().ok().filter(|class| (1..=9).contains(class)).ok_or_else(refuse)?;
        return Ok(class * 100..=class * 100 + 99);
    }
    let status: u16 = text.parse().map_err(|_| refuse())?;
    Ok(status..=status)
}

fn request_id(text: &str) -> Result<RequestId, FieldError> {
    RequestId::parse(text).ok_or_else(|| {
        FieldError::new("request_id", "invalid_id", "a request id is a UUID, as in the header `x-request-id`")
    })
}

fn text(value: &str) -> Result<String, FieldError> {
    if value.len() > 256 || value.contains('\0') {
        let detail = "`q` is a text of at most 256 bytes";
        return Err(FieldError::new("q", "invalid_text", detail));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_or_classes() {
        assert_eq!(statuses("404").unwrap(), 404..=404);
        assert_eq!(statuses("5xx").unwrap(), 500..=599);
        for wrong in ["", "xx", "0xx", "10xx", "abc", "70000", "-1", "4x"] {
            assert!(statuses(wrong).is_err(), "{wrong}");
        }
    }
}
