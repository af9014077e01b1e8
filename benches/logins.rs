//! 500 clients that log in at once, each from an address of its own and to an account of its own: what the server holds
//! more in memory, and what requests to scripts notice.
//!
//! Needs the release build: `cargo build --release -p picloud-server`. `make bench` makes it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};

use picloud_benches::{
    Goal,
    process::{built_binary, resident_kib_of},
    quantile,
    server::{Client, Server},
    verdict,
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

const SCRIPT: &str = "1";
const WORK: &str = "GET /work HTTP/1.1\r\nHost: work.test\r\n\r\n";
const CLIENTS: u32 = 500;
/// How long each phase lasts.
const TIME: Duration = Duration::from_secs(6);
/// Time between two requests to the script: a load that is far from what the server can hold.
const PACE: Duration = Duration::from_millis(2);

fn main() {
    let Some(binary) = built_binary() else { return };
    let server = Server::start(
        &binary,
        &[("PICLOUD_TRUSTED_PROXIES", "127.0.0.1"), ("RUST_LOG", "error,picloud::serve=info")],
    );
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime starts").block_on(measure(&server));
}

async fn measure(server: &Server) {
    server.prepare(SCRIPT).await;
    scripts(server).await;
    let (mut calm, before) = (scripts(server).await, resident_kib_of(server.id()));
    let going = Arc::new(AtomicBool::new(true));
    let crowd = tokio::spawn(crowd(server.address, going.clone()));
    let most = tokio::spawn(watch(server.id(), going.clone()));
    let mut busy = scripts(server).await;
    going.store(false, Relaxed);
    let most = most.await.expect("the memory is read");
    let Counts { refused, turned_away } = crowd.await.expect("the logins end");
    println!("{refused} logins were looked at and refused, {turned_away} turned away");
    assert!(refused > 50, "passwords were hashed");
    let (calm, busy) = (quantile(&mut calm, 0.99), quantile(&mut busy, 0.99));
    println!("scripts p99: {calm:.2} ms before, {busy:.2} ms meanwhile");
    let more = most.saturating_sub(before) as f64 / 1024.0;
    verdict("500 logins at once: more resident", more, " MiB", Goal::AtMost(64.0));
    verdict("500 logins at once: p99 of scripts over before", busy / calm, "", Goal::AtMost(2.0));
    sleep(Duration::from_secs(1)).await;
    let after = resident_kib_of(server.id()).saturating_sub(before) as f64 / 1024.0;
    verdict("a second later: more resident", after, " MiB", Goal::AtMost(24.0));
}

/// Milliseconds to each answer of a script.
async fn scripts(server: &Server) -> Vec<f64> {
    let mut client = Client::connect(server.address).await;
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < TIME {
        let answer = client.ask(WORK).await;
        assert_eq!(answer.status, 200, "the script answers");
        took.push(answer.took);
        sleep(PACE).await;
    }
    took
}

/// How many logins were looked at, and how many not.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    refused: u32,
    turned_away: u32,
}

/// Logs in on all connections until it is enough.
async fn crowd(address: std::net::SocketAddr, going: Arc<AtomicBool>) -> Counts {
    let (next, mut clients) = (Arc::new(AtomicU32::new(0)), JoinSet::new());
    for _ in 0..CLIENTS {
        let (going, next) = (going.clone(), next.clone());
        clients.spawn(async move {
            let (mut client, mut counts) = (Client::connect(address).await, Counts::default());
            while going.load(Relaxed) {
                let status = client.ask(&login(next.fetch_add(1, Relaxed))).await.status;
                match status {
                    401 => counts.refused += 1,
                    503 => counts.turned_away += 1,
                    other => panic!("a login is answered with {other}"),
                }
                // As a client does that was told to come back in a second.
                sleep(Duration::from_millis(if status == 503 { 1000 } else { 10 })).await;
            }
            counts
        });
    }
    let all = clients.join_all().await;
    let sum = |count: fn(&Counts) -> u32| all.iter().map(count).sum();
    Counts { refused: sum(|counts| counts.refused), turned_away: sum(|counts| counts.turned_away) }
}

/// A login that nobody else tries, from an address that nobody else has.
fn login(number: u32) -> String {
    let [_, a, b, c] = number.to_be_bytes();
    let body = format!(r#"{{"username":"user{number}","password":"a password that is wrong"}}"#);
    format!(
        "POST /api/v1/admin/auth/login HTTP/1.1\r\nHost: a.test\r\nX-Forwarded-For: 10.{a}.{b}.{c}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The most KiB that the process has while it goes on.
async fn watch(id: u32, going: Arc<AtomicBool>) -> u64 {
    let mut most = 0;
    while going.load(Relaxed) {
        most = most.max(resident_kib_of(id));
        sleep(Duration::from_millis(5)).await;
    }
    most
}
