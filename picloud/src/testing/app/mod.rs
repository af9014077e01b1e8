//! An app under test: requests without a socket, a clock and random numbers that the test holds, doubles of host
//! functions.

mod assertions;
mod clock;
mod diff;
mod double;
mod request;
mod response;
mod show;

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::{Builder, Handle, Runtime};
use tower::ServiceExt;

pub use self::{clock::TestClock, double::Double, request::TestRequest, response::TestResponse};
pub(super) use self::{
    diff::differences,
    show::{Told, lines},
};
use crate::rhai::kit::{Doubles, Reply, Run};
use crate::{
    App, AppBuilder, Delivered, Finished, Observer, Outcome, Refused, script_name, surroundings::Surroundings,
};

/// When the clock of a test stands at its start: 2026-01-01T00:00:00Z, in milliseconds since 1970.
pub const START_MS: i64 = 1_767_225_600_000;
/// What random numbers follow from, unless a test says otherwise.
pub(super) const SEED: u64 = 42;

/// An app under test. Cheap to clone; clones are the same app.
///
/// Requests go through the same routing, limits and answers as in production, but through no socket. `time::now` gives
/// the time of [`clock`](Self::clock), `time::sleep` moves it instead of waiting, and random numbers are the same in
/// every run of the test.
///
/// ```
/// use picloud::{App, testing::TestApp};
/// use serde_json::json;
///
/// let app = TestApp::new(
///     App::builder()
///         .script("light", r#"log::info("switched"); #{ on: lights::set(ctx.params.room, ctx.body.on) }"#)
///         .route("PUT /rooms/:room/light", "light"),
/// );
/// let set = app.double("lights::set").returns(json!(true));
///
/// app.put("/rooms/hall/light").json(&json!({ "on": true })).send()
///     .assert_status(200)
///     .assert_json("/on", json!(true))
///     .assert_logged("switched")
///     .assert_ops_below(200);
/// set.assert_calls(json!([["hall", true]]));
/// ```
#[derive(Clone)]
pub struct TestApp(Arc<Inner>);

struct Inner {
    builder: AppBuilder,
    surroundings: Surroundings,
    doubles: Doubles,
    /// The app, and the doubles that it was built with.
    built: Mutex<Option<(BTreeSet<String>, App)>>,
    runtime: OnceLock<Runtime>,
}

impl TestApp {
    /// The app that `builder` makes. It is built at the first request, since modules may exist as doubles only.
    #[must_use]
    pub fn new(builder: AppBuilder) -> Self {
        Self::within(builder, Surroundings::fixed(START_MS, SEED), Doubles::default())
    }

    /// One script behind one route: `TestApp::script("GET /hello/:name", "…")`.
    #[must_use]
    pub fn script(route: &str, source: &str) -> Self {
        Self::new(App::builder().script("script", source).route(route, "script"))
    }

    /// The script of a file behind one route.
    ///
    /// # Panics
    /// If the file cannot be read or is no script.
    #[must_use]
    #[track_caller]
    pub fn file(route: &str, path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = script_name(path).unwrap_or_else(|| panic!("{}: not a script", path.display()));
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self::new(App::builder().script(name, source).route(route, name))
    }

    pub(super) fn within(builder: AppBuilder, surroundings: Surroundings, doubles: Doubles) -> Self {
        let (built, runtime) = (Mutex::default(), OnceLock::new());
        Self(Arc::new(Inner { builder, surroundings, doubles, built, runtime }))
    }

    /// A `GET` request for a path, with its query.
    pub fn get(&self, path: &str) -> TestRequest {
        self.request(Method::GET, path)
    }

    /// A `POST` request.
    pub fn post(&self, path: &str) -> TestRequest {
        self.request(Method::POST, path)
    }

    /// A `PUT` request.
    pub fn put(&self, path: &str) -> TestRequest {
        self.request(Method::PUT, path)
    }

    /// A `DELETE` request.
    pub fn delete(&self, path: &str) -> TestRequest {
        self.request(Method::DELETE, path)
    }

    /// A request of any method.
    pub fn request(&self, method: Method, path: &str) -> TestRequest {
        TestRequest::new(self.clone(), method, path)
    }

    /// Emits an event, waits for every script that listens to it, and gives what became of each in the order in which
    /// they were added. For tests that are not async.
    ///
    /// # Panics
    /// If the app has a mistake, with all that is wrong; and inside of a runtime, where
    /// [`emit_async`](Self::emit_async) is for.
    #[track_caller]
    pub fn emit(&self, event: &str, payload: &impl Serialize) -> Vec<TestResponse> {
        self.block_on(self.emit_async(event, payload))
    }

    /// The same for async tests.
    ///
    /// # Panics
    /// If the app has a mistake, with all that is wrong.
    pub async fn emit_async(&self, event: &str, payload: &impl Serialize) -> Vec<TestResponse> {
        let payload = serde_json::to_value(payload).unwrap_or_else(|error| panic!("the payload: {error}"));
        match self.deliver(event, payload).await {
            Ok(replies) => replies
                .into_iter()
                .map(|reply| TestResponse { asked: format!("event {event}"), reply })
                .collect(),
            Err(wrong) => panic!("the app under test cannot be built:\n\n{wrong}\n"),
        }
    }

    /// The clock that scripts see.
    #[must_use]
    pub fn clock(&self) -> TestClock {
        TestClock(self.0.surroundings.clone())
    }

    /// Begins the random numbers that scripts see anew, so that they follow from `seed`.
    pub fn seed(&self, seed: u64) {
        self.0.surroundings.seed(seed);
    }

    /// A double of a host function, named `module::function`: it stands in for what the app was given, or for what a
    /// program would have given. Until it is told what to answer, it answers nothing (`()`).
    #[must_use]
    #[track_caller]
    pub fn double(&self, function: &str) -> Double {
        Double::new(self.0.doubles.clone(), function)
    }

    /// Sends a request of your own making, from async code.
    ///
    /// # Errors
    /// What is wrong with the app.
    pub(super) async fn answer(&self, request: Request<Bytes>) -> Result<Reply, String> {
        let app = self.app()?;
        let seen = Arc::new(Seen::default());
        let service = app.orchestrator().observer(seen.clone()).build();
        let response = match service.oneshot(request.map(Full::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(http_body_util::Collected::to_bytes);
        let response = http::Response::from_parts(parts, body.unwrap_or_default());
        let run = seen.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(Reply { response, run })
    }

    /// Emits an event.
    ///
    /// # Errors
    /// What is wrong with the app.
    pub(super) async fn deliver(&self, event: &str, payload: Value) -> Result<Vec<Reply>, String> {
        let app = self.app()?;
        let delivered = app.emit(event, payload).await.map_err(|error| error.to_string())?;
        let reply = |Delivered { script, outcome }| {
            let source = app.source(&script).unwrap_or_default();
            let Outcome { result, logs, stats, .. } = outcome;
            let failure = result.as_ref().err().cloned();
            let response = result.unwrap_or_else(|failure| {
                let mut response = http::Response::default();
                *response.status_mut() = failure.code.status();
                response
            });
            let run = Run { script: script.to_string(), source, logs, failure, stats };
            Reply { response, run: Some(Arc::new(run)) }
        };
        Ok(delivered.into_iter().map(reply).collect())
    }

    /// The app as it is with the doubles there are.
    fn app(&self) -> Result<App, String> {
        let names = self.0.doubles.names();
        let mut built = self.0.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, app)) = &*built
            && *of == names
        {
            return Ok(app.clone());
        }
        let executor =
            self.0.builder.executor().within(self.0.surroundings.clone()).doubled(self.0.doubles.clone());
        let executor = executor.build().map_err(|error| error.to_string())?;
        let app = self
            .0
            .builder
            .clone()
            .build_with(std::sync::Arc::new(executor))
            .map_err(|error| error.to_string())?;
        *built = Some((names, app.clone()));
        Ok(app)
    }

    /// Runs a future of this test to its end.
    #[track_caller]
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        assert!(
            Handle::try_current().is_err(),
            "inside of a runtime write `.send_async().await` in place of `.send()`"
        );
        let runtime = self.0.runtime.get_or_init(|| {
            Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
        });
        runtime.block_on(future)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // It may be dropped inside of another runtime, where waiting for its threads is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Keeps what the orchestrator tells of a run.
#[derive(Default)]
struct Seen(Mutex<Option<Arc<Run>>>);

impl Observer for Seen {
    fn finished(&self, run: &Finished<'_>) {
        let Finished { script, outcome, .. } = run;
        let seen = Run {
            script: script.name.to_string(),
            source: script.source.clone(),
            logs: outcome.logs.clone(),
            failure: outcome.result.as_ref().err().cloned(),
            stats: outcome.stats,
        };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(seen));
    }

    fn refused(&self, _: &Refused<'_>) {}
}

#[cfg(test)]
mod tests;
