//! What a host function may know of the run that calls it.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    Event, Invocation, RequestId, Script,
    rhai::{budget, builtins::Answer},
};

/// The call of a host function: take it as the first argument of a closure, before those of the script.
///
/// ```
/// use picloud::{CallContext, HostModule};
///
/// let notes = HostModule::new("notes").function("whose()", |call: CallContext| call.app().to_owned());
/// ```
pub struct CallContext {
    invocation: Arc<Invocation>,
    deadline: Instant,
    over: watch::Receiver<()>,
}

impl CallContext {
    /// The call that is being made right now.
    pub(super) fn current() -> Answer<Self> {
        budget::try_run(|run, _| {
            // What is allocated here may live on in a task of the host.
            let over = budget::on_behalf(|| run.over());
            Ok(Self { invocation: run.invocation.clone(), deadline: run.deadline(), over })
        })
    }

    /// Slug of the app.
    #[must_use]
    pub fn app(&self) -> &str {
        self.invocation.script.app_slug.as_str()
    }

    /// The script, with its name, version and limits.
    #[must_use]
    pub fn script(&self) -> &Script {
        &self.invocation.script
    }

    /// Names this run: in logs, and in the answer's `x-request-id`.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.invocation.request_id
    }

    /// What the script runs for.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.invocation.event
    }

    /// What a layer of your service has put into the request's extensions: the user, the tenant, a connection.
    #[must_use]
    pub fn extension<T: Send + Sync + 'static>(&self) -> Option<&T> {
        match &self.invocation.event {
            Event::Http(request) => request.extensions.get(),
            Event::Other { .. } => None,
        }
    }

    /// When the run's wall time is up. A future of an async function is dropped then.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// What is left until the deadline.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the run has ended, or was cancelled because its caller went away.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.has_changed().is_err()
    }

    /// Waits until the run has ended or was cancelled. For tasks that you spawn: the future of an async function is
    /// dropped by itself.
    pub fn over(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut over = self.over.clone();
        // Nothing is ever sent: the run drops its end.
        async move { while over.changed().await.is_ok() {} }
    }
}

impl fmt::Debug for CallContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallContext({:?} {})", self.invocation.script, self.invocation.request_id)
    }
}
