//! What the recorder keeps, counts and drops, with a store that can be told to fail.
#![allow(clippy::unwrap_used, reason = "a test that unwraps fails, which is its job")]

use std::sync::{Arc, Mutex as StdMutex};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tower::ServiceExt;

use super::*;
use crate::{
    App, AppBuilder, Limits, RequestId, ScriptId,
    store::{ExecutionFilter, ExecutionRecord, MinuteRecord, Page, StoreError, StoreFuture},
};

/// Keeps what it is given, or fails as told.
#[derive(Default)]
struct Sink {
    executions: StdMutex<Vec<ExecutionRecord>>,
    minutes: StdMutex<Vec<MinuteRecord>>,
    failing: StdMutex<Option<StoreError>>,
    largest_batch: StdMutex<usize>,
}

impl LogStore for Sink {
    fn append_log(
        &self,
        executions: Vec<ExecutionRecord>,
        minutes: Vec<MinuteRecord>,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            if let Some(error) = self.failing.lock().unwrap().clone() {
                return Err(error);
            }
            let mut largest = self.largest_batch.lock().unwrap();
            *largest = executions.len().max(*largest);
            self.executions.lock().unwrap().extend(executions);
            self.minutes.lock().unwrap().extend(minutes);
            Ok(())
        })
    }

    fn executions(
        &self,
        _: AppId,
        _: ExecutionFilter,
        _: Page<RequestId>,
    ) -> StoreFuture<'_, Vec<ExecutionRecord>> {
        Box::pin(async { Ok(self.executions.lock().unwrap().clone()) })
    }

    fn execution(&self, _: AppId, _: RequestId) -> StoreFuture<'_, ExecutionRecord> {
        Box::pin(async { Err(StoreError::NotFound { what: "execution" }) })
    }

    fn minutes(&self, _: AppId, _: Option<ScriptId>, _: i64, _: i64) -> StoreFuture<'_, Vec<MinuteRecord>> {
        Box::pin(async { Ok(self.minutes.lock().unwrap().clone()) })
    }

    fn prune_log(&self, _: Retention) -> StoreFuture<'_, u64> {
        Box::pin(async { Ok(0) })
    }
}

impl Sink {
    fn fail(&self, error: Option<StoreError>) {
        *self.failing.lock().unwrap() = error;
    }

    fn stored(&self) -> Vec<ExecutionRecord> {
        self.executions.lock().unwrap().clone()
    }

    /// The counts of all minutes and scripts together.
    fn total(&self) -> MinuteRecord {
        let mut all = MinuteRecord::new(AppId::new(), ScriptId::new(), 0);
        for row in &*self.minutes.lock().unwrap() {
            all.merge(row);
        }
        all
    }
}

/// Written only when the test says so.
fn by_hand() -> LogSettings {
    let interval = Duration::from_secs(3600);
    LogSettings { interval, sample_first: 2, sample_every: 10, ..LogSettings::default() }
}

fn app() -> AppBuilder {
    App::builder()
        .script("quiet", "1")
        .script("says", r#"log::warn("careful", #{ n: 7 }); 1"#)
        .script("fails", "fn deep(x) { x.nope() }\n1 +\n  deep(2)")
        .route("GET /quiet", "quiet")
        .route("ANY /says/:what", "says")
        .route("GET /fails", "fails")
}

struct World {
    sink: Arc<Sink>,
    recorder: Recorder,
    service: crate::Orchestrator,
}

impl World {
    fn new(settings: LogSettings) -> Self {
        Self::of(app(), settings)
    }

    fn of(app: AppBuilder, settings: LogSettings) -> Self {
        let sink = Arc::new(Sink::default());
        let recorder = Recorder::start(sink.clone(), settings);
        let orchestrator = app.build().unwrap().orchestrator();
        let service = orchestrator.observer(Arc::new(recorder.clone())).build();
        Self { sink, recorder, service }
    }

    async fn ask(&self, method: &str, path: &str) -> RequestId {
        ask(&self.service, method, path, "").await
    }
}

async fn ask(service: &crate::Orchestrator, method: &str, path: &str, body: &'static str) -> RequestId {
    let request =
        Request::builder().method(method).uri(path).body(Full::new(Bytes::from_static(body.as_bytes())));
    let response = service.clone().oneshot(request.unwrap()).await.unwrap();
    response.headers()["x-request-id"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_failure_is_kept_with_its_place_and_calls() {
    let world = World::new(by_hand());
    let id = world.ask("GET", "/fails?secret=1").await;
    assert!(world.recorder.flush().await);
    let [run] = &world.sink.stored()[..] else { panic!("one record") };
    assert_eq!((run.id, run.path.as_str(), run.route.as_str()), (id, "/fails", "/fails"));
    assert_eq!((run.status, run.code.as_deref(), run.trigger.as_str()), (500, Some("script_error"), "http"));
    assert!(run.message.as_ref().unwrap().contains("nope"), "{run:?}");
    assert_eq!(run.position.unwrap().line, 1);
    assert_eq!((run.trace.len(), run.trace[0].function.as_str()), (1, "deep"));
    assert_eq!(run.trace[0].position.unwrap().line, 3);
    assert!(run.operations > 0 && run.wall_us > 0);
    let total = world.sink.total();
    assert_eq!((total.count, total.errors, total.unsampled, total.dropped), (1, 1, 0, 0));
}

#[tokio::test]
async fn runs_that_say_something_are_kept_and_silent_ones_are_sampled() {
    let world = World::new(by_hand());
    for _ in 0..30 {
        world.ask("PUT", "/says/x").await;
        world.ask("GET", "/quiet").await;
    }
    world.recorder.flush().await;
    let (said, quiet): (Vec<_>, Vec<_>) =
        world.sink.stored().into_iter().partition(|run| run.script_name == "says");
    assert_eq!(said.len(), 30);
    let line = &said[0].lines[0];
    assert_eq!((line.message.as_str(), line.level), ("careful", crate::Level::Warn));
    assert_eq!((&line.fields["n"], line.position.unwrap().line), (&7.into(), 1));
    assert_eq!((said[0].method.as_str(), said[0].route.as_str()), ("PUT", "/says/:what"));
    assert_eq!(quiet.len(), 2 + 3, "the first two, and one in ten (if no minute began meanwhile)");
    let total = world.sink.total();
    assert_eq!((total.count, total.errors, total.unsampled), (60, 0, 30 - quiet.len() as u64));
    assert_eq!((total.wall_us.count(), total.operations.count()), (60, 60));
}

#[tokio::test]
async fn what_no_database_can_keep_is_replaced() {
    let source = "log::info(\"a\\x00b\", #{ \"k\\x00\": [\"v\\x00\"] }); throw \"\\x00\";";
    let world = World::of(App::builder().script("nul", source).route("/", "nul"), by_hand());
    world.ask("GET", "/").await;
    world.recorder.flush().await;
    let run = &world.sink.stored()[0];
    assert_eq!((run.lines[0].message.as_str(), run.message.as_deref()), ("a␀b", Some("␀")));
    assert_eq!(run.lines[0].fields["k␀"], serde_json::json!(["v␀"]));
}

#[tokio::test]
async fn what_is_kept_changes_from_the_next_run_on() {
    let world = World::new(by_hand());
    let kept = async |change: fn(&mut LogSettings)| {
        world.recorder.change(change);
        let before = world.sink.stored().len();
        world.ask("GET", "/quiet").await;
        world.recorder.flush().await;
        world.sink.stored().len() - before
    };
    assert_eq!(kept(|_| {}).await, 1);
    assert_eq!(kept(|settings| (settings.sample_first, settings.sample_every) = (0, 0)).await, 0);
    assert_eq!(kept(|settings| settings.slow = Duration::ZERO).await, 1);
    world.recorder.change(|settings| (settings.interval, settings.max_records) = (Duration::ZERO, 0));
    let LogSettings { sample_first, interval, max_records, .. } = world.recorder.settings();
    assert_eq!((sample_first, interval), (0, by_hand().interval));
    assert_eq!(max_records, by_hand().max_records, "what waits has the room that it had");
}

#[tokio::test]
async fn changes_at_once_are_all_done() {
    let world = World::new(by_hand());
    let changes: [fn(&mut LogSettings); 3] = [
        |settings| settings.sample_first += 1,
        |settings| settings.sample_every += 1,
        |settings| settings.executions_per_app += 1,
    ];
    std::thread::scope(|scope| {
        for change in changes {
            let recorder = &world.recorder;
            scope.spawn(move || (0..1000).for_each(|_| recorder.change(change)));
        }
    });
    let LogSettings { sample_first, sample_every, executions_per_app, .. } = world.recorder.settings();
    assert_eq!((sample_first, sample_every, executions_per_app), (1002, 1010, 11_000));
}

#[tokio::test]
async fn slow_runs_are_kept() {
    let settings = LogSettings { sample_first: 0, sample_every: 0, slow: Duration::ZERO, ..by_hand() };
    let world = World::new(settings);
    world.ask("GET", "/quiet").await;
    world.recorder.flush().await;
    assert_eq!(world.sink.stored().len(), 1);
}

#[tokio::test]
async fn refused_requests_count_as_errors_of_their_script() {
    let app = app().limits(Limits { request_body: 1, ..Limits::default() });
    let world = World::of(app, by_hand());
    let id = ask(&world.service, "PUT", "/says/x", "long").await;
    ask(&world.service, "GET", "/nowhere", "").await;
    world.recorder.flush().await;
    let [run] = &world.sink.stored()[..] else { panic!("one record") };
    assert_eq!((run.id, run.status, run.code.as_deref()), (id, 413, Some("limit_body")));
    assert!(run.message.as_ref().unwrap().contains("1 bytes"), "{run:?}");
    let total = world.sink.total();
    assert_eq!((total.count, total.errors, total.wall_us.count()), (1, 1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn under_load_every_run_is_stored_dropped_or_unsampled() {
    const TASKS: u64 = 8;
    const RUNS: u64 = 200;
    // Written all the time, with room for few.
    let interval = Duration::from_millis(1);
    let world = Arc::new(World::new(LogSettings { interval, max_records: 20, ..by_hand() }));
    let tasks = (0..TASKS).map(|_| {
        let world = world.clone();
        tokio::spawn(async move {
            for run in 0..RUNS {
                world.ask("GET", ["/quiet", "/says/x", "/fails", "/quiet"][run as usize % 4]).await;
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(world.recorder.flush().await);
    let (total, counts) = (world.sink.total(), world.recorder.counts());
    let stored = world.sink.stored().len() as u64;
    assert_eq!((total.count, total.errors), (TASKS * RUNS, TASKS * RUNS / 4));
    assert_eq!(total.count, stored + total.dropped + total.unsampled);
    assert_eq!((counts.runs, counts.stored, counts.dropped), (total.count, stored, total.dropped));
    assert_eq!((counts.waiting, counts.waiting_bytes, counts.lost), (0, 0, 0));
    let mut ids: Vec<_> = world.sink.stored().iter().map(|run| run.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, stored, "none is written twice");
}

#[tokio::test]
async fn while_the_store_is_away_what_fits_is_kept_and_the_rest_is_counted() {
    for error in [StoreError::Unavailable("away".into()), StoreError::Full("disk".into())] {
        let world = World::new(LogSettings { max_records: 5, ..by_hand() });
        world.sink.fail(Some(error));
        for _ in 0..12 {
            world.ask("GET", "/says/x").await;
            assert!(!world.recorder.flush().await);
        }
        assert_eq!(world.recorder.counts().waiting, 5);
        assert_eq!(world.recorder.counts().failed_writes, 12);
        world.sink.fail(None);
        assert!(world.recorder.flush().await);
        let total = world.sink.total();
        assert_eq!((world.sink.stored().len(), total.dropped, total.count), (5, 7, 12));
        world.ask("GET", "/says/x").await;
        assert!(world.recorder.flush().await);
        assert_eq!(world.sink.stored().len(), 6, "there is room again");
    }
}

#[tokio::test]
async fn what_the_store_never_takes_is_dropped_and_counted() {
    let world = World::new(by_hand());
    world.sink.fail(Some(StoreError::Corrupt("broken".into())));
    world.ask("GET", "/says/x").await;
    assert!(world.recorder.flush().await);
    let counts = world.recorder.counts();
    assert_eq!((counts.runs, counts.dropped, counts.lost, counts.waiting), (1, 1, 1, 0));
}

#[tokio::test]
async fn much_is_written_in_several_batches() {
    let world = World::new(by_hand());
    for _ in 0..1100 {
        world.ask("GET", "/says/x").await;
    }
    assert!(world.recorder.flush().await);
    assert_eq!(world.sink.stored().len(), 1100);
    assert!(*world.sink.largest_batch.lock().unwrap() < 600);
}

#[tokio::test]
async fn watchers_see_what_is_kept_and_are_told_what_they_lost() {
    let world = World::new(by_hand());
    let app = {
        world.ask("GET", "/says/x").await;
        world.recorder.flush().await;
        world.sink.stored()[0].app
    };
    let mut tail = world.recorder.tail(app).unwrap();
    let mut other = world.recorder.tail(AppId::new()).unwrap();
    let id = world.ask("GET", "/says/y").await;
    world.recorder.flush().await;
    let Some(Tailed::Execution(run)) = tail.next().await else { panic!("an execution") };
    assert_eq!((run.id, run.path.as_str()), (id, "/says/y"));
    for _ in 0..300 {
        world.ask("GET", "/says/z").await;
    }
    world.recorder.flush().await;
    let Some(Tailed::Lost(lost)) = tail.next().await else { panic!("some are lost") };
    assert_eq!(lost, 300 - 256);
    drop(world);
    assert!(other.next().await.is_none(), "nothing of another app, and the end");
}

#[tokio::test]
async fn there_are_only_so_many_watchers() {
    let world = World::new(by_hand());
    let watchers: Vec<_> = std::iter::from_fn(|| world.recorder.tail(AppId::new())).take(1000).collect();
    assert_eq!(watchers.len(), 64);
    drop(watchers);
    assert!(world.recorder.tail(AppId::new()).is_some());
}

#[tokio::test]
async fn the_task_writes_without_being_asked_and_ends_with_the_recorder() {
    let world = World::new(LogSettings { interval: Duration::from_millis(10), ..by_hand() });
    world.ask("GET", "/says/x").await;
    while world.sink.stored().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let sink = world.sink.clone();
    drop(world);
    while Arc::strong_count(&sink) > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
