//! Ten thousand apps on one server: how soon it answers after a start, how fast it answers, what a save takes, what an
//! idle app holds, and how soon a save is live on a second server.
//!
//! Needs the release build: `cargo build --release -p picloud-server`. `make bench` makes it. What needs PostgreSQL is
//! left out without it.

#[allow(clippy::unwrap_used, reason = "shared with tests, where it is allowed")]
#[path = "../picloud-sqlx/tests/all/cluster.rs"]
mod cluster;

use std::{
    array,
    path::Path,
    time::{Duration, Instant},
};

use cluster::Cluster;
use picloud::ScriptId;
use picloud_benches::{
    Goal,
    crowd::Crowd,
    http::{Connection, load},
    process::{built_binary, resident_kib_of},
    quantile,
    server::{ADMIN, Admin, Client, Server},
    verdict,
};
use picloud_sqlx::{PgStore, SqliteStore};
use tempfile::tempdir;

const APPS: usize = 10_000;
const REQUEST: &str = "GET /hello/Ada HTTP/1.1\r\nHost: app-0.example.com\r\n\r\n";
const CONNECTIONS: usize = 48;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);
const SAVES: usize = 1000;
const ROLL_OUTS: usize = 300;
/// As long as a small script; and a save changes the length.
const SOURCE_BYTES: usize = 1000;

fn main() {
    let Some(binary) = built_binary() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime starts").block_on(async {
        memory(&binary).await;
        let mut sides =
            [Side::start(&binary, 1, 10, &ADMIN).await, Side::start(&binary, APPS, 10, &ADMIN).await];
        println!("start to first answer, {APPS} apps with 10 routes: {:.0} ms", sides[1].start);
        throughput(&mut sides);
        saves(&mut sides).await;
        drop(sides);
        roll_out(&binary).await;
    });
}

/// A source that greets with this word.
fn source(greeting: &str) -> String {
    let code = format!("`{greeting}, ${{ctx.params.name}}!`");
    format!("// {}\n{code}", "x".repeat(SOURCE_BYTES - code.len() - 4))
}

fn crowd(apps: usize, routes: usize) -> Crowd {
    Crowd { apps, routes, source: source("Hello") }
}

/// A server with some apps on SQLite.
struct Side {
    server: Server,
    script: ScriptId,
    /// Milliseconds from the start of the process to the first answer.
    start: f64,
}

impl Side {
    async fn start(binary: &Path, apps: usize, routes: usize, variables: &[(&str, &str)]) -> Self {
        let folder = tempdir().expect("there is room for a database");
        let store = SqliteStore::open(folder.path().join("picloud.db")).await.expect("a new database opens");
        let script = crowd(apps, routes).join(&store).await;
        store.close().await;
        let begun = Instant::now();
        let server = Server::on(binary, folder, variables);
        let answer = Connection::to(server.address).ask(REQUEST.as_bytes());
        let start = begun.elapsed().as_secs_f64() * 1e3;
        assert!(answer.ends_with("\r\n\r\nHello, Ada!"), "{answer}");
        Self { server, script, start }
    }
}

/// What an app holds that nobody asks.
async fn memory(binary: &Path) {
    let mut resident = [0.0; 2];
    for (place, apps) in resident.iter_mut().zip([1, APPS]) {
        // Without an admin: a password's hash takes 19 MiB for a while.
        let side = Side::start(binary, apps, 3, &[]).await;
        // What was needed to load is given back while the server works, by and by.
        let mut connection = Connection::to(side.server.address);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            connection.ask(REQUEST.as_bytes());
        }
        *place = resident_kib_of(side.server.id()) as f64;
        println!("resident with {apps} apps: {:.1} MiB", *place / 1024.0);
    }
    let each = (resident[1] - resident[0]) / (APPS - 1) as f64 - SOURCE_BYTES as f64 / 1024.0;
    verdict("memory of an idle app, beside its source", each, " KiB", Goal::AtMost(4.0));
}

fn throughput(sides: &mut [Side; 2]) {
    let mut connections = sides
        .each_ref()
        .map(|side| (0..CONNECTIONS).map(|_| Connection::to(side.server.address)).collect::<Vec<_>>());
    let mut rates = [const { Vec::new() }; 2];
    for _ in 0..ROUNDS {
        for (connections, rates) in connections.iter_mut().zip(&mut rates) {
            let size = connections[0].ask(REQUEST.as_bytes()).len();
            let (count, time) = load(connections, REQUEST.as_bytes(), size, ROUND);
            rates.push(count as f64 / time.as_secs_f64());
        }
    }
    let [one, many] = rates.map(|mut rates| quantile(&mut rates, 0.5));
    println!("hello with 1 app: {one:.0} requests/s; with {APPS}: {many:.0}");
    verdict("requests per second, 10,000 apps to 1", many / one, "", Goal::AtLeast(0.90));
}

async fn saves(sides: &mut [Side; 2]) {
    let mut admins = Vec::new();
    for side in &*sides {
        admins.push((Admin::log_in(side.server.address).await, format!("/scripts/{}", side.script)));
    }
    let mut took: [Vec<f64>; 2] = array::from_fn(|_| Vec::new());
    for n in 0..SAVES {
        for ((admin, path), took) in admins.iter_mut().zip(&mut took) {
            took.push(save(admin, path, &format!("Hello {n}")).await);
        }
    }
    for (apps, took) in [1, APPS].into_iter().zip(&mut took) {
        let what = format!("a save among {apps} apps (FULL)");
        quantiles(&what, took, 20.0);
    }
}

fn quantiles(what: &str, took: &mut [f64], goal: f64) {
    println!("{what}, p50: {:.2} ms", quantile(took, 0.5));
    verdict(&format!("{what}, p99"), quantile(took, 0.99), " ms", Goal::AtMost(goal));
}

/// Saves a script that greets so; milliseconds.
async fn save(admin: &mut Admin, path: &str, greeting: &str) -> f64 {
    let source = source(greeting).replace('\n', "\\n");
    let body = format!(r#"{{"name":"hello","source":"{source}"}}"#);
    let begun = Instant::now();
    admin.call("PUT", path, &body).await;
    begun.elapsed().as_secs_f64() * 1e3
}

/// From sending a save to one server until another answers with it.
async fn roll_out(binary: &Path) {
    let Some(cluster) = Cluster::start(true) else { return };
    let url = cluster.database();
    let store = PgStore::connect(&url).expect("the URL is one");
    let script = crowd(APPS, 10).join(&store).await;
    let servers: [Server; 2] = array::from_fn(|_| Server::start(binary, &[("DATABASE_URL", &url)]));
    let mut admin = Admin::log_in(servers[0].address).await;
    let mut client = Client::connect(servers[1].address).await;
    let path = format!("/scripts/{script}");
    let (mut saved, mut live) = (Vec::new(), Vec::new());
    for n in 0..ROLL_OUTS {
        let greeting = format!("Hello {n}");
        let begun = Instant::now();
        saved.push(save(&mut admin, &path, &greeting).await);
        while !client.exchange(REQUEST).await.expect("it answers").ends_with(&format!("{greeting}, Ada!")) {
            tokio::time::sleep(Duration::from_micros(500)).await;
        }
        live.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    println!("a save among {APPS} apps (PostgreSQL), p50: {:.2} ms", quantile(&mut saved, 0.5));
    println!("a save among {APPS} apps (PostgreSQL), p99: {:.2} ms", quantile(&mut saved, 0.99));
    quantiles("a save live on a second server", &mut live, 250.0);
}
