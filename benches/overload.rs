//! Three times the load that the server can hold: what is still answered, how fast the rest is refused, what the admin
//! API does meanwhile, and how soon all is as before. Requests come at a fixed rate, whether answers come or not.
//!
//! Needs the release build: `cargo build --release -p picloud-server`. `make bench` makes it.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use picloud_benches::{
    Goal,
    process::built_binary,
    quantile,
    server::{Answer, Client, Server},
    verdict,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// About two milliseconds of work on the machine of docs/benchmarks.md. Much shorter, and the generator, which sends three
/// times as many as the server can do and has the same cores, would be what is measured.
const SCRIPT: &str = "let n = 0; while n < 10000 { n += 1; } n";
const WORK: &str = "GET /work HTTP/1.1\r\nHost: work.test\r\n\r\n";
/// Connections that send one request after the other, to find out what the server can hold.
const CLOSED: usize = 32;

fn main() {
    let Some(binary) = built_binary() else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let server = Server::start(&binary, &[]);
    runtime.expect("a runtime starts").block_on(measure(&server));
}

async fn measure(server: &Server) {
    let token = server.prepare(SCRIPT).await;
    closed(server, Duration::from_secs(1)).await;
    let peak = closed(server, Duration::from_secs(5)).await;
    println!("it holds {peak:.0} answers a second");
    let calm = open(server, peak * 0.3, Duration::from_secs(4)).await;
    let before = calm.p99(200);
    println!("p99 at a third of that: {before:.1} ms");

    let time = Duration::from_secs(10);
    let admin = tokio::spawn(ask_admin(server.address, token, time));
    let crowd = open(server, peak * 3.0, time).await;
    let mut admin = admin.await.expect("the admin's requests end");
    let mut recovered = f64::INFINITY;
    for second in 1..=8 {
        let window = open(server, peak * 0.3, Duration::from_secs(1)).await;
        if window.p99(200) <= before * 2.0 && window.count(503) == 0 {
            recovered = f64::from(second);
            break;
        }
    }
    println!("at three times that: {} answered, {} refused", crowd.count(200), crowd.count(503));
    let rate = crowd.count(200) as f64 / time.as_secs_f64();
    let other = crowd.answers.len() - crowd.count(200) - crowd.count(503);
    let silent = crowd.answers.iter().filter(|answer| answer.status == 503 && !answer.retry_after).count();
    verdict("good answers over the most it can hold", rate / peak, "", Goal::AtLeast(0.9));
    verdict("time to a refusal, p99", crowd.p99(503), " ms", Goal::AtMost(50.0));
    verdict("refusals without Retry-After", silent as f64, "", Goal::AtMost(0.0));
    verdict("other answers, and none", other as f64, "", Goal::AtMost(0.0));
    verdict("admin API meanwhile, p99", quantile(&mut admin, 0.99), " ms", Goal::AtMost(250.0));
    verdict("back to the latency before", recovered, " s", Goal::AtMost(5.0));
}

#[derive(Default)]
struct Answers {
    answers: Vec<Answer>,
}

impl Answers {
    fn count(&self, status: u16) -> usize {
        self.answers.iter().filter(|answer| answer.status == status).count()
    }

    fn p99(&self, status: u16) -> f64 {
        let these = self.answers.iter().filter(|answer| answer.status == status);
        let mut took: Vec<f64> = these.map(|answer| answer.took).collect();
        if took.is_empty() { 0.0 } else { quantile(&mut took, 0.99) }
    }
}

/// Good answers a second, with as many requests on their way as there are connections.
async fn closed(server: &Server, time: Duration) -> f64 {
    let end = Instant::now() + time;
    let mut clients = JoinSet::new();
    for _ in 0..CLOSED {
        let mut client = Client::connect(server.address).await;
        clients.spawn(async move {
            let mut count = 0;
            while Instant::now() < end {
                count += u32::from(client.ask(WORK).await.status == 200);
            }
            count
        });
    }
    let count: u32 = clients.join_all().await.into_iter().sum();
    f64::from(count) / time.as_secs_f64()
}

/// Sends `rate` requests a second, each when it is due, on a connection that is free or new.
async fn open(server: &Server, rate: f64, time: Duration) -> Answers {
    let idle = Arc::new(Mutex::new(Vec::<Client>::new()));
    let (begun, mut sent, mut asked) = (Instant::now(), 0, JoinSet::new());
    while begun.elapsed() < time {
        let due = begun + Duration::from_secs_f64(f64::from(sent) / rate);
        sleep_until(due).await;
        let (idle, address) = (idle.clone(), server.address);
        asked.spawn(async move {
            let free = idle.lock().expect("nobody panics with it").pop();
            let mut client = match free {
                Some(client) => client,
                None => Client::connect(address).await,
            };
            let mut answer = client.ask(WORK).await;
            // From when it was due: a generator that is late hides nothing.
            answer.took = due.elapsed().as_secs_f64() * 1e3;
            if answer.status != 0 {
                idle.lock().expect("nobody panics with it").push(client);
            }
            answer
        });
        sent += 1;
    }
    Answers { answers: asked.join_all().await }
}

/// Asks for the list of apps twenty times a second; milliseconds to each answer.
async fn ask_admin(address: SocketAddr, token: String, time: Duration) -> Vec<f64> {
    let request = format!(
        "GET /api/v1/admin/apps HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let mut client = Client::connect(address).await;
    let (begun, mut took) = (Instant::now(), Vec::new());
    let mut ticks = interval(Duration::from_millis(50));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while begun.elapsed() < time {
        ticks.tick().await;
        let answer = client.ask(&request).await;
        assert_eq!(answer.status, 200, "the admin API answers");
        took.push(answer.took);
    }
    took
}
