//! Follows one connection's byte stream from message to message: head, body, next head.

use super::chunked::Chunked;
use super::head::{Framing, Head};
use super::refusal::Refusal;
use super::settings::HeadLimits;

/// The place of the next byte in the stream of requests.
#[derive(Debug)]
enum Place {
    Head(Head),
    Length(u64),
    Chunked(Chunked),
}

/// What the connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// A new request; nothing of it has come.
    Request,
    /// The rest of a head.
    Head,
    /// More of a body.
    Body,
}

/// What was found in one piece of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// So many bytes may go on to hyper. What follows is the beginning of a head: present it again,
    /// with more.
    pub(super) pass: usize,
    /// Heads that were completed within `pass`.
    pub(super) heads: u32,
    /// Why everything after `pass` is dropped. Nothing may be scanned after this.
    pub(super) refusal: Option<Refusal>,
}

/// The state that is carried from one piece of the stream to the next.
#[derive(Debug)]
pub(super) struct Framer {
    place: Place,
    limits: HeadLimits,
}

impl Framer {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self { place: Place::Head(Head::default()), limits }
    }

    /// Looks at the bytes that follow those which have passed.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut scan = Scan::default();
        while scan.pass < bytes.len() {
            let rest = &bytes[scan.pass..];
            let next = match &mut self.place {
                Place::Head(head) => match head.advance(rest, &self.limits) {
                    Ok(None) => return scan,
                    Ok(Some(complete)) => {
                        scan.heads += 1;
                        scan.pass += complete.len;
                        Some(Place::after(complete.framing))
                    }
                    Err(refusal) => return Scan { refusal: Some(refusal), ..scan },
                },
                Place::Length(left) => {
                    let here = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    scan.pass += here;
                    *left -= here as u64;
                    (*left == 0).then(Place::start)
                }
                Place::Chunked(body) => match body.advance(rest) {
                    Ok(used) => {
                        scan.pass += used;
                        body.ended().then(Place::start)
                    }
                    Err((good, refusal)) => {
                        return Scan { pass: scan.pass + good, refusal: Some(refusal), ..scan };
                    }
                },
            };
            if let Some(next) = next {
                self.place = next;
            }
        }
        scan
    }

    /// What the stream is in the middle of; `held` says whether the beginning of a head has come.
    pub(super) fn awaits(&self, held: bool) -> Awaited {
        match self.place {
            Place::Head(_) if held => Awaited::Head,
            Place::Head(_) => Awaited::Request,
            Place::Length(_) | Place::Chunked(_) => Awaited::Body,
        }
    }
}

impl Place {
    fn start() -> Self {
        Self::Head(Head::default())
    }

    fn after(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::start(),
            Framing::Length(left) => Self::Length(left),
            Framing::Chunked => Self::Chunked(Chunked::default()),
        }
    }
}

#[cfg(test)]
#[path = "framing_tests.rs"]
mod tests;
