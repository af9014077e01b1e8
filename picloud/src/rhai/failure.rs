//! From the engine's errors to failures: what the caller may read, and what the log holds.

use rhai::{EvalAltResult, ParseError};

use super::{
    answer::ErrorValue,
    budget::{self, Run, Stop},
    builtins, compiled_place, place,
    source::Columns,
};
use crate::{
    Code, Diagnostic, Failure, FailureLog, Frame, Position, Severity,
    coroutine::{self, Lost},
};

/// How an evaluation ended if not with a value.
pub(super) enum Ending {
    /// `throw error(…)`: the script chose its answer.
    Chosen(Box<ErrorValue>),
    Failed(Failure),
}

/// What an evaluation's error means. The sticky stop decides first, whatever error arrived.
pub(super) fn ending(error: Box<EvalAltResult>, run: &Run, frame: &coroutine::Frame) -> Ending {
    if let Some(stop) = run.stopped() {
        return Ending::Failed(stopped(stop, run, frame, Some(&error)));
    }
    let (trace, position) = unwind(&error);
    match innermost(*error) {
        EvalAltResult::ErrorRuntime(value, _) if value.is::<ErrorValue>() => match value.try_cast() {
            Some(chosen) => Ending::Chosen(Box::new(chosen)),
            None => Ending::Failed(script_error(FailureLog::default())),
        },
        EvalAltResult::ErrorStackOverflow(_) => {
            let message = format!(
                "call depth limit: more than {} script functions were active at once; raise `call_depth` in the limits of \
                 the script, the app or the server (docs/operating.md), or use a loop",
                run.limits().call_depth
            );
            let log = FailureLog { message, position, trace };
            Ending::Failed(Failure::new(Code::LimitStack, caller_text(Code::LimitStack)).with_log(log))
        }
        EvalAltResult::ErrorDataTooLarge(what, _) => {
            // Only without a meter, where the engine's own size limits stand in for it.
            let message = format!("{}: {what}", budget::explain(Stop::Memory, run, frame));
            let log = FailureLog { message, position, trace };
            Ending::Failed(Failure::new(Code::LimitMemory, caller_text(Code::LimitMemory)).with_log(log))
        }
        other => Ending::Failed(script_error(FailureLog { message: message_of(&other), position, trace })),
    }
}

/// The failure of a run that was ended for good.
pub(super) fn stopped(
    stop: Stop,
    run: &Run,
    frame: &coroutine::Frame,
    error: Option<&EvalAltResult>,
) -> Failure {
    let (trace, position) = error.map(unwind).unwrap_or_default();
    let log = FailureLog { message: budget::explain(stop, run, frame), position, trace };
    Failure::new(stop.code(), caller_text(stop.code())).with_log(log)
}

/// A failure of the script's own making. The caller learns only that there was one.
pub(super) fn script_error(log: FailureLog) -> Failure {
    Failure::new(Code::ScriptError, caller_text(Code::ScriptError)).with_log(log)
}

/// A run that did not come to its own end.
pub(super) fn lost(lost: Lost) -> Failure {
    match lost {
        Lost::Panicked(text) => {
            let message = format!("the platform panicked: {text}");
            Failure::new(
                Code::Internal,
                "The platform failed. The log has the details under this request id.",
            )
            .with_log(FailureLog { message, ..FailureLog::default() })
        }
        Lost::Abandoned => {
            let message = "memory limit: one operation took several times what the run may hold; look for a value that \
                           holds many copies of another and is turned into text"
                .to_owned();
            Failure::new(Code::LimitMemory, caller_text(Code::LimitMemory))
                .with_log(FailureLog { message, ..FailureLog::default() })
        }
    }
}

/// The caller's text; the request id leads to the rest.
fn caller_text(code: Code) -> &'static str {
    match code {
        Code::LimitWallTime | Code::LimitCpuTime | Code::LimitOperations => {
            "The script did not finish within its limits. The log has the details under this request id."
        }
        Code::LimitMemory | Code::LimitStack => {
            "The script needed more memory than it may use. The log has the details under this request id."
        }
        _ => "The script failed. The log has the details under this request id.",
    }
}

/// The active calls, innermost first, and the innermost known position.
fn unwind(error: &EvalAltResult) -> (Vec<Frame>, Option<Position>) {
    let mut trace = Vec::new();
    let mut position = place(error.position());
    let mut inner = error;
    while let EvalAltResult::ErrorInFunctionCall(name, _, cause, at) = inner {
        trace.push(Frame { function: readable(name), position: place(*at) });
        position = place(cause.position()).or(position);
        inner = cause;
    }
    trace.reverse();
    (trace, position)
}

fn innermost(error: EvalAltResult) -> EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, cause, _) => innermost(*cause),
        other => other,
    }
}

/// Closures have a hash for a name.
fn readable(function: &str) -> String {
    if function.starts_with("anon$") { "closure".to_owned() } else { function.to_owned() }
}

/// The engine's text without its position, which is given apart, and without Rust's names of types.
fn message_of(error: &EvalAltResult) -> String {
    let text = match error {
        EvalAltResult::ErrorRuntime(value, _) if value.is_string() => value.to_string(),
        EvalAltResult::ErrorRuntime(value, _) => {
            format!("thrown: {}", builtins::describe(value, THROWN_BYTES))
        }
        EvalAltResult::ErrorDataRace(..) => return DATA_RACE.to_owned(),
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            format!(
                "variable not found: {name}; a function sees only its arguments, so pass it to the function"
            )
        }
        other => {
            let text = other.to_string();
            // The position is the last thing in the text.
            let end = text.rfind(" (line ").unwrap_or(text.len());
            text[..end].to_owned()
        }
    };
    plain_types(&text)
}

/// Bytes of a thrown value that the log shows.
const THROWN_BYTES: usize = 1024;

const DATA_RACE: &str = "a value captured by a closure was used while something else was changing it (a data race); copy it \
                         into a variable of its own before the call";

/// Rust's names of string types mean nothing to a script's author.
pub(super) fn plain_types(text: &str) -> String {
    text.replace("&str | ImmutableString | String", "string")
        .replace("ImmutableString", "string")
        .replace("rhai::types::fn_ptr::FnPtr", "function")
        .replace("i64", "integer")
        .replace("f64", "float")
}

/// A compile error as a diagnostic.
pub(super) fn diagnostic(error: &ParseError, columns: &Columns) -> Diagnostic {
    let at = compiled_place(error.position());
    let at = at.map_or(Position { line: 1, column: 1 }, |at| columns.original(at));
    let message = plain_types(&error.err_type().to_string());
    Diagnostic { line: at.line, column: at.column.max(1), severity: Severity::Error, message }
}
