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

    /// Everything that scripts can use, for completion and help in editors; nothing where that is not known.
    fn definitions(&self) -> Vec<Definition>;

    /// Runs a script for one event.
    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome>;
}

/// Something that scripts can use, as an editor shows it.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Definition {
    /// As a script writes it: `lights::set`, `ctx.params`, `response`; of a method with its type, `Response.header`.
    /// Several definitions of one name are several ways to call it.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// The name with parameters and types: `lights::set(room: string, on: bool) -> bool`.
    pub signature: String,
    /// What it does, in Markdown; may be empty.
    pub doc: String,
    /// What an app must have been granted to use it; `None` where every app may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capability: Option<String>,
}

/// What a definition is of.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DefinitionKind {
    /// Stands before `::`.
    Module,
    /// Called by its name.
    Function,
    /// Called on a value.
    Method,
    /// Read from a value.
    Property,
    /// A value that does not change.
    Constant,
    /// A type of values.
    Type,
}

impl Definition {
    /// A definition for every app.
    pub fn new(
        kind: DefinitionKind,
        name: impl Into<String>,
        signature: impl Into<String>,
        doc: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), kind, signature: signature.into(), doc: doc.into(), capability: None }
    }
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

    fn definitions(&self) -> Vec<Definition> {
        (**self).definitions()
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
    definitions: Vec<Definition>,
}

impl<S, C> ServiceExecutor<S, C> {
    /// An executor that runs on `service` and checks scripts with `check`.
    pub fn new(service: S, check: C) -> Self {
        Self { service, check, definitions: Vec::new() }
    }

    /// Says what scripts can use, such as the [`Executor::definitions`] of what the service wraps. Default: nothing.
    #[must_use]
    pub fn with_definitions(mut self, definitions: Vec<Definition>) -> Self {
        self.definitions = definitions;
        self
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

    fn definitions(&self) -> Vec<Definition> {
        self.definitions.clone()
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
