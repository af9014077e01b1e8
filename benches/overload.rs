//! Three times the load that the server can hold: what is still answered, how fast the rest is refused, what the admin
//! API does meanwhile, and how soon all is as before. Requests come at a fixed rate, whether answers come or not.
//!
//! Needs the release build: `cargo build --release -p picloud-server`. `make bench` makes it.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use picloud_benches::{Goal, process::built_binary, quantile, verdict};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

/// About two milliseconds of work.
const SCRIPT: &str = "let n = 0; while n < 4000 { n += 1; } n";
const PASSWORD: &str = "a long password for the benchmark";
const WORK: &str = "GET /work HTTP/1.1\r\nHost: work.test\r\n\r\n";
/// Connections that send one request after the other, to find out what the server can hold.
const CLOSED: usize = 32;

fn main() {
    let Some(binary) = built_binary() else {
        println!(
            "left out: there is no release build of picloud; run `cargo build --release -p picloud-server` first"
        );
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let server = Server::start(&binary);
    runtime.expect("a runtime starts").block_on(measure(&server));
}

async fn measure(server: &Server) {
    let token = server.prepare().await;
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

/// The status of one answer, 0 for none, and the milliseconds to it.
#[derive(Clone, Copy)]
struct Answer {
    status: u16,
    took: f64,
    retry_after: bool,
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

/// A connection that is kept alive.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("the socket has options");
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    async fn ask(&mut self, request: &str) -> Answer {
        let begun = Instant::now();
        let text = self.exchange(request).await.unwrap_or_default();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let retry_after = text.contains("retry-after: ");
        Answer { status, took: begun.elapsed().as_secs_f64() * 1e3, retry_after }
    }

    /// Sends a request and reads one whole response.
    async fn exchange(&mut self, request: &str) -> Option<String> {
        self.stream.write_all(request.as_bytes()).await.ok()?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let text = String::from_utf8_lossy(&self.buffer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
    }
}

/// The real server on a fresh database.
struct Server {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Server {
    fn start(binary: &PathBuf) -> Self {
        let folder = env::temp_dir().join(format!("picloud-bench-{}", std::process::id()));
        let mut process = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(&folder)
            .env("PICLOUD_ADMIN_USERNAME", "bench")
            .env("PICLOUD_ADMIN_PASSWORD", PASSWORD)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("listening on http://")?.1.split('"').next()?.parse().ok());
        let address = address.expect("the server says where it listens");
        // Read on, as a log collector would.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address, folder }
    }

    /// Logs in and makes the app; the token.
    async fn prepare(&self) -> String {
        let mut client = Client::connect(self.address).await;
        let login = format!(r#"{{"username":"bench","password":"{PASSWORD}"}}"#);
        let reply = post(&mut client, self.address, "/auth/login", "", &login).await;
        let token = field(&reply, "token");
        let bearer = format!("Authorization: Bearer {token}\r\n");
        post(&mut client, self.address, "/apps", &bearer, r#"{"slug":"work"}"#).await;
        post(&mut client, self.address, "/apps/work/domains", &bearer, r#"{"pattern":"work.test"}"#).await;
        let script = format!(r#"{{"name":"work","source":"{SCRIPT}"}}"#);
        let made = post(&mut client, self.address, "/apps/work/scripts", &bearer, &script).await;
        let routes = format!("/scripts/{}/routes", field(&made, "id"));
        post(&mut client, self.address, &routes, &bearer, r#"{"method":"GET","path":"/work"}"#).await;
        token
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

async fn post(client: &mut Client, address: SocketAddr, path: &str, lines: &str, body: &str) -> String {
    let request = format!(
        "POST /api/v1/admin{path} HTTP/1.1\r\nHost: {address}\r\n{lines}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let reply = client.exchange(&request).await.expect("the admin API answers");
    assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
    reply
}

/// The text of a field in JSON that holds no escapes there.
fn field(reply: &str, name: &str) -> String {
    let start = reply.split_once(&format!("\"{name}\":\"")).expect("the field is there").1;
    start.split('"').next().unwrap_or_default().to_owned()
}
