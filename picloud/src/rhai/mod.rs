//! The built-in executor: Rhai scripts, each run on a coroutine of its own, under limits that hold.
//!
//! Only this folder names rhai. Reading order: `engine` (what a script may do), `program` (compiled scripts),
//! `budget` (what a run may use), `run` (one run from start to outcome).

mod answer;
mod budget;
mod builtins;
mod cookie;
mod ctx;
mod engine;
mod failure;
mod grants;
mod host;
mod json;
#[cfg(feature = "testing")]
pub(crate) mod kit;
mod library;
mod lint;
mod logs;
mod modules;
mod program;
mod run;
mod source;
mod turns;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Instant,
};

use rhai::Engine;
use tokio::sync::OwnedMutexGuard;

pub use self::host::{
    AsyncFunction, CallContext, HostAnswer, HostError, HostFunction, HostMethod, HostModule, ScriptType,
    ScriptValue,
};
use self::{
    grants::Grants,
    lint::Names,
    program::{Program, ProgramCache},
    source::Columns,
    turns::Turns,
};
use crate::{
    BoxFuture, Code, Definition, Diagnostic, Executor, Failure, FailureLog, Invocation, Limits, Outcome,
    Position, Script, Severity,
    coroutine::{STACK_PER_BYTE, StackPool, Task},
    meter,
    surroundings::Surroundings,
};

/// Bytes that compiled scripts may hold together, unless set otherwise.
const DEFAULT_PROGRAM_BYTES: usize = 64 << 20;
/// Scripts that may be compiled at the same time, by hash of their id.
const COMPILE_LOCKS: usize = 16;

/// What tests change about an engine.
type Extend = Arc<dyn Fn(&mut Engine) + Send + Sync>;

/// Runs Rhai scripts. Cheap to clone; clones share everything.
///
/// ```
/// use picloud::{HostModule, RhaiExecutor};
///
/// # fn main() -> Result<(), picloud::InvalidModules> {
/// let lights = HostModule::new("lights").capability("lights").function("count()", || 3);
/// let executor = RhaiExecutor::builder().module(lights).grant("house", "lights").build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RhaiExecutor(Arc<Shared>);

struct Shared {
    host: Vec<HostModule>,
    grants: Grants,
    metered: bool,
    surroundings: Surroundings,
    turns: Turns,
    extend: Option<Extend>,
    /// What scripts can name, once somebody has asked.
    names: OnceLock<Names>,
    /// One engine for each kind in use. Only compiling looks here.
    engines: Mutex<HashMap<EngineKind, Arc<Engine>>>,
    programs: ProgramCache,
    /// For memory limits up to 16, 32, 64, 128 and 256 MiB.
    stacks: [Arc<StackPool>; 5],
    compiling: [Arc<tokio::sync::Mutex<()>>; COMPILE_LOCKS],
}

/// Call depth, and which modules of the host are open.
type EngineKind = (usize, Vec<bool>);

impl Default for RhaiExecutor {
    fn default() -> Self {
        Self::of(RhaiExecutorBuilder::default())
    }
}

/// Sets a [`RhaiExecutor`] up.
#[must_use]
#[derive(Clone)]
pub struct RhaiExecutorBuilder {
    host: Vec<HostModule>,
    grants: Grants,
    program_bytes: usize,
    surroundings: Surroundings,
    extend: Option<Extend>,
}

impl Default for RhaiExecutorBuilder {
    fn default() -> Self {
        Self {
            host: Vec::new(),
            grants: Grants::default(),
            program_bytes: DEFAULT_PROGRAM_BYTES,
            surroundings: Surroundings::default(),
            extend: None,
        }
    }
}

impl RhaiExecutorBuilder {
    /// Gives scripts the functions of a module.
    pub fn module(mut self, module: HostModule) -> Self {
        self.host.push(module);
        self
    }

    /// Opens the modules that need `capability` to the app of this slug; `*` is every app.
    pub fn grant(mut self, app: &str, capability: &str) -> Self {
        self.grants.add(app, capability);
        self
    }

    /// A bound on the bytes that all compiled scripts hold together. Scripts beyond it are compiled again when they are
    /// next needed. Default: 64 MiB.
    pub fn program_bytes(mut self, bytes: usize) -> Self {
        self.program_bytes = bytes;
        self
    }

    /// Scripts find themselves in `surroundings`.
    #[cfg(feature = "testing")]
    pub(crate) fn within(mut self, surroundings: Surroundings) -> Self {
        self.surroundings = surroundings;
        self
    }

    /// Engines are changed once more when they are made.
    #[cfg(feature = "testing")]
    fn extended(mut self, extend: Extend) -> Self {
        self.extend = Some(extend);
        self
    }

    /// The executor.
    ///
    /// # Errors
    /// Everything that is wrong with its modules.
    pub fn build(self) -> Result<RhaiExecutor, InvalidModules> {
        let problems = host::problems(&self.host);
        if problems.is_empty() { Ok(RhaiExecutor::of(self)) } else { Err(InvalidModules(problems)) }
    }
}

/// What is wrong with the modules of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct InvalidModules(Vec<String>);

impl InvalidModules {
    /// One text for each thing that is wrong.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.0
    }
}

impl RhaiExecutor {
    /// An executor to add modules to; without any it is the default one.
    pub fn builder() -> RhaiExecutorBuilder {
        RhaiExecutorBuilder::default()
    }

    /// Whether the app of a slug may use what a definition tells of.
    #[must_use]
    pub fn grants(&self, app: &str, definition: &Definition) -> bool {
        definition.capability.as_deref().is_none_or(|needed| self.0.grants.has(app, needed))
    }

    fn of(builder: RhaiExecutorBuilder) -> Self {
        let RhaiExecutorBuilder { host, grants, program_bytes, surroundings, extend } = builder;
        let metered = meter::installed();
        if !metered {
            tracing::warn!(
                "memory of scripts is not counted: install picloud::MeteredAlloc as the global allocator (docs/embedding.md)"
            );
        }
        Self(Arc::new(Shared {
            host,
            grants,
            metered,
            surroundings,
            turns: Turns::new(),
            extend,
            names: OnceLock::new(),
            engines: Mutex::default(),
            programs: ProgramCache::new(program_bytes),
            stacks: std::array::from_fn(|class| Arc::new(StackPool::new(stack_bytes(class, metered)))),
            compiling: Default::default(),
        }))
    }
}

impl Executor for RhaiExecutor {
    fn definitions(&self) -> Vec<Definition> {
        self.0.definitions()
    }

    fn check(&self, source_text: &str) -> Vec<Diagnostic> {
        let limits = Limits::default();
        let shared = self.0.clone();
        let source = Arc::from(source_text);
        let open = vec![true; shared.host.len()];
        match shared.on_stack(&limits, move |shared| shared.compile(&source, &limits, open)) {
            Ok(_) => self.0.lint(source_text),
            // The engine knows which modules there are, but not which was meant.
            Err(found) => {
                let told = self.0.lint(source_text).into_iter().find(|told| told.is_at(&found));
                vec![told.unwrap_or(found)]
            }
        }
    }

    fn invoke(&self, invocation: Invocation) -> BoxFuture<'static, Outcome> {
        let shared = self.0.clone();
        Box::pin(async move {
            let started = Instant::now();
            let program = match invocation.script.compiled.get::<Program>() {
                Some(program) => program,
                None => match shared.clone().program(&invocation.script).await {
                    Ok(program) => program,
                    Err(failure) => return Outcome::failed(failure),
                },
            };
            run::run(&shared, program, invocation, started).await
        })
    }
}

impl Shared {
    fn definitions(&self) -> Vec<Definition> {
        let platform = engine::platform(&mut Engine::new_raw());
        platform.into_iter().chain(self.host.iter().flat_map(HostModule::definitions)).collect()
    }

    /// What is doubtful about a script that compiles. Where a test has changed the engines nobody knows.
    fn lint(&self, source: &str) -> Vec<Diagnostic> {
        if self.extend.is_some() {
            return Vec::new();
        }
        let names = self.names.get_or_init(|| {
            let granted = |needed: &String| self.grants.has(grants::EVERY_APP, needed);
            Names::of(&self.definitions(), |definition| !definition.capability.iter().all(granted))
        });
        lint::lint(source, names)
    }

    /// The stacks for a memory limit.
    fn stacks(&self, limits: &Limits) -> &Arc<StackPool> {
        let class = limits.memory.div_ceil(16 << 20).next_power_of_two().trailing_zeros() as usize;
        &self.stacks[class.min(self.stacks.len() - 1)]
    }

    /// Compiles `script` away from the request's thread; of requests that come together, one does it.
    async fn program(self: Arc<Self>, script: &Arc<Script>) -> Result<Arc<Program>, Failure> {
        let lock = &self.compiling[uuid::Uuid::from(script.id).as_u128() as usize % COMPILE_LOCKS];
        let guard = lock.clone().lock_owned().await;
        if let Some(program) = script.compiled.get::<Program>() {
            return Ok(program);
        }
        let (shared, script) = (self.clone(), script.clone());
        let compiling = tokio::task::spawn_blocking(move || shared.compile_and_keep(&script, guard));
        let compiled = compiling.await.unwrap_or_else(|_| Err(Diagnostic::internal("the compiler panicked")));
        compiled.map_err(|diagnostic| {
            let position = Some(Position { line: diagnostic.line, column: diagnostic.column });
            let message = format!("the stored script does not compile: {}", diagnostic.message);
            failure::script_error(FailureLog { message, position, trace: Vec::new() })
        })
    }

    /// The guard is dropped at the end, even if the request that waited has gone.
    fn compile_and_keep(
        self: Arc<Self>,
        script: &Arc<Script>,
        _guard: OwnedMutexGuard<()>,
    ) -> Result<Arc<Program>, Diagnostic> {
        let (source, limits) = (script.source.clone(), script.limits);
        let open = self.grants.open(script.app_slug.as_str(), &self.host);
        let program =
            Arc::new(self.clone().on_stack(&limits, move |shared| shared.compile(&source, &limits, open))?);
        self.programs.keep(script, &program);
        Ok(program)
    }

    /// Runs the compiler on a coroutine's stack, where deep nesting is safe whatever the calling thread has left.
    fn on_stack<F>(self: Arc<Self>, limits: &Limits, f: F) -> Result<Program, Diagnostic>
    where
        F: FnOnce(&Self) -> Result<Program, Diagnostic> + Send + 'static,
    {
        let shared = self.clone();
        let task = Task::new(self.stacks(limits), interpreter_bytes(), u64::MAX, move || f(&shared));
        let task =
            task.map_err(|error| Diagnostic::internal(&format!("no stack could be mapped: {error}")))?;
        let compiled = task.finish_without_waiting();
        compiled.unwrap_or_else(|_| Err(Diagnostic::internal("the compiler panicked")))
    }

    fn compile(&self, source: &Arc<str>, limits: &Limits, open: Vec<bool>) -> Result<Program, Diagnostic> {
        // What is set below the maximum is for those to hold who take sources in.
        let most = Limits::MAX.script_bytes;
        if source.len() as u64 > most {
            let message = format!("the script has {} bytes; no script has more than {most}", source.len());
            return Err(Diagnostic { line: 1, column: 1, severity: Severity::Error, message });
        }
        let engine = self.engine(usize::try_from(limits.call_depth).unwrap_or(usize::MAX), open);
        let before = crate::coroutine::live_bytes();
        let source::Prepared { text, columns, understood } = source::prepare(source)?;
        let ast = engine.compile_with_scope(&engine::known_names(), &text);
        let ast = ast.map_err(|error| {
            // What is wrong with the source itself is told better without our insertions.
            if columns.any()
                && let Err(own) = engine.compile_with_scope(&engine::known_names(), source.as_ref())
            {
                return failure::diagnostic(&own, &Columns::default());
            }
            failure::diagnostic(&error, &columns)
        })?;
        if !understood {
            return Err(Diagnostic::internal("the brackets or quotes of this script could not be followed"));
        }
        drop(text);
        let counted = usize::try_from(crate::coroutine::live_bytes() - before).unwrap_or(0);
        // A syntax tree takes about 34 times its source.
        let bytes = if self.metered { counted } else { 34 * source.len() + 2048 };
        Ok(Program::new(engine, ast, columns, bytes))
    }

    fn engine(&self, call_depth: usize, open: Vec<bool>) -> Arc<Engine> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        let build = || {
            let extend = |engine: &mut Engine| self.extend.iter().for_each(|extend| extend(engine));
            Arc::new(engine::build(call_depth, self.metered, &self.host, &open, extend))
        };
        engines.entry((call_depth, open.clone())).or_insert_with(build).clone()
    }
}

impl Diagnostic {
    fn is_at(&self, other: &Self) -> bool {
        (self.line, self.column, self.severity) == (other.line, other.column, other.severity)
    }

    fn internal(message: &str) -> Self {
        Self { line: 1, column: 1, severity: Severity::Error, message: message.to_owned() }
    }
}

/// Stack bytes for the interpreter itself. 64 nested calls of the shape that takes most need 2.5 MiB optimised
/// (`docs/architecture.md` has the bytes per shape), and five to seven times that unoptimised.
fn interpreter_bytes() -> usize {
    if cfg!(debug_assertions) { 24 << 20 } else { 3 << 20 }
}

/// Address space of a stack of this class: the interpreter, and native recursion over data as deep as memory allows.
fn stack_bytes(class: usize, metered: bool) -> usize {
    /// Without a meter data can be as deep as operations allow: the cheapest shape takes about 4 operations and 128
    /// bytes of optimised stack a level.
    const BYTES_PER_OPERATION: usize = if cfg!(debug_assertions) { 256 } else { 48 };
    let operations = usize::try_from(Limits::default().operations).unwrap_or(usize::MAX);
    let by_data =
        if metered { STACK_PER_BYTE * (16 << 20 << class) } else { BYTES_PER_OPERATION * operations };
    interpreter_bytes() + by_data + (1 << 20)
}

/// The failure of a run that found no stack.
fn no_stack(error: &std::io::Error) -> Failure {
    let message =
        format!("no stack could be mapped ({error}); the server runs out of address space or of mappings");
    let log = FailureLog { message, ..FailureLog::default() };
    Failure::new(Code::Overloaded, "The server runs too many scripts at once. Try again.").with_log(log)
}

/// The engine's position as a place in the source of the current run.
fn place(position: rhai::Position) -> Option<Position> {
    let at = compiled_place(position)?;
    Some(budget::with_run(|run, _| run.program.columns.original(at)).unwrap_or(at))
}

/// The engine's position as a place in the text that was compiled.
fn compiled_place(position: rhai::Position) -> Option<Position> {
    let line = u32::try_from(position.line()?).ok()?;
    Some(Position { line, column: position.position().and_then(|c| u32::try_from(c).ok()).unwrap_or(0) })
}

#[cfg(test)]
mod tests;
