//! The numbers of the HTTP front.

use std::sync::Arc;
use std::time::Duration;

use super::network::Network;

/// What one request head may be.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of the whole head: 16 KiB; [`HeadLimits::HARD_MAX`] at most.
    pub head: usize,
    /// Bytes of the request target: 8 KiB.
    pub target: usize,
    /// Header lines: 100, which is also the most that hyper is told to take.
    pub headers: usize,
}

impl HeadLimits {
    /// No setting allows a larger head.
    pub const HARD_MAX: usize = 32 * 1024;
    /// No setting allows more header lines.
    pub const HEADERS_MAX: usize = 100;

    /// The same limits, none above its hard maximum.
    #[must_use]
    pub fn clamped(self) -> Self {
        let head = self.head.clamp(1024, Self::HARD_MAX);
        Self { head, target: self.target.min(head), headers: self.headers.min(Self::HEADERS_MAX) }
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { head: 16 * 1024, target: 8 * 1024, headers: Self::HEADERS_MAX }
    }
}

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the first byte of a head (for the first request: from the accept) to its last: 10 s.
    pub head: Duration,
    /// Without any byte between two requests: 60 s.
    pub idle: Duration,
    /// Behind a rate of 1 KiB/s while the body is awaited: 30 s.
    pub body_stall: Duration,
    /// Behind a rate of 1 KiB/s while the peer does not take the answer: 30 s.
    pub write_stall: Duration,
    /// From the peer's FIN until its running request is dropped: 1 s.
    pub half_closed: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body_stall: Duration::from_secs(30),
            write_stall: Duration::from_secs(30),
            half_closed: Duration::from_secs(1),
        }
    }
}

/// How many connections may be open.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// In all: 8,192. Further ones wait in the kernel's queue.
    pub total: usize,
    /// From one IPv4 address or IPv6 /64: 256. Further ones are closed at once.
    pub per_peer: u32,
    /// Peers without a limit of their own, such as a reverse proxy. Loopback always is one.
    pub trusted: Vec<Network>,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self { total: 8192, per_peer: 256, trusted: Vec::new() }
    }
}

/// Everything one listener needs to know.
#[derive(Clone, Debug)]
pub struct FrontSettings {
    /// What a request head may be.
    pub head: HeadLimits,
    /// How long a peer may take.
    pub timeouts: Timeouts,
    /// Peers that are believed when they say for whom they send a request: none.
    pub trusted_proxies: Arc<[Network]>,
    /// Send small packets at once. Without it an answer may wait for the peer's delayed ACK.
    pub nodelay: bool,
    /// Send head and body as two buffers in one call (`Some(true)`), copied into one (`Some(false)`),
    /// or as hyper finds best.
    pub writev: Option<bool>,
}

impl Default for FrontSettings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            timeouts: Timeouts::default(),
            trusted_proxies: Arc::default(),
            nodelay: true,
            writev: None,
        }
    }
}
