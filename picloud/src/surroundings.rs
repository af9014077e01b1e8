//! Where runs take time and chance from: the system, or a test that says what they are.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::app::unix_millis;

/// The clock and the random numbers of one executor. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Surroundings(Option<Arc<Virtual>>);

/// Time that only moves when it is told to, and numbers that are the same in every run of a test.
struct Virtual {
    now_ms: AtomicI64,
    random: AtomicU64,
}

impl Surroundings {
    /// Milliseconds since 1970 UTC.
    pub(crate) fn now_ms(&self) -> i64 {
        match &self.0 {
            Some(virtual_) => virtual_.now_ms.load(Ordering::Relaxed),
            None => i64::try_from(unix_millis()).unwrap_or(i64::MAX),
        }
    }

    /// Fills `bytes` with random ones.
    ///
    /// # Errors
    /// The system gives none.
    pub(crate) fn fill(&self, bytes: &mut [u8]) -> Result<(), getrandom::Error> {
        let Some(virtual_) = &self.0 else { return getrandom::fill(bytes) };
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&virtual_.next().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }

    /// Lets virtual time pass in place of a wait. `false` where time is real and has to be waited for.
    pub(crate) fn skip(&self, time: Duration) -> bool {
        let Some(virtual_) = &self.0 else { return false };
        virtual_.now_ms.fetch_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
        true
    }
}

#[cfg(feature = "testing")]
impl Surroundings {
    /// Virtual ones: a clock that stands at `now_ms`, and the random numbers that follow from `seed`.
    pub(crate) fn fixed(now_ms: i64, seed: u64) -> Self {
        Self(Some(Arc::new(Virtual { now_ms: now_ms.into(), random: seed.into() })))
    }

    /// Puts a virtual clock to a time.
    pub(crate) fn set_now(&self, ms: i64) {
        self.0.iter().for_each(|virtual_| virtual_.now_ms.store(ms, Ordering::Relaxed));
    }

    /// Begins virtual random numbers anew.
    pub(crate) fn seed(&self, seed: u64) {
        self.0.iter().for_each(|virtual_| virtual_.random.store(seed, Ordering::Relaxed));
    }
}

impl Virtual {
    /// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    fn next(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
