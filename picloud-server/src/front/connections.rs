//! The open connections: how many there may be, in all and per peer, and how they are ended.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};

use super::settings::ConnectionLimits;

/// How long ended connections may take to let go of what they hold.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// Shared by all listeners of a server.
#[derive(Clone, Debug)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// What every connection reads on every poll; the same value as in `phases`.
    phase: AtomicU8,
    phases: watch::Sender<Phase>,
    permits: Arc<Semaphore>,
    limits: ConnectionLimits,
    open: Mutex<Open>,
    none_left: Notify,
}

#[derive(Debug, Default)]
struct Open {
    next_id: u64,
    /// How to reach each connection's task; none until it has run once.
    wakers: HashMap<u64, Option<Waker>>,
    per_peer: HashMap<IpAddr, u32>,
}

/// What connections should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Phase {
    /// Serve.
    Running,
    /// Finish what runs, take nothing new.
    Draining,
    /// End now.
    Ended,
}

impl Connections {
    /// No connection yet.
    pub fn new(limits: ConnectionLimits) -> Self {
        let permits = Arc::new(Semaphore::new(limits.total.min(Semaphore::MAX_PERMITS)));
        let shared = Shared {
            phase: AtomicU8::new(Phase::Running as u8),
            phases: watch::Sender::new(Phase::Running),
            permits,
            limits,
            open: Mutex::default(),
            none_left: Notify::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.shared.open().wakers.len()
    }

    /// What connections should do now.
    pub fn phase(&self) -> Phase {
        *self.shared.phases.borrow()
    }

    /// Waits until connections should no longer be accepted.
    pub async fn closing(&self) {
        let mut phases = self.shared.phases.subscribe();
        // The sender lives in `self`.
        let _ = phases.wait_for(|phase| *phase != Phase::Running).await;
    }

    /// Waits until the last connection may have ended.
    pub async fn ended(&self) {
        let mut phases = self.shared.phases.subscribe();
        // The sender lives in `self`.
        let _ = phases.wait_for(|phase| *phase == Phase::Ended).await;
    }

    /// Stops accepting, lets running requests finish for up to `grace` or until `at_once` is ready,
    /// then ends what is left. True when nothing had to be ended.
    pub async fn drain(&self, grace: Duration, at_once: impl Future<Output = ()>) -> bool {
        self.shared.enter(Phase::Draining);
        let finished = tokio::select! {
            () = self.empty() => true,
            () = tokio::time::sleep(grace) => false,
            () = at_once => false,
        };
        self.shared.enter(Phase::Ended);
        // A task ends at its next poll; one that is stuck in a script cannot be waited for.
        let _ = tokio::time::timeout(LAST_BREATH, self.empty()).await;
        finished
    }

    /// Waits until there is no connection.
    async fn empty(&self) {
        loop {
            let none_left = self.shared.none_left.notified();
            tokio::pin!(none_left);
            none_left.as_mut().enable();
            if self.count() == 0 {
                return;
            }
            none_left.await;
        }
    }

    /// Waits until one more connection may be accepted.
    pub(super) async fn permit(&self) -> OwnedSemaphorePermit {
        let permits = Arc::clone(&self.shared.permits);
        permits.acquire_owned().await.expect("the semaphore is never closed")
    }

    /// Takes a connection in; `None` when its peer has too many already.
    pub(super) fn admit(&self, peer: IpAddr, permit: OwnedSemaphorePermit) -> Option<Ticket> {
        let counted = self.shared.counts(peer).then(|| peer_group(peer));
        let mut open = self.shared.open();
        if let Some(group) = counted {
            let count = open.per_peer.entry(group).or_default();
            if *count >= self.shared.limits.per_peer {
                return None;
            }
            *count += 1;
        }
        let id = open.next_id;
        open.next_id += 1;
        open.wakers.insert(id, None);
        drop(open);
        Some(Ticket { shared: Arc::clone(&self.shared), id, counted, waker: None, _permit: permit })
    }
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::SeqCst);
        self.phases.send_replace(phase);
        for waker in self.open().wakers.values().flatten() {
            waker.wake_by_ref();
        }
    }

    fn counts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        !peer.is_loopback() && !self.limits.trusted.iter().any(|network| network.contains(peer))
    }
}

/// One peer: an IPv4 address, or the /64 that one IPv6 host usually has.
fn peer_group(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((address.to_bits() >> 64 << 64).into()),
        v4 => v4,
    }
}

/// One open connection's place among the others; dropping it frees the place.
#[derive(Debug)]
pub(super) struct Ticket {
    shared: Arc<Shared>,
    id: u64,
    counted: Option<IpAddr>,
    waker: Option<Waker>,
    _permit: OwnedSemaphorePermit,
}

impl Ticket {
    /// What the connection should do now; its task is woken when that changes.
    pub(super) fn phase(&mut self, cx: &Context<'_>) -> Phase {
        // The lock is taken once per connection: a task keeps its waker.
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            self.shared.open().wakers.insert(self.id, self.waker.clone());
        }
        match self.shared.phase.load(Ordering::SeqCst) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Ended,
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.shared.open();
        open.wakers.remove(&self.id);
        if let Some(group) = self.counted
            && let Some(count) = open.per_peer.get_mut(&group)
        {
            *count -= 1;
            if *count == 0 {
                open.per_peer.remove(&group);
            }
        }
        let last = open.wakers.is_empty();
        drop(open);
        if last {
            self.shared.none_left.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn admit(connections: &Connections, peer: &str) -> Option<Ticket> {
        connections.admit(peer.parse().unwrap(), connections.permit().await)
    }

    fn limits(total: usize, per_peer: u32) -> ConnectionLimits {
        ConnectionLimits { total, per_peer, trusted: vec!["10.0.0.0/8".parse().unwrap()] }
    }

    #[tokio::test]
    async fn a_peer_has_so_many_places_and_gets_them_back() {
        let connections = Connections::new(limits(100, 2));
        let first = admit(&connections, "192.0.2.1").await.unwrap();
        let _second = admit(&connections, "::ffff:192.0.2.1").await.unwrap();
        assert!(admit(&connections, "192.0.2.1").await.is_none());
        assert!(admit(&connections, "192.0.2.2").await.is_some());
        drop(first);
        assert!(admit(&connections, "192.0.2.1").await.is_some());
    }

    #[tokio::test]
    async fn one_ipv6_network_is_one_peer_and_trusted_ones_have_no_limit() {
        let connections = Connections::new(limits(100, 1));
        let _one = admit(&connections, "2001:db8::1").await.unwrap();
        assert!(admit(&connections, "2001:db8::2").await.is_none());
        assert!(admit(&connections, "2001:db8:0:1::1").await.is_some());
        for peer in ["127.0.0.1", "127.0.0.1", "10.1.1.1", "10.1.1.1", "::1", "::1"] {
            std::mem::forget(admit(&connections, peer).await.unwrap());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_total_is_waited_for() {
        let connections = Connections::new(limits(1, 10));
        let only = admit(&connections, "192.0.2.1").await.unwrap();
        let wait = tokio::time::timeout(Duration::from_secs(1), connections.permit());
        assert!(wait.await.is_err());
        drop(only);
        let _permit = connections.permit().await;
    }

    #[tokio::test(start_paused = true)]
    async fn draining_ends_with_the_last_connection_or_with_the_grace() {
        let connections = Connections::new(limits(10, 10));
        assert!(connections.drain(Duration::from_secs(30), std::future::pending()).await);

        let connections = Connections::new(limits(10, 10));
        let _stuck = admit(&connections, "192.0.2.1").await.unwrap();
        assert!(!connections.drain(Duration::from_secs(30), std::future::pending()).await);
        assert_eq!(connections.phase(), Phase::Ended);
        connections.closing().await;
    }
}
