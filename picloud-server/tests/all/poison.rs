//! T26: whatever scripts and callers say about framing, nobody behind a proxy gets an answer that is somebody else's.

use std::{
    env,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{blackbox::World, proxies::Kind};

/// Attempts in all; more with `PICLOUD_POISON_ATTEMPTS`.
const ATTEMPTS: usize = 2_000;
const ATTACKERS: usize = 4;
const VICTIMS: usize = 4;

/// An answer within an answer, as a proxy would have to see it to take it for the next one.
const FAKE: &str = "HTTP/1.1 200 OK\\r\\nContent-Length: 6\\r\\nContent-Type: text/plain\\r\\n\\r\\npoison";

/// Scripts that lie about where their answer ends.
fn lies() -> Vec<String> {
    let after = |status: u16, headers: &str| format!("response({status}, \"hello{FAKE}\"){headers}");
    vec![
        after(200, ".header(\"Content-Length\", \"5\")"),
        after(200, ".header(\"content-length\", \"500\")"),
        after(200, ".header(\"Content-Length\", \"5\").header(\"Content-Length\", \"6\")"),
        after(200, ".header(\"Transfer-Encoding\", \"chunked\")"),
        format!("response(200, \"0\\r\\n\\r\\n{FAKE}\").header(\"Transfer-Encoding\", \"chunked\")"),
        after(200, ".header(\"Connection\", \"content-length\")"),
        after(200, ".header(\"Connection\", \"close\").header(\"Keep-Alive\", \"timeout=0\")"),
        after(200, ".header(\"Upgrade\", \"websocket\").header(\"Connection\", \"Upgrade\")"),
        after(200, ".header(\"Trailer\", \"Content-Length\").header(\"TE\", \"trailers\")"),
        after(204, ".header(\"Content-Length\", \"5\")"),
        after(205, ""),
        after(304, ".header(\"Content-Length\", \"5\")"),
        after(206, ".header(\"Content-Range\", \"bytes 0-4/5\")"),
    ]
}

/// What callers try beside that: `{n}` is the number of a lie.
const ASKS: [&str; 5] = [
    "GET /lie/{n} HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "HEAD /lie/{n} HTTP/1.1\r\nHost: a.test\r\n\r\n",
    "POST /lie/{n} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
    "POST /lie/{n} HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /lie/{n} HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
];

fn attack(address: SocketAddr, lies: usize, attempts: &AtomicUsize, wanted: usize) {
    loop {
        let n = attempts.fetch_add(1, Relaxed);
        if n >= wanted {
            return;
        }
        let ask = ASKS[n / lies % ASKS.len()].replace("{n}", &(n % lies).to_string());
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.write_all(ask.as_bytes()).unwrap();
        // It is enough that the answer has begun; leaving early is part of the attack.
        let _ = stream.read(&mut [0; 4096]).unwrap();
    }
}

/// Asks one after the other on one connection for texts that only this caller knows; how many were right.
fn be_a_victim(address: SocketAddr, victim: usize, attempts: &AtomicUsize, wanted: usize) -> usize {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut count = 0;
    while attempts.load(Relaxed) < wanted {
        let secret = format!("victim-{victim}-{count}");
        let ask = format!("GET /{secret} HTTP/1.1\r\nHost: b.test\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let (head, body) = read_one(&mut stream);
        let seen: serde_json::Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{head}{body}"));
        assert_eq!((&seen["app"], &seen["path"]), (&json!("b"), &json!(format!("/{secret}"))), "{head}");
        count += 1;
    }
    count
}

/// One whole answer, and not a byte behind it.
fn read_one(stream: &mut TcpStream) -> (String, String) {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = all.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&all[..end + 4]).into_owned();
            let lower = head.to_ascii_lowercase();
            let length = lower.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap_or_else(|| panic!("a length: {head}")).parse().unwrap();
            let whole = end + 4 + length;
            assert!(all.len() <= whole, "more than was asked for: {}", String::from_utf8_lossy(&all));
            if all.len() == whole {
                return (head, String::from_utf8_lossy(&all[end + 4..]).into_owned());
            }
        }
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the proxy keeps a good caller's connection");
        all.extend_from_slice(&buffer[..read]);
    }
}

fn run(kind: Kind) {
    let Some(world) = World::start(Some(kind)) else { return };
    let lies = lies();
    for (n, source) in lies.iter().enumerate() {
        world.admin.make_route("a", &format!("lie{n}"), ("ANY", &format!("/lie/{n}")), source);
    }
    let wanted = env::var("PICLOUD_POISON_ATTEMPTS").map_or(ATTEMPTS, |text| text.parse().unwrap());
    let (attempts, since) = (AtomicUsize::new(0), Instant::now());
    let good: usize = thread::scope(|scope| {
        for _ in 0..ATTACKERS {
            scope.spawn(|| attack(world.address(), lies.len(), &attempts, wanted));
        }
        let victims: Vec<_> = (0..VICTIMS)
            .map(|victim| {
                scope.spawn({
                    let (world, attempts) = (&world, &attempts);
                    move || be_a_victim(world.address(), victim, attempts, wanted)
                })
            })
            .collect();
        victims.into_iter().map(|victim| victim.join().unwrap()).sum()
    });
    assert!(good > 0);
    println!("{kind:?}: {wanted} attempts, {good} answers to others, all right, in {:?}", since.elapsed());
}

#[test]
fn no_answer_behind_caddy_is_somebody_elses() {
    run(Kind::Caddy);
}

#[test]
fn no_answer_behind_nginx_is_somebody_elses() {
    run(Kind::Nginx);
}

#[test]
fn no_answer_behind_haproxy_is_somebody_elses() {
    run(Kind::Haproxy);
}
