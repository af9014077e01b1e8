//! Runs the tests of one file, each in a world of its own.

use std::{
    fs,
    net::IpAddr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{Suite, TestCase, TestFailure};
use crate::rhai::kit::{Bench, Doubles, Mismatch};
use crate::{
    AppId, Client, CompiledSlot, Event, Executor, FailureLog, Gate, Invocation, Limits, Outcome, Position,
    RequestId, RhaiExecutor, Scheme, Script, ScriptId, Slug,
    surroundings::Surroundings,
    testing::{
        START_MS, TestApp,
        app::{SEED, Told, differences},
    },
};

/// What a test may use, its requests not counted.
const LIMITS: Limits = Limits {
    wall_time_ms: 120_000,
    cpu_time_ms: 20_000,
    operations: 50_000_000,
    memory: 64 << 20,
    ..Limits::MAX
};

/// A test with what it works on.
struct World {
    bench: Bench,
    /// The last request, as text.
    last: Arc<Mutex<Option<String>>>,
}

impl Suite {
    pub(super) async fn run_file(&self, path: &Path, done: &mut impl FnMut(TestCase)) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let whole_file = |message: String, place, source: &str| TestCase {
            file: file.clone(),
            name: String::new(),
            time: Duration::ZERO,
            logs: Vec::new(),
            failure: Some(TestFailure {
                message,
                place,
                source: source.to_owned(),
                differences: Vec::new(),
                last_request: None,
            }),
        };
        let source = match fs::read_to_string(path) {
            Ok(source) => source,
            Err(error) => return done(whole_file(format!("cannot be read: {error}"), None, "")),
        };
        let tests = match executor(self.world().bench).tests_in(&source) {
            Ok(tests) => tests,
            Err(wrong) => {
                let place = Position { line: wrong.line, column: wrong.column };
                return done(whole_file(wrong.message, Some(place), &source));
            }
        };
        if tests.is_empty() {
            let message =
                "there are no tests in this file: a test is a function `test_…()` without parameters";
            return done(whole_file(message.to_owned(), None, &source));
        }
        for name in tests {
            let asked = format!("{file}::{name}");
            if self.filter.as_ref().is_none_or(|filter| asked.contains(filter.as_str())) {
                done(self.run_test(&file, name, &source).await);
            }
        }
    }

    fn world(&self) -> World {
        let (surroundings, doubles) = (Surroundings::fixed(START_MS, SEED), Doubles::default());
        let app = TestApp::within(self.builder.clone(), surroundings.clone(), doubles.clone());
        let last = Arc::new(Mutex::new(None));
        let (keep, listening) = (last.clone(), app.clone());
        let door = Arc::new(move |mut request: http::Request<bytes::Bytes>| {
            if let Some(ip) = request.extensions_mut().remove::<IpAddr>() {
                request.extensions_mut().insert(Client { ip, scheme: Scheme::Http });
            }
            let (app, keep) = (app.clone(), keep.clone());
            let asked = format!("{} {}", request.method(), request.uri());
            let answer = async move {
                let reply = app.answer(request).await;
                let told = reply.as_ref().ok().map(|reply| Told(&asked, reply).to_string());
                *keep.lock().unwrap_or_else(PoisonError::into_inner) = told;
                reply.map_err(|wrong| format!("the app under test cannot be built:\n{wrong}"))
            };
            Box::pin(answer) as crate::BoxFuture<'static, _>
        });
        let keep = last.clone();
        let events = Arc::new(move |event: String, payload| {
            let (app, keep) = (listening.clone(), keep.clone());
            let answer = async move {
                let replies = app.deliver(&event, payload).await;
                let asked = format!("event {event}");
                let told = replies.iter().flatten().map(|reply| Told(&asked, reply).to_string());
                *keep.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(told.collect::<Vec<_>>().join("\n"));
                replies.map_err(|wrong| format!("the app under test cannot be built:\n{wrong}"))
            };
            Box::pin(answer) as crate::BoxFuture<'static, _>
        });
        World { bench: Bench { surroundings, doubles, door, events, failed: Arc::default() }, last }
    }

    async fn run_test(&self, file: &str, name: String, source: &str) -> TestCase {
        let World { bench, last } = self.world();
        let failed = bench.failed.clone();
        let executor = executor(bench);
        let started = Instant::now();
        let outcome = executor.invoke(invocation(file, &format!("{source}\n;{name}();"))).await;
        let time = started.elapsed();
        let Outcome { result, logs, .. } = outcome;
        let failure = result.err().map(|failure| {
            let detail = failure.detail;
            let log = failure
                .log
                .map_or_else(|| FailureLog { message: detail, ..FailureLog::default() }, |log| *log);
            let mismatch = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
            let last = last.lock().unwrap_or_else(PoisonError::into_inner).take();
            explain(log, mismatch, source, last)
        });
        TestCase { file: file.to_owned(), name, time, logs, failure }
    }
}

/// The call at the end is no place in the file.
fn explain(log: FailureLog, mismatch: Option<Mismatch>, source: &str, last: Option<String>) -> TestFailure {
    let FailureLog { message, position, trace } = log;
    let lines = u32::try_from(source.lines().count()).unwrap_or(u32::MAX);
    let in_file = |at: &Position| at.line <= lines;
    let mismatch = mismatch.filter(|mismatch| mismatch.message == message);
    let place = mismatch.as_ref().and_then(|mismatch| mismatch.position).or(position).filter(in_file);
    let place = place.or_else(|| trace.iter().filter_map(|frame| frame.position).find(in_file));
    let values = mismatch.and_then(|mismatch| mismatch.values);
    let differences = values.map(|(expected, actual)| differences(&expected, &actual)).unwrap_or_default();
    TestFailure { message, place, source: source.to_owned(), differences, last_request: last }
}

/// An executor for test files.
fn executor(bench: Bench) -> RhaiExecutor {
    RhaiExecutor::builder().bench(bench).build().expect("there are no modules that could be wrong")
}

fn invocation(file: &str, source: &str) -> Invocation {
    let app_slug: Slug = "test".parse().expect("`test` is a slug");
    let script = Arc::new(Script {
        app: AppId::new(),
        app_slug,
        gate: Gate::default(),
        id: ScriptId::new(),
        name: file.strip_suffix(".rhai").unwrap_or(file).into(),
        version: 1,
        source: source.into(),
        limits: LIMITS,
        compiled: CompiledSlot::default(),
    });
    let event = Event::Other { trigger: "test".into(), payload: serde_json::Value::Null };
    Invocation { script, event, request_id: RequestId::new() }
}
