//! What natives ask before they allocate or loop. STUB for parallel work: replaced by the real one.

use rhai::EvalAltResult;

/// Refuses, for good, to hold `bytes` more than the run may.
pub(super) fn reserve(bytes: usize) -> Result<(), Box<EvalAltResult>> {
    let _ = bytes;
    Ok(())
}

/// Counts `steps` of native work as operations, and gives the scheduler its chance.
pub(super) fn charge(steps: usize) -> Result<(), Box<EvalAltResult>> {
    let _ = steps;
    Ok(())
}
