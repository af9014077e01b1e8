//! What a run has used and may still use: counts steps, time, memory and stack, and ends the run for good.

use std::{
    cell::{Cell, OnceCell, RefCell},
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use rhai::{Dynamic, EvalAltResult, Position};
use tokio::sync::watch;

use super::{ctx::Parts, logs::Logs, program::Program, turns::Place};
use crate::{
    Code, Invocation, Limits,
    coroutine::{self, Cancelled, Frame, panic_text},
    surroundings::Surroundings,
};

type Refusal = Box<EvalAltResult>;

/// Steps between two looks at the coarse clock (about 5 ns a look).
const LOOK_EVERY: u64 = 4;
/// Steps before the first look: many a run is over by then.
const FIRST_LOOK: u64 = 32;
/// Steps between two looks at the exact clock (about 25 ns a look), unless the coarse one has moved.
const LOOK_CLOSELY_EVERY: u64 = 64;
/// A run lets others have the thread after this long.
const SLICE: Duration = Duration::from_micros(100);
/// Turns that others get, at most, after a step that took longer than a slice.
const MOST_SLICES: u128 = 100;
/// The engine answers a conflict over a captured value by sleeping five times 10 ms on the thread. A step that took
/// this long, with that many voluntary switches, is one.
const STALL: Duration = Duration::from_millis(35);
const STALL_SWITCHES: i64 = 4;

/// Bytes in which no value fits that prints as more than some megabytes, however it repeats itself.
const HARMLESS: i64 = 32 * 1024;

/// Why a run was ended. The first reason stands, whatever error arrives in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    WallTime,
    CpuTime,
    Operations,
    Memory,
    Stack,
    /// Captured values that fight over themselves, each time holding the thread.
    Stall,
    Cancelled,
}

impl Stop {
    pub(super) fn code(self) -> Code {
        match self {
            Self::WallTime => Code::LimitWallTime,
            Self::CpuTime => Code::LimitCpuTime,
            Self::Operations => Code::LimitOperations,
            Self::Memory => Code::LimitMemory,
            Self::Stack => Code::LimitStack,
            Self::Stall | Self::Cancelled => Code::ScriptError,
        }
    }
}

/// State of one run. Lives on the run's coroutine; natives reach it through [`with_run`].
pub(super) struct Run {
    pub(super) invocation: Arc<Invocation>,
    pub(super) program: Arc<Program>,
    pub(super) surroundings: Surroundings,
    place: Place,
    /// What has been computed of `ctx`.
    pub(super) parts: Parts,
    pub(super) logs: RefCell<Logs>,
    /// Whether memory is counted at all.
    metered: bool,
    started: Instant,
    /// Comes nearer when virtual time is skipped.
    deadline: Cell<Instant>,
    /// Virtual time that was skipped, which counts as waited for.
    skipped: Cell<Duration>,
    operations: Cell<u64>,
    /// When to look at the clocks next; 0 once stopped, so that every step looks.
    next_look: Cell<u64>,
    next_close_look: Cell<u64>,
    /// The coarse clock at the last look of this slice.
    coarse: Cell<Option<Duration>>,
    stop: Cell<Option<Stop>>,
    /// The thread's voluntary switches at the start of the slice; only counted after a first suspicion.
    switches: Cell<Option<i64>>,
    suspected: Cell<bool>,
    /// Bytes that the host's own code has allocated and not freed while it ran for this run.
    kept_by_host: Cell<i64>,
    /// Dropped with the run, which tells those who wait for its end. Made for the first of them.
    over: OnceCell<watch::Sender<()>>,
}

impl Run {
    pub(super) fn new(
        invocation: Arc<Invocation>,
        program: Arc<Program>,
        surroundings: Surroundings,
        place: Place,
        metered: bool,
        started: Instant,
    ) -> Self {
        let limits = &invocation.script.limits;
        Self {
            parts: Parts::default(),
            logs: RefCell::new(Logs::new(limits)),
            surroundings,
            place,
            metered,
            started,
            deadline: Cell::new(started + limits.wall_time()),
            skipped: Cell::default(),
            operations: Cell::new(0),
            next_look: Cell::new(FIRST_LOOK),
            next_close_look: Cell::new(LOOK_CLOSELY_EVERY),
            coarse: Cell::new(None),
            stop: Cell::new(None),
            switches: Cell::new(None),
            suspected: Cell::new(false),
            kept_by_host: Cell::new(0),
            over: OnceCell::new(),
            invocation,
            program,
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.invocation.script.limits
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline.get()
    }

    /// What is closed when the run has ended.
    pub(super) fn over(&self) -> watch::Receiver<()> {
        self.over.get_or_init(|| watch::Sender::new(())).subscribe()
    }

    pub(super) fn operations(&self) -> u64 {
        self.operations.get()
    }

    pub(super) fn wall_time(&self) -> Duration {
        self.started.elapsed() + self.skipped.get()
    }

    pub(super) fn kept_by_host(&self) -> i64 {
        self.kept_by_host.get()
    }

    pub(super) fn stopped(&self) -> Option<Stop> {
        self.stop.get()
    }

    /// One step of the interpreter.
    #[inline]
    fn step(&self, frame: &Frame) -> Result<(), Stop> {
        let operations = self.operations.get() + 1;
        self.operations.set(operations);
        if operations < self.next_look.get() && !frame.stack_is_low() && !self.over_memory(frame, 0) {
            return Ok(());
        }
        self.look(frame, operations)
    }

    /// Without a meter it is the operations that bound how deep data can be, and the stacks are made for the default.
    fn max_operations(&self) -> u64 {
        let set = self.limits().operations;
        if self.metered { set } else { set.min(Limits::default().operations) }
    }

    fn over_memory(&self, frame: &Frame, more: u64) -> bool {
        let live = u64::try_from(frame.meter().live()).unwrap_or(0);
        live.saturating_add(more) > self.limits().memory
    }

    /// Looks at every limit, and gives the thread away when the slice is over.
    #[cold]
    fn look(&self, frame: &Frame, operations: u64) -> Result<(), Stop> {
        if let Some(stop) = self.stop.get() {
            return Err(stop);
        }
        if frame.stack_is_low() {
            return Err(self.end(Stop::Stack));
        }
        if self.over_memory(frame, 0) {
            return Err(self.end(Stop::Memory));
        }
        if operations > self.max_operations() {
            return Err(self.end(Stop::Operations));
        }
        self.next_look.set(operations + LOOK_EVERY);
        let coarse = coroutine::coarse_time();
        let passed =
            self.coarse.replace(Some(coarse)).map_or(Duration::ZERO, |last| coarse.saturating_sub(last));
        if passed >= STALL {
            self.look_for_stall()?;
        }
        if passed.is_zero() && operations < self.next_close_look.get() {
            return Ok(());
        }
        self.next_close_look.set(operations + LOOK_CLOSELY_EVERY);
        self.look_at_time(frame)
    }

    fn look_at_time(&self, frame: &Frame) -> Result<(), Stop> {
        if frame.slice_time() < SLICE {
            return Ok(());
        }
        if frame.cpu_time() > self.limits().cpu_time() {
            return Err(self.end(Stop::CpuTime));
        }
        if Instant::now() >= self.deadline.get() {
            return Err(self.end(Stop::WallTime));
        }
        // A step may take much longer than a slice; who took more than one lets the others have as many.
        let slices = (frame.slice_time().as_micros() / SLICE.as_micros()).clamp(1, MOST_SLICES);
        for _ in 0..slices {
            self.place.pass().map_err(|Cancelled| self.end(Stop::Cancelled))?;
        }
        self.start_slice();
        if Instant::now() >= self.deadline.get() { Err(self.end(Stop::WallTime)) } else { Ok(()) }
    }

    /// After a suspend: time that others had is not ours, and the thread may be another one.
    fn start_slice(&self) {
        self.coarse.set(Some(coroutine::coarse_time()));
        if self.suspected.get() {
            self.switches.set(coroutine::voluntary_switches());
        }
    }

    /// A step took long. Either the machine is busy, or the engine slept (see [`STALL`]). The first time only
    /// raises a suspicion, because nothing had been counted before; after that the switches tell the two apart.
    fn look_for_stall(&self) -> Result<(), Stop> {
        let now = coroutine::voluntary_switches();
        let before = self.switches.replace(now);
        self.suspected.set(true);
        match (before, now) {
            (Some(before), Some(now)) if now - before >= STALL_SWITCHES => Err(self.end(Stop::Stall)),
            _ => Ok(()),
        }
    }

    /// Ends the run for good.
    pub(super) fn end(&self, stop: Stop) -> Stop {
        let first = self.stop.get().unwrap_or(stop);
        self.stop.set(Some(first));
        self.next_look.set(0);
        first
    }
}

/// Runs `f` on the run that the calling code belongs to; `None` outside one, such as while a script is compiled.
pub(super) fn with_run<T>(f: impl FnOnce(&Run, &Frame) -> T) -> Option<T> {
    coroutine::with_local(f)
}

/// Runs `f` on the run that the calling native belongs to.
///
/// # Errors
/// Outside a run.
pub(super) fn try_run<T>(f: impl FnOnce(&Run, &Frame) -> Result<T, Refusal>) -> Result<T, Refusal> {
    with_run(f).unwrap_or_else(|| Err("this function only works while a script runs".into()))
}

/// Where the calling native takes time and chance from.
pub(super) fn surroundings() -> Surroundings {
    with_run(|run, _| run.surroundings.clone()).unwrap_or_default()
}

/// What the engine calls at every step. Its argument is not used: it goes back after each callback.
///
/// A run that is over leaves by an ordinary error, which knows the place in the script, as long as it holds little.
/// Where it holds more it is unwound at once: the engine drops the error of the step before it prints a value into a
/// string, and then prints it by itself without any bound.
pub(super) fn on_progress(_: u64) -> Option<Dynamic> {
    match with_run(|run, frame| (run.step(frame), run.metered && frame.meter().live() < HARMLESS)) {
        Some((Err(_), true)) => Some(Dynamic::UNIT),
        Some((Err(_), false)) => resume_unwind(Box::new(Over)),
        _ => None,
    }
}

/// The payload of the unwinding that ends a run. Nothing is printed: it is no panic of anybody's code.
struct Over;

/// Evaluates, and catches the end of the run, and panics of host functions.
///
/// # Errors
/// The run is over, by a limit or by an error of the script.
pub(super) fn until_over<T>(evaluate: impl FnOnce() -> Result<T, Refusal>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(evaluate)).unwrap_or_else(|payload| {
        if payload.is::<Over>() {
            return Err(terminated());
        }
        Err(format!("a host function panicked: {}", panic_text(&*payload)).into())
    })
}

/// The error that ends the engine's evaluation. No `try` catches it, and if one did, the next step would fail again.
fn terminated() -> Refusal {
    Box::new(EvalAltResult::ErrorTerminated(Dynamic::UNIT, Position::NONE))
}

/// Asks to hold `bytes` more.
///
/// # Errors
/// The run may not: it is over.
pub(super) fn reserve(bytes: usize) -> Result<(), Refusal> {
    let granted = with_run(|run, frame| {
        if run.stopped().is_some() || run.over_memory(frame, bytes as u64) {
            run.end(Stop::Memory);
            return false;
        }
        true
    });
    if granted.unwrap_or(true) { Ok(()) } else { Err(terminated()) }
}

/// Counts `steps` of native work, and gives the thread away when the slice is over.
///
/// # Errors
/// The run has reached a limit: it is over.
pub(super) fn charge(steps: usize) -> Result<(), Refusal> {
    let allowed = with_run(|run, frame| {
        let operations = run.operations.get().saturating_add(steps as u64);
        run.operations.set(operations);
        if operations < run.next_look.get() && !frame.stack_is_low() {
            Ok(())
        } else {
            run.look(frame, operations)
        }
    });
    if matches!(allowed, Some(Err(_))) { Err(terminated()) } else { Ok(()) }
}

/// Runs code of the host for the run: it is never abandoned, since it may hold locks, and what it keeps is not the run's
/// leak.
pub(super) fn on_behalf<T>(f: impl FnOnce() -> T) -> T {
    let before = coroutine::live_bytes();
    let result = coroutine::uninterrupted(f);
    note_kept_by_host(before);
    result
}

/// What the host's code has allocated since `before` may be its own: a pooled connection, a message on its way.
fn note_kept_by_host(before: i64) {
    with_run(|run, frame| {
        let kept = frame.meter().live().saturating_sub(before).max(0);
        run.kept_by_host.set(run.kept_by_host.get().saturating_add(kept));
    });
}

/// Waits for `future` without holding a thread, at most until the run's deadline.
///
/// # Errors
/// The deadline came first, or the run was cancelled: it is over. Or there is no run.
pub(super) fn wait<F: Future + Send>(future: F) -> Result<F::Output, Refusal> {
    try_run(|run, _| {
        if run.stopped().is_some() {
            return Err(terminated());
        }
        run.place.give_back();
        let before = coroutine::live_bytes();
        let waited = coroutine::block_on(tokio::time::timeout_at(run.deadline.get().into(), future));
        note_kept_by_host(before);
        run.start_slice();
        match waited {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(_)) => {
                run.end(Stop::WallTime);
                Err(terminated())
            }
            Err(Cancelled) => {
                run.end(Stop::Cancelled);
                Err(terminated())
            }
        }
    })
}

/// Waits for `time`, at most until the run's deadline; virtual time passes at once.
///
/// # Errors
/// As [`wait`].
pub(super) fn sleep(time: Duration) -> Result<(), Refusal> {
    let skipped = try_run(|run, _| {
        let left = run.deadline.get().saturating_duration_since(Instant::now());
        let passing = time.min(left);
        if run.stopped().is_some() || !run.surroundings.skip(passing) {
            return Ok(false);
        }
        run.skipped.set(run.skipped.get() + passing);
        run.deadline.set(run.deadline.get() - passing);
        if time > left {
            run.end(Stop::WallTime);
            return Err(terminated());
        }
        Ok(true)
    })?;
    if skipped { wait(tokio::task::yield_now()) } else { wait(tokio::time::sleep(time)) }
}

/// What a stop tells the log: the limit, its value, what was used, and where to change it.
pub(super) fn explain(stop: Stop, run: &Run, frame: &Frame) -> String {
    let limits = run.limits();
    let change = |name: &str| {
        format!(
            "raise `{name}` in the limits of the script, the app or the server (docs/operating.md), or do less in one run"
        )
    };
    match stop {
        Stop::WallTime => format!(
            "wall time limit: the run took {:?} of {} ms; {}",
            run.wall_time(),
            limits.wall_time_ms,
            change("wall_time_ms")
        ),
        Stop::CpuTime => format!(
            "CPU time limit: the run used {:?} of {} ms; {}",
            frame.cpu_time(),
            limits.cpu_time_ms,
            change("cpu_time_ms")
        ),
        Stop::Operations => format!(
            "operation limit: the run took {} of {} operations; {}",
            run.operations(),
            limits.operations,
            change("operations")
        ),
        Stop::Memory if run.metered => format!(
            "memory limit: the run held {} of {} bytes and asked for more; {}",
            frame.meter().peak(),
            limits.memory,
            change("memory")
        ),
        Stop::Memory => format!(
            "memory limit: one value would have more than {} bytes; {}",
            limits.memory,
            change("memory")
        ),
        Stop::Stack => {
            let (used, of) = frame.stack_use();
            format!(
                "stack limit: calls or data were nested so deep that {used} of {of} stack bytes were used; nest less, \
                 or lower `call_depth` to see which function recurses"
            )
        }
        Stop::Stall => {
            "a value captured by a closure was used while something else was changing it (a data race); \
                        copy it into a variable of its own before the call"
                .to_owned()
        }
        Stop::Cancelled => "the run was cancelled: the caller went away".to_owned(),
    }
}
