//! hyper behind the guard sees what hyper alone sees, where the stream is good, and else never a bad byte.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::super::checks::Checked;
use super::super::connection::poll_http;
use super::super::exchange::{Exchange, Sender};
use super::*;

/// Requests as the service saw them.
type Seen = Arc<Mutex<Vec<String>>>;

async fn record(seen: Seen, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| (body.trailers().cloned(), body.to_bytes()));
    let body = body.map_err(|_| "broken");
    let line = format!("{} {} {:?} {:?} {body:?}", parts.method, parts.uri, parts.version, parts.headers);
    seen.lock().unwrap().push(line);
    Ok(Response::new(Full::default()))
}

fn exchange(seen: &Seen, flight: &Arc<Flight>) -> Exchange<impl super::super::Serve> {
    let seen = Arc::clone(seen);
    let service = tower::service_fn(move |request| record(Arc::clone(&seen), request));
    let sender = Sender::new([127, 0, 0, 1].into(), &Arc::default());
    Exchange { service: Checked::new(service), sender, flight: Arc::clone(flight) }
}

/// Writes the stream in pieces and reads all answers.
async fn client(mut io: DuplexStream, stream: &[u8], piece: usize) -> String {
    for piece in stream.chunks(piece) {
        if io.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    let _ = io.shutdown().await;
    let mut answers = String::new();
    let _ = io.read_to_string(&mut answers).await;
    answers
}

/// What the service saw, what the client read, why the guard stopped.
fn run(stream: &[u8], piece: usize, guarded: bool) -> (Vec<String>, String, Option<Stop>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let (seen, flight) = (Seen::default(), Arc::new(Flight::new()));
        let (near, far) = tokio::io::duplex(64 * 1024);
        let exchange = exchange(&seen, &flight);
        let server = async {
            if !guarded {
                // The client half-closes, and hyper alone would drop its last request.
                let mut builder = http1::Builder::new();
                let _ = builder.half_close(true).serve_connection(TokioIo::new(near), exchange).await;
                return None;
            }
            let guard = Guard::new(near, &FrontSettings::default(), Arc::clone(&flight));
            let mut http = http1::Builder::new().serve_connection(TokioIo::new(guard), exchange);
            let _ = poll_fn(|cx| poll_http(&mut http, &flight, cx)).await;
            http.into_parts().io.into_inner().into_parts().1
        };
        let (stop, answers) = tokio::join!(server, client(far, stream, piece));
        let seen = seen.lock().unwrap().clone();
        (seen, answers, stop)
    })
}

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}"
}

fn header() -> impl Strategy<Value = String> {
    (token(), "[ \t]?", "[!-~]([ -~\t]{0,30}[!-~])?", "[ \t]?").prop_filter_map(
        "not a header with a meaning to hyper",
        |(name, before, value, after)| {
            let special =
                ["content-length", "transfer-encoding", "connection", "upgrade", "expect", "host", "te"];
            let plain = !special.contains(&name.to_ascii_lowercase().as_str());
            plain.then(|| format!("{name}:{before}{value}{after}\r\n"))
        },
    )
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let data = || prop::collection::vec(any::<u8>(), 0..300);
    let chunk = (prop::collection::vec(any::<u8>(), 1..300), "(;[a-z]{1,4}(=[a-z]{1,4})?)?", any::<bool>());
    let chunks = prop::collection::vec(chunk, 0..5).prop_map(|chunks| {
        let mut body = b"Transfer-Encoding: chunked\r\n\r\n".to_vec();
        for (data, extension, upper) in chunks {
            let size = if upper { format!("{:X}", data.len()) } else { format!("{:04x}", data.len()) };
            body.extend_from_slice(format!("{size}{extension}\r\n").as_bytes());
            body.extend_from_slice(&data);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"0\r\n\r\n");
        body
    });
    prop_oneof![
        Just(b"\r\n".to_vec()),
        data()
            .prop_map(|data| [format!("Content-Length: {}\r\n\r\n", data.len()).as_bytes(), &data].concat()),
        chunks,
    ]
}

/// One valid request that does not end its connection.
fn request() -> impl Strategy<Value = Vec<u8>> {
    let target = "/[a-zA-Z0-9_~!$&'()*+,;=:@/|-]{0,40}(\\?[a-zA-Z0-9/?=&%`{}^|-]{0,40})?";
    let method = prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "OPTIONS", "M-SEARCH"]);
    let headers = prop::collection::vec(header(), 0..8);
    ("(\r\n)?", method, target, headers, body()).prop_map(|(blank, method, target, headers, body)| {
        let head = format!("{blank}{method} {target} HTTP/1.1\r\nHost: a.test\r\n{}", headers.concat());
        [head.as_bytes(), &body].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn good_requests_arrive_the_same_with_and_without_the_guard(
        requests in prop::collection::vec(request(), 1..5),
        piece in 1usize..700,
    ) {
        let stream = requests.concat();
        let (plain, _, _) = run(&stream, piece, false);
        let (guarded, answers, stop) = run(&stream, piece, true);
        prop_assert_eq!(&guarded, &plain);
        prop_assert_eq!(stop, Some(Stop::PeerEnded), "{:?} {}", String::from_utf8_lossy(&stream), answers);
        prop_assert_eq!(answers.matches("HTTP/1.1 ").count(), requests.len());
    }

    #[test]
    fn whatever_passes_the_guard_is_good_for_hyper(
        requests in prop::collection::vec(request(), 1..3),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        piece in 1usize..700,
    ) {
        let mut stream = requests.concat();
        for (index, byte) in flips {
            let at = index.index(stream.len());
            stream[at] = byte;
        }
        let (_, answers, _) = run(&stream, piece, true);
        // An answer without a type is hyper's own.
        let by_hyper = |answer: &&str| answer.starts_with("4") && !answer.contains("problem+json");
        let found = answers.split("HTTP/1.1 ").find(by_hyper);
        prop_assert_eq!(found, None, "{:?}", String::from_utf8_lossy(&stream));
    }
}

#[test]
fn requests_before_a_bad_one_are_answered_and_it_is_not_seen() {
    let good = "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let stream = format!("{good}{good}GET /2 HTTP/1.1\nHost: a.test\r\n\r\n{good}");
    for piece in [1, 7, 40, 4096] {
        let (seen, answers, stop) = run(stream.as_bytes(), piece, true);
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!(answers.matches("HTTP/1.1 200").count(), 2);
        assert_eq!(stop, Some(Stop::Head(Refusal::ForbiddenByte)));
    }
}

#[test]
fn every_cut_of_two_requests_gives_two_answers() {
    let body = "x".repeat(247);
    let stream = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\n\r\nOPTIONS / HTTP/1.1\r\nHost: a.test\r\nContent-Length: 247\r\n\r\n{body}"
    );
    for piece in 1..=stream.len() {
        let (seen, answers, stop) = run(stream.as_bytes(), piece, true);
        assert_eq!((seen.len(), stop), (2, Some(Stop::PeerEnded)), "{piece} {answers}");
    }
}
