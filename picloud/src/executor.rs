//! The seam between dispatch and execution: whatever can turn an [`Invocation`] into an [`Outcome`].

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use serde::Serialize;
use tower::{Service, ServiceExt};

use crate::{Invocation, Outcome};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Runs invocations.
///
/// # Contract
/// * `invoke` always gives an [`Outcome`]; it does not panic, whatever the script or a host function does.
/// * Dropping the future cancels the run and frees what it held.
/// * No run keeps a worker thread for longer than one short slice.
///
/// [`ServiceExecutor`] makes an executor of any `tower::Service<Invocation, Response = Outcome>`, and
/// [`ExecutorService`] a service of any executor, so that timeouts, limits and remote execution are tower layers.
pub trait Executor: Send + Sync {
    /// What is wrong with `source`; nothing if it would compile.
    fn check(&self, source: &str) -> Vec<Diagnostic>;

    /// Runs a script for one event.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome>;
}

/// Something wrong in a script, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnostic {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, and what to do where that is known.
    pub message: String,
}

/// How bad a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The script does not compile.
    Error,
    /// It compiles, but will probably not do what was meant.
    Warning,
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn check(&self, source: &str) -> Vec<Diagnostic> {
        (**self).check(source)
    }

    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome> {
        (**self).invoke(invocation)
    }
}

/// An [`Executor`] as a `tower::Service`.
#[derive(Clone)]
pub struct ExecutorService(Arc<dyn Executor>);

impl ExecutorService {
    /// A service that runs every invocation on `executor`.
    pub fn new(executor: Arc<dyn Executor>) -> Self {
        Self(executor)
    }
}

impl Service<Invocation> for ExecutorService {
    type Response = Outcome;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Outcome, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, invocation: Invocation) -> Self::Future {
        let run = self.0.invoke(invocation);
        Box::pin(async move { Ok(run.await) })
    }
}

/// A `tower::Service<Invocation, Response = Outcome>` as an [`Executor`].
///
/// `check` is a function of its own, because a service only runs things.
pub struct ServiceExecutor<S, C> {
    service: S,
    check: C,
}

impl<S, C> ServiceExecutor<S, C> {
    /// An executor that runs on `service` and checks scripts with `check`.
    pub fn new(service: S, check: C) -> Self {
        Self { service, check }
    }
}

impl<S, C> Executor for ServiceExecutor<S, C>
where
    S: Service<Invocation, Response = Outcome, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
    C: Fn(&str) -> Vec<Diagnostic> + Send + Sync,
{
    fn check(&self, source: &str) -> Vec<Diagnostic> {
        (self.check)(source)
    }

    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome> {
        let service = self.service.clone();
        Box::pin(async move {
            match service.oneshot(invocation).await {
                Ok(outcome) => outcome,
                Err(never) => match never {},
            }
        })
    }
}
