//! The data plane's ingress: a request in, a response out, whatever happens between.

mod answer;
mod named;
mod observer;
mod occurrence;
mod refusal;
#[cfg(all(test, feature = "rhai"))]
mod tests;

use std::{
    convert::Infallible,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, Uri, header, request::Parts};
use http_body::Body;
use http_body_util::Full;
use tokio::sync::watch;
use tower::Service;

use self::{
    answer::{answer, finish},
    named::Named,
    refusal::{Refusal, asks_for_worker, missed, no_worker, overloaded, read},
};
pub use self::{
    observer::{Finished, Observer, Received, Refused, Tracing},
    occurrence::Occurrence,
};
use crate::{
    Code, Event, Executor, Failure, Gate, Host, HttpEvent, Invocation, LogLine, Match, Outcome, Params,
    Scheme, Script, ScriptId, Snapshot, Stats, check_path,
    gate::Permit,
    headers::{confine, hide_platform_cookies},
    request_host,
};

/// How requests find their app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// By the one valid host that each request must name; anything else is answered 400. A server that has found it
    /// already may pass it on as a [`Host`] in the request's extensions.
    Required,
    /// All go to the app that claims any host. For embedding: the service around has seen to the host.
    Ignored,
}

/// What the server around knows of a request's sender; put it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client {
    /// The address, trusted proxies seen through.
    pub ip: IpAddr,
    /// How the client reached us.
    pub scheme: Scheme,
}

/// Answers requests with scripts. A `tower::Service`, made to be cloned per connection.
///
/// The request path takes no lock that requests share and touches no database: routes and scripts are in a snapshot
/// that each clone keeps, and looks for a newer one with a single atomic read.
#[derive(Clone)]
pub struct Orchestrator {
    shared: Arc<Shared>,
    snapshots: watch::Receiver<Snapshot>,
    current: Snapshot,
}

struct Shared {
    executor: Arc<dyn Executor>,
    observer: Arc<dyn Observer>,
    hosts: Hosts,
    running: Gate,
    max_running: AtomicUsize,
    max_running_per_app: AtomicUsize,
    reveal_errors: bool,
    control_host: bool,
}

/// Sets an [`Orchestrator`] up.
#[must_use]
pub struct OrchestratorBuilder {
    shared: Shared,
    snapshots: watch::Receiver<Snapshot>,
}

impl OrchestratorBuilder {
    /// Default: [`Hosts::Required`].
    pub fn hosts(mut self, hosts: Hosts) -> Self {
        self.shared.hosts = hosts;
        self
    }

    /// Runs at once, in all and per app. Beyond, requests are answered 503 with `Retry-After`. Default: 1,024 and 256.
    pub fn max_running(mut self, server: usize, app: usize) -> Self {
        (self.shared.max_running, self.shared.max_running_per_app) = (server.into(), app.into());
        self
    }

    /// Is told of each request. Default: [`Tracing`].
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.shared.observer = observer;
        self
    }

    /// Whether the platform's own API answers on the same hosts. Answers are then confined: pages of scripts are of an
    /// origin of their own (`Content-Security-Policy: sandbox`), no header of theirs concerns the whole host, and no
    /// service worker is served. Default: no.
    pub fn control_host(mut self, shared: bool) -> Self {
        self.shared.control_host = shared;
        self
    }

    /// Whether callers see why a script failed. For development only. Default: no.
    pub fn reveal_errors(mut self, reveal: bool) -> Self {
        self.shared.reveal_errors = reveal;
        self
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> Orchestrator {
        let mut snapshots = self.snapshots;
        let current = snapshots.borrow_and_update().clone();
        Orchestrator { shared: Arc::new(self.shared), snapshots, current }
    }
}

impl Orchestrator {
    /// An orchestrator for what `snapshots` publishes, run by `executor`.
    pub fn builder(snapshots: watch::Receiver<Snapshot>, executor: Arc<dyn Executor>) -> OrchestratorBuilder {
        let shared = Shared {
            executor,
            observer: Arc::new(Tracing),
            hosts: Hosts::Required,
            running: Gate::default(),
            max_running: 1024.into(),
            max_running_per_app: 256.into(),
            reveal_errors: false,
            control_host: false,
        };
        OrchestratorBuilder { shared, snapshots }
    }

    /// Changes how many runs there may be at once in all, from the next request on. Concerns all clones.
    pub fn set_max_running(&self, server: usize) {
        self.shared.max_running.store(server, Relaxed);
    }

    /// Changes how many runs of one app there may be at once, from the next request on. Concerns all clones.
    pub fn set_max_running_per_app(&self, app: usize) {
        self.shared.max_running_per_app.store(app, Relaxed);
    }

    /// Runs a script by its id, whatever its routes; the caller has seen to who may. `None` if there is no such
    /// script. The answer is confined as on a [control host](OrchestratorBuilder::control_host), which this is by its
    /// nature.
    pub fn execute<B>(&mut self, id: ScriptId, request: Request<B>) -> Option<Answer>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.follow();
        let script = self.current.script(id)?.clone();
        let found = Found { script, route: "".into(), params: Params::new(), host_params: Params::new() };
        let host = request_host(&request).map(|host| host.as_shared()).unwrap_or_default();
        if asks_for_worker(&request) {
            return Some(self.refuse(no_worker(), &request));
        }
        Some(self.start(found, host, request, true))
    }

    /// How many scripts run now, in all apps.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running.running()
    }

    /// Tries a script for a request that somebody made up. It runs under the same bounds as others, but no observer is
    /// told. `None` beyond the bounds.
    pub async fn test(&self, invocation: Invocation) -> Option<Tested> {
        let (script, id) = (invocation.script.clone(), invocation.request_id);
        let _permits = admit(&self.shared, &script)?;
        let Outcome { result, logs, logs_dropped, stats } = self.shared.executor.invoke(invocation).await;
        let failure = result.as_ref().err().cloned();
        let response = finish(answer(result, id, self.shared.reveal_errors), id);
        Some(Tested { response, failure, logs, logs_dropped, stats })
    }

    /// Takes the newest snapshot.
    fn follow(&mut self) {
        if self.snapshots.has_changed().unwrap_or(false) {
            self.current = self.snapshots.borrow_and_update().clone();
        }
    }

    /// Finds what to run.
    fn dispatch<B>(&self, request: &Request<B>) -> Result<(Found, Arc<str>), Refusal> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            let detail = format!("{} is not answered here.", request.method());
            return Err(Refusal::new(Code::MethodNotAllowed, detail));
        }
        if self.shared.control_host && asks_for_worker(request) {
            return Err(no_worker());
        }
        // A server that has looked already passes the host on.
        let known = request.extensions().get::<Host>().cloned();
        let host = match (self.shared.hosts, known.map_or_else(|| request_host(request), Ok)) {
            (Hosts::Required, Err(error)) => return Err(Refusal::new(Code::InvalidHost, error.to_string())),
            (Hosts::Ignored, Err(_)) => None,
            (_, Ok(host)) => Some(host),
        };
        let path = request.uri().path();
        check_path(path).map_err(|error| Refusal::new(Code::InvalidPath, error.to_string()))?;
        let asked =
            if self.shared.hosts == Hosts::Required { host.as_ref().map(|h| h.as_str()) } else { None };
        let found = self.current.router.lookup(asked, request.method(), path);
        let Match { script, route, method: _, params, host_params } =
            found.map_err(|miss| missed(miss, request.method()))?;
        let host = host.map_or_else(|| Arc::from(""), |host| host.as_shared());
        Ok((Found { script, route, params, host_params }, host))
    }

    fn start<B>(&self, found: Found, host: Arc<str>, request: Request<B>, confined: bool) -> Answer
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let named = Named::of(&request);
        let id = named.id;
        let shared = self.shared.clone();
        let (parts, body) = request.into_parts();
        // Before the future is made, so that it is small: it is moved around.
        let (script, event, uri) = event(parts, found, host);
        Box::pin(async move {
            let mut response = serve(&shared, script, event, body, named, uri).await;
            if confined {
                confine(response.headers_mut());
            }
            Ok(finish(response, id))
        })
    }

    fn refuse<B>(&self, refusal: Refusal, request: &Request<B>) -> Answer {
        let Named { id, at } = Named::of(request);
        let ip = request.extensions().get::<Client>().map(|client| client.ip);
        let received = Received {
            id,
            at,
            trigger: "http",
            method: request.method(),
            path: request.uri().path(),
            route: "",
            ip,
        };
        self.shared.observer.refused(&refusal.seen(None, received));
        Box::pin(std::future::ready(Ok(finish(refusal.respond(id), id))))
    }
}

/// What came of a [test](Orchestrator::test).
#[derive(Debug)]
pub struct Tested {
    /// What a caller would get.
    pub response: Response<Full<Bytes>>,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What the script logged, oldest first.
    pub logs: Vec<LogLine>,
    /// Lines beyond the limits.
    pub logs_dropped: u64,
    /// What the run used.
    pub stats: Stats,
}

/// The future of an [`Orchestrator`]'s answer.
pub type Answer = Pin<Box<dyn Future<Output = Result<Response<Full<Bytes>>, Infallible>> + Send>>;

impl<B> Service<Request<B>> for Orchestrator
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answer {
        self.follow();
        match self.dispatch(&request) {
            Ok((found, host)) => self.start(found, host, request, self.shared.control_host),
            Err(refusal) => self.refuse(refusal, &request),
        }
    }
}

/// What a lookup found, or a script that was asked for by id.
struct Found {
    script: Arc<Script>,
    route: Arc<str>,
    params: Params,
    host_params: Params,
}

/// Reads the body, runs the script, and turns the outcome into a response.
async fn serve<B>(
    shared: &Shared,
    script: Arc<Script>,
    mut event: Box<HttpEvent>,
    body: B,
    Named { id, at }: Named,
    uri: Uri,
) -> Response<Bytes>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (method, route, ip) = (event.method.clone(), event.route.clone(), event.ip);
    let request = Received { id, at, trigger: "http", method: &method, path: uri.path(), route: &route, ip };
    let refuse = |refusal: Refusal| {
        shared.observer.refused(&refusal.seen(Some(&script), request));
        refusal.respond(id)
    };
    event.body = match read(body, &event.headers, &script.limits).await {
        Ok(body) => body,
        Err(refusal) => return refuse(refusal),
    };
    // After the body: a slow sender takes no one's place.
    match shared.run(&script, Event::Http(event), request).await {
        Ok(outcome) => answer(outcome.result, id, shared.reveal_errors),
        Err(refusal) => refuse(refusal),
    }
}

/// A place in the server and one in the app, for as long as the pair lives.
fn admit<'a>(shared: &'a Shared, script: &'a Script) -> Option<(Permit<'a>, Permit<'a>)> {
    let (server, app) = (&shared.max_running, &shared.max_running_per_app);
    Some((shared.running.enter(server.load(Relaxed))?, script.gate.enter(app.load(Relaxed))?))
}

/// What to run, and the request it runs for, still without its body.
fn event(parts: Parts, found: Found, host: Arc<str>) -> (Arc<Script>, Box<HttpEvent>, Uri) {
    let Parts { method, uri, mut headers, extensions, .. } = parts;
    let Found { script, route, params, host_params } = found;
    if headers.contains_key(header::COOKIE) {
        hide_platform_cookies(&mut headers);
    }
    let client = extensions.get::<Client>().copied();
    let event = Box::new(HttpEvent {
        method,
        scheme: client.map_or(Scheme::Http, |client| client.scheme),
        host,
        path: uri.path().to_owned(),
        query: uri.query().map(str::to_owned),
        route,
        ip: client.map(|client| client.ip),
        params,
        host_params,
        headers,
        body: Bytes::new(),
        extensions,
        test: false,
    });
    (script, event, uri)
}
