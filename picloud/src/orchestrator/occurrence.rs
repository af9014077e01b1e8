//! Events that are not requests, on their way to a script: the door for clocks, queues, MQTT and mail.

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use super::{Orchestrator, Received, Refusal, Shared, admit, named::new_request_id, overloaded};
use crate::{
    BoxFuture, Code, Event, Finished, Invocation, Limits, Outcome, RequestId, Script, ScriptId,
    app::unix_micros,
};

/// Something that happened and that is no request: what a trigger gives to [`Orchestrator::deliver`].
///
/// A trigger is whatever holds an orchestrator and has news for scripts: a clock, a queue, a subscription.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// The kind, which scripts see as `ctx.trigger`: `event`, `cron`, `queue`, `email`, `invoke` or `test`.
    pub trigger: Arc<str>,
    /// What happened, or where: the name of the event, the queue, the topic. Logs show it in place of a path.
    pub name: Arc<str>,
    /// What scripts see as `ctx.event`.
    pub payload: Value,
    /// Names the run; `None` for a new id.
    pub request_id: Option<RequestId>,
}

impl Occurrence {
    /// An occurrence of a new request id.
    pub fn new(trigger: impl Into<Arc<str>>, name: impl Into<Arc<str>>, payload: Value) -> Self {
        Self { trigger: trigger.into(), name: name.into(), payload, request_id: None }
    }
}

impl Orchestrator {
    /// Runs a script for something that is not a request: in the same bounds, and seen by the same observer.
    ///
    /// The payload may be as large and as deep as the script's limits allow for a request's body. Where there is no
    /// such script, the outcome is `not_found`. What the script answers is in the outcome, and means what the trigger
    /// takes it for.
    pub fn deliver(&mut self, script: ScriptId, occurrence: Occurrence) -> BoxFuture<'static, Outcome> {
        self.follow();
        let (shared, found) = (self.shared.clone(), self.current.script(script).cloned());
        Box::pin(async move {
            let Occurrence { trigger, name, payload, request_id } = occurrence;
            let at = unix_micros();
            let id = request_id.unwrap_or_else(|| new_request_id(at));
            let method = method();
            let request =
                Received { id, at, trigger: &trigger, method: &method, path: &name, route: "", ip: None };
            let script = found.as_ref();
            match run(&shared, script, Event::Other { trigger: trigger.clone(), payload }, request).await {
                Ok(outcome) => outcome,
                Err(refusal) => {
                    shared.observer.refused(&refusal.seen(script.map(|script| &**script), request));
                    Outcome::failed(refusal.into())
                }
            }
        })
    }
}

/// What stands in place of a request's method.
fn method() -> Method {
    Method::from_bytes(b"EVENT").expect("these are letters")
}

async fn run(
    shared: &Shared,
    script: Option<&Arc<Script>>,
    event: Event,
    request: Received<'_>,
) -> Result<Outcome, Refusal> {
    let script = script.ok_or_else(|| Refusal::new(Code::NotFound, "There is no such script any more."))?;
    if let Event::Other { payload, .. } = &event {
        check(payload, &script.limits)?;
    }
    shared.run(script, event, request).await
}

impl Shared {
    /// Runs `script` if there is room for one more, and tells the observer.
    pub(super) async fn run(
        &self,
        script: &Arc<Script>,
        event: Event,
        request: Received<'_>,
    ) -> Result<Outcome, Refusal> {
        let _permits = admit(self, script).ok_or_else(overloaded)?;
        let invocation = Invocation { script: script.clone(), event, request_id: request.id };
        let outcome = self.executor.invoke(invocation).await;
        self.observer.finished(&Finished { script, request, outcome: &outcome });
        Ok(outcome)
    }
}

/// Holds a payload to what a request's body may be.
fn check(payload: &Value, limits: &Limits) -> Result<(), Refusal> {
    let depth = usize::try_from(limits.data_depth).unwrap_or(usize::MAX);
    let bytes = weight(payload, depth).ok_or_else(|| {
        Refusal::new(
            Code::Invalid,
            format!("The payload is nested deeper than {depth}, the limit of this script."),
        )
    })?;
    if bytes as u64 <= limits.request_body {
        return Ok(());
    }
    let limit = limits.request_body;
    Err(Refusal::new(
        Code::LimitBody,
        format!("The payload has more than {limit} bytes, the limit of this script."),
    ))
}

/// About the bytes of a value as JSON text; `None` if it is nested deeper than `depth`.
fn weight(value: &Value, depth: usize) -> Option<usize> {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(4),
        Value::String(text) => Some(text.len() + 2),
        Value::Array(values) => {
            let depth = depth.checked_sub(1)?;
            values.iter().try_fold(2, |sum, value| Some(sum + 1 + weight(value, depth)?))
        }
        Value::Object(entries) => {
            let depth = depth.checked_sub(1)?;
            entries
                .iter()
                .try_fold(2, |sum, (name, value)| Some(sum + name.len() + 4 + weight(value, depth)?))
        }
    }
}
