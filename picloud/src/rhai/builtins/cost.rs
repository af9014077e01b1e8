//! What native work costs: room is asked for before it is taken, and work is counted while it is done.

use rhai::EvalAltResult;

use crate::rhai::budget;

/// Why a native did not go on; a termination by the budget, or an ordinary script error.
pub(in crate::rhai) type Refusal = Box<EvalAltResult>;
/// What a native gives.
pub(in crate::rhai) type Answer<T> = Result<T, Refusal>;

/// Values nested deeper than this are neither printed, compared nor copied by natives.
pub(in crate::rhai) const MAX_DEPTH: usize = 100;
/// Bytes of native work that count as one operation of the interpreter.
const BYTES_A_STEP: usize = 64;
/// Work and room below this are only added up; the budget hears of them in lumps.
const LUMP: usize = 16 * 1024;
/// What a value takes inside an array.
pub(in crate::rhai) const SLOT: usize = size_of::<rhai::Dynamic>();

/// Asks for `bytes` of room.
pub(in crate::rhai) fn room(bytes: usize) -> Answer<()> {
    #[cfg(test)]
    probe::room(bytes)?;
    // No allocation can be larger; refused here as well, so that a budget without an end cannot lead to a panic.
    let bytes = if bytes > isize::MAX as usize { usize::MAX } else { bytes };
    budget::reserve(bytes)?;
    if bytes == usize::MAX { Err("the result would be too large".into()) } else { Ok(()) }
}

/// Counts `steps` operations.
pub(in crate::rhai) fn steps(steps: usize) -> Answer<()> {
    #[cfg(test)]
    probe::steps(steps)?;
    budget::charge(steps)
}

/// Counts reading or writing `bytes` once.
pub(in crate::rhai) fn work(bytes: usize) -> Answer<()> {
    if bytes < BYTES_A_STEP { Ok(()) } else { steps(bytes / BYTES_A_STEP) }
}

/// Adds up the cost of a loop.
#[derive(Default)]
pub(in crate::rhai) struct Spending {
    room: usize,
    work: usize,
}

impl Spending {
    /// Will take `bytes` of room, and more at the next call.
    pub(in crate::rhai) fn grow(&mut self, bytes: usize) -> Answer<()> {
        self.room = self.room.saturating_add(bytes);
        if self.room < LUMP {
            return Ok(());
        }
        room(std::mem::take(&mut self.room).max(LUMP))
    }

    /// Reads or writes `bytes`.
    pub(in crate::rhai) fn work(&mut self, bytes: usize) -> Answer<()> {
        self.work = self.work.saturating_add(bytes);
        if self.work < LUMP {
            return Ok(());
        }
        steps(std::mem::take(&mut self.work) / BYTES_A_STEP)
    }

    /// Touches one element.
    pub(in crate::rhai) fn step(&mut self) -> Answer<()> {
        self.work(BYTES_A_STEP)
    }

    /// Counts what has been added up and not yet been told.
    pub(in crate::rhai) fn settle(self) -> Answer<()> {
        if self.work == 0 { Ok(()) } else { steps(self.work.div_ceil(BYTES_A_STEP)) }
    }
}

/// A budget for tests of what is asked of it.
#[cfg(test)]
pub(in crate::rhai) mod probe {
    use std::cell::Cell;

    use super::Answer;

    thread_local! {
        static ROOM: Cell<usize> = const { Cell::new(usize::MAX) };
        static STEPS: Cell<usize> = const { Cell::new(usize::MAX) };
        static USED: Cell<usize> = const { Cell::new(0) };
    }

    fn ended(what: &str) -> Box<rhai::EvalAltResult> {
        rhai::EvalAltResult::ErrorTerminated(what.into(), rhai::Position::NONE).into()
    }

    pub(super) fn room(bytes: usize) -> Answer<()> {
        if bytes > ROOM.get() { Err(ended("memory")) } else { Ok(()) }
    }

    pub(super) fn steps(steps: usize) -> Answer<()> {
        USED.set(USED.get().saturating_add(steps));
        if USED.get() > STEPS.get() { Err(ended("operations")) } else { Ok(()) }
    }

    /// Runs `f` with at most `room` bytes at once and `steps` operations in all; gives the operations used as well.
    pub(in crate::rhai) fn with<T>(room: usize, steps: usize, f: impl FnOnce() -> T) -> (T, usize) {
        ROOM.set(room);
        STEPS.set(steps);
        USED.set(0);
        let result = f();
        ROOM.set(usize::MAX);
        STEPS.set(usize::MAX);
        (result, USED.get())
    }
}
