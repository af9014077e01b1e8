//! Turns on the processors, for runs that have used up a slice.
//!
//! Short runs never come here. Of the long ones only as many as [`PER_PROCESSOR`] allows are in the runtime's queue at
//! once; the others wait in a line of their own, first in, first out. So whatever is new, a short run, a refusal, a
//! request to the admin API, waits behind a few slices and not behind one of every run there is.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::available_parallelism,
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::coroutine::{self, Cancelled};

/// Enough to keep a worker busy while the next in line is woken.
const PER_PROCESSOR: usize = 2;

/// The turns that an executor has to give.
#[derive(Clone)]
pub(super) struct Turns(Arc<Semaphore>);

impl Turns {
    pub(super) fn new() -> Self {
        let processors = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(processors * PER_PROCESSOR)))
    }

    /// A run's place, still without a turn.
    pub(super) fn place(&self) -> Place {
        Place(Arc::new(Seat { all: self.0.clone(), mine: Mutex::default() }))
    }
}

/// Where a run keeps its turn. Clones keep the same one: the run's own may be lost with its stack.
#[derive(Clone)]
pub(super) struct Place(Arc<Seat>);

struct Seat {
    all: Arc<Semaphore>,
    mine: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Place {
    /// Lets others run, and waits for the next turn. For use on the run's coroutine.
    ///
    /// # Errors
    /// The run was cancelled meanwhile.
    pub(super) fn pass(&self) -> Result<(), Cancelled> {
        self.give_back();
        let turn = coroutine::block_on(async {
            // Even with nobody in line the runtime looks at its I/O.
            tokio::task::yield_now().await;
            self.0.all.clone().acquire_owned().await
        })?;
        // The semaphore is never closed; without a turn the run would only be less patient.
        *self.0.mine.lock().unwrap_or_else(PoisonError::into_inner) = turn.ok();
        Ok(())
    }

    /// Gives the turn to the next in line, because the run waits for something else or is over.
    pub(super) fn give_back(&self) {
        let turn = self.0.mine.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(turn);
    }
}

/// Gives a run's turn back at its end, however it ends.
pub(super) struct Returned(pub(super) Place);

impl Drop for Returned {
    fn drop(&mut self) {
        self.0.give_back();
    }
}
