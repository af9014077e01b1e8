//! A script version: named source of one app, with the limits that hold for it.

use std::{
    any::Any,
    fmt,
    path::Path,
    sync::{Arc, RwLock, TryLockError},
};

use sha2::{Digest, Sha256};

use crate::{AppId, Gate, Limits, ScriptId, Slug};

/// One immutable version of a script, as the data plane sees it.
///
/// A save makes a new `Script`; runs that have started keep the one they started with.
pub struct Script {
    /// The app that owns the script.
    pub app: AppId,
    /// The app's slug when this was published.
    pub app_slug: Slug,
    /// Counts the app's runs.
    pub gate: Gate,
    /// Stays the same over all versions.
    pub id: ScriptId,
    /// Unique inside its app.
    pub name: Arc<str>,
    /// Grows by one with every save, from 1.
    pub version: u64,
    /// Rhai source text.
    pub source: Arc<str>,
    /// What a run may use: server, app and script settings already merged.
    pub limits: Limits,
    /// Where the executor keeps what it made of the source.
    pub compiled: CompiledSlot,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({}/{} v{})", self.app_slug, self.name, self.version)
    }
}

/// The name of the script in a file of an app's folder: `hello` for `hello.rhai`. `None` for files that are never
/// served: others than `*.rhai`, and tests (`*_test.rhai`).
#[must_use]
pub fn script_name(file: &Path) -> Option<&str> {
    let name = file.file_name()?.to_str()?.strip_suffix(".rhai")?;
    (!name.is_empty() && !name.ends_with("_test")).then_some(name)
}

/// SHA-256 of script text: what tells two versions apart, and what a stored script is checked against.
#[must_use]
pub fn content_hash(source: &str) -> [u8; 32] {
    Sha256::digest(source.as_bytes()).into()
}

/// A place beside a [`Script`] where an executor keeps its compiled form.
///
/// Readers never wait: a run that comes while the slot is being written gets `None`, as if it were empty.
#[derive(Default)]
pub struct CompiledSlot(RwLock<Option<Arc<dyn Any + Send + Sync>>>);

impl CompiledSlot {
    /// What is kept, if it is there and of type `T`.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let guard = match self.0.try_read() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        guard.clone()?.downcast().ok()
    }

    /// Keeps `value` in place of what was there; `None` empties the slot.
    pub fn set<T: Send + Sync + 'static>(&self, value: Option<Arc<T>>) {
        let mut guard = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        let old = std::mem::replace(&mut *guard, value.map(|v| v as Arc<dyn Any + Send + Sync>));
        drop(guard);
        // Freed outside the lock: a large program takes a while.
        drop(old);
    }
}
