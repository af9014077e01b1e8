//! Rows 35, 37 and 38: JSON that is deep, and callers that are slow, against the real server and behind a real Caddy. The
//! deadlines themselves are held to the millisecond in `lifetime.rs`.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    blackbox::{World, exchange},
    proxies::Kind,
};

/// Deadlines that a test can await.
const SETTINGS: &str = "[front]\nhead_timeout_ms = 500\nbody_stall_ms = 500\nwrite_stall_ms = 500\n[limits]\nmemory = 134217728\nresponse_body = 33554432\ncpu_time_ms = 10000\n";
/// Within which all of them are over, Caddy's own included.
const BOUND: Duration = Duration::from_secs(8);
/// Between two bytes of somebody slow.
const DRIP: Duration = Duration::from_millis(50);

/// The server itself, and behind Caddy where that is installed.
fn worlds() -> impl Iterator<Item = World> {
    [None, Some(Kind::HastyCaddy)].into_iter().filter_map(|kind| World::with_settings(kind, SETTINGS))
}

/// Sends `start`, and then `drip` again and again, until there is an answer or an end; its first bytes.
fn drip(address: SocketAddr, start: &str, drip: &[u8]) -> String {
    let (since, mut stream) = (Instant::now(), TcpStream::connect(address).unwrap());
    stream.write_all(start.as_bytes()).unwrap();
    stream.set_read_timeout(Some(DRIP)).unwrap();
    let mut buffer = [0; 4096];
    loop {
        assert!(since.elapsed() < BOUND, "no end: {}", &start[..start.len().min(200)]);
        match stream.read(&mut buffer) {
            Ok(read) => return String::from_utf8_lossy(&buffer[..read]).into_owned(),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return String::new(),
        }
        if stream.write_all(drip).is_err() {
            return String::new();
        }
    }
}

/// T45.
#[test]
fn row_35_json_that_is_deep_is_refused_and_ends_nothing() {
    for mut world in worlds() {
        world.admin.make_route("a", "json", ("POST", "/json"), "ctx.json(); 1");
        let nested = "[".repeat(100_000);
        let token = format!("Authorization: Bearer {}\r\n", world.admin.token);
        for (host, path, statuses) in [
            ("admin.test", "/api/v1/admin/apps", &[400][..]),
            // Larger than a login may be, and refused for that.
            ("admin.test", "/api/v1/admin/auth/login", &[413]),
            // A script may catch it.
            ("a.test", "/json", &[400]),
        ] {
            let token = if path.ends_with("/apps") { token.as_str() } else { "" };
            let length = nested.len();
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            );
            let replies = exchange(world.address(), format!("{head}{nested}").as_bytes(), true);
            let [reply] = replies.as_slice() else { panic!("{path}: {replies:?}") };
            assert!(statuses.contains(&reply.status), "{path}: {reply:?}");
            world.assert_well(path);
        }
    }
}

/// T29.
#[test]
fn row_37_slow_heads_and_silent_sockets_end() {
    for mut world in worlds() {
        let (address, half) = (world.address(), "GET /echo HTTP/1.1\r\nHost: a.test\r\nX: ");
        thread::scope(|scope| {
            for (start, slowly) in [("", &b""[..]), (half, b""), (half, b"y"), ("", b"G")] {
                scope.spawn(move || {
                    let answer = drip(address, start, slowly);
                    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{start:?}: {answer}");
                });
            }
        });
        world.assert_well("slow heads");
    }
}

/// T29: the server answers 408 and is rid of it. Caddy passes no answer on before it has the whole body or has waited for
/// `read_body`, which ends its part.
#[test]
fn row_38_slow_bodies_end_and_run_nothing() {
    for mut world in worlds() {
        let (token, host) = (world.admin.token.clone(), "admin.test");
        let slug = format!("{}{}", json!({ "slug": "late" }), " ".repeat(16 << 10));
        let script = "POST /echo HTTP/1.1\r\nHost: a.test\r\n".to_owned();
        let api = format!(
            "POST /api/v1/admin/apps HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        );
        let address = world.address();
        thread::scope(|scope| {
            for head in [&script, &api] {
                for framing in
                    ["Content-Length: 100000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n186a0\r\n"]
                {
                    let start = format!("{head}{framing}{slug}");
                    scope.spawn(move || {
                        let answer = drip(address, &start, b" ");
                        // The front's own word, or what the API makes of a body that does not end.
                        let late =
                            ["HTTP/1.1 408", "HTTP/1.1 400"].iter().any(|status| answer.starts_with(status));
                        assert!(late, "{head}{framing}: {answer}");
                    });
                }
            }
        });
        let apps = world.admin.call("GET", "/apps", None).text();
        assert!(!apps.contains("late"), "{apps}");
        world.assert_well("slow bodies");
    }
}

/// T29: more than all buffers on the way can hold, and nobody reads it.
#[test]
fn row_38_readers_that_do_not_read_are_cut_off() {
    const DOUBLINGS: u32 = 24;
    const ANSWER: usize = 1 << DOUBLINGS;
    for mut world in worlds() {
        let source = format!("let s = \"x\"; for n in 0..{DOUBLINGS} {{ s += s; }} s");
        world.admin.make_route("a", "big", ("GET", "/big"), &source);
        let mut stream = TcpStream::connect(world.address()).unwrap();
        stream.write_all(b"GET /big HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
        world
            .server
            .process
            .await_line("that it gave up", |line| line.contains("connection failed").then_some(()));
        world.assert_well("a reader that does not read");
        // Whoever reads now finds the end, and before it not all that was asked for.
        stream.set_read_timeout(Some(BOUND)).unwrap();
        let (mut all, mut buffer) = (0, vec![0; 1 << 16]);
        let end = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break None,
                Ok(read) => all += read,
                Err(error) => break Some(error.kind()),
            }
        };
        assert!(
            !matches!(end, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{end:?} after {all} bytes"
        );
        assert!(all < ANSWER, "{all}");
        let _ = stream.shutdown(Shutdown::Both);
    }
}
