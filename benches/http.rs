//! Servers in processes of their own, and a client that costs little.

use std::{
    convert::Infallible,
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::Service};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, runtime::Builder};

/// A server in a process of its own: this program, started again with the server's name as argument.
pub struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts the server called `name` with `workers` threads.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(name: &str, workers: usize) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut process = Command::new(program)
            .args(["serve", name, &workers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts again");
        let output = process.stdout.take().expect("the output is piped");
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address).expect("the server tells its address");
        Self { process, address: address.trim().to_owned() }
    }

    /// A connection to it.
    ///
    /// # Panics
    /// If there is none.
    #[must_use]
    pub fn connect(&self) -> Connection {
        Connection::to(&self.address)
    }

    /// Processor time so far.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        crate::process::cpu_time(self.process.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The server's name and number of threads, if this process was started to be a server.
#[must_use]
pub fn asked_to_serve() -> Option<(String, usize)> {
    let mut args = env::args().skip(1);
    (args.next()? == "serve").then_some(())?;
    Some((args.next()?, args.next()?.parse().ok()?))
}

/// Serves `service` on a free port until the standard input ends, which it does with the parent process.
///
/// # Panics
/// If there are no sockets.
pub fn serve<S>(service: S, workers: usize) -> !
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    runtime.spawn(accept(service));
    // Neither data nor an error is expected; either way it is the end.
    let _ = io::stdin().read(&mut [0]);
    std::process::exit(0)
}

async fn accept<S>(service: S)
where
    S: Service<Request<Incoming>, Response = Response<Full<Bytes>>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    println!("{}", listener.local_addr().expect("it is bound"));
    loop {
        let (stream, _) = listener.accept().await.expect("connections come");
        stream.set_nodelay(true).expect("the socket has options");
        let service = service.clone();
        tokio::spawn(async move {
            // A client that leaves is no failure.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// A connection that is kept alive, without any parsing beyond what finds the end of a response.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// A connection to whatever listens at an address.
    ///
    /// # Panics
    /// If nothing does.
    #[must_use]
    pub fn to(address: impl ToSocketAddrs) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("the socket has options");
        Self { stream, buffer: vec![0; 16 * 1024] }
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).expect("the server reads");
    }

    /// Waits for a response whose size is known.
    ///
    /// # Panics
    /// If the server is gone, or answers anything but 200.
    pub fn receive(&mut self, size: usize) {
        self.stream.read_exact(&mut self.buffer[..size]).expect("the server answers");
        assert!(
            self.buffer.starts_with(b"HTTP/1.1 200 "),
            "{}",
            String::from_utf8_lossy(&self.buffer[..size])
        );
    }

    /// Sends a request and gives the response with its headers, as text.
    ///
    /// # Panics
    /// If the server is gone.
    pub fn ask(&mut self, request: &[u8]) -> String {
        self.send(request);
        let mut text = String::new();
        while !is_whole(&text) {
            let count = self.stream.read(&mut self.buffer).expect("the server answers");
            assert!(count > 0, "the server closed the connection after {text:?}");
            text.push_str(&String::from_utf8_lossy(&self.buffer[..count]));
        }
        text
    }
}

fn is_whole(response: &str) -> bool {
    let Some((head, body)) = response.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

/// Sends `request` again and again for a while, one at a time on each of the connections, from this one thread. Gives
/// the number of responses and the time taken.
///
/// # Panics
/// If the server is gone, or answers anything but 200 of `size` bytes.
pub fn load(connections: &mut [Connection], request: &[u8], size: usize, time: Duration) -> (u64, Duration) {
    let start = Instant::now();
    let mut count = 0;
    connections.iter_mut().for_each(|connection| connection.send(request));
    while start.elapsed() < time {
        for connection in &mut *connections {
            connection.receive(size);
            connection.send(request);
        }
        count += connections.len() as u64;
    }
    connections.iter_mut().for_each(|connection| connection.receive(size));
    (count + connections.len() as u64, start.elapsed())
}
