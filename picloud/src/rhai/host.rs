//! Functions that the embedding program gives to scripts, sync and async.

use std::{any::Any, fmt::Display, future::Future};

use rhai::{EvalAltResult, FuncRegistration, Module, Shared};

use super::budget;

/// A named set of Rust functions that scripts call as `name::function(…)`.
///
/// ```
/// use picloud::HostModule;
///
/// let lights = HostModule::new("lights")
///     .function("count", || 3_i64)
///     .async_function("level", |room: String| async move {
///         // Any future: a database, a socket, a timer. No thread waits with it.
///         if room == "hall" { Ok(80_i64) } else { Err(format!("no room called {room}")) }
///     });
/// ```
#[derive(Clone)]
pub struct HostModule {
    name: String,
    /// Each with a module of its own, so that one can be left out.
    functions: Vec<(String, Module)>,
}

impl HostModule {
    /// An empty module. `name` is what stands before `::` in scripts.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), functions: Vec::new() }
    }

    /// Adds a function that answers at once. It runs on the request's worker thread: what takes longer than some
    /// microseconds belongs into [`async_function`](Self::async_function).
    ///
    /// Up to six arguments, and a result, of types that Rhai knows (`i64`, `f64`, `bool`, `String`, `rhai::Map`, …) or
    /// your own `Clone + Send + Sync` types; the result may be a `Result<_, Box<rhai::EvalAltResult>>`.
    #[must_use]
    pub fn function<Args, const FALLIBLE: bool>(
        mut self,
        name: &str,
        function: impl HostFunction<Args, FALLIBLE>,
    ) -> Self {
        self.add(name, |module| function.add_to(name, module));
        self
    }

    /// Adds a function that gives a future. The script waits for it as for any call, but holds no thread meanwhile.
    ///
    /// An `Err` becomes a script error with its text, which the script may catch. When the run is cancelled or its
    /// time is up, the future is dropped.
    #[must_use]
    pub fn async_function<Args>(mut self, name: &str, function: impl AsyncFunction<Args>) -> Self {
        self.add(name, |module| function.add_to(name, module));
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn shared(&self) -> Shared<Module> {
        let mut all = Module::new();
        for (_, function) in &self.functions {
            all.merge(function);
        }
        all.into()
    }

    fn add(&mut self, name: &str, add_to: impl FnOnce(&mut Module)) {
        let mut module = Module::new();
        add_to(&mut module);
        self.functions.push((name.to_owned(), module));
    }
}

/// An async closure that scripts can call: up to six arguments, and a future of a `Result`.
///
/// Implemented for every closure of that shape; there is nothing to implement by hand.
pub trait AsyncFunction<Args>: Send + Sync + 'static {
    #[doc(hidden)]
    fn add_to(self, name: &str, module: &mut Module);
}

/// A closure that scripts can call: up to six arguments, and a value or a `Result<_, Box<rhai::EvalAltResult>>`.
///
/// Implemented for every closure of that shape; there is nothing to implement by hand.
pub trait HostFunction<Args, const FALLIBLE: bool>: Send + Sync + 'static {
    #[doc(hidden)]
    fn add_to(self, name: &str, module: &mut Module);
}

macro_rules! host_function {
    ($($arg:ident),*) => {
        impl<Func, T, $($arg),*> HostFunction<($($arg,)*), false> for Func
        where
            Func: Fn($($arg),*) -> T + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, name: &str, module: &mut Module) {
                let call = move |$($arg: $arg),*| budget::on_behalf(|| self($($arg),*));
                FuncRegistration::new(name).set_into_module(module, call);
            }
        }

        impl<Func, T, $($arg),*> HostFunction<($($arg,)*), true> for Func
        where
            Func: Fn($($arg),*) -> Result<T, Box<EvalAltResult>> + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, name: &str, module: &mut Module) {
                let call = move |$($arg: $arg),*| budget::on_behalf(|| self($($arg),*));
                FuncRegistration::new(name).set_into_module(module, call);
            }
        }

        impl<Func, Fut, T, E, $($arg),*> AsyncFunction<($($arg,)*)> for Func
        where
            Func: Fn($($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<T, E>> + Send + 'static,
            T: Any + Clone + Send + Sync,
            E: Display + Send,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, name: &str, module: &mut Module) {
                let call = move |$($arg: $arg),*| -> Result<T, Box<EvalAltResult>> {
                    budget::wait(budget::on_behalf(|| self($($arg),*)))?.map_err(|error| error.to_string().into())
                };
                FuncRegistration::new(name).set_into_module(module, call);
            }
        }
    };
}

host_function!();
host_function!(A);
host_function!(A, B);
host_function!(A, B, C);
host_function!(A, B, C, D);
host_function!(A, B, C, D, G);
host_function!(A, B, C, D, G, H);
