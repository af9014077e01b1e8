//! Which of Rhai's own functions scripts have, and safe versions of those that were not safe.
//!
//! A native runs to its end before the interpreter can look at any limit again. So each one here asks for room before
//! it takes it, counts its work while it does it, and passes every error on. Whatever is not replaced takes at most a
//! small multiple of what its arguments already take, and one pass over them.

use std::{any::Any, sync::LazyLock};

use rhai::{
    Dynamic, Engine, FuncRegistration, Module, RhaiNativeFunc, Shared,
    packages::{
        ArithmeticPackage, BasicArrayPackage, BasicBlobPackage, BasicFnPackage, BasicIteratorPackage,
        BasicMapPackage, BasicMathPackage, BasicStringPackage, BitFieldPackage, LogicPackage,
        MoreStringPackage, Package,
    },
};

mod arrays;
mod blobs;
mod chars;
pub(in crate::rhai) mod cost;
mod equality;
mod language;
mod positions;
mod printing;
mod sorting;
mod splitting;
mod strings;
mod substrings;
#[cfg(test)]
mod tests;
mod text;

pub(in crate::rhai) use cost::{Answer, MAX_DEPTH, Refusal, Spending};
pub(in crate::rhai) use text::{Text, describe};

/// Gives the built-in functions to `engine`, which must come from `Engine::new_raw()`.
pub(super) fn register(engine: &mut Engine) {
    engine.register_global_module(LIBRARY.clone());
}

/// One module for all engines, so that an engine costs nothing to make.
static LIBRARY: LazyLock<Shared<Module>> = LazyLock::new(|| {
    let mut module = Module::new();
    stock(&mut module);
    // The same name and parameter types replace what the packages put there.
    language::add(&mut module);
    printing::add(&mut module);
    strings::add(&mut module);
    substrings::add(&mut module);
    splitting::add(&mut module);
    chars::add(&mut module);
    arrays::add(&mut module);
    equality::add(&mut module);
    sorting::add(&mut module);
    blobs::add(&mut module);
    module.build_index();
    module.into()
});

/// `LanguageCorePackage` is left out: see [`language`].
fn stock(module: &mut Module) {
    ArithmeticPackage::init(module);
    BasicStringPackage::init(module);
    BasicIteratorPackage::init(module);
    BasicFnPackage::init(module);
    BitFieldPackage::init(module);
    LogicPackage::init(module);
    BasicMathPackage::init(module);
    BasicArrayPackage::init(module);
    BasicBlobPackage::init(module);
    BasicMapPackage::init(module);
    MoreStringPackage::init(module);
}

/// Adds a function that leaves its arguments as they are, and may be called on constants.
pub(in crate::rhai) fn pure<A: 'static, const N: usize, const X: bool, R, const F: bool>(
    module: &mut Module,
    name: &str,
    function: impl RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
) where
    R: Any + Clone + Send + Sync,
{
    FuncRegistration::new(name).with_purity(true).set_into_module(module, function);
}

/// Adds a function that changes its first argument, which must not be a constant.
fn mutating<A: 'static, const N: usize, const X: bool, R, const F: bool>(
    module: &mut Module,
    name: &str,
    function: impl RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
) where
    R: Any + Clone + Send + Sync,
{
    FuncRegistration::new(name).with_purity(false).set_into_module(module, function);
}

/// Whether a value holds others.
fn is_container(value: &Dynamic) -> bool {
    value.is_array() || value.is_map()
}
