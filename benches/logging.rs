//! Requests over loopback with the execution log on, as the server has it, and off: what the log costs.

use std::{sync::Arc, time::Duration};

use hyper_util::service::TowerToHyperService;
use picloud::{
    Finished, Limits, Observer, Orchestrator, Publisher, Refused, RhaiExecutor,
    manager::Manager,
    recorder::{LogSettings, Recorder},
};
use picloud_benches::{
    Goal,
    http::{Connection, Server, asked_to_serve, load, serve},
    quantile, verdict,
};
use picloud_sqlx::SqliteStore;
use tokio::runtime::Runtime;

const REQUEST: &[u8] =
    b"GET /hello/Ada HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
const CONNECTIONS: usize = 48;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);

fn main() {
    match asked_to_serve() {
        Some((name, workers)) => {
            // Of its own, so that what is measured does not set it up; kept until the process ends.
            let runtime = Runtime::new().expect("a runtime starts");
            let folder =
                tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("there is room for a database");
            let service = runtime.block_on(service(&folder.path().join("picloud.db"), name == "on"));
            serve(TowerToHyperService::new(service), workers);
        }
        None => [1, 2].into_iter().for_each(compare),
    }
}

/// The app `hello` from a database, watched by the recorder or by nobody.
async fn service(database: &std::path::Path, logs: bool) -> Orchestrator {
    let store = Arc::new(SqliteStore::open(database).await.expect("a new database opens"));
    let executor = Arc::new(RhaiExecutor::default());
    let manager = Manager::new(store.clone(), executor.clone());
    assert!(manager.seed_hello().await.expect("the app is made"));
    let publisher = Publisher::new(store.clone(), Limits::default());
    publisher.refresh().await.expect("the app is read");
    let observer: Arc<dyn Observer> = match logs {
        true => Arc::new(Recorder::start(store, LogSettings::default())),
        false => Arc::new(Nobody),
    };
    Orchestrator::builder(publisher.subscribe(), executor).observer(observer).build()
}

struct Nobody;

impl Observer for Nobody {
    fn finished(&self, _: &Finished<'_>) {}

    fn refused(&self, _: &Refused<'_>) {}
}

/// A server under load.
struct Side {
    name: &'static str,
    server: Server,
    connections: Vec<Connection>,
    /// Bytes of a response, which are the same each time.
    size: usize,
    per_second: Vec<f64>,
    cpu: Vec<f64>,
}

impl Side {
    fn start(name: &'static str, workers: usize) -> Self {
        let server = Server::start(name, workers);
        let mut connections: Vec<_> = (0..CONNECTIONS).map(|_| server.connect()).collect();
        let response = connections[0].ask(REQUEST);
        assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        Self { name, server, connections, size: response.len(), per_second: Vec::new(), cpu: Vec::new() }
    }

    fn round(&mut self) {
        let before = self.server.cpu_time();
        let (count, time) = load(&mut self.connections, REQUEST, self.size, ROUND);
        self.per_second.push(count as f64 / time.as_secs_f64());
        self.cpu.push((self.server.cpu_time() - before).as_secs_f64() * 1e6 / count as f64);
    }

    /// Requests per second and processor µs per request, medians.
    fn figures(&mut self) -> (f64, f64) {
        let figures = (quantile(&mut self.per_second, 0.5), quantile(&mut self.cpu, 0.5));
        println!(
            "logging {:<36} {:>10.0} requests/s {:>9.2} µs of CPU each",
            self.name, figures.0, figures.1
        );
        figures
    }
}

fn compare(workers: usize) {
    println!("-- {workers} worker threads, {CONNECTIONS} connections");
    let (mut off, mut on) = (Side::start("off", workers), Side::start("on", workers));
    for _ in 0..ROUNDS {
        off.round();
        on.round();
    }
    let (off, on) = (off.figures(), on.figures());
    verdict("requests per second, on to off", on.0 / off.0, "", Goal::AtLeast(0.90));
    verdict("CPU per request, on to off", on.1 / off.1, "", Goal::AtMost(1.10));
}
