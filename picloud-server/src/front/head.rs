//! Checks one request head byte by byte, more strictly than hyper does.
//!
//! hyper takes line ends without CR, two lengths in one message, heads of hundreds of kilobytes and
//! more. Each of these is a way to make two servers disagree on where a request ends, so the front
//! refuses them before hyper sees a byte.
//!
//! The head is looked at line by line in one contiguous slice. When it is not complete yet, the caller
//! keeps the bytes and calls again with more; lines that were checked are not checked again. What is
//! found out about a half line is found out in the same order as about a whole one, so the verdict
//! does not depend on how the bytes were cut into reads.

use memchr::memchr;

use super::refusal::Refusal;
use super::settings::HeadLimits;

/// No method is longer; a token without a space in this many bytes is no request line.
const METHOD_MAX: usize = 32;

/// How the message that follows a head is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes, often none.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
}

/// A head that is complete and good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Complete {
    /// Bytes up to and including the empty line.
    pub(super) len: usize,
    /// What follows.
    pub(super) framing: Framing,
}

/// What is known so far of one head.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Where the line that is being looked at starts.
    line: usize,
    /// Up to where there is known to be no LF.
    seen: usize,
    stage: Stage,
    headers: usize,
    http_10: bool,
    chunked: bool,
    length: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Before anything: one empty line may be skipped (RFC 9112 §2.2).
    #[default]
    Start,
    RequestLine,
    Headers,
}

impl Head {
    /// Looks at `bytes`, which start where the head starts. `None` means that more is needed.
    pub(super) fn advance(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<Complete>, Refusal> {
        while let Some(found) = memchr(b'\n', &bytes[self.seen..]) {
            let end = self.seen + found + 1;
            let line = self.line;
            (self.line, self.seen) = (end, end);
            if self.take(line, &bytes[line..end], limits)? {
                return Ok(Some(Complete { len: end, framing: self.framing()? }));
            }
        }
        self.seen = bytes.len();
        self.check_open(self.line, &bytes[self.line..], limits)?;
        Ok(None)
    }

    /// Takes one line with its line end; true when it was the empty one that ends the head.
    fn take(&mut self, start: usize, line: &[u8], limits: &HeadLimits) -> Result<bool, Refusal> {
        if self.stage == Stage::Start && line == b"\r\n" {
            self.stage = Stage::RequestLine;
            return Ok(false);
        }
        self.check_open(start, line, limits)?;
        let text = line.strip_suffix(b"\r\n").ok_or(Refusal::ForbiddenByte)?;
        if self.stage != Stage::Headers {
            self.request_line(text, limits)?;
            self.stage = Stage::Headers;
            return Ok(false);
        }
        if text.is_empty() {
            return Ok(true);
        }
        self.header(text, limits)?;
        Ok(false)
    }

    /// The checks that hold for a whole line and for the beginning of one alike.
    fn check_open(&self, start: usize, line: &[u8], limits: &HeadLimits) -> Result<(), Refusal> {
        let in_request_line = self.stage != Stage::Headers;
        if in_request_line && !(self.stage == Stage::Start && line == b"\r") {
            check_method(line)?;
        }
        let room = limits.head.saturating_sub(start);
        check_bytes(&line[..line.len().min(room)])?;
        if line.len() <= room {
            return Ok(());
        }
        Err(if in_request_line { Refusal::TargetTooLong } else { Refusal::HeadTooLarge })
    }

    fn request_line(&mut self, line: &[u8], limits: &HeadLimits) -> Result<(), Refusal> {
        let method = memchr(b' ', line).ok_or(Refusal::RequestLine)?;
        let rest = &line[method + 1..];
        let split = memchr(b' ', rest).ok_or(Refusal::RequestLine)?;
        let (target, version) = (&rest[..split], &rest[split + 1..]);
        if target.len() > limits.target {
            return Err(Refusal::TargetTooLong);
        }
        check_target(target)?;
        self.http_10 = match version {
            b"HTTP/1.1" => false,
            b"HTTP/1.0" => true,
            _ => return Err(Refusal::Version),
        };
        Ok(())
    }

    fn header(&mut self, line: &[u8], limits: &HeadLimits) -> Result<(), Refusal> {
        self.headers += 1;
        if self.headers > limits.headers {
            return Err(Refusal::TooManyHeaders);
        }
        let colon = memchr(b':', line).ok_or(Refusal::Header)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        // A line that starts with a space is a folded one: no token either.
        if name.is_empty() || !name.iter().all(|b| is(*b, TOKEN)) {
            return Err(Refusal::Header);
        }
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => self.content_length(value),
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.transfer_encoding(value),
            _ => Ok(()),
        }
    }

    fn content_length(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let digits = trim(value);
        // 18 digits are more than any disk holds and cannot overflow.
        if self.length.is_some() || digits.is_empty() || digits.len() > 18 {
            return Err(Refusal::ContentLength);
        }
        let mut length = 0u64;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return Err(Refusal::ContentLength);
            }
            length = length * 10 + u64::from(digit - b'0');
        }
        self.length = Some(length);
        Ok(())
    }

    fn transfer_encoding(&mut self, value: &[u8]) -> Result<(), Refusal> {
        let plain = trim(value).eq_ignore_ascii_case(b"chunked");
        if self.chunked || self.http_10 || !plain {
            return Err(Refusal::TransferEncoding);
        }
        self.chunked = true;
        Ok(())
    }

    fn framing(&self) -> Result<Framing, Refusal> {
        match (self.length, self.chunked) {
            (Some(_), true) => Err(Refusal::TwoLengths),
            (None, true) => Ok(Framing::Chunked),
            (length, false) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Refuses what cannot be the beginning of a request line, so that a TLS hello is not waited out.
fn check_method(line: &[u8]) -> Result<(), Refusal> {
    let start = &line[..line.len().min(METHOD_MAX + 1)];
    match start.iter().position(|b| !is(*b, TOKEN)) {
        None if start.len() > METHOD_MAX => Err(Refusal::RequestLine),
        None => Ok(()),
        Some(0) => Err(Refusal::RequestLine),
        Some(end) if start[end] != b' ' => Err(Refusal::RequestLine),
        Some(end) if &start[..end] == b"PRI" => Err(Refusal::Http2),
        Some(_) => Ok(()),
    }
}

/// Refuses control characters; CR and LF may stand only as the line end, which may be missing yet.
fn check_bytes(line: &[u8]) -> Result<(), Refusal> {
    let text = match line {
        [text @ .., b'\r', b'\n'] | [text @ .., b'\r'] => text,
        text => text,
    };
    // Without an early exit, so that the compiler can look at many bytes at once.
    let bad = text.iter().fold(false, |bad, b| bad | ((*b < b' ') & (*b != b'\t')) | (*b == 0x7f));
    if bad { Err(Refusal::ForbiddenByte) } else { Ok(()) }
}

/// Refuses a target that hyper would not take, or that only some servers would.
fn check_target(target: &[u8]) -> Result<(), Refusal> {
    let (path, query) = match memchr(b'?', target) {
        Some(at) => (&target[..at], &target[at + 1..]),
        None => (target, &target[..0]),
    };
    if path.is_empty() || !path.iter().all(|b| is(*b, PATH)) || !query.iter().all(|b| is(*b, QUERY)) {
        return Err(Refusal::RequestLine);
    }
    // Absolute and authority form are rare; their grammar is left to the crate that hyper asks.
    if path[0] != b'/' && http::Uri::try_from(target).is_err() {
        return Err(Refusal::RequestLine);
    }
    Ok(())
}

/// The value without the white space that may stand around it.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Bytes of a method or a field name.
pub(super) const TOKEN: u8 = 1;
/// Bytes of a target before `?`.
const PATH: u8 = 2;
/// Bytes of a target after `?`; browsers leave a back quote as it is there.
const QUERY: u8 = 4;

static CLASSES: [u8; 256] = classes();

pub(super) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0x21u8;
    while byte < 0x7f {
        let token = byte.is_ascii_alphanumeric()
            || matches!(
                byte,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        let query = !matches!(byte, b'"' | b'#' | b'<' | b'>');
        let path = query && byte != b'`';
        table[byte as usize] = token as u8 * TOKEN + path as u8 * PATH + query as u8 * QUERY;
        byte += 1;
    }
    table
}
