//! Peers that are slow, silent or gone, connections in plenty, and the end of the server.

use std::time::Duration;

use picloud_server::front::{ConnectionLimits, FrontSettings, Timeouts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, timeout};

use super::support::{GOOD, PATIENCE, Server, read_replies, read_reply};

const SHORT: Duration = Duration::from_millis(200);
const LONG: Duration = Duration::from_secs(60);

/// All timeouts long but the ones that are set.
fn timeouts(set: impl FnOnce(&mut Timeouts)) -> FrontSettings {
    let mut timeouts =
        Timeouts { head: LONG, idle: LONG, body_stall: LONG, write_stall: LONG, half_closed: SHORT };
    set(&mut timeouts);
    FrontSettings { timeouts, ..FrontSettings::default() }
}

async fn write(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// The server closes this connection, and not before `SHORT` has passed.
async fn closes_in_time(mut stream: TcpStream, since: Instant) -> Vec<u16> {
    let replies = read_replies(&mut stream).await;
    assert!(since.elapsed() >= SHORT, "closed after {:?}", since.elapsed());
    replies.iter().map(|reply| reply.status).collect()
}

#[tokio::test]
async fn row_37_a_silent_socket_is_closed_without_a_word() {
    let server = Server::start(timeouts(|t| t.head = SHORT));
    let since = Instant::now();
    assert_eq!(closes_in_time(server.connect().await, since).await, [0u16; 0]);
    server.assert_well().await;
}

#[tokio::test]
async fn row_37_half_a_head_is_waited_for_only_so_long() {
    let server = Server::start(timeouts(|t| t.head = SHORT));
    let (since, mut stream) = (Instant::now(), server.connect().await);
    write(&mut stream, "GET /echo HTTP/1.1\r\nHost:").await;
    assert_eq!(closes_in_time(stream, since).await, [408]);
}

#[tokio::test]
async fn row_37_single_bytes_do_not_buy_time() {
    let server = Server::start(timeouts(|t| t.head = SHORT));
    let (mut read, mut write) = server.connect().await.into_split();
    let drip = async {
        let mut tick = interval(Duration::from_millis(20));
        loop {
            tick.tick().await;
            if write.write_all(b"G").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let replies = tokio::select! {
        replies = read_replies(&mut read) => replies,
        () = drip => unreachable!("dripping does not end"),
    };
    // 33 bytes without a space are refused for what they are; fewer for being late.
    assert!(matches!(replies[0].status, 400 | 408), "{replies:?}");
}

#[tokio::test]
async fn the_next_head_has_its_own_deadline_and_idling_another() {
    let server = Server::start(timeouts(|t| t.head = SHORT));
    let mut stream = server.connect().await;
    write(&mut stream, GOOD).await;
    assert_eq!(read_reply(&mut stream).await.status, 200);
    let since = Instant::now();
    write(&mut stream, "GET").await;
    assert_eq!(closes_in_time(stream, since).await, [408]);

    let server = Server::start(timeouts(|t| t.idle = SHORT));
    let mut stream = server.connect().await;
    write(&mut stream, GOOD).await;
    assert_eq!(read_reply(&mut stream).await.status, 200);
    let since = Instant::now();
    assert_eq!(closes_in_time(stream, since).await, [0u16; 0]);
}

#[tokio::test]
async fn a_slow_answer_is_not_idling() {
    let server = Server::start(timeouts(|t| (t.idle, t.head) = (SHORT, SHORT)));
    let mut stream = server.connect().await;
    write(&mut stream, "GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    assert!(timeout(SHORT * 3, read_reply(&mut stream)).await.is_err());
    server.echo.go_on.notify_one();
    assert_eq!(read_reply(&mut stream).await.status, 200);
}

#[tokio::test]
async fn row_38_a_slow_body_ends_with_408_and_no_run() {
    let server = Server::start(timeouts(|t| t.body_stall = SHORT));
    for head in ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc"] {
        let (since, mut stream) = (Instant::now(), server.connect().await);
        write(&mut stream, &format!("POST /echo HTTP/1.1\r\nHost: a.test\r\n{head}")).await;
        assert_eq!(closes_in_time(stream, since).await, [408]);
    }
    assert_eq!(server.completed(), 0);
    server.assert_well().await;
}

#[tokio::test]
async fn row_38_who_does_not_read_is_cut_off() {
    let server = Server::start(timeouts(|t| t.write_stall = SHORT));
    let mut stream = server.connect().await;
    write(&mut stream, "GET /big HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    let closed = async {
        let mut tick = interval(Duration::from_millis(20));
        while server.completed() == 0 || server.connections.count() > 0 {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, closed).await.expect("the server gives up");
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    assert!(bytes.len() < 64 * 1024 * 1024);
    server.assert_well().await;
}

#[tokio::test]
async fn row_25_a_body_cut_short_has_no_effect() {
    let server = Server::start(FrontSettings::default());
    for head in ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let mut stream = server.connect().await;
        write(&mut stream, &format!("POST /echo HTTP/1.1\r\nHost: a.test\r\n{head}")).await;
        stream.shutdown().await.unwrap();
        let replies = read_replies(&mut stream).await;
        assert!(replies.iter().all(|reply| reply.status == 400), "{replies:?}");
    }
    assert_eq!(server.completed(), 0);
    server.assert_well().await;
}

#[tokio::test]
async fn one_more_connection_than_allowed_waits_for_its_turn() {
    let limits = ConnectionLimits { total: 1, ..ConnectionLimits::default() };
    let server = Server::with_limits(FrontSettings::default(), limits);
    let mut first = server.connect().await;
    write(&mut first, GOOD).await;
    read_reply(&mut first).await;
    let mut second = server.connect().await;
    write(&mut second, GOOD).await;
    assert!(timeout(SHORT, read_reply(&mut second)).await.is_err());
    drop(first);
    assert_eq!(read_reply(&mut second).await.status, 200);
}

#[tokio::test]
async fn draining_answers_what_runs_and_closes_what_idles() {
    let server = Server::start(FrontSettings::default());
    let mut idle = server.connect().await;
    write(&mut idle, GOOD).await;
    read_reply(&mut idle).await;
    let mut busy = server.connect().await;
    write(&mut busy, "GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    server.echo.held.notified().await;
    let mut half = server.connect().await;
    write(&mut half, &GOOD[..20]).await;

    let connections = server.connections.clone();
    let drained = tokio::spawn(async move { connections.drain(PATIENCE, std::future::pending()).await });
    assert!(read_replies(&mut idle).await.is_empty());
    let refused = async {
        let mut tick = interval(Duration::from_millis(10));
        while TcpStream::connect(server.address).await.is_ok() {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, refused).await.expect("no new connections");
    server.echo.go_on.notify_one();
    let replies = read_replies(&mut busy).await;
    assert!(
        replies.len() == 1 && replies[0].status == 200 && replies[0].has("connection: close"),
        "{replies:?}"
    );
    drop((idle, busy));
    write(&mut half, &GOOD[20..]).await;
    assert_eq!(read_replies(&mut half).await[0].status, 200);
    drop(half);
    assert!(drained.await.unwrap());
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let server = Server::start(FrontSettings::default());
    let mut busy = server.connect().await;
    write(&mut busy, "GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    server.echo.held.notified().await;
    assert!(!server.connections.drain(LONG, std::future::ready(())).await);
    assert_eq!(server.connections.count(), 0);
    assert_eq!(busy.read(&mut [0; 8]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_peer_that_leaves_takes_its_run_along() {
    let server = Server::start(FrontSettings::default());
    let mut busy = server.connect().await;
    write(&mut busy, "GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    server.echo.held.notified().await;
    drop(busy);
    let gone = async {
        let mut tick = interval(Duration::from_millis(10));
        while server.connections.count() > 0 {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("the connection ends with its peer");
}

#[tokio::test]
async fn a_peer_that_only_stops_sending_gets_its_answer() {
    let server = Server::start(FrontSettings::default());
    let mut stream = server.connect().await;
    write(&mut stream, GOOD).await;
    stream.shutdown().await.unwrap();
    assert_eq!(read_replies(&mut stream).await[0].status, 200);

    let mut stream = server.connect().await;
    write(&mut stream, "GET /hold HTTP/1.1\r\nHost: a.test\r\n\r\n").await;
    stream.shutdown().await.unwrap();
    server.echo.held.notified().await;
    server.echo.go_on.notify_one();
    assert_eq!(read_replies(&mut stream).await[0].status, 200);
}
