//! Deadlines of a connection: a rate the peer must keep, and a timer that is cheap to move.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The slowest a peer may be while the connection waits for it.
const BYTES_PER_SECOND: u32 = 1024;

/// How far a peer is behind the slowest rate allowed.
#[derive(Debug)]
pub(super) struct Pace {
    stall: Duration,
    debt: Duration,
    waiting_since: Option<Instant>,
}

impl Pace {
    pub(super) fn new(stall: Duration) -> Self {
        Self { stall, debt: Duration::ZERO, waiting_since: None }
    }

    /// The peer keeps us waiting; until when that is fine.
    pub(super) fn waiting(&mut self, now: Instant) -> Instant {
        *self.waiting_since.get_or_insert(now) + self.stall.saturating_sub(self.debt)
    }

    /// The peer moved so many bytes. Costs nothing unless it had kept us waiting.
    pub(super) fn moved(&mut self, bytes: usize) {
        let Some(since) = self.waiting_since.take() else { return };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let worth = Duration::from_secs(1) * bytes / BYTES_PER_SECOND;
        self.debt = (self.debt + since.elapsed()).saturating_sub(worth);
    }

    /// A new message starts without debt.
    pub(super) fn reset(&mut self) {
        self.debt = Duration::ZERO;
        self.waiting_since = None;
    }
}

/// A timer whose deadline usually moves later: it is set again only when it has fired.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    /// Whether it is set and has not fired.
    pub(super) fn is_set(&self) -> bool {
        self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed())
    }

    /// Ready once `deadline` has passed; wakes the task by then.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}
