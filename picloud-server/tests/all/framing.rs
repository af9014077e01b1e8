//! Hostile requests, one row each: what the front must make of framing, hosts and methods.
//!
//! A row's number is that of the list of hostile inputs in the threat model; one input may have several rows.

use super::support::{LAST, Server};
use picloud_server::front::FrontSettings;

/// What a row expects.
#[derive(Clone, Copy)]
enum Expect {
    /// Exactly one reply, this problem, then the end.
    Refused(u16),
    /// The reply is 200, and the connection serves another request.
    Served,
    /// As `Refused`, or closed without a word.
    RefusedOrClosed(u16),
}

use Expect::{Refused, RefusedOrClosed, Served};

struct Row {
    number: u32,
    bytes: Vec<u8>,
    expect: Expect,
}

fn row(number: u32, text: impl Into<Vec<u8>>, expect: Expect) -> Row {
    Row { number, bytes: text.into(), expect }
}

/// A request with these header lines.
fn with(number: u32, lines: &str, expect: Expect) -> Row {
    row(number, format!("GET /echo HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"), expect)
}

/// A request with these header lines and this body, which may hide a second request.
fn post(number: u32, lines: &str, body: &str, expect: Expect) -> Row {
    row(number, format!("POST /echo HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n{body}"), expect)
}

/// A request for this target with this value of `Host`.
fn host(number: u32, target: &str, host: &str, expect: Expect) -> Row {
    row(number, format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), expect)
}

async fn check(rows: impl IntoIterator<Item = Row>) {
    let server = Server::start(FrontSettings::default());
    for Row { number, mut bytes, expect } in rows {
        if matches!(expect, Served) {
            bytes.extend_from_slice(LAST.as_bytes());
        }
        let replies = server.send(&bytes).await;
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(120)]).into_owned();
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        match expect {
            Served => assert_eq!(statuses, [200, 200], "row {number}: {start:?}"),
            RefusedOrClosed(_) if replies.is_empty() => {}
            Refused(status) | RefusedOrClosed(status) => {
                assert_eq!(statuses, [status], "row {number}: {start:?}");
                let reply = &replies[0];
                let problem = reply.has("content-type: application/problem+json");
                assert!(problem, "row {number}: {}", reply.head);
                assert!(reply.has("connection: close"), "row {number}: {}", reply.head);
            }
        }
        server.assert_well().await;
    }
}

#[tokio::test]
async fn hosts() {
    check([
        row(1, "GET /echo HTTP/1.1\r\n\r\n", Refused(400)),
        with(2, "Host: a.test\r\n", Refused(400)),
        with(2, "Host: b.test\r\n", Refused(400)),
        host(3, "/echo", "", Refused(400)),
        host(5, "/echo", "a.test@b.test", Refused(400)),
        host(6, "/echo", "a.test b.test", Refused(400)),
        host(6, "/echo", "a.test,b.test", Refused(400)),
        host(7, "/echo", "ünï.test", Refused(400)),
        host(7, "/echo", "xn--n-xgan.test", Served),
        host(9, "/echo", "127.0.0.1", Served),
        host(9, "/echo", "[::1]:80", Served),
        host(10, "http://b.test/echo", "a.test", Refused(400)),
        host(10, "http://a.test/echo", "a.test", Served),
        host(11, "http://admin.test/api/v1/apps", "a.test", Refused(400)),
        with(12, "X-Forwarded-Host: admin.test\r\n", Served),
        row(14, "GET /echo HTTP/1.0\r\n\r\n", Refused(400)),
    ])
    .await;
}

#[tokio::test]
async fn methods_and_upgrades() {
    check([
        row(16, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", Refused(405)),
        row(16, "CONNECT a.test:443 HTTP/1.1\r\n\r\n", Refused(405)),
        row(17, "TRACE /echo HTTP/1.1\r\nHost: a.test\r\n\r\n", Refused(405)),
        with(
            32,
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            Served,
        ),
        with(32, "Connection: Upgrade\r\nUpgrade: websocket\r\n", Served),
    ])
    .await;
}

#[tokio::test]
async fn two_lengths() {
    let hidden = "0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let (length, chunked) = ("Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n");
    check([
        post(18, &format!("{length}{chunked}"), hidden, Refused(400)),
        post(18, &format!("{chunked}{length}"), hidden, Refused(400)),
        post(20, "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", Refused(400)),
        post(20, "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", Refused(400)),
        post(20, "Content-Length: 3, 3\r\n", "abc", Refused(400)),
        post(20, "Content-Length: +3\r\n", "abc", Refused(400)),
        post(20, "Content-Length: -1\r\n", "abc", Refused(400)),
        post(20, "Content-Length: 0x3\r\n", "abc", Refused(400)),
        post(20, "Content-Length: 18446744073709551616\r\n", "abc", Refused(400)),
        post(20, "Content-Length: 3\r\n", "abc", Served),
    ])
    .await;
}

#[tokio::test]
async fn transfer_encodings() {
    let te = |value: &str, expect| post(21, &format!("Transfer-Encoding{value}\r\n"), "0\r\n\r\n", expect);
    let chunked = "Transfer-Encoding: chunked\r\n";
    check([
        te(": xchunked", Refused(400)),
        te(": chunked, identity", Refused(400)),
        te(": identity", Refused(400)),
        te(": chunked\r\nTransfer-Encoding: chunked", Refused(400)),
        te(" : chunked", Refused(400)),
        te(": \x0bchunked", Refused(400)),
        te(": chunked", Served),
        te(": CHUNKED", Served),
        row(22, format!("POST /echo HTTP/1.0\r\nHost: a.test\r\n{chunked}\r\n0\r\n\r\n"), Refused(400)),
        post(24, chunked, &format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20)), Refused(400)),
        post(24, chunked, "1;x=y\r\na\r\n0\r\n\r\n", Served),
        post(24, chunked, "1\r\nab\r\n0\r\n\r\n", Refused(400)),
        post(24, chunked, "z\r\n", Refused(400)),
    ])
    .await;
}

#[tokio::test]
async fn malformed_heads() {
    check([
        row(26, "GET /echo HTTP/1.1\nHost: a.test\n\n", Refused(400)),
        with(26, "X: y\n", Refused(400)),
        with(27, "X: y\r\n folded\r\n", Refused(400)),
        row(27, "GET /echo HTTP/1.1\r\n Host: a.test\r\n\r\n", Refused(400)),
        row(27, " GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n", Refused(400)),
        with(27, "X: a\rb\r\n", Refused(400)),
        with(27, "X: a\0b\r\n", Refused(400)),
        with(27, "X\r\n", Refused(400)),
        with(27, "X Y: z\r\n", Refused(400)),
        row(30, "GET /echo\r\n", Refused(400)),
        row(30, "GET /echo HTTP/1.2\r\nHost: a.test\r\n\r\n", Refused(400)),
        row(30, "GET /echo HTTP/2.0\r\nHost: a.test\r\n\r\n", Refused(400)),
        row(30, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), RefusedOrClosed(400)),
        row(31, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", RefusedOrClosed(400)),
    ])
    .await;
}

#[tokio::test]
async fn large_heads() {
    let target = |len: usize, expect| host(29, &format!("/{}", "a".repeat(len - 1)), "a.test", expect);
    check([
        with(28, &"X: y\r\n".repeat(100), Refused(431)),
        with(28, &"X: y\r\n".repeat(99), Served),
        with(28, &format!("X: {}\r\n", "y".repeat(20 * 1024)), Refused(431)),
        with(28, &format!("X: {}\r\n", "y".repeat(60_000)), Refused(431)),
        with(28, &format!("X: {}\r\n", "y".repeat(1_000_000)), Refused(431)),
        target(9 * 1024, Refused(414)),
        target(70_000, Refused(414)),
        target(8 * 1024, Served),
    ])
    .await;
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_read() {
    let size = 11 << 20;
    let chunked = format!("{size:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(size));
    check([
        post(34, &format!("Content-Length: {size}\r\n"), "only the beginning", Refused(413)),
        post(34, "Transfer-Encoding: chunked\r\n", &chunked[..10 * 1024 * 1024 + 64 * 1024], Refused(413)),
    ])
    .await;
}

#[tokio::test]
async fn requests_before_a_bad_one_are_answered_first() {
    let server = Server::start(FrontSettings::default());
    let good = super::support::GOOD;
    let replies = server.send(format!("{good}{good}GET / HTTP/1.1\n\n{good}").as_bytes()).await;
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    assert!(replies[2].body.contains(r#""code":"malformed""#), "{}", replies[2].body);
}
