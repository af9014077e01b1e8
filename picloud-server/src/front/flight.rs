//! Counts the requests of one connection that are on their way through hyper and the service.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use tokio::time::Instant;

use super::framing::Awaited;

/// What guard, service and connection tell each other. All three run in the connection's one task.
#[derive(Debug)]
pub(super) struct Flight {
    accepted: Instant,
    released: AtomicU32,
    finished: AtomicU32,
    /// When the last answer was handed over, in nanoseconds after `accepted`.
    answered: AtomicU64,
    mid_head: AtomicBool,
    mid_body: AtomicBool,
    again: AtomicBool,
}

impl Flight {
    pub(super) fn new() -> Self {
        Self {
            accepted: Instant::now(),
            released: AtomicU32::new(0),
            finished: AtomicU32::new(0),
            answered: AtomicU64::new(0),
            mid_head: AtomicBool::new(false),
            mid_body: AtomicBool::new(false),
            again: AtomicBool::new(false),
        }
    }

    /// So many more heads have gone on to hyper.
    pub(super) fn released(&self, heads: u32) {
        self.released.fetch_add(heads, Relaxed);
    }

    /// Whether every request has been answered and its answer taken over by hyper.
    pub(super) fn is_idle(&self) -> bool {
        self.released.load(Relaxed) == self.finished.load(Relaxed)
    }

    /// When the last answer was handed over; before the first one, when the connection was accepted.
    pub(super) fn answered(&self) -> Instant {
        self.accepted + Duration::from_nanos(self.answered.load(Relaxed))
    }

    fn finish_one(&self) {
        let nanos = self.accepted.elapsed().as_nanos();
        self.answered.store(u64::try_from(nanos).unwrap_or(u64::MAX), Relaxed);
        self.finished.fetch_add(1, Relaxed);
    }

    /// Notes whether the beginning of a head, or only a part of a body, has come.
    pub(super) fn set_awaited(&self, awaited: Awaited) {
        self.mid_head.store(awaited == Awaited::Head, Relaxed);
        self.mid_body.store(awaited == Awaited::Body, Relaxed);
    }

    /// Whether the beginning of a head has come.
    pub(super) fn mid_head(&self) -> bool {
        self.mid_head.load(Relaxed)
    }

    /// Whether the body of the request that is being answered has not come to its end.
    pub(super) fn mid_body(&self) -> bool {
        let is_last = self.released.load(Relaxed) == self.finished.load(Relaxed).wrapping_add(1);
        is_last && self.mid_body.load(Relaxed)
    }

    /// Asks to be polled once more when all requests have been answered: hyper does not read on by
    /// itself from a stream that had nothing to read.
    pub(super) fn ask_again(&self) {
        self.again.store(true, Relaxed);
    }

    /// Whether that has been asked for, and the time has come.
    pub(super) fn take_again(&self) -> bool {
        self.again.load(Relaxed) && self.is_idle() && self.again.swap(false, Relaxed)
    }
}

/// An answer's body. Dropping it, which hyper does after the last byte, ends the request.
#[derive(Debug)]
pub(super) struct Counted<B> {
    body: B,
    flight: Arc<Flight>,
}

impl<B> Counted<B> {
    pub(super) fn new(body: B, flight: Arc<Flight>) -> Self {
        Self { body, flight }
    }
}

impl<B> Drop for Counted<B> {
    fn drop(&mut self) {
        self.flight.finish_one();
    }
}

impl<B: Body + Unpin> Body for Counted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
