//! Row 40 (T30): HTTP/2 is not spoken. What floods an HTTP/2 server is, here, one bad request: the connection ends with
//! it, nothing of it is kept, and the server serves on. A proxy in front may speak HTTP/2; then it is the one to count.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::{
    blackbox::{Raw, World, exchange},
    proxies::Kind,
    rows::HIDDEN,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// `GET http://a.test/` (RFC 7541 §6.1 and §6.2.1).
const FIELDS: &[u8] = b"\x82\x84\x86\x41\x06a.test";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;
/// What the process may grow by, with all floods at once.
const GROWTH: u64 = 32 << 20;

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// What a client opens with, and these frames.
fn connection(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let frames: Vec<u8> = frames.into_iter().flatten().collect();
    [PREFACE, &frame(SETTINGS, 0, 0, b""), &frames].concat()
}

/// 10,000 requests, each taken back at once.
fn rapid_resets() -> impl Iterator<Item = Vec<u8>> {
    (0..10_000).map(|n| {
        let stream = 2 * n + 1;
        [frame(HEADERS, END_HEADERS, stream, FIELDS), frame(RST_STREAM, 0, stream, &[0, 0, 0, 8])].concat()
    })
}

/// 16 MiB of a head that does not end.
fn continuations() -> impl Iterator<Item = Vec<u8>> {
    let rest = (0..1024).map(|_| frame(CONTINUATION, 0, 1, &[b'x'; 16 * 1024]));
    std::iter::once(frame(HEADERS, 0, 1, FIELDS)).chain(rest)
}

/// Each flood, with what it is called.
fn floods() -> Vec<(&'static str, Vec<u8>)> {
    let upgrade = "GET /echo HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n";
    vec![
        ("rapid resets", connection(rapid_resets())),
        ("continuations", connection(continuations())),
        ("rapid resets without a preface", rapid_resets().flatten().collect()),
        ("continuations without a preface", continuations().flatten().collect()),
        ("a request behind the preface", [PREFACE, HIDDEN.as_bytes()].concat()),
        ("rapid resets behind an upgrade", [upgrade.as_bytes(), &connection(rapid_resets())].concat()),
    ]
}

/// The server itself answers what came before, and then 400 at most.
fn check_direct(name: &str, replies: &[Raw]) {
    let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
    let (served, refused) = statuses.split_at(usize::from(name.contains("upgrade")).min(statuses.len()));
    assert!(served.iter().all(|status| *status == 200), "{name}: {replies:?}");
    assert!(matches!(refused, [] | [400]), "{name}: {replies:?}");
    assert!(replies.iter().filter_map(Raw::echo).all(|seen| seen["path"] == "/echo"), "{name}: {replies:?}");
}

fn run(kind: Option<Kind>) {
    let Some(mut world) = World::start(kind) else { return };
    world.assert_well("before");
    let before = world.server.process.resident().unwrap_or(0);
    let address = world.address();
    thread::scope(|scope| {
        for (name, bytes) in floods() {
            scope.spawn(move || {
                let since = Instant::now();
                let replies = exchange(address, &bytes, kind.is_none());
                assert!(since.elapsed() < Duration::from_secs(10), "{name}: {:?}", since.elapsed());
                if kind.is_none() {
                    check_direct(name, &replies);
                }
            });
        }
    });
    world.assert_well("after");
    let after = world.server.process.resident().unwrap_or(0);
    assert!(after < before + GROWTH, "{kind:?}: {before} bytes before, {after} after");
}

#[test]
fn row_40_floods_of_http_2_directly() {
    run(None);
}

#[test]
fn row_40_floods_of_http_2_behind_caddy() {
    run(Some(Kind::Caddy));
}

#[test]
fn row_40_floods_of_http_2_behind_nginx() {
    run(Some(Kind::Nginx));
}

#[test]
fn row_40_floods_of_http_2_behind_haproxy() {
    run(Some(Kind::Haproxy));
}
