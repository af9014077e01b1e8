//! The stream between socket and hyper: lets through only whole, good heads, and only in time.
//!
//! Bytes pass unchanged. The beginning of a head is kept back until the head is complete, so hyper
//! never parses, and never answers, what was not checked. Once a head is refused the stream looks to
//! hyper as if the peer had gone away, but only after the requests before it have been answered; the
//! connection then sends the refusal itself. A body that breaks its framing, or that stops coming, is
//! an error on the body stream, and the service that reads it gives the one answer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::flight::Flight;
use super::framing::{Awaited, Framer};
use super::pace::{Alarm, Pace};
use super::refusal::Refusal;
use super::settings::{FrontSettings, Timeouts};

/// How much is read at once while a head is incomplete.
const PIECE: usize = 4096;

/// See the module.
#[derive(Debug)]
pub(super) struct Guard<Io> {
    io: Io,
    watch: Watch,
    held: Held,
    timeouts: Timeouts,
    write_pace: Pace,
    write_alarm: Alarm,
    /// The peer has not taken all that was written to it.
    owes: bool,
    /// Nothing was read because of that.
    paused: bool,
}

/// What is known of the requests that have been read.
#[derive(Debug)]
struct Watch {
    framer: Framer,
    flight: Arc<Flight>,
    clock: Clock,
    stop: Option<Stop>,
}

/// Bytes that were read but not passed on: first the good ones, then the beginning of a head.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    passed: usize,
    good: usize,
}

/// Since when the peer has been awaited, and what for.
#[derive(Debug)]
struct Clock {
    awaited: Awaited,
    since: Option<Instant>,
    first: bool,
    body: Pace,
    alarm: Alarm,
}

/// Why nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The peer has sent everything it wants to.
    PeerEnded,
    /// No request came for too long.
    Idle,
    /// The next head is refused.
    Head(Refusal),
    /// The current body is refused.
    Body(Refusal),
}

impl<Io> Guard<Io> {
    pub(super) fn new(io: Io, settings: &FrontSettings, flight: Arc<Flight>) -> Self {
        let timeouts = settings.timeouts;
        Self {
            io,
            watch: Watch {
                framer: Framer::new(settings.head.clamped()),
                flight,
                clock: Clock::new(Pace::new(timeouts.body_stall)),
                stop: None,
            },
            held: Held::default(),
            timeouts,
            write_pace: Pace::new(timeouts.write_stall),
            write_alarm: Alarm::default(),
            owes: false,
            paused: false,
        }
    }

    /// The socket, and why reading from it ended if it did.
    pub(super) fn into_parts(self) -> (Io, Option<Stop>) {
        (self.io, self.watch.stop)
    }

    /// Nothing can be read now: either the peer still has time, or this was it.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let watch = &mut self.watch;
        let awaited = watch.framer.awaits(!self.held.bytes.is_empty());
        watch.flight.set_awaited(awaited);
        if awaited == Awaited::Request && !watch.flight.is_idle() {
            // The alarm of an earlier wait will do: it fires early and is then set to the right time.
            if !watch.clock.alarm.is_set() {
                watch.flight.ask_again();
            }
            return Poll::Pending;
        }
        let deadline = watch.clock.deadline(awaited, &self.timeouts, &watch.flight);
        ready!(watch.clock.alarm.poll(cx, deadline));
        let stop = match awaited {
            Awaited::Request => Stop::Idle,
            Awaited::Head => Stop::Head(Refusal::HeadTimeout),
            Awaited::Body => Stop::Body(Refusal::BodyTimeout),
        };
        watch.stop = Some(stop);
        watch.stopped(stop, &self.timeouts, cx)
    }

    fn write_result(
        &mut self,
        cx: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Pending => {
                self.owes = true;
                let deadline = self.write_pace.waiting(Instant::now());
                ready!(self.write_alarm.poll(cx, deadline));
                Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not read its answer")))
            }
            Poll::Ready(Ok(bytes)) => {
                self.write_pace.moved(bytes);
                self.owes = false;
                if std::mem::take(&mut self.paused) {
                    // hyper has been told that there is nothing to read, and does not look again by itself.
                    cx.waker().wake_by_ref();
                }
                Poll::Ready(Ok(bytes))
            }
            failed => failed,
        }
    }
}

impl<Io: AsyncRead + Unpin> Guard<Io> {
    /// Reads into hyper's buffer; true when something passed.
    fn read_through(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let read = &buf.filled()[before..];
        if read.is_empty() {
            self.watch.stop = Some(Stop::PeerEnded);
            return Poll::Ready(Ok(false));
        }
        let pass = self.watch.scan(read, read.len());
        if self.watch.stop.is_none() {
            self.held.bytes.extend_from_slice(&read[pass..]);
        }
        buf.set_filled(before + pass);
        Poll::Ready(Ok(pass > 0))
    }

    /// Reads behind the beginning of a head that is held.
    fn read_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let held = &mut self.held;
        let before = held.bytes.len();
        held.bytes.resize(before + PIECE, 0);
        let mut buf = ReadBuf::new(&mut held.bytes[before..]);
        let result = Pin::new(&mut self.io).poll_read(cx, &mut buf);
        let read = buf.filled().len();
        held.bytes.truncate(before + read);
        ready!(result)?;
        if read == 0 {
            held.bytes.clear();
            self.watch.stop = Some(Stop::PeerEnded);
            return Poll::Ready(Ok(()));
        }
        held.good = self.watch.scan(&held.bytes, read);
        Poll::Ready(Ok(()))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Guard<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.owes {
            // Whoever does not take answers gets no more of them made. The write wakes the task.
            this.paused = true;
            return Poll::Pending;
        }
        loop {
            if this.held.give(buf) {
                return Poll::Ready(Ok(()));
            }
            if let Some(stop) = this.watch.stop {
                return this.watch.stopped(stop, &this.timeouts, cx);
            }
            let passed = if this.held.bytes.is_empty() {
                this.read_through(cx, buf)
            } else {
                this.read_held(cx).map_ok(|()| false)
            };
            match passed {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(false)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return this.wait(cx),
            }
        }
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Guard<Io> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write(cx, buf);
        self.write_result(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.write_result(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Does nothing: a refusal may still have to be sent. The connection closes the socket.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Watch {
    /// Scans what has not passed yet, the last `fresh` bytes of it just read; so much may pass.
    fn scan(&mut self, bytes: &[u8], fresh: usize) -> usize {
        let scan = self.framer.scan(bytes);
        self.clock.body.moved(fresh);
        if scan.heads > 0 {
            self.flight.released(scan.heads);
            self.clock.head_completed();
        }
        self.flight.set_awaited(self.framer.awaits(scan.pass < bytes.len()));
        if let Some(refusal) = scan.refusal {
            let in_body = self.framer.awaits(false) == Awaited::Body;
            self.stop = Some(if in_body { Stop::Body(refusal) } else { Stop::Head(refusal) });
        }
        scan.pass
    }

    /// What hyper reads after the stop: the end, but not while it would make hyper drop a request that
    /// is still to be answered.
    fn stopped(&mut self, stop: Stop, timeouts: &Timeouts, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answering = !self.flight.is_idle();
        match stop {
            Stop::Body(refusal) => {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, refusal)));
            }
            Stop::Head(_) if answering => {
                self.flight.ask_again();
                return Poll::Pending;
            }
            // A body that was cut short is over at once.
            Stop::PeerEnded if answering && self.framer.awaits(false) != Awaited::Body => {
                let deadline = self.clock.deadline_of_the_last(timeouts);
                self.flight.ask_again();
                ready!(self.clock.alarm.poll(cx, deadline));
            }
            Stop::Head(_) | Stop::Idle | Stop::PeerEnded => {}
        }
        Poll::Ready(Ok(()))
    }
}

impl Held {
    /// Moves good bytes on; true if there were any.
    fn give(&mut self, buf: &mut ReadBuf<'_>) -> bool {
        let here = (self.good - self.passed).min(buf.remaining());
        if here == 0 {
            return false;
        }
        buf.put_slice(&self.bytes[self.passed..self.passed + here]);
        self.passed += here;
        if self.passed == self.good {
            // What remains is the beginning of the next head, if anything; an idle connection keeps no buffer.
            self.bytes = self.bytes.split_off(self.good);
            (self.passed, self.good) = (0, 0);
        }
        true
    }
}

impl Clock {
    fn new(body: Pace) -> Self {
        Self {
            awaited: Awaited::Request,
            since: Some(Instant::now()),
            first: true,
            body,
            alarm: Alarm::default(),
        }
    }

    fn deadline(&mut self, awaited: Awaited, timeouts: &Timeouts, flight: &Flight) -> Instant {
        if self.awaited != awaited {
            self.awaited = awaited;
            // A connection's first request has one deadline, from the accept to the end of its head.
            if !self.first {
                self.since = None;
            }
        }
        match awaited {
            Awaited::Body => self.body.waiting(Instant::now()),
            Awaited::Request if !self.first => flight.answered() + timeouts.idle,
            Awaited::Request | Awaited::Head => *self.since.get_or_insert_with(Instant::now) + timeouts.head,
        }
    }

    /// Until when a peer that has sent its FIN is still answered.
    fn deadline_of_the_last(&mut self, timeouts: &Timeouts) -> Instant {
        *self.since.get_or_insert_with(Instant::now) + timeouts.half_closed
    }

    fn head_completed(&mut self) {
        self.first = false;
        self.since = None;
        self.body.reset();
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
