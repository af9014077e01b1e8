//! Verdicts on whole streams, and that cutting a stream differently never changes them.

use proptest::prelude::*;

use super::super::refusal::Refusal::{self, *};
use super::*;

/// What a connection would have passed on, and the end of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    passed: Vec<u8>,
    heads: u32,
    refusal: Option<Refusal>,
}

/// Feeds the stream in pieces as the guard does.
fn feed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Verdict {
    let mut framer = Framer::new(HeadLimits::default());
    let (mut verdict, mut held) = (Verdict::default(), Vec::new());
    for piece in pieces {
        held.extend_from_slice(piece);
        let scan = framer.scan(&held);
        verdict.passed.extend(held.drain(..scan.pass));
        verdict.heads += scan.heads;
        verdict.refusal = scan.refusal;
        if scan.refusal.is_some() {
            break;
        }
    }
    verdict
}

fn whole(stream: &[u8]) -> Verdict {
    feed([stream])
}

/// The stream in pieces of these sizes, again and again.
fn cut(stream: &[u8], sizes: &[usize]) -> Verdict {
    let (mut rest, mut pieces) = (stream, Vec::new());
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, behind) = rest.split_at((*size).clamp(1, rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    feed(pieces)
}

#[track_caller]
fn refused(stream: &str, refusal: Refusal) {
    let found = whole(stream.as_bytes());
    assert_eq!(found.refusal, Some(refusal), "{stream:?}");
    assert_eq!(found, cut(stream.as_bytes(), &[1]), "{stream:?} byte by byte");
}

/// All of it passes, as so many requests.
#[track_caller]
fn passes(stream: &str, heads: u32) {
    let found = whole(stream.as_bytes());
    let expected = Verdict { passed: stream.as_bytes().to_vec(), heads, refusal: None };
    assert_eq!(found, expected, "{stream:?}");
    assert_eq!(found, cut(stream.as_bytes(), &[1]), "{stream:?} byte by byte");
}

#[test]
fn good_requests_pass_unchanged() {
    passes("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    passes("GET / HTTP/1.0\r\n\r\n", 1);
    passes("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 2);
    passes("GET /a?b=`|{}\"; HTTP/1.1\r\n\r\n".replace('"', "'").as_str(), 1);
    passes("OPTIONS * HTTP/1.1\r\n\r\nCONNECT a:1 HTTP/1.1\r\n\r\nGET http://a/ HTTP/1.1\r\n\r\n", 3);
    passes("POST / HTTP/1.1\r\nContent-Length:\t 3 \r\n\r\nabcGET / HTTP/1.1\r\nA: \u{e4}\t b\r\n\r\n", 2);
    passes(
        "POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n5;x=\"y\"\r\nab\r\nc\r\n0\r\nT: v\r\n\r\n",
        1,
    );
    passes(
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
        2,
    );
}

#[test]
fn bad_first_lines_are_refused() {
    for line in ["GET /", "GET", " GET / HTTP/1.1", "GET  / HTTP/1.1", "G(T / HTTP/1.1", "\r\n", "\u{1}"] {
        refused(&format!("{line}\r\n\r\n"), RequestLine);
    }
    for target in ["/#", "/<", "/\u{e4}", "/`", "http://", "/\"", "a/b", "?a", "#"] {
        refused(&format!("GET {target} HTTP/1.1\r\n\r\n"), RequestLine);
    }
    refused("\r\n\r\nGET / HTTP/1.1\r\n\r\n", RequestLine);
    refused("\nGET / HTTP/1.1\r\n\r\n", RequestLine);
    refused(&format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(33)), RequestLine);
    refused("GET / HTTP/1.2\r\n\r\n", Version);
    refused("GET / HTTP/2.0\r\n\r\n", Version);
    refused("GET / http/1.1\r\n\r\n", Version);
    refused("GET /a b HTTP/1.1\r\n\r\n", Version);
    refused("GET / HTTP/1.1 \r\n\r\n", Version);
    refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Http2);
    refused("\u{16}\u{3}\u{1}\u{2}", RequestLine);
}

#[test]
fn bad_lines_are_refused() {
    for text in ["A: b\n", "A: b\r", "A: \r b\r\n", "A: \0\r\n", "A: \u{7f}\r\n", "A\u{1}: b\r\n"] {
        refused(&format!("GET / HTTP/1.1\r\n{text}\r\n\r\n"), ForbiddenByte);
    }
    refused("GET / HTTP/1.1\nHost: a\n\n", ForbiddenByte);
    for text in ["A", "A b: c", "A : b", ": b", " A: b", "\tb", "A: b\r\n c", "\u{e4}: b"] {
        refused(&format!("GET / HTTP/1.1\r\n{text}\r\n\r\n"), Header);
    }
}

#[test]
fn unclear_lengths_are_refused() {
    for value in ["", "+3", "-1", "0x3", "3, 3", "3 3", "18446744073709551616", "\u{b2}"] {
        refused(&format!("POST / HTTP/1.1\r\nContent-Length: {value}\r\n\r\nabc"), ContentLength);
    }
    refused("POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length: 3\r\n\r\nabc", ContentLength);
    for value in ["xchunked", "chunked, identity", "gzip, chunked", "identity", "", "chunked;q=1"] {
        refused(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: {value}\r\n\r\n"), TransferEncoding);
    }
    let chunked = "Transfer-Encoding: chunked\r\n";
    refused(&format!("POST / HTTP/1.1\r\n{chunked}{chunked}\r\n"), TransferEncoding);
    refused(&format!("POST / HTTP/1.0\r\n{chunked}\r\n"), TransferEncoding);
    refused(&format!("POST / HTTP/1.1\r\n{chunked}Content-Length: 3\r\n\r\n"), TwoLengths);
    refused(&format!("POST / HTTP/1.1\r\nContent-Length: 3\r\n{chunked}\r\n"), TwoLengths);
}

#[test]
fn each_limit_is_reached_and_not_exceeded() {
    let line = |len: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(len - 1));
    passes(&line(8 * 1024), 1);
    refused(&line(8 * 1024 + 1), TargetTooLong);
    refused(&line(70_000), TargetTooLong);
    let lines = |count| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
    passes(&lines(100), 1);
    refused(&lines(101), TooManyHeaders);
    let frame = "GET / HTTP/1.1\r\nA: \r\n\r\n".len();
    let head = |len: usize| format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "b".repeat(len - frame));
    passes(&head(16 * 1024), 1);
    refused(&head(16 * 1024 + 1), HeadTooLarge);
    refused(&head(100_000), HeadTooLarge);
}

#[test]
fn bad_chunks_are_refused_where_they_break() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "x", "\r\n", " 3\r\n", "3 \r\n", "3\n", "3\rx", "1\r\naX", "1\r\na\n", ";x\r\n", "1;\nx", "0\r\n\n",
        "-1\r\n",
    ] {
        refused(&format!("{head}{body}abc\r\n\r\n"), if body == "0\r\n\n" { Trailer } else { Chunk });
    }
    refused(&format!("{head}{}\r\n", "0".repeat(16)), Chunk);
    refused(&format!("{head}1;{}\r\n", "x".repeat(4097)), ChunkExtension);
    refused(&format!("{head}0\r\n{}\r\n", "A: b\r\n".repeat(101)), Trailer);
    refused(&format!("{head}0\r\nA: {}\r\n", "b".repeat(8192)), Trailer);
    refused(&format!("{head}0\r\n A: b\r\n"), Trailer);
    let found = whole(format!("{head}3\r\nabcX").as_bytes());
    assert_eq!(found.passed, format!("{head}3\r\nabc").into_bytes());
}

#[test]
fn what_comes_before_a_bad_request_passes() {
    let good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let found = whole(format!("{good}{good}GET / HTTP/3\r\n\r\n{good}").as_bytes());
    assert_eq!((found.heads, found.refusal, found.passed.len()), (2, Some(Version), 2 * good.len()));
}

/// Pieces that make requests, good and bad, when they are put together.
fn fragment() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<&[u8]> = vec![
        b"GET / HTTP/1.1\r\n",
        b"POST /x HTTP/1.1\r\n",
        b"GET / HTTP/1.0\r\n",
        b"Host: a\r\n",
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"\r\n",
        b"\r\n\r\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"hello",
        b"\n",
        b"\r",
        b"\0",
        b" ",
        b": ",
        b"PRI * HTTP/2.0\r\n",
    ];
    prop_oneof![
        8 => prop::sample::select(known).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 1..8),
        1 => (b'a'..=b'z', prop::sample::select(vec![40usize, 8200, 16_400]))
            .prop_map(|(byte, len)| vec![byte; len]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn cutting_a_stream_differently_changes_nothing(
        fragments in prop::collection::vec(fragment(), 1..14),
        sizes in prop::collection::vec(1usize..600, 1..6),
    ) {
        let stream = fragments.concat();
        let expected = whole(&stream);
        prop_assert_eq!(&cut(&stream, &sizes), &expected);
        if stream.len() < 2000 {
            prop_assert_eq!(&cut(&stream, &[1]), &expected);
        }
    }
}
