//! Runs synchronous code as a future: on a stack of its own, suspended where an async call would wait.
//!
//! [`Task`] is a future whose poll resumes a closure on a pooled stack. Inside, [`block_on`] waits for any future by
//! suspending the closure, and [`with_local`] gives the closure's natives a place for their state. This module knows
//! stacks and futures, and nothing of HTTP or Rhai. (Model: the fiber bridge of
//! wasmtime, `crates/wasmtime/src/runtime/fiber.rs`.)
//!
//! # Rules
//! * Dropping a `Task` that waits resumes it once with [`Cancelled`]; from then on nothing in it can wait again, so
//!   its frames leave through their ordinary error paths and run their destructors on their own stack.
//! * A panic on the coroutine ends at its root and becomes [`Lost::Panicked`].
//! * A coroutine that allocates beyond its ceiling, inside code that asks nobody, is *abandoned*: it is parked inside
//!   the allocator for ever, with all that is on its stack, and its task ends as [`Lost::Abandoned`]. That leaks what
//!   it holds, and is the last resort before the process would run out of memory. Only code between [`interruptible`]
//!   and its end is abandoned, because it can hold no lock of anybody else.
//! * The thread-local that names the current coroutine is set at every resume and reset at every suspend, by a guard,
//!   so coroutines nest, and nothing thread-local points into a stack that is parked.
//!
//! # Why the unsafe code is sound
//! The blocks are of three kinds, each with its own note beside it.
//! * *Moving between threads.* A suspended stack may be resumed by another thread, so everything on it must be
//!   `Send`. What can be on it: the closure and its result (bounded `Send`); futures under `block_on` (bounded
//!   `Send`); the state of `with_local` (bounded `Send`); and the frames of the code in between, which is this
//!   crate's `rhai` folder and the engine. The engine is built with its `sync` feature, under which its values are
//!   `Send + Sync`, and it keeps nothing thread-bound across a call of a native or of the progress callback (no
//!   `thread_local!`, no `Rc`; its lock guards are of `std::sync::RwLock`, which is not owned by a thread on Linux,
//!   macOS or Windows 10 and later, where std uses futexes or its own queue).
//! * *Addresses of thread-locals.* The compiler may keep one in a register across a call. Every function that reads
//!   a thread-local, and every poll of a foreign future, is therefore behind `#[inline(never)]`.
//! * *Pointers with erased lifetimes* (the poll context, the frame, the local state): each is written by a guard
//!   that outlives every use, and is only read by the thread that the coroutine is current on.

mod stack;

use std::{
    any::{Any, TypeId},
    cell::Cell,
    future::Future,
    io, mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    ptr::{self, NonNull},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use corosensei::{Coroutine, CoroutineResult, Yielder, stack::DefaultStack, stack::Stack as _};

pub(crate) use self::stack::StackPool;
use crate::meter::Meter;

/// The run has been cancelled: its future was dropped. Leave through ordinary errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cancelled;

/// Why a task has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The closure panicked; holds the panic's text.
    Panicked(String),
    /// The closure allocated beyond its ceiling and will never go on.
    Abandoned,
}

/// What a suspended coroutine waits for.
enum Parked {
    /// Its future's waker.
    Waiting,
    /// Nothing.
    ForEver,
}

/// What a resume tells the coroutine.
enum Resume {
    /// Go on, and poll with this context. Valid until the next suspend.
    Poll(NonNull<Context<'static>>),
    /// Leave.
    Cancel,
}

/// What the coroutine's root returns.
struct Finished<T> {
    result: Result<T, Lost>,
    /// The lowest stack address that was noted.
    deepest: usize,
}

/// A running coroutine, as the code on it sees it. Lives at the root of its own stack.
pub(crate) struct Frame {
    yielder: *const Yielder<Resume, Parked>,
    context: Cell<Option<NonNull<Context<'static>>>>,
    cancelled: Cell<bool>,
    local: Cell<Option<(TypeId, *const ())>>,
    /// The lowest address that the stack may be used to by code that asks.
    floor: usize,
    top: usize,
    meter: *const Meter,
    deepest: Cell<usize>,
    clock: SliceClock,
    /// Whether this may be abandoned.
    interruptible: Cell<bool>,
}

thread_local! {
    static CURRENT: Cell<*const Frame> = const { Cell::new(ptr::null()) };
}

#[inline(never)]
fn swap_current(frame: *const Frame) -> *const Frame {
    CURRENT.replace(frame)
}

#[inline(never)]
fn current() -> Option<NonNull<Frame>> {
    NonNull::new(CURRENT.get().cast_mut())
}

/// Brings the previous current coroutine back.
struct Current {
    previous: *const Frame,
}

impl Drop for Current {
    fn drop(&mut self) {
        swap_current(self.previous);
    }
}

/// A closure on its own stack, as a future.
pub(crate) struct Task<T: Send + 'static> {
    /// `None` once finished.
    coroutine: Option<Coroutine<Resume, Parked, Finished<T>, DefaultStack>>,
    /// Where the coroutine's frame is; null before its first resume.
    frame: *const Frame,
    /// Counts what is allocated while the closure runs.
    meter: Box<Meter>,
    pool: Arc<StackPool>,
}

// SAFETY: see "Moving between threads" in the module's docs. `frame` points into the coroutine's own stack, which
// moves (as ownership, not as memory) with it; `meter` and `pool` are owned. A `Task` is only touched through
// `&mut self`, so by one thread at a time.
unsafe impl<T: Send + 'static> Send for Task<T> {}

impl<T: Send + 'static> Task<T> {
    /// A task that will run `f` when first polled. `interpreter_bytes` of the stack are for code that asks
    /// [`Frame::stack_is_low`]; the rest is for native recursion that cannot ask. Beyond `ceiling` bytes of memory
    /// the task may be abandoned.
    ///
    /// # Errors
    /// No stack could be mapped: the process is out of address space or of mappings (`vm.max_map_count`).
    pub(crate) fn new<F>(
        pool: &Arc<StackPool>,
        interpreter_bytes: usize,
        ceiling: u64,
        f: F,
    ) -> io::Result<Self>
    where
        F: FnOnce() -> T + Send + 'static,
    {
        let stack = pool.take()?.into_inner();
        let top = stack.base().get();
        let floor = top.saturating_sub(interpreter_bytes).max(stack.limit().get());
        let ceiling = i64::try_from(ceiling).unwrap_or(i64::MAX);
        let meter = Box::new(Meter::with_ceiling(ceiling, abandon));
        let counted: *const Meter = &raw const *meter;
        let counted = SendPtr(counted);
        let coroutine =
            Coroutine::with_stack(stack, move |yielder: &Yielder<Resume, Parked>, first: Resume| {
                root(yielder, &first, (floor, top), counted.get(), f)
            });
        Ok(Self { coroutine: Some(coroutine), frame: ptr::null(), meter, pool: pool.clone() })
    }

    /// Runs a task that never waits, on the calling thread. If it does wait, it is cancelled.
    pub(crate) fn finish_without_waiting(mut self) -> Result<T, Lost> {
        match Pin::new(&mut self).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => Err(Lost::Panicked("a task that should not wait waited".into())),
        }
    }

    fn resume(&mut self, with: Resume) -> Option<Finished<T>> {
        let coroutine = self.coroutine.as_mut().expect("a finished task is not resumed");
        let _metered = self.meter.enter();
        let current = Current { previous: swap_current(self.frame) };
        let yielded = coroutine.resume(with);
        self.frame = swap_current(current.previous);
        match yielded {
            CoroutineResult::Yield(Parked::Waiting) => None,
            CoroutineResult::Yield(Parked::ForEver) => {
                // Its stack and all on it stay as they are for the rest of the process.
                mem::forget(self.coroutine.take());
                Some(Finished { result: Err(Lost::Abandoned), deepest: 0 })
            }
            CoroutineResult::Return(finished) => Some(finished),
        }
    }

    /// Takes the stack of a finished or never started coroutine back into the pool.
    fn recycle(&mut self, deepest: usize) {
        let Some(mut coroutine) = self.coroutine.take() else { return };
        // A coroutine that never started is reset here; a finished one is left alone.
        coroutine.force_unwind();
        let stack = coroutine.into_stack();
        let noted = stack.base().get().saturating_sub(deepest);
        // Native recursion between two notes (drop, clone) is as deep as the data, which the meter has seen.
        let unseen = usize::try_from(self.meter.peak()).unwrap_or(usize::MAX).saturating_mul(STACK_PER_BYTE);
        self.pool.give_back(stack, noted.saturating_add(unseen));
    }
}

/// Stack bytes that native recursion (drop, clone) over data takes for each byte of the data, at most.
/// Measured per shape in `docs/architecture.md`; unoptimised frames are several times larger.
pub(crate) const STACK_PER_BYTE: usize = if cfg!(debug_assertions) { 24 } else { 4 };

impl<T: Send + 'static> Unpin for Task<T> {}

impl<T: Send + 'static> Future for Task<T> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let context = NonNull::from(cx).cast::<Context<'static>>();
        match self.resume(Resume::Poll(context)) {
            None => Poll::Pending,
            Some(finished) => {
                self.recycle(finished.deepest);
                Poll::Ready(finished.result)
            }
        }
    }
}

impl<T: Send + 'static> Drop for Task<T> {
    fn drop(&mut self) {
        let Some(coroutine) = &self.coroutine else { return };
        if !coroutine.started() {
            self.recycle(usize::MAX);
        } else if let Some(finished) = self.resume(Resume::Cancel) {
            self.recycle(finished.deepest);
        } else {
            // `block_on` never suspends once cancelled. If it did all the same, dropping the coroutine unwinds it.
            debug_assert!(false, "a cancelled coroutine suspended again");
        }
    }
}

/// A pointer that may move to the coroutine's thread; whoever reads it argues for it.
struct SendPtr<T>(*const T);

// SAFETY: the pointer itself is a number; each dereference has its own argument.
unsafe impl<T> Send for SendPtr<T> {}

impl<T> SendPtr<T> {
    fn get(&self) -> *const T {
        self.0
    }
}

/// The coroutine's outermost function: sets its frame up, and lets no panic through.
fn root<T>(
    yielder: &Yielder<Resume, Parked>,
    first: &Resume,
    (floor, top): (usize, usize),
    meter: *const Meter,
    f: impl FnOnce() -> T,
) -> Finished<T> {
    let frame = Frame {
        yielder,
        context: Cell::new(None),
        cancelled: Cell::new(false),
        local: Cell::new(None),
        floor,
        top,
        meter,
        deepest: Cell::new(usize::MAX),
        clock: SliceClock::start(),
        interruptible: Cell::new(false),
    };
    frame.accept(first);
    // The resumer's guard puts the previous value back, at each suspend and at the end.
    swap_current(&raw const frame);
    let result = catch_unwind(AssertUnwindSafe(f)).map_err(|payload| Lost::Panicked(panic_text(&*payload)));
    Finished { result, deepest: frame.deepest.get() }
}

/// The text of a panic, if it has one.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".into())
}

impl Frame {
    /// Counts what this coroutine allocates.
    #[inline]
    pub(crate) fn meter(&self) -> &Meter {
        // SAFETY: the task owns the boxed meter and drops it after the coroutine (field order), so it outlives this
        // frame; nobody has it mutably.
        unsafe { &*self.meter }
    }

    /// Whether the code that runs here has used up the stack that is meant for it. Also notes how deep it is.
    #[inline]
    pub(crate) fn stack_is_low(&self) -> bool {
        let here = stack_address();
        if here < self.deepest.get() {
            self.deepest.set(here);
        }
        here < self.floor
    }

    /// Bytes of stack in use at the deepest noted point, and bytes that are meant for code that asks.
    pub(crate) fn stack_use(&self) -> (usize, usize) {
        (self.top.saturating_sub(self.deepest.get()), self.top - self.floor)
    }

    /// Processor time so far.
    pub(crate) fn cpu_time(&self) -> Duration {
        self.clock.used(Instant::now())
    }

    /// How long this has run since it was last resumed.
    pub(crate) fn slice_time(&self) -> Duration {
        self.clock.started.get().elapsed()
    }

    fn accept(&self, resume: &Resume) {
        match resume {
            Resume::Poll(context) => self.context.set(Some(*context)),
            Resume::Cancel => {
                self.context.set(None);
                self.cancelled.set(true);
            }
        }
    }

    /// Parks the coroutine until it is resumed.
    fn suspend(&self) -> Result<(), Cancelled> {
        if self.cancelled.get() {
            return Err(Cancelled);
        }
        self.context.set(None);
        self.clock.stop();
        // SAFETY: the yielder is the one `root` was given; it lives as long as the coroutine's stack.
        let resume = unsafe { &*self.yielder }.suspend(Parked::Waiting);
        self.clock.resume();
        self.accept(&resume);
        if self.cancelled.get() { Err(Cancelled) } else { Ok(()) }
    }
}

/// The frame of the coroutine that runs on this thread.
fn frame<'a>() -> Option<&'a Frame> {
    // SAFETY: a current frame lives at the root of the stack that the calling code runs on, so it outlives the
    // caller's frames. The lifetime is chosen by the caller; every caller is in this module and lets no reference
    // escape from the coroutine.
    current().map(|frame| unsafe { frame.as_ref() })
}

/// Waits for `future` by suspending the coroutine that calls.
///
/// # Errors
/// [`Cancelled`] when the run was dropped meanwhile.
///
/// # Panics
/// Outside a coroutine.
pub(crate) fn block_on<F: Future + Send>(future: F) -> Result<F::Output, Cancelled> {
    let frame = frame().expect("block_on is called on a coroutine");
    let mut future = pin!(future);
    loop {
        let Some(context) = frame.context.get() else { return Err(Cancelled) };
        if let Poll::Ready(output) = uninterrupted(|| poll_once(future.as_mut(), context)) {
            return Ok(output);
        }
        frame.suspend()?;
    }
}

/// Never inlined: the future may read thread-locals, and the next poll may be on another thread.
#[inline(never)]
fn poll_once<F: Future>(future: Pin<&mut F>, mut context: NonNull<Context<'static>>) -> Poll<F::Output> {
    // SAFETY: the context was given to the `Task::poll` that resumed us and has not returned yet; nobody else uses
    // it meanwhile. Its lifetime is shortened back to this call.
    future.poll(unsafe { context.as_mut() })
}

/// Runs `f`, which may be abandoned while it does not [wait](block_on).
///
/// For code that holds no lock of others and leaves nothing half-done outside the coroutine's own values.
pub(crate) fn interruptible<T>(f: impl FnOnce() -> T) -> T {
    let frame = frame().expect("interruptible is called on a coroutine");
    let _restore = Restore(&frame.interruptible, frame.interruptible.replace(true));
    f()
}

/// Runs `f`, which will not be abandoned, inside code that may be.
pub(crate) fn uninterrupted<T>(f: impl FnOnce() -> T) -> T {
    let Some(frame) = frame() else { return f() };
    let _restore = Restore(&frame.interruptible, frame.interruptible.replace(false));
    f()
}

/// Puts a value back.
struct Restore<'a, T: Copy>(&'a Cell<T>, T);

impl<T: Copy> Drop for Restore<'_, T> {
    fn drop(&mut self) {
        self.0.set(self.1);
    }
}

/// Called by the meter inside the allocator: parks the current coroutine for ever, if it may be.
#[cold]
fn abandon() {
    if let Some(frame) = frame().filter(|frame| frame.interruptible.get()) {
        loop {
            // SAFETY: the yielder is the one `root` was given; it lives as long as the coroutine's stack. The
            // allocator has not been entered yet, so no lock of it is held. The task never resumes this.
            unsafe { &*frame.yielder }.suspend(Parked::ForEver);
        }
    }
}

/// Lets other tasks of the runtime run, and its I/O be looked at.
///
/// # Errors
/// [`Cancelled`] when the run was dropped meanwhile.
#[cfg(test)]
pub(crate) fn yield_now() -> Result<(), Cancelled> {
    block_on(tokio::task::yield_now())
}

/// Runs `f` with `state` as the coroutine's local state, for [`with_local`].
pub(crate) fn set_local<L: Send + 'static, T>(state: &L, f: impl FnOnce() -> T) -> T {
    let frame = frame().expect("set_local is called on a coroutine");
    let state = Some((TypeId::of::<L>(), ptr::from_ref(state).cast()));
    let _restore = Restore(&frame.local, frame.local.replace(state));
    f()
}

/// Runs `f` on the local state of the current coroutine and on the coroutine itself; `None` outside one, or without
/// state of that type.
#[inline]
pub(crate) fn with_local<L: Send + 'static, T>(f: impl FnOnce(&L, &Frame) -> T) -> Option<T> {
    let frame = frame()?;
    let (kind, state) = frame.local.get()?;
    if kind != TypeId::of::<L>() {
        return None;
    }
    // SAFETY: `set_local` wrote the pointer from a `&L` that it holds until it has put the previous one back, and
    // the type was compared. The coroutine runs on one thread at a time, so the state is not shared.
    Some(f(unsafe { &*state.cast::<L>() }, frame))
}

/// Bytes that the current coroutine holds; 0 outside one.
pub(crate) fn live_bytes() -> i64 {
    frame().map_or(0, |frame| frame.meter().live())
}

/// The most bytes that the current coroutine has held.
pub(crate) fn peak_bytes() -> u64 {
    frame().map_or(0, |frame| frame.meter().peak())
}

/// Processor time of the current coroutine until `now`.
pub(crate) fn cpu_time(now: Instant) -> Duration {
    frame().map_or(Duration::ZERO, |frame| frame.clock.used(now))
}

#[inline]
fn stack_address() -> usize {
    let here = 0_u8;
    (&raw const here) as usize
}

/// Adds up the time that a coroutine is on a processor.
///
/// The first millisecond is measured by the ordinary clock, which is four to ten times cheaper to read. After that
/// each slice is measured by the thread's processor clock, so that a busy machine does not count against a script.
struct SliceClock {
    started: Cell<Instant>,
    /// The thread's processor time when the slice started, where that is measured.
    cpu_started: Cell<Option<Duration>>,
    before: Cell<Duration>,
}

const PRECISE_AFTER: Duration = Duration::from_millis(1);

impl SliceClock {
    fn start() -> Self {
        Self { started: Cell::new(Instant::now()), cpu_started: Cell::new(None), before: Cell::default() }
    }

    fn resume(&self) {
        self.started.set(Instant::now());
        let precise = self.before.get() >= PRECISE_AFTER;
        self.cpu_started.set(if precise { thread_cpu_time() } else { None });
    }

    fn stop(&self) {
        self.before.set(self.used(Instant::now()));
    }

    fn used(&self, now: Instant) -> Duration {
        let wall = now.saturating_duration_since(self.started.get());
        let slice = match self.cpu_started.get() {
            Some(start) => thread_cpu_time().map_or(wall, |now| now.saturating_sub(start)),
            None => wall,
        };
        self.before.get() + slice
    }
}

/// Processor time of the calling thread, where the system tells.
#[cfg(unix)]
fn thread_cpu_time() -> Option<Duration> {
    read_clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[cfg(not(unix))]
fn thread_cpu_time() -> Option<Duration> {
    None
}

/// A clock that is cheap to read and moves in steps of a few milliseconds.
#[cfg(target_os = "linux")]
pub(crate) fn coarse_time() -> Duration {
    read_clock(libc::CLOCK_MONOTONIC_COARSE).unwrap_or_default()
}

#[cfg(unix)]
fn read_clock(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to, for the whole call.
    let status = unsafe { libc::clock_gettime(clock, &raw mut time) };
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    (status == 0).then(|| Duration::new(seconds, nanos))
}

/// A clock that is cheap to read; elsewhere, the ordinary one.
#[cfg(not(target_os = "linux"))]
pub(crate) fn coarse_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// How often the calling thread has given up the processor by itself, where the system tells.
#[cfg(target_os = "linux")]
pub(crate) fn voluntary_switches() -> Option<i64> {
    let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: `usage` is valid to write to; zeroed is a valid `rusage` (integers only), so reading it is sound
    // whether or not the call filled it.
    let (status, usage) =
        unsafe { (libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr()), usage.assume_init()) };
    #[allow(clippy::useless_conversion, reason = "c_long is 32 bits on some targets")]
    (status == 0).then(|| i64::from(usage.ru_nvcsw))
}

/// Not told here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn voluntary_switches() -> Option<i64> {
    None
}

#[cfg(test)]
mod tests;
