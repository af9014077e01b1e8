//! Requests over loopback: what a script's answer costs the server, against the same bytes from a constant.

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::service::TowerToHyperService;
use picloud::App;
use picloud_benches::{
    Goal,
    http::{Connection, Server, asked_to_serve, load, serve},
    quantile, verdict,
};

const REQUEST: &[u8] =
    b"GET /hello/Ada HTTP/1.1\r\nhost: 127.0.0.1:8080\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
const CONNECTIONS: usize = 48;
const ROUNDS: usize = 8;
const ROUND: Duration = Duration::from_millis(1500);

fn main() {
    match asked_to_serve() {
        Some((name, workers)) if name == "app" => serve(TowerToHyperService::new(app().service()), workers),
        Some((_, workers)) => serve(service_fn(|_| async { Ok::<_, Infallible>(constant()) }), workers),
        None => [1, 2].into_iter().for_each(compare),
    }
}

fn app() -> App {
    let app =
        App::builder().script("hello", "`Hello, ${ctx.params.name}!`").route("GET /hello/:name", "hello");
    app.build().expect("the script compiles")
}

fn constant() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(b"Hello, Ada!")));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    let id = HeaderValue::from_static("00000000-0000-0000-0000-000000000000");
    headers.insert("x-request-id", id);
    response
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
        assert!(
            response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\nHello, Ada!"),
            "{response}"
        );
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
        println!("{:<44} {:>10.0} requests/s {:>9.2} µs of CPU each", self.name, figures.0, figures.1);
        figures
    }
}

fn compare(workers: usize) {
    println!("-- {workers} worker threads, {CONNECTIONS} connections");
    let (mut bare, mut app) = (Side::start("bare", workers), Side::start("app", workers));
    assert_eq!(bare.size, app.size, "both answer the same bytes");
    for _ in 0..ROUNDS {
        bare.round();
        app.round();
    }
    let (bare, app) = (bare.figures(), app.figures());
    verdict("requests per second, app to bare", app.0 / bare.0, "", Goal::AtLeast(0.90));
    verdict("CPU per request, app to bare", app.1 / bare.1, "", Goal::AtMost(1.15));
}
