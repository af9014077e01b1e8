//! Events: a name, a payload, and the scripts that listen.

use std::{pin::Pin, sync::Arc, task::Poll};

use serde::Serialize;

use super::{App, BuildError};
use crate::{Occurrence, Outcome};

/// What became of an event with one of the scripts that listen to it.
#[derive(Debug)]
pub struct Delivered {
    /// The script.
    pub script: Arc<str>,
    /// How its run ended. The response is what the script answered; an event has no caller to get it but you.
    pub outcome: Outcome,
}

impl App {
    /// Runs every script that listens to `event`, all at once, and gives what became of each, in the order in which
    /// they were added; nothing where none listens. Scripts see the payload as `ctx.event`, and `"event"` as
    /// `ctx.trigger`.
    ///
    /// The runs are in the app's limits, count towards what it may run at once, and are seen by its observer.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use picloud::App;
    ///
    /// let app = App::builder()
    ///     .script("hall_light", r#"`light for ${ctx.event.room}`"#)
    ///     .on("motion.hall", "hall_light")
    ///     .build()?;
    /// let delivered = app.emit("motion.hall", serde_json::json!({ "room": "hall" })).await?;
    /// let answer = delivered[0].outcome.result.as_ref().map(|response| response.body().as_ref());
    /// assert_eq!(answer.ok(), Some(&b"light for hall"[..]));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The payload has no JSON form.
    pub async fn emit(
        &self,
        event: &str,
        payload: impl Serialize,
    ) -> Result<Vec<Delivered>, serde_json::Error> {
        let payload = serde_json::to_value(payload)?;
        let parts = self.0.lock().parts.clone();
        let scripts = parts.listeners.get(event).map(Vec::as_slice).unwrap_or_default();
        let mut orchestrator = self.0.door.get_or_init(|| self.service()).clone();
        let name: Arc<str> = event.into();
        let runs = scripts.iter().map(|script| {
            let occurrence = Occurrence::new("event", name.clone(), payload.clone());
            orchestrator.deliver(script.id, occurrence)
        });
        let outcomes = all(runs.collect()).await;
        let delivered = scripts.iter().zip(outcomes);
        Ok(delivered.map(|(script, outcome)| Delivered { script: script.name.clone(), outcome }).collect())
    }

    /// Lets a script listen to an event from now on.
    ///
    /// # Errors
    /// What is wrong with the name, or there is no such script.
    pub fn on(&self, event: &str, script: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            plan.listeners.push((event.to_owned(), script.to_owned()));
            Ok(())
        })
    }

    /// Lets a script no longer listen to an event.
    ///
    /// # Errors
    /// It does not.
    pub fn off(&self, event: &str, script: &str) -> Result<(), BuildError> {
        self.0.change(|plan| {
            let before = plan.listeners.len();
            plan.listeners.retain(|(other, listening)| other != event || listening != script);
            if plan.listeners.len() < before {
                return Ok(());
            }
            Err(BuildError::one(format!("script `{script}` does not listen to `{event}`")))
        })
    }
}

type Run = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Awaits all at once, on the task of the caller.
async fn all(mut runs: Vec<Run>) -> Vec<Outcome> {
    let mut outcomes: Vec<Option<Outcome>> = runs.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (run, outcome) in runs.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let Poll::Ready(ended) = run.as_mut().poll(cx)
            {
                *outcome = Some(ended);
            }
        }
        if outcomes.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}
