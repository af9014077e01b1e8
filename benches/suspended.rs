//! Ten thousand scripts that wait at once: memory for each, and no thread for any.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use picloud::{App, HostModule, Limits, Orchestrator};
use picloud_benches::{
    Goal,
    process::{resident_kib, threads},
    verdict,
};
use tokio::{runtime::Builder, sync::watch};
use tower::ServiceExt;

const RUNS: usize = 10_000;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime starts").block_on(measure());
}

async fn measure() {
    let (release, released) = watch::channel(true);
    let waiting = Arc::new(AtomicUsize::new(0));
    let service = service(released, waiting.clone());
    // Compiles the script, and starts whatever is started once.
    assert_eq!(ask(service.clone()).await, StatusCode::OK);
    release.send_replace(false);
    waiting.store(0, Ordering::SeqCst);

    let (memory, threads_before, start) = (resident_kib(), threads(), Instant::now());
    let runs: Vec<_> = (0..RUNS).map(|_| tokio::spawn(ask(service.clone()))).collect();
    while waiting.load(Ordering::SeqCst) < RUNS {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    println!("{RUNS} scripts wait after {:.2?}", start.elapsed());
    let each = (resident_kib() - memory) as f64 / RUNS as f64;
    verdict("memory for each", each, " KiB", Goal::AtMost(64.0));
    verdict("more threads", threads().saturating_sub(threads_before) as f64, "", Goal::AtMost(0.0));

    let start = Instant::now();
    release.send_replace(true);
    for run in runs {
        assert_eq!(run.await.expect("the task runs"), StatusCode::OK);
    }
    println!("all finished {:.2?} after they were released", start.elapsed());
}

fn service(released: watch::Receiver<bool>, waiting: Arc<AtomicUsize>) -> Orchestrator {
    let module = HostModule::new("bench").async_function("wait", move || {
        let (mut released, waiting) = (released.clone(), waiting.clone());
        async move {
            waiting.fetch_add(1, Ordering::SeqCst);
            released.wait_for(|go| *go).await.map(|_| ())
        }
    });
    let limits = Limits { wall_time_ms: 300_000, ..Limits::default() };
    let app = App::builder().module(module).limits(limits);
    let app = app.script("wait", "bench::wait(); `Hello, ${ctx.params.name}!`").route("GET /:name", "wait");
    app.build().expect("the script compiles").orchestrator().max_running(RUNS, RUNS).build()
}

async fn ask(service: Orchestrator) -> StatusCode {
    let request = Request::get("/Ada").body(Empty::<Bytes>::new()).expect("a request");
    service.oneshot(request).await.expect("it cannot fail").status()
}
