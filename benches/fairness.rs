//! How long others wait while two scripts do nothing but spin, again and again up to their limits.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use picloud::{App, Orchestrator};
use picloud_benches::{
    Goal,
    http::{Server, asked_to_serve, serve},
    quantile, verdict,
};
use tower::ServiceExt;

const WORKERS: usize = 2;
const SPINNERS: usize = 2;
const TIME: Duration = Duration::from_secs(12);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(2);

fn main() {
    if let Some((_, workers)) = asked_to_serve() {
        let service = app().service();
        serve(service_fn(move |request| answer(service.clone(), request)), workers);
    }
    let server = Server::start("fairness", WORKERS);
    println!("-- idle");
    ask(&server, Goal::AtMost(5.0));
    let (stop, spins) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..SPINNERS {
            scope.spawn(|| spin(&server, &stop, &spins));
        }
        println!("-- while {SPINNERS} scripts spin on {WORKERS} workers");
        ask(&server, Goal::AtMost(25.0));
        stop.store(true, Ordering::Relaxed);
    });
    println!("{} spinning runs reached their limit", spins.into_inner());
}

fn app() -> App {
    let app = App::builder()
        .script("spin", "let n = 0; loop { n += 1; }")
        .script("hello", "`Hello, ${ctx.params.name}!`")
        .route("GET /spin", "spin")
        .route("GET /hello/:name", "hello");
    app.build().expect("the scripts compile")
}

/// Answers one path by itself, as a service around an app would, and leaves the rest to the app.
async fn answer(
    app: Orchestrator,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    if request.uri().path() == "/plain" {
        return Ok(Response::new(Full::new(Bytes::from_static(b"plain"))));
    }
    app.oneshot(request).await
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:8080\r\n\r\n").into_bytes()
}

fn spin(server: &Server, stop: &AtomicBool, spins: &AtomicUsize) {
    let mut connection = server.connect();
    while !stop.load(Ordering::Relaxed) {
        let response = connection.ask(&request("/spin"));
        assert!(response.contains("\"code\":\"limit_"), "{response}");
        spins.fetch_add(1, Ordering::Relaxed);
    }
}

/// Asks a script and the plain path in turns, and prints how long they took.
fn ask(server: &Server, goal: Goal) {
    let mut connection = server.connect();
    let paths = ["/hello/Ada", "/plain"];
    let mut times = [Vec::new(), Vec::new()];
    let start = Instant::now();
    while start.elapsed() < TIME {
        for (path, times) in paths.iter().zip(&mut times) {
            thread::sleep(PAUSE);
            let start = Instant::now();
            let response = connection.ask(&request(path));
            times.push(start.elapsed().as_secs_f64() * 1e3);
            assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
        }
    }
    for (path, times) in paths.iter().zip(&mut times) {
        let (p50, max) = (quantile(times, 0.5), quantile(times, 1.0));
        println!("{path:<44} p50 {p50:.3} ms   max {max:.3} ms   of {}", times.len());
        verdict(&format!("{path}, p99"), quantile(times, 0.99), " ms", goal);
    }
}
