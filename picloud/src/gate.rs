//! Bounds how many runs there are at once, without waiting.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Counts runs. Cheap to clone; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<AtomicUsize>);

impl Gate {
    /// Lets one more run in, if there are fewer than `max`.
    pub(crate) fn enter(&self, max: usize) -> Option<Permit<'_>> {
        if self.0.fetch_add(1, Ordering::Relaxed) < max {
            return Some(Permit(self));
        }
        self.0.fetch_sub(1, Ordering::Relaxed);
        None
    }

    /// How many are in.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// One run that was let in; it is out when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Gate);

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gate_lets_nobody_in_until_somebody_leaves() {
        let gate = Gate::default();
        let first = gate.enter(2).unwrap();
        let _second = gate.enter(2).unwrap();
        assert!(gate.enter(2).is_none());
        drop(first);
        assert!(gate.enter(2).is_some());
        assert_eq!(gate.running(), 1);
    }
}
