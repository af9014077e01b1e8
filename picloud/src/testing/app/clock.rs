//! The clock that scripts under test see.

use std::time::Duration;

use crate::surroundings::Surroundings;

/// The clock that scripts under test see. It stands still but for [`advance`](Self::advance), [`set`](Self::set), and
/// the sleeping of scripts.
#[derive(Clone)]
pub struct TestClock(pub(super) Surroundings);

impl TestClock {
    /// Milliseconds since 1970 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.0.skip(time);
    }

    /// Puts the clock to a time, in milliseconds since 1970 UTC.
    pub fn set(&self, ms: i64) {
        self.0.set_now(ms);
    }
}
