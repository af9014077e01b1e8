//! Which request it is.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering},
};

use http::Request;

use crate::{RequestId, app::unix_micros};

/// Which request this is, and when it came.
#[derive(Clone, Copy)]
pub(super) struct Named {
    pub(super) id: RequestId,
    pub(super) at: i64,
}

impl Named {
    /// With the id that the server around has given the request in its extensions, or a new one.
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        let at = unix_micros();
        let given = request.extensions().get::<RequestId>().copied();
        Self { id: given.unwrap_or_else(|| new_request_id(at)), at }
    }
}

/// A request id of the time, in microseconds, and of pseudo-random bits. Ids need not be secret.
pub(super) fn new_request_id(at: i64) -> RequestId {
    let at = u64::try_from(at).unwrap_or_default();
    // The 12 bits after the milliseconds are those of a finer clock (RFC 9562, 6.2, method 3): ids are in order.
    let fraction = u16::try_from(at % 1000 * 4096 / 1000).unwrap_or_default();
    let mut rest = [0; 10];
    rest[..2].copy_from_slice(&fraction.to_be_bytes());
    rest[2..].copy_from_slice(&random_bits().to_le_bytes());
    RequestId::from_parts(at / 1000, rest)
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014), a stream per thread.
fn random_bits() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(random_seed());
    }
    let next = |state: &Cell<u64>| {
        state.set(state.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        state.get()
    };
    // While the thread ends there is no stream any more.
    let mut z = STATE.try_with(next).unwrap_or_else(|_| random_seed());
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn random_seed() -> u64 {
    /// Keeps streams apart even where the system gives no random numbers.
    static STREAM: AtomicU64 = AtomicU64::new(0);
    let mut seed = [0; 8];
    // Without random numbers the ids still differ, by time and stream.
    let _ = getrandom::fill(&mut seed);
    u64::from_le_bytes(seed).wrapping_add(STREAM.fetch_add(1, Ordering::Relaxed) << 32)
}
