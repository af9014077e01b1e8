//! Compiled scripts: made once per version, kept beside the script, within a bound on their memory.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rhai::{AST, Engine};

use super::source::Columns;
use crate::Script;

/// A script version, ready to run.
pub(super) struct Program {
    pub(super) engine: Arc<Engine>,
    pub(super) ast: AST,
    /// From places in what was compiled to places in the source.
    pub(super) columns: Columns,
    /// Bytes it holds.
    pub(super) bytes: usize,
    /// Bytes that its runs have left behind and that can never be freed (values that capture themselves).
    pub(super) leaked: AtomicU64,
    /// Whether it has run since the cache last looked.
    used: AtomicBool,
}

impl Program {
    pub(super) fn new(engine: Arc<Engine>, ast: AST, columns: Columns, bytes: usize) -> Self {
        Self { engine, ast, columns, bytes, leaked: AtomicU64::new(0), used: AtomicBool::new(true) }
    }

    /// Notes a run. Writes only when there is something to change, so that cores do not fight over the line.
    pub(super) fn touch(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }
}

/// Bounds the memory of all compiled scripts by second chance ("clock"): a script that has run since the last look
/// stays, the others go, oldest first. Only compiling takes the lock; running never does.
pub(super) struct ProgramCache {
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    queue: VecDeque<Weak<Script>>,
    bytes: usize,
}

impl ProgramCache {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, kept: Mutex::default() }
    }

    /// Keeps `program` for `script`, and makes room for it.
    pub(super) fn keep(&self, script: &Arc<Script>, program: &Arc<Program>) {
        script.compiled.set(Some(program.clone()));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.queue.push_back(Arc::downgrade(script));
        kept.bytes += program.bytes;
        if kept.bytes > self.max_bytes {
            self.make_room(&mut kept);
        }
    }

    /// Two rounds at most: the first takes the second chances away.
    fn make_room(&self, kept: &mut Kept) {
        kept.forget_the_gone();
        for _ in 0..2 * kept.queue.len() {
            if kept.bytes <= self.max_bytes || kept.queue.len() <= 1 {
                return;
            }
            let Some(script) = kept.queue.pop_front().and_then(|weak| weak.upgrade()) else { continue };
            let Some(program) = script.compiled.get::<Program>() else { continue };
            // A program that leaks stays, or its count would start again.
            if program.used.swap(false, Ordering::Relaxed) || program.leaked.load(Ordering::Relaxed) > 0 {
                kept.queue.push_back(Arc::downgrade(&script));
            } else {
                script.compiled.set::<Program>(None);
                kept.bytes -= program.bytes;
            }
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).bytes
    }
}

impl Kept {
    /// Versions that were replaced have taken their programs with them; counts what is left.
    fn forget_the_gone(&mut self) {
        let mut bytes = 0;
        self.queue.retain(|weak| {
            let program = weak.upgrade().and_then(|script| script.compiled.get::<Program>());
            bytes += program.as_ref().map_or(0, |program| program.bytes);
            program.is_some()
        });
        self.bytes = bytes;
    }
}
