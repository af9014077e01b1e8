//! Hostile requests, one row each. A row's number is that of the list of hostile inputs in the threat model, and its
//! threat that of the list of threats; one input may have several rows.

/// What a row expects of the server itself. A proxy in front may refuse more, and mend what [`Row::mended`] says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Exactly one reply, a problem with this status, then the end.
    Closed(u16),
    /// A problem with this status; the connection serves on.
    Refused(u16),
    /// App `a` answers, and the connection serves on.
    Served,
    /// As `Closed`, or closed without a word.
    ClosedOrSilent(u16),
    /// Nothing: the request never became whole.
    Silent,
}

use Expect::{Closed, ClosedOrSilent, Refused, Served, Silent};

pub(crate) struct Row {
    pub(crate) number: u32,
    pub(crate) threat: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) expect: Expect,
    /// Whether a proxy may make a good request of it, or answer it itself.
    pub(crate) mended: bool,
}

impl Row {
    fn mended(mut self) -> Self {
        self.mended = true;
        self
    }
}

fn row(number: u32, threat: &'static str, text: impl Into<Vec<u8>>, expect: Expect) -> Row {
    Row { number, threat, bytes: text.into(), expect, mended: false }
}

/// A request with these header lines.
fn with(number: u32, threat: &'static str, lines: &str, expect: Expect) -> Row {
    row(number, threat, format!("GET /echo HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"), expect)
}

/// A request with these header lines and this body, which may hide a second request.
fn post(number: u32, threat: &'static str, lines: &str, body: &str, expect: Expect) -> Row {
    row(number, threat, format!("POST /echo HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n{body}"), expect)
}

/// A request for this target with this value of `Host`.
fn host(number: u32, target: &str, host: &str, expect: Expect) -> Row {
    row(number, "T20", format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n"), expect)
}

/// A request for this path of app `a`.
fn path(number: u32, threat: &'static str, path: &str, expect: Expect) -> Row {
    row(number, threat, format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"), expect)
}

/// A request that a proxy must never take for the end of another.
pub(crate) const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a.test\r\n\r\n";

pub(crate) fn all() -> Vec<Row> {
    [
        hosts(),
        forwarded(),
        methods_and_upgrades(),
        two_lengths(),
        transfer_encodings(),
        malformed_heads(),
        large(),
        reserved_paths(),
        odd_paths(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn hosts() -> Vec<Row> {
    vec![
        row(1, "T20", "GET /echo HTTP/1.1\r\n\r\n", Closed(400)),
        with(2, "T20", "Host: a.test\r\n", Closed(400)).mended(),
        with(2, "T20", "Host: b.test\r\n", Closed(400)),
        host(3, "/echo", "", Closed(400)),
        host(5, "/echo", "a.test@b.test", Closed(400)),
        host(6, "/echo", "a.test b.test", Closed(400)),
        host(6, "/echo", "a.test,b.test", Closed(400)),
        host(7, "/echo", "ünï.test", Closed(400)),
        host(7, "/echo", "xn--n-xgan.test", Refused(404)),
        host(9, "/echo", "127.0.0.1", Refused(404)),
        host(9, "/echo", "[::1]:80", Refused(404)),
        host(9, "/echo", "unknown.test", Refused(404)),
        host(10, "http://b.test/echo", "a.test", Closed(400)).mended(),
        host(10, "http://a.test/echo", "a.test", Served),
        host(11, "http://admin.test/api/v1/admin/apps", "a.test", Closed(400)),
        host(11, "/api/v1/admin/apps", "a.test", Refused(404)),
        row(14, "T20", "GET /echo HTTP/1.0\r\n\r\n", Closed(400)),
    ]
}

fn forwarded() -> Vec<Row> {
    vec![
        with(12, "T21", "X-Forwarded-Host: admin.test\r\n", Served),
        with(12, "T21", "X-Forwarded-Host: b.test\r\nForwarded: host=b.test;for=6.6.6.6\r\n", Served),
        with(13, "T21", "X-Forwarded-For: 6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n", Served),
        with(13, "T21", "Forwarded: for=6.6.6.6\r\n", Served),
    ]
}

fn methods_and_upgrades() -> Vec<Row> {
    vec![
        row(16, "T28", "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n", Closed(405)),
        row(16, "T28", "CONNECT a.test:443 HTTP/1.1\r\n\r\n", Closed(405)),
        row(17, "T28", "TRACE /echo HTTP/1.1\r\nHost: a.test\r\n\r\n", Closed(405)),
        with(
            32,
            "T28",
            "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
            Served,
        ),
        with(32, "T28", "Connection: Upgrade\r\nUpgrade: websocket\r\n", Served).mended(),
    ]
}

fn two_lengths() -> Vec<Row> {
    let hidden = format!("0\r\n\r\n{HIDDEN}");
    let (length, chunked) = ("Content-Length: 6\r\n", "Transfer-Encoding: chunked\r\n");
    let same = |lines: &str, body: &str, expect| post(20, "T25", lines, body, expect);
    vec![
        post(18, "T25", &format!("{length}{chunked}"), &hidden, Closed(400)).mended(),
        post(18, "T25", &format!("{chunked}{length}"), &hidden, Closed(400)).mended(),
        same("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", Closed(400)),
        same("Content-Length: 3\r\nContent-Length: 3\r\n", "abc", Closed(400)).mended(),
        same("Content-Length: 3, 3\r\n", "abc", Closed(400)).mended(),
        same("Content-Length: +3\r\n", "abc", Closed(400)),
        same("Content-Length: -1\r\n", "abc", Closed(400)),
        same("Content-Length: 0x3\r\n", "abc", Closed(400)),
        same("Content-Length: 18446744073709551616\r\n", "abc", Closed(400)),
        same("Content-Length: 3\r\n", "abc", Served),
        post(25, "T25", "Content-Length: 30\r\n", "cut", Silent),
    ]
}

fn transfer_encodings() -> Vec<Row> {
    let te =
        |value: &str, expect| post(21, "T25", &format!("Transfer-Encoding{value}\r\n"), "0\r\n\r\n", expect);
    let chunked = "Transfer-Encoding: chunked\r\n";
    let old = format!("POST /echo HTTP/1.0\r\nHost: a.test\r\n{chunked}\r\n0\r\n\r\n");
    vec![
        te(": xchunked", Closed(400)),
        te(": chunked, identity", Closed(400)),
        te(": identity", Closed(400)).mended(),
        te(": chunked\r\nTransfer-Encoding: chunked", Closed(400)).mended(),
        te(" : chunked", Closed(400)),
        te(": \x0bchunked", Closed(400)),
        te(": chunked", Served),
        te(": CHUNKED", Served),
        row(22, "T25", old, Closed(400)).mended(),
        post(24, "T25", chunked, &format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(1 << 20)), Closed(400))
            .mended(),
        post(24, "T25", chunked, "1;x=y\r\na\r\n0\r\n\r\n", Served),
        post(24, "T25", chunked, "1\r\nab\r\n0\r\n\r\n", Closed(400)),
        post(24, "T25", chunked, "z\r\n", Closed(400)),
    ]
}

fn malformed_heads() -> Vec<Row> {
    vec![
        row(26, "T25", "GET /echo HTTP/1.1\nHost: a.test\n\n", Closed(400)).mended(),
        with(26, "T25", "X: y\n", Closed(400)).mended(),
        with(27, "T25", "X: y\r\n folded\r\n", Closed(400)).mended(),
        row(27, "T25", "GET /echo HTTP/1.1\r\n Host: a.test\r\n\r\n", Closed(400)),
        row(27, "T25", " GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n", Closed(400)),
        with(27, "T25", "X: a\rb\r\n", Closed(400)),
        with(27, "T25", "X: a\0b\r\n", Closed(400)),
        with(27, "T25", "X\r\n", Closed(400)).mended(),
        with(27, "T25", "X Y: z\r\n", Closed(400)).mended(),
        row(30, "T25", "GET /echo\r\n", Closed(400)).mended(),
        row(30, "T25", "GET /echo HTTP/1.2\r\nHost: a.test\r\n\r\n", Closed(400)).mended(),
        row(30, "T25", "GET /echo HTTP/2.0\r\nHost: a.test\r\n\r\n", Closed(400)).mended(),
        row(30, "T25", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), ClosedOrSilent(400)),
        row(31, "T30", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", ClosedOrSilent(400)).mended(),
    ]
}

fn large() -> Vec<Row> {
    let target = |len: usize, expect| path(29, "T27", &format!("/{}", "a".repeat(len - 1)), expect);
    let size = 11 << 20;
    let chunks = format!("{size:x}\r\n{}\r\n0\r\n\r\n", "a".repeat(size));
    vec![
        with(28, "T27", &"X: y\r\n".repeat(100), Closed(431)),
        with(28, "T27", &format!("X: {}\r\n", "y".repeat(20 * 1024)), Closed(431)),
        with(28, "T27", &format!("X: {}\r\n", "y".repeat(60_000)), Closed(431)),
        with(28, "T27", &format!("X: {}\r\n", "y".repeat(1_000_000)), Closed(431)),
        target(9 * 1024, Closed(414)),
        target(70_000, Closed(414)),
        target(6 * 1024, Served),
        post(34, "T32", &format!("Content-Length: {size}\r\n"), "only the beginning", Closed(413)),
        post(34, "T32", "Transfer-Encoding: chunked\r\n", &chunks[..2 << 20], Closed(413)),
    ]
}

fn reserved_paths() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, paths) in [
        (41, &["/API/v1/admin/apps", "/Api/v1/admin/apps", "//api/v1/admin/apps"][..]),
        (42, &["/%61pi/v1/admin/apps", "/%2Fapi/v1/admin/apps", "/api%2Fv1%2Fadmin%2Fapps"]),
        (46, &["/admin", "/admin/", "/admin%20", "/admin.", "/Admin/x", "/%61dmin", "/metrics", "/Healthz"]),
    ] {
        rows.extend(paths.iter().map(|one| path(number, "T23", one, Refused(404))));
    }
    // Decoded once, this is data like any other.
    rows.push(path(42, "T23", "/%2561pi/v1/admin/apps", Served));
    rows
}

fn odd_paths() -> Vec<Row> {
    let mut rows = Vec::new();
    for (number, paths) in [
        (44, &["/x/../api/v1", "/x/%2e%2e/api", "/.%2e/api", "/./admin", "/x\\..\\api", "/x%5c..%5capi"][..]),
        (46, &["/admin%00", "/./admin"]),
        (47, &["/a%00b", "/%zz", "/%", "/a\0b", "/a b"]),
        (49, &["/%c0%af", "/%ff"]),
    ] {
        rows.extend(paths.iter().map(|one| path(number, "T24", one, Closed(400)).mended()));
    }
    rows
}
