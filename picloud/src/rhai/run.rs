//! One run, from start to outcome.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use rhai::{Dynamic, Scope};

use super::{
    Shared, answer,
    budget::{self, Run},
    ctx::Ctx,
    failure::{self, Ending},
    interpreter_bytes, no_stack,
    program::Program,
    turns::{Place, Returned},
};
use crate::{
    Code, Failure, FailureLog, Invocation, Outcome, Stats,
    coroutine::{self, Lost, Task},
    surroundings::Surroundings,
};

/// What a run leaves behind that is not worth a look: less than the smallest cycle of values.
const LEAK_SLACK: i64 = 1024;

/// Times its memory limit that a run may reach inside one native operation. Our own natives ask first, and those of the
/// engine take a small multiple of their arguments, but for one: a range of a string that is assigned a container
/// (`text[0..1] = array`), which prints the container without any bound.
const CEILING: u64 = 3;

/// Runs `program` for `invocation`.
pub(super) async fn run(
    shared: &Shared,
    program: Arc<Program>,
    invocation: Invocation,
    started: Instant,
) -> Outcome {
    let limits = &invocation.script.limits;
    if program.leaked.load(Ordering::Relaxed) > limits.memory {
        return Outcome::failed(leaking(&program, limits));
    }
    program.touch();
    let stacks = shared.stacks(limits);
    let ceiling = limits.memory.saturating_mul(CEILING);
    // Kept here until the end, so that what was allocated outside the run is also freed outside it.
    let invocation = Arc::new(invocation);
    let (metered, inside, running) = (shared.metered, invocation.clone(), program.clone());
    let surroundings = shared.surroundings.clone();
    let place = shared.turns.place();
    let _returned = Returned(place.clone());
    let task = Task::new(stacks, interpreter_bytes(), ceiling, move || {
        let (outcome, kept_by_host) = evaluate(&running, inside, surroundings, place, metered, started);
        note_leak(&running, &outcome, kept_by_host);
        outcome
    });
    let ended = match task {
        Ok(task) => task.await,
        Err(error) => return Outcome::failed(no_stack(&error)),
    };
    drop(invocation);
    ended.unwrap_or_else(|lost| {
        if lost == Lost::Abandoned {
            // What it held stays for ever, so it does not run again.
            program.leaked.fetch_add(ceiling, Ordering::Relaxed);
        }
        Outcome::failed(failure::lost(lost))
    })
}

/// The run itself, on its coroutine. Everything that the script made is dropped in here, on this stack: values can be
/// nested so deep that dropping them anywhere else would overflow.
fn evaluate(
    program: &Arc<Program>,
    invocation: Arc<Invocation>,
    surroundings: Surroundings,
    place: Place,
    metered: bool,
    started: Instant,
) -> (Outcome, i64) {
    let run = Run::new(invocation, program.clone(), surroundings, place, metered, started);
    let result = coroutine::set_local(&run, || {
        let mut scope = Scope::new();
        scope.push_constant("ctx", Ctx::new(run.invocation.clone()));
        let evaluate = || program.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &program.ast);
        let value = budget::until_over(|| coroutine::interruptible(evaluate));
        budget::with_run(|run: &Run, frame| match value {
            Ok(_) if run.stopped().is_some() => Err(after_stop(run, frame)),
            Ok(value) => answer::respond(value, run).map_err(|failure| prefer_stop(failure, run, frame)),
            Err(error) => match failure::ending(error, run, frame) {
                Ending::Chosen(error) => error.into_response(run),
                Ending::Failed(failure) => Err(failure),
            },
        })
    });
    let result = result.unwrap_or_else(|| Err(failure::script_error(FailureLog::default())));
    let (logs, logs_dropped) = run.logs.borrow_mut().take();
    let stats = Stats {
        operations: run.operations(),
        wall: run.wall_time(),
        cpu: coroutine::cpu_time(Instant::now()),
        peak_memory: coroutine::peak_bytes(),
    };
    (Outcome { result, logs, logs_dropped, stats }, run.kept_by_host())
}

/// A native that swallowed the termination let the script finish; the stop stands.
fn after_stop(run: &Run, frame: &coroutine::Frame) -> Failure {
    let stop = run.stopped().unwrap_or(budget::Stop::Cancelled);
    failure::stopped(stop, run, frame, None)
}

/// An answer that could not be written because the run had reached a limit is that limit.
fn prefer_stop(failure: Failure, run: &Run, frame: &coroutine::Frame) -> Failure {
    if run.stopped().is_some() { after_stop(run, frame) } else { failure }
}

/// Counts what the run allocated and nobody can free any more: closures that capture themselves (rhai issue 879).
fn note_leak(program: &Program, outcome: &Outcome, kept_by_host: i64) {
    let body = outcome.result.as_ref().map_or(0, |response| response.body().len());
    let left = coroutine::live_bytes() - kept_by_host - i64::try_from(body).unwrap_or(i64::MAX);
    if left <= LEAK_SLACK {
        return;
    }
    // Rarely here: logs, or a failure's text. A copy of them tells what they hold.
    let before = coroutine::live_bytes();
    let copy =
        (outcome.logs.clone(), outcome.result.as_ref().map(|r| r.headers().clone()).map_err(Clone::clone));
    let held = coroutine::live_bytes() - before;
    drop(copy);
    // Vectors grow by doubling, so the original may hold twice what its copy does.
    if let Ok(leaked @ 1..) = u64::try_from(left - 2 * held - LEAK_SLACK) {
        program.leaked.fetch_add(leaked, Ordering::Relaxed);
    }
}

fn leaking(program: &Program, limits: &crate::Limits) -> Failure {
    let message = format!(
        "leak limit: runs of this script have left {} of {} bytes behind that can never be freed, because closures \
         capture themselves or each other; break the circle and save the script again, which starts the count anew",
        program.leaked.load(Ordering::Relaxed),
        limits.memory
    );
    let log = FailureLog { message, ..FailureLog::default() };
    Failure::new(Code::LimitLeak, "The script is stopped because it leaks memory.").with_log(log)
}
