//! An echo service on the HTTP front, and a client that says exactly what it is told to.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use picloud_server::front::{self, ConnectionLimits, Connections, FrontSettings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A test that waits longer than this has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The echo service's limit on request bodies.
pub(crate) const BODY_LIMIT: usize = 10 * 1024 * 1024;

pub(crate) const GOOD: &str = "GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n";
pub(crate) const LAST: &str = "GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/// What the service has done, and the handle to hold its answers back.
#[derive(Default)]
pub(crate) struct Echo {
    /// Requests whose body was read to its end: a script would have run.
    pub(crate) completed: AtomicUsize,
    pub(crate) held: Notify,
    pub(crate) go_on: Notify,
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Connections,
    pub(crate) echo: Arc<Echo>,
}

impl Server {
    pub(crate) fn start(settings: FrontSettings) -> Self {
        Self::with_limits(settings, ConnectionLimits::default())
    }

    pub(crate) fn with_limits(settings: FrontSettings, limits: ConnectionLimits) -> Self {
        let listener = front::bind(([127, 0, 0, 1], 0).into(), false).unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Connections::new(limits);
        let echo = Arc::new(Echo::default());
        tokio::spawn(front::serve(listener, service(&echo), settings, connections.clone()));
        Self { address, connections, echo }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn completed(&self) -> usize {
        self.echo.completed.load(Ordering::SeqCst)
    }

    /// Sends the bytes and reads until the server closes.
    pub(crate) async fn send(&self, bytes: &[u8]) -> Vec<Reply> {
        let (mut read, mut write) = self.connect().await.into_split();
        let bytes = bytes.to_vec();
        // A server that has seen enough closes while we still write.
        let writing = tokio::spawn(async move {
            let _ = write.write_all(&bytes).await;
            write
        });
        let replies = read_replies(&mut read).await;
        drop(writing.await);
        replies
    }

    /// A new connection is served as ever.
    #[track_caller]
    pub(crate) fn assert_well(&self) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        let good = format!("{GOOD}{LAST}");
        async move {
            let replies = self.send(good.as_bytes()).await;
            let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            assert_eq!(statuses, [200, 200], "good requests afterwards, {caller}");
        }
    }
}

/// The echo service, as the front takes it.
pub(crate) fn service(echo: &Arc<Echo>) -> impl front::Serve + use<> {
    let echo = Arc::clone(echo);
    tower::service_fn(move |request| answer(Arc::clone(&echo), request))
}

async fn answer(echo: Arc<Echo>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    if body.size_hint().lower() > BODY_LIMIT as u64 {
        return Ok(problem(StatusCode::PAYLOAD_TOO_LARGE));
    }
    let body = match Limited::new(body, BODY_LIMIT).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            return Ok(problem(StatusCode::PAYLOAD_TOO_LARGE));
        }
        Err(error) => {
            let refusal = front::refusal_in(&*error);
            return Ok(problem(refusal.map_or(StatusCode::BAD_REQUEST, front::Refusal::status)));
        }
    };
    echo.completed.fetch_add(1, Ordering::SeqCst);
    let body = match parts.uri.path() {
        "/big" => Bytes::from(vec![b'x'; 64 * 1024 * 1024]),
        "/hold" => {
            echo.held.notify_one();
            echo.go_on.notified().await;
            body
        }
        _ => Bytes::from(format!("{} {} {}", parts.method, parts.uri, String::from_utf8_lossy(&body))),
    };
    Ok(Response::new(Full::new(body)))
}

fn problem(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from("{}")));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/problem+json");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// One answer, parsed with no more help than `Content-Length`.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
}

impl Reply {
    pub(crate) fn has(&self, header: &str) -> bool {
        self.head.to_ascii_lowercase().lines().any(|line| line == header)
    }
}

/// Everything until the server closes, as replies; what is not a reply fails the test.
pub(crate) async fn read_replies(read: &mut (impl AsyncReadExt + Unpin)) -> Vec<Reply> {
    let mut bytes = Vec::new();
    let end = timeout(PATIENCE, read.read_to_end(&mut bytes)).await.expect("the server closes in time");
    end.expect("the server closes without a reset");
    let mut rest = bytes.as_slice();
    let mut replies = Vec::new();
    while !rest.is_empty() {
        let (reply, behind) = parse(rest).expect("whole replies");
        replies.push(reply);
        rest = behind;
    }
    replies
}

/// Reads one reply and nothing behind it.
pub(crate) async fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    loop {
        if let Some((reply, rest)) = parse(&bytes) {
            assert!(rest.is_empty(), "more than one reply");
            return reply;
        }
        let read = timeout(PATIENCE, stream.read_buf(&mut bytes)).await.expect("a reply in time").unwrap();
        assert_ne!(read, 0, "closed within a reply: {}", String::from_utf8_lossy(&bytes));
    }
}

fn parse(bytes: &[u8]) -> Option<(Reply, &[u8])> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.strip_prefix("HTTP/1.")?[2..5].parse().ok()?;
    let length = head.to_ascii_lowercase().lines().find_map(|line| {
        line.strip_prefix("content-length: ").map(|length| length.parse::<usize>().unwrap())
    })?;
    let behind = bytes.get(end + length..)?;
    Some((Reply { status, head }, behind))
}
