//! Every hostile request against the real server: directly, and through the proxies that people put in front.
//!
//! After each row the server is the same process, is well, and answers the other app's caller with the other app.

use std::{
    fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{
    process::{Admin, Server, command},
    proxies::{Kind, Proxy},
    rows::{self, Expect, HIDDEN, Row},
};

/// How long nothing may come until it is clear that nothing will.
const QUIET: Duration = Duration::from_millis(250);
const ECHO: &str = "#{ app: ctx.app, path: ctx.path, host: ctx.host, ip: ctx.ip, headers: ctx.headers }";
const LAST: &str = "GET /last HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n";

/// Apps `a` and `b` on `a.test` and `b.test`, which answer every path with what they see; the control plane on
/// `admin.test`.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) admin: Admin,
    _folder: TempDir,
}

impl World {
    /// `None` where the proxy is not installed.
    pub(crate) fn start(kind: Option<Kind>) -> Option<Self> {
        Self::with_settings(kind, "")
    }

    /// The same with this settings file.
    pub(crate) fn with_settings(kind: Option<Kind>, settings: &str) -> Option<Self> {
        let folder = tempdir().unwrap();
        fs::write(folder.path().join("picloud-server.toml"), settings).unwrap();
        let mut serve = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
        serve.env("PICLOUD_ADMIN_HOSTS", "admin.test");
        // What ends connections is told at this level only.
        serve.env("RUST_LOG", "info,picloud_server::front=debug");
        if kind.is_some() {
            serve.env("PICLOUD_TRUSTED_PROXIES", "127.0.0.1");
        }
        let server = Server::spawn_with_admin(&mut serve);
        let admin = Admin::log_in(server.address, Some("admin.test"));
        // Whoever asks for an unknown host should find nobody there.
        for claim in admin.call("GET", "/apps/hello/domains", None).json()["items"].as_array().unwrap() {
            let id = claim["id"].as_str().unwrap();
            assert_eq!(admin.call("DELETE", &format!("/domains/{id}"), None).status, 204);
        }
        for app in ["a", "b"] {
            admin.make_app(app, &format!("{app}.test"));
            admin.make_route(app, "echo", ("ANY", "/*path"), ECHO);
        }
        let proxy = match kind {
            Some(kind) => Some(Proxy::start(kind, server.address, server.address)?),
            None => None,
        };
        Some(Self { server, proxy, admin, _folder: folder })
    }

    /// Where callers knock.
    pub(crate) fn address(&self) -> SocketAddr {
        self.proxy.as_ref().map_or(self.server.address, |proxy| proxy.address)
    }

    /// The server is the same process, and answers the other app's caller with the other app.
    #[track_caller]
    pub(crate) fn assert_well(&mut self, row: &str) {
        assert!(self.server.process.is_alive(), "{row}");
        assert_eq!(self.server.get("any.test", "/healthz").text(), "ok", "{row}");
        // Answers that wait on a connection to the server for the wrong caller would come now.
        for n in 0..3 {
            let path = format!("/canary-{n}");
            let ask = format!("GET {path} HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n");
            let replies = exchange(self.address(), ask.as_bytes(), true);
            let [reply] = replies.as_slice() else { panic!("{row}: {replies:?}") };
            let seen = reply.echo().unwrap_or_else(|| panic!("{row}: {reply:?}"));
            assert_eq!((&seen["app"], &seen["path"]), (&json!("b"), &json!(path)), "{row}");
        }
    }
}

/// One reply, parsed with no more help than its length.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    head: String,
    body: String,
}

impl Raw {
    /// What a script of ours has seen, if it made this reply.
    pub(crate) fn echo(&self) -> Option<Value> {
        (self.status == 200).then(|| serde_json::from_str(&self.body).ok())?
    }

    /// The value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let named = |line: &&str| {
            line.split_once(':').is_some_and(|(other, _)| other.trim().eq_ignore_ascii_case(name))
        };
        self.head.split("\r\n").find(named)?.split_once(": ").map(|(_, value)| value)
    }

    fn has(&self, line: &str) -> bool {
        self.head.to_ascii_lowercase().lines().any(|other| other == line)
    }
}

/// Sends the bytes; the replies until the end, or until nothing more comes.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8], to_the_end: bool) -> Vec<Raw> {
    let mut stream = TcpStream::connect(address).unwrap();
    let (mut writing, bytes) = (stream.try_clone().unwrap(), bytes.to_vec());
    // Who has seen enough closes while we still write.
    let writer = thread::spawn(move || {
        let _ = writing.write_all(&bytes);
    });
    stream.set_read_timeout(Some(if to_the_end { Duration::from_secs(20) } else { QUIET })).unwrap();
    let (mut all, mut buffer) = (Vec::new(), [0; 16 * 1024]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
    writer.join().unwrap();
    parse(&all)
}

fn parse(mut bytes: &[u8]) -> Vec<Raw> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(300)]).into_owned();
        if !bytes.starts_with(b"HTTP/1.") {
            // nginx answers HTTP/0.9 in kind, HAProxy a preface of HTTP/2: no head, and so no status.
            assert!(replies.is_empty(), "no head: {text}");
            let body = String::from_utf8_lossy(bytes).into_owned();
            return vec![Raw { status: 0, head: String::new(), body }];
        }
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|end| end + 4);
        let end = end.unwrap_or_else(|| panic!("no head: {text}"));
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest[2..5].parse().ok());
        let status = status.unwrap_or_else(|| panic!("no status line: {text}"));
        let lower = head.to_ascii_lowercase();
        let length = lower.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        // A proxy's own refusals have no length: they go to the end.
        let length = length.unwrap_or(bytes.len() - end).min(bytes.len() - end);
        let body = String::from_utf8_lossy(&bytes[end..end + length]).into_owned();
        replies.push(Raw { status, head, body });
        bytes = &bytes[end + length..];
    }
    // An interim answer announces another.
    replies.retain(|reply: &Raw| reply.status >= 200);
    replies
}

/// The server's own answers, to the letter.
fn check_direct(world: &World, row: &Row, name: &str) {
    let mut bytes = row.bytes.clone();
    let serves_on = matches!(row.expect, Expect::Served | Expect::Refused(_));
    if serves_on {
        bytes.extend_from_slice(LAST.as_bytes());
    }
    let replies = exchange(world.address(), &bytes, !matches!(row.expect, Expect::Silent));
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    match row.expect {
        Expect::Served => assert_eq!(statuses, [200, 200], "{name}: {replies:?}"),
        Expect::Refused(status) => assert_eq!(statuses, [status, 200], "{name}: {replies:?}"),
        Expect::ClosedOrSilent(_) | Expect::Silent if replies.is_empty() => {}
        Expect::Closed(status) | Expect::ClosedOrSilent(status) => {
            assert_eq!(statuses, [status], "{name}: {replies:?}");
            assert!(replies[0].has("connection: close"), "{name}: {replies:?}");
        }
        Expect::Silent => panic!("{name}: {replies:?}"),
    }
    for reply in replies.iter().filter(|reply| reply.status >= 400) {
        let problem = reply.has("content-type: application/problem+json");
        assert!(problem && reply.body.contains("\"request_id\":\""), "{name}: {reply:?}");
    }
    check_echoes(&replies, row, name);
}

/// Behind a proxy, which may refuse more, and mend what the row says, but not let anything through to somebody else.
fn check_proxied(world: &World, row: &Row, name: &str) {
    let mut bytes = row.bytes.clone();
    if row.expect == Expect::Served {
        bytes.extend_from_slice(LAST.as_bytes());
    }
    let replies = exchange(world.address(), &bytes, false);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    match row.expect {
        Expect::Served if !row.mended => assert_eq!(statuses, [200, 200], "{name}: {replies:?}"),
        _ if row.mended => assert!(replies.len() <= 2, "{name}: {replies:?}"),
        _ => {
            assert!(replies.len() <= 2, "{name}: {replies:?}");
            assert!(statuses.iter().all(|status| *status >= 400), "{name}: {replies:?}");
        }
    }
    check_echoes(&replies, row, name);
}

/// Whatever a script has answered, it is the right one, and has seen nothing that was hidden or claimed.
fn check_echoes(replies: &[Raw], row: &Row, name: &str) {
    for seen in replies.iter().filter_map(Raw::echo) {
        // In absolute form the name in the target counts for some proxies (RFC 9112 §3.2.2).
        let app = if name.contains("http://b.test") && seen["app"] == "b" { "b" } else { "a" };
        assert_eq!((&seen["app"], &seen["host"]), (&json!(app), &json!(format!("{app}.test"))), "{name}");
        assert_eq!(seen["ip"], "127.0.0.1", "{name}: {seen}");
        assert_ne!(seen["headers"]["x-forwarded-host"], "admin.test", "{name}: {seen}");
        // A proxy that reads two requests where the server would read one shows both to it, and that is fine.
        let hides = row.mended && row.bytes.windows(HIDDEN.len()).any(|part| part == HIDDEN.as_bytes());
        assert!(hides || seen["path"] != "/hidden", "{name}: {seen}");
    }
}

fn run(kind: Option<Kind>) {
    let Some(mut world) = World::start(kind) else { return };
    let since = Instant::now();
    let rows = rows::all();
    for row in &rows {
        let start = String::from_utf8_lossy(&row.bytes[..row.bytes.len().min(160)]).into_owned();
        let name = format!("row {} ({}) {kind:?} {start:?}", row.number, row.threat);
        match kind {
            None => check_direct(&world, row, &name),
            Some(_) => check_proxied(&world, row, &name),
        }
        world.assert_well(&name);
    }
    let output = world.server.process.output();
    assert!(!output.contains("panicked"), "{output}");
    println!("{kind:?}: {} rows in {:?}", rows.len(), since.elapsed());
}

#[test]
fn hostile_requests_directly() {
    run(None);
}

#[test]
fn hostile_requests_behind_caddy() {
    run(Some(Kind::Caddy));
}

#[test]
fn hostile_requests_behind_nginx() {
    run(Some(Kind::Nginx));
}

#[test]
fn hostile_requests_behind_haproxy() {
    run(Some(Kind::Haproxy));
}

/// T25: what came whole before a bad request is answered, and the bad one is the last.
#[test]
fn requests_before_a_bad_one_are_answered_first() {
    let world = World::start(None).unwrap();
    let good = "GET /echo HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let bytes = format!("{good}{good}GET / HTTP/1.1\n\n{good}");
    let replies = exchange(world.address(), bytes.as_bytes(), true);
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    assert!(replies[2].body.contains(r#""code":"malformed""#), "{replies:?}");
}

/// T29: for whoever sends requests and takes no answers no more are made, until they do.
#[test]
fn answers_that_nobody_takes_do_not_pile_up() {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = server.log_in();
    admin.make_app("a", "a.test");
    let large = "let text = \"0123456789abcde\\n\"; while text.len < 1000000 { text += text; } text";
    admin.make_route("a", "large", ("GET", "/large"), large);
    admin.make_route("a", "none", ("GET", "/none"), "()");
    assert_eq!(server.get("a.test", "/large").body.len(), 1 << 20);
    let before = server.process.resident();
    for path in ["/large", "/none"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
        // More than the system holds at both ends.
        let all = format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n").repeat(1_000_000);
        assert!(stream.write_all(all.as_bytes()).is_err(), "{path}: the server reads on");
        if let Some((now, before)) = server.process.resident().zip(before) {
            assert!(now < before + (48 << 20), "{path}: {before} bytes before, {now} with answers waiting");
        }
        let mut heads =
            BufReader::new(stream).lines().filter(|line| line.as_ref().unwrap().starts_with("HTTP/1.1 20"));
        assert_eq!(heads.by_ref().take(50).count(), 50, "they go on when they are taken");
        assert_eq!(server.get("a.test", "/none").status, 204);
    }
}

/// T27: up to the limits everything is served.
#[test]
fn heads_at_their_limits_are_served() {
    let world = World::start(None).unwrap();
    for (target, lines) in [
        (format!("/{}", "a".repeat(8 * 1024 - 1)), String::new()),
        ("/x".to_owned(), "X: y\r\n".repeat(98)),
        ("/x".to_owned(), format!("X: {}\r\n", "y".repeat(15 * 1024))),
    ] {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{lines}\r\n");
        let replies = exchange(world.address(), head.as_bytes(), true);
        assert_eq!(replies.len(), 1, "{replies:?}");
        assert_eq!(replies[0].status, 200, "{}", replies[0].head);
    }
}
