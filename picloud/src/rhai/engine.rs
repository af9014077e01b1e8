//! Builds the engine once, and narrows it to what a script may do.

use std::time::Duration;

use rhai::{Engine, OptimizationLevel, Scope};

use super::{
    answer, budget, builtins, ctx,
    host::HostModule,
    library::{Catalog, Library},
    logs, modules, source,
};
use crate::{Definition, Limits};

/// Functions and variables of one script; more is a mistake or an attack.
const MAX_FUNCTIONS: usize = 256;
const MAX_VARIABLES: usize = 256;
/// Depth of nested expressions, at top level and in functions (the engine's own defaults for release builds).
const MAX_EXPRESSION_DEPTHS: (usize, usize) = (64, 32);

/// An engine for scripts that may nest calls `call_depth` deep, with those modules of the host that are open to them.
///
/// Raw: no module resolver (so no file is ever read), no string interner (a lock shared by all runs), no `eval`.
/// The engine's own operation and size limits stay off where memory is counted: operations are lost in callbacks, and
/// size checks walk the whole value at every call (`docs/architecture.md`, "Limits"). Nor is anything optimised: the
/// compiler would put constants into each other, and some ten lines make gigabytes of them.
pub(super) fn build(
    call_depth: usize,
    metered: bool,
    host: &[HostModule],
    open: &[bool],
    extend: impl FnOnce(&mut Engine),
) -> Engine {
    let mut engine = Engine::new_raw();
    builtins::register(&mut engine);
    platform(&mut engine);
    for (module, open) in host.iter().zip(open) {
        let content = if *open { module.open() } else { module.withheld() };
        engine.register_static_module(module.name(), modules::share(content));
    }
    extend(&mut engine);
    // After the host's, which cannot take its name.
    engine.register_static_module(source::MODULE, modules::share(source::module()));
    engine.set_optimization_level(OptimizationLevel::None);
    engine
        .set_max_call_levels(call_depth)
        .set_max_expr_depths(MAX_EXPRESSION_DEPTHS.0, MAX_EXPRESSION_DEPTHS.1)
        .set_max_functions(MAX_FUNCTIONS)
        .set_max_variables(MAX_VARIABLES)
        .set_max_modules(0)
        .set_strict_variables(true)
        .disable_symbol("eval")
        .on_progress(budget::on_progress);
    if !metered {
        limit_sizes(&mut engine);
    }
    engine
}

/// Gives `engine` what the platform adds to the language, and tells what that is.
pub(super) fn platform(engine: &mut Engine) -> Vec<Definition> {
    let mut catalog = Catalog { engine, definitions: Vec::new() };
    ctx::register(&mut catalog);
    answer::register(&mut catalog);
    logs::register(&mut catalog);
    modules::all().into_iter().chain([time()]).for_each(|library| library.register(&mut catalog));
    catalog.definitions
}

/// The module `time`, with `sleep(ms)`: it waits without holding a thread, and at most until the run's deadline.
fn time() -> Library {
    modules::time().add(
        "sleep(ms: integer)",
        "Waits. No thread waits meanwhile; wall time runs on, CPU time does not.",
        |ms: i64| budget::sleep(Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
    )
}

/// Stands in for the meter: coarser (each value by itself), slower, and without closures that hold closures.
fn limit_sizes(engine: &mut Engine) {
    let limits = Limits::default();
    let bytes = usize::try_from(limits.memory).unwrap_or(usize::MAX);
    engine
        .set_max_string_size(bytes / 8)
        .set_max_array_size(10_000)
        .set_max_map_size(10_000)
        .disable_symbol("curry");
}

/// The names a script finds without declaring them, for the compiler. Not constants: their values differ by run.
pub(super) fn known_names() -> Scope<'static> {
    let mut scope = Scope::new();
    scope.push("ctx", ());
    scope
}
