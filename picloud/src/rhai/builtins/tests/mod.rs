//! The built-in functions against Rhai's own ones, and against scripts that mean harm.

use rhai::{Dynamic, Engine, EvalAltResult};

use super::cost::probe;

mod differential;
mod hostile;

/// An engine with our functions.
fn ours() -> Engine {
    let mut engine = Engine::new_raw();
    super::register(&mut engine);
    engine
}

/// Runs `script` with 16 MiB at once and five million operations.
fn run(script: &str) -> Result<Dynamic, Box<EvalAltResult>> {
    probe::with(16 << 20, 5_000_000, || ours().eval(script)).0
}

/// Whether the run was ended, and not just given an error that it may catch.
#[track_caller]
fn assert_ended(script: &str) {
    let started = std::time::Instant::now();
    let result = run(script);
    assert!(started.elapsed().as_secs() < 20, "too slow: {script}");
    let error = result.expect_err(script);
    let inner = innermost(*error);
    assert!(matches!(inner, EvalAltResult::ErrorTerminated(..)), "{script}: {inner}");
}

/// An error that the script may catch, with `text` in it.
#[track_caller]
fn assert_error(script: &str, text: &str) {
    let error = run(script).expect_err(script);
    assert!(error.is_catchable(), "{script}: {error}");
    assert!(error.to_string().contains(text), "{script}: {error}");
}

fn innermost(error: EvalAltResult) -> EvalAltResult {
    match error {
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => innermost(*inner),
        other => other,
    }
}
