//! The data plane's ingress: a request in, a response out, whatever happens between.

use std::{
    cell::Cell,
    convert::Infallible,
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{self, Relaxed},
        },
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts,
};
use http_body::Body;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tokio::sync::watch;
use tower::Service;

use crate::{
    Code, Event, Executor, Failure, FieldError, Gate, Host, HttpEvent, Invocation, Limits, LogLine, Match,
    Miss, Outcome, Params, Problem, RequestId, Scheme, Script, ScriptId, Snapshot, Stats,
    app::unix_micros,
    check_path,
    gate::Permit,
    headers::{confine, drop_platform_headers, hide_platform_cookies},
    request_host,
};

mod occurrence;

pub use self::occurrence::Occurrence;

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

/// Which request this is, and when it came.
#[derive(Clone, Copy)]
struct Named {
    id: RequestId,
    at: i64,
}

impl Named {
    /// With the id that the server around has given the request in its extensions, or a new one.
    fn of<B>(request: &Request<B>) -> Self {
        let at = unix_micros();
        let given = request.extensions().get::<RequestId>().copied();
        Self { id: given.unwrap_or_else(|| new_request_id(at)), at }
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

/// A browser that would let an answer speak for its whole host (Service Workers, "Service-Worker" header).
fn asks_for_worker<B>(request: &Request<B>) -> bool {
    request.headers().contains_key("service-worker")
}

fn no_worker() -> Refusal {
    Refusal::new(Code::Forbidden, "No service worker is served from this host.")
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

/// What the caller gets.
fn answer(result: Result<Response<Bytes>, Failure>, id: RequestId, reveal: bool) -> Response<Bytes> {
    match result {
        Ok(mut response) => {
            drop_platform_headers(response.headers_mut());
            response
        }
        Err(failure) => failed(failure, id, reveal),
    }
}

/// A place in the server and one in the app, for as long as the pair lives.
fn admit<'a>(shared: &'a Shared, script: &'a Script) -> Option<(Permit<'a>, Permit<'a>)> {
    let (server, app) = (&shared.max_running, &shared.max_running_per_app);
    Some((shared.running.enter(server.load(Relaxed))?, script.gate.enter(app.load(Relaxed))?))
}

/// The whole body, if it is within the limit; refused without reading where its length says so.
async fn read<B>(body: B, headers: &HeaderMap, limits: &Limits) -> Result<Bytes, Refusal>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let limit = limits.request_body;
    let too_large = || {
        let detail = format!("The request body has more than {limit} bytes, the limit of this script.");
        Refusal::new(Code::LimitBody, detail)
    };
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let limited = Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX));
    match limited.collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::new(Code::Malformed, "The request body ended early or is not well-formed.")),
    }
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

/// An answer that the platform makes before anything runs.
struct Refusal {
    code: Code,
    /// Boxed, so that results which are hardly ever refusals stay small.
    problem: Box<Problem>,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, problem: Box::new(Problem::new(code, detail)), header: None }
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some((name, value));
        self
    }

    /// As an observer sees it.
    fn seen<'a>(&'a self, script: Option<&'a Script>, request: Received<'a>) -> Refused<'a> {
        Refused { script, request, code: self.code, detail: self.problem.detail() }
    }

    fn respond(self, id: RequestId) -> Response<Bytes> {
        let mut response = self.problem.with_request_id(Some(id)).to_response();
        response.headers_mut().extend(self.header);
        response
    }
}

/// Why nothing answers. Names neither app nor script: the caller may be anyone.
fn missed(miss: Miss, method: &Method) -> Refusal {
    match miss {
        Miss::NoApp => Refusal::new(Code::NoApp, "No app on this server claims this host."),
        Miss::NoRoute { .. } => Refusal::new(Code::NoRoute, "Nothing answers at this path."),
        Miss::MethodNotAllowed { allow, .. } => {
            let names: Vec<_> = allow.iter().map(Method::as_str).collect();
            let names = names.join(", ");
            let refusal =
                Refusal::new(Code::MethodNotAllowed, format!("{method} is not answered here; {names} is."));
            match HeaderValue::from_str(&names) {
                Ok(allow) => refusal.with_header(header::ALLOW, allow),
                Err(_) => refusal,
            }
        }
    }
}

fn overloaded() -> Refusal {
    Refusal::new(
        Code::Overloaded,
        "The server or the app runs as many scripts as it may. Try again in a second.",
    )
    .with_header(header::RETRY_AFTER, HeaderValue::from_static("1"))
}

/// The one place where a failed run becomes a status code.
fn failed(failure: Failure, id: RequestId, reveal: bool) -> Response<Bytes> {
    let Failure { code, detail, log } = failure;
    let mut problem = Problem::new(code, detail);
    if let (true, Some(log)) = (reveal, log) {
        let (line, column) = log.position.map(|at| (at.line, at.column)).unzip();
        let error = FieldError { line, column, ..FieldError::new("script", code.as_str(), log.message) };
        problem = problem.with_errors(vec![error]);
    }
    let mut response = problem.with_request_id(Some(id)).to_response();
    if response.status() == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

fn finish(response: Response<Bytes>, id: RequestId) -> Response<Full<Bytes>> {
    let mut response = response.map(Full::new);
    let mut text = [0; 36];
    if let Ok(id) = HeaderValue::from_str(id.encode(&mut text)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
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

/// A request id of the time, in microseconds, and of pseudo-random bits. Ids need not be secret.
fn new_request_id(at: i64) -> RequestId {
    let at = u64::try_from(at).unwrap_or_default();
    // The 12 bits after the milliseconds are those of a finer clock (RFC 9562, 6.2, method 3): ids are in order.
    let fraction = u16::try_from(at % 1000 * 4096 / 1000).unwrap_or_default();
    let mut rest = [0; 10];
    rest[..2].copy_from_slice(&fraction.to_be_bytes());
    rest[2..].copy_from_slice(&random_bits().to_le_bytes());
    RequestId::from_parts(at / 1000, rest)
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), a stream per thread.
fn random_bits() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(random_seed());
    }
    let next = |state: &Cell<u64>| {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        state.get()
    };
    // While the thread ends there is no stream any more.
    let mut z = STATE.try_with(next).unwrap_or_else(|_| random_seed());
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn random_seed() -> u64 {
    /// Keeps streams apart even where the system gives no random numbers.
    static STREAM: AtomicU64 = AtomicU64::new(0);
    let mut seed = [0; 8];
    // Without random numbers the ids still differ, by time and stream.
    let _ = getrandom::fill(&mut seed);
    u64::from_le_bytes(seed).wrapping_add(STREAM.fetch_add(1, Ordering::Relaxed) << 32)
}

#[cfg(all(test, feature = "rhai"))]
mod tests;
