//! Counts the bytes that one run holds: a `GlobalAlloc` wrapper which the binary installs.
//!
//! A library owns no global, so `picloud` only offers [`MeteredAlloc`]; a program installs it in two lines:
//!
//! ```
//! #[global_allocator]
//! static ALLOC: picloud::MeteredAlloc<std::alloc::System> = picloud::MeteredAlloc(std::alloc::System);
//! # fn main() { assert!(picloud::MeteredAlloc::<std::alloc::System>::is_installed()); }
//! ```
//!
//! Without it scripts still run, under Rhai's own size limits, which are coarser and slower (`docs/embedding.md`).
//!
//! # Why the unsafe code is sound
//! * The allocator's contract is that of the wrapped allocator: every call is passed on unchanged, and only its
//!   result is looked at.
//! * The thread-local pointer to the current [`Meter`] is set by [`Scope`] and reset by its `Drop`; while it is set,
//!   the meter is borrowed by the scope and so alive. Only this thread reads it, so its counters are plain `Cell`s.
//! * The thread-local is const-initialised and has no destructor: reading it can neither allocate nor fail, even
//!   while the thread ends.

use std::{
    alloc::{GlobalAlloc, Layout},
    cell::Cell,
    marker::PhantomData,
    ptr,
};

thread_local! {
    static CURRENT: Cell<*const Meter> = const { Cell::new(ptr::null()) };
}

/// Bytes held by one run.
#[derive(Debug)]
pub(crate) struct Meter {
    live: Cell<i64>,
    peak: Cell<i64>,
    /// Called before an allocation that would take `live` above this.
    ceiling: i64,
    above_ceiling: fn(),
}

impl Default for Meter {
    fn default() -> Self {
        Self::with_ceiling(i64::MAX, || {})
    }
}

impl Meter {
    /// A meter that calls `above` before any allocation that would make it count more than `ceiling` bytes. What is
    /// called runs inside the allocator: it may switch stacks, but neither allocate nor unwind.
    pub(crate) fn with_ceiling(ceiling: i64, above: fn()) -> Self {
        Self { live: Cell::new(0), peak: Cell::new(0), ceiling, above_ceiling: above }
    }

    /// Bytes held now: allocated minus freed while this meter was current. Negative where a run freed more than it
    /// allocated, such as the request body that was made for it.
    pub(crate) fn live(&self) -> i64 {
        self.live.get()
    }

    /// The most bytes held so far.
    #[cfg(any(test, feature = "rhai"))]
    pub(crate) fn peak(&self) -> u64 {
        u64::try_from(self.peak.get()).unwrap_or(0)
    }

    /// Makes this the meter of the current thread until the scope is dropped.
    pub(crate) fn enter(&self) -> Scope<'_> {
        Scope { previous: swap_current(self), meter: PhantomData }
    }

    fn add(&self, bytes: usize) {
        // A layout never exceeds isize::MAX, so the cast keeps the value.
        let live = self.live.get() + bytes as i64;
        if live > self.peak.get() {
            if live > self.ceiling {
                (self.above_ceiling)();
            }
            self.peak.set(live);
        }
        self.live.set(live);
    }

    fn sub(&self, bytes: usize) {
        self.live.set(self.live.get() - bytes as i64);
    }
}

/// While this lives, its meter counts what the thread allocates; dropping it brings the previous meter back.
pub(crate) struct Scope<'a> {
    previous: *const Meter,
    /// Keeps the meter borrowed, and the scope on its thread (a `*const` is not `Send`).
    meter: PhantomData<(&'a Meter, *const ())>,
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        swap_current(self.previous);
    }
}

/// Never inlined: code on a coroutine may go on on another thread, and the compiler must not keep the address of a
/// thread-local across the switch.
#[inline(never)]
fn swap_current(meter: *const Meter) -> *const Meter {
    CURRENT.replace(meter)
}

/// Never inlined, for the same reason as [`swap_current`].
#[inline(never)]
fn current() -> *const Meter {
    CURRENT.get()
}

/// Wraps an allocator so that the memory of each run is counted.
///
/// Costs one thread-local read per call, and an addition while a script runs.
#[derive(Debug, Default, Clone, Copy)]
pub struct MeteredAlloc<A>(
    /// The allocator that does the work.
    pub A,
);

impl<A> MeteredAlloc<A> {
    /// Whether the program that runs has some `MeteredAlloc` as its global allocator.
    #[must_use]
    pub fn is_installed() -> bool {
        installed()
    }
}

/// Whether allocations are counted at all: tried out with one allocation.
pub(crate) fn installed() -> bool {
    let meter = Meter::default();
    let scope = meter.enter();
    let probe = std::hint::black_box(Box::new([0_u8; 64]));
    let seen = meter.live() > 0;
    drop(probe);
    drop(scope);
    seen
}

// SAFETY: every method hands its arguments to the wrapped allocator unchanged and returns its result unchanged, so
// whatever `A` guarantees holds for `MeteredAlloc<A>`. Counting neither allocates nor unwinds, and happens before the
// call, so that what is called above the ceiling finds the allocator at rest.
unsafe impl<A: GlobalAlloc> GlobalAlloc for MeteredAlloc<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(|meter| meter.add(layout.size()));
        // SAFETY: the caller keeps `alloc`'s contract, which is the same.
        let block = unsafe { self.0.alloc(layout) };
        if block.is_null() {
            count(|meter| meter.sub(layout.size()));
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(|meter| meter.add(layout.size()));
        // SAFETY: as above.
        let block = unsafe { self.0.alloc_zeroed(layout) };
        if block.is_null() {
            count(|meter| meter.sub(layout.size()));
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(|meter| meter.sub(layout.size()));
        // SAFETY: as above.
        unsafe { self.0.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(|meter| {
            meter.sub(layout.size());
            meter.add(new_size);
        });
        // SAFETY: as above.
        let moved = unsafe { self.0.realloc(block, layout, new_size) };
        if moved.is_null() {
            count(|meter| {
                meter.sub(new_size);
                meter.add(layout.size());
            });
        }
        moved
    }
}

/// Runs `f` on the current meter, if there is one.
#[inline]
fn count(f: impl FnOnce(&Meter)) {
    let meter = current();
    if !meter.is_null() {
        // SAFETY: a non-null pointer was set by a `Scope` of this thread that has not been dropped; the scope
        // borrows the meter, so it is alive, and only this thread touches it now.
        f(unsafe { &*meter });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_only_while_entered_and_only_the_innermost() {
        assert!(installed(), "the unit tests install the meter");
        let (outer, inner) = (Meter::default(), Meter::default());
        let outer_scope = outer.enter();
        let kept = std::hint::black_box(vec![0_u8; 1000]);
        {
            let _inner_scope = inner.enter();
            drop(std::hint::black_box(vec![0_u8; 5000]));
        }
        drop(outer_scope);
        drop(std::hint::black_box(vec![0_u8; 7000]));
        assert_eq!((outer.live(), outer.peak()), (1000, 1000));
        assert_eq!((inner.live(), inner.peak()), (0, 5000));
        drop(kept);
    }

    #[test]
    fn the_ceiling_is_told_before_it_is_passed() {
        static TOLD: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let meter = Meter::with_ceiling(1000, || {
            TOLD.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let scope = meter.enter();
        drop(std::hint::black_box(vec![0_u8; 1000]));
        assert_eq!(TOLD.load(std::sync::atomic::Ordering::Relaxed), 0);
        drop(std::hint::black_box(vec![0_u8; 1001]));
        drop(scope);
        assert_eq!(TOLD.load(std::sync::atomic::Ordering::Relaxed), 1);
    }

    #[test]
    fn growing_in_place_counts_the_difference() {
        let meter = Meter::default();
        let scope = meter.enter();
        let mut bytes = Vec::<u8>::with_capacity(100);
        bytes.reserve_exact(300);
        std::hint::black_box(&bytes);
        drop(scope);
        assert_eq!(meter.live(), 300);
    }
}
