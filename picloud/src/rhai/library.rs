//! Registers what scripts can use together with what is told about it, so that neither is without the other.

use std::any::Any;

use rhai::{Engine, FuncRegistration, Module, NativeCallContext, Position, RhaiNativeFunc};

use super::builtins::Answer;
use crate::{Definition, DefinitionKind};

/// A module of functions for scripts, with their descriptions.
pub(super) struct Library {
    name: &'static str,
    module: Module,
    definitions: Vec<Definition>,
}

impl Library {
    pub(super) fn new(name: &'static str, doc: &str) -> Self {
        let definitions = vec![Definition::new(DefinitionKind::Module, name, name, doc)];
        Self { name, module: Module::new(), definitions }
    }

    /// Adds a function that leaves its arguments as they are, and may be called on constants. An error of it is of the
    /// place where it was called. `signature` is as a script's author reads it: `parse(data: string | blob) -> any`.
    pub(super) fn add<A: 'static, const N: usize>(
        mut self,
        signature: &str,
        doc: &str,
        native: impl Native<A, N>,
    ) -> Self {
        let name = name_of(signature, N);
        native.add_to(&mut self.module, FuncRegistration::new(name).with_purity(true));
        let (name, signature) = (format!("{}::{name}", self.name), format!("{}::{signature}", self.name));
        self.definitions.push(Definition::new(DefinitionKind::Function, name, signature, doc));
        self
    }

    /// Gives the module to `catalog`'s engine.
    pub(super) fn register(mut self, catalog: &mut Catalog<'_>) {
        self.module.build_index();
        catalog.engine.register_static_module(self.name, self.module.into());
        catalog.definitions.append(&mut self.definitions);
    }
}

/// The name in a signature, whose number of parameters is looked at in tests.
fn name_of(signature: &str, parameters: usize) -> &str {
    let (name, rest) = signature.split_once('(').unwrap_or((signature, ")"));
    let list = rest.split_once(')').map_or("", |(list, _)| list);
    let told = list.split(',').filter(|parameter| !parameter.trim().is_empty()).count();
    debug_assert_eq!(told, parameters, "the signature `{signature}` is not that of its function");
    name
}

/// An engine under construction, and what is told of the things in it.
pub(super) struct Catalog<'e> {
    pub(super) engine: &'e mut Engine,
    pub(super) definitions: Vec<Definition>,
}

impl Catalog<'_> {
    /// Adds a function that stands for itself, `signature` as for [`Library::add`].
    pub(super) fn function<A: 'static, const N: usize, const X: bool, R, const F: bool>(
        &mut self,
        signature: &str,
        doc: &str,
        function: impl RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Any + Clone + Send + Sync,
    {
        let name = name_of(signature, N);
        self.engine.register_fn(name, function);
        self.definitions.push(Definition::new(DefinitionKind::Function, name, signature, doc));
        self
    }

    /// Adds a method of what is called `owner` in descriptions.
    pub(super) fn method<A: 'static, const N: usize, const X: bool, R, const F: bool>(
        &mut self,
        owner: &str,
        signature: &str,
        doc: &str,
        function: impl RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Any + Clone + Send + Sync,
    {
        let name = name_of(signature, N - 1);
        self.engine.register_fn(name, function);
        let (name, signature) = (format!("{owner}.{name}"), format!("{owner}.{signature}"));
        self.definitions.push(Definition::new(DefinitionKind::Method, name, signature, doc));
        self
    }

    /// Adds a part that is read: `part` is its name and type, `path: string`.
    pub(super) fn property<A: 'static, const X: bool, R, const F: bool>(
        &mut self,
        owner: &str,
        part: &str,
        doc: &str,
        read: impl RhaiNativeFunc<A, 1, X, R, F> + Send + Sync + 'static,
    ) -> &mut Self
    where
        R: Any + Clone + Send + Sync,
    {
        let (name, kind) = part.split_once(": ").unwrap_or((part, "any"));
        // What the engine calls a getter.
        self.engine.register_fn(format!("get${name}"), read);
        let (name, signature) = (format!("{owner}.{name}"), format!("{owner}.{name}: {kind}"));
        self.definitions.push(Definition::new(DefinitionKind::Property, name, signature, doc));
        self
    }

    /// Tells of something that is there already.
    pub(super) fn tell(&mut self, kind: DefinitionKind, name: &str, signature: &str, doc: &str) -> &mut Self {
        self.definitions.push(Definition::new(kind, name, signature, doc));
        self
    }
}

/// A function for a [`Library`]: up to three arguments by value or the first by reference, the call's context before
/// them or not.
pub(super) trait Native<A, const N: usize> {
    fn add_to(self, module: &mut Module, registration: FuncRegistration);
}

/// The engine does not do this for functions in modules.
pub(super) fn placed<T>(at: Position, answer: Answer<T>) -> Answer<T> {
    answer.map_err(|mut error| {
        if error.position().is_none() {
            error.set_position(at);
        }
        error
    })
}

/// Tells the shapes of functions apart.
pub(super) struct Shape<const CONTEXT: bool, const BY_REFERENCE: bool, A>(std::marker::PhantomData<A>);

macro_rules! native {
    ($count:literal $(, $first:ident $(, $arg:ident)*)?) => {
        impl<Func, T $(, $first $(, $arg)*)?> Native<Shape<false, false, ($($first, $($arg,)*)?)>, $count> for Func
        where
            Func: Fn($($first $(, $arg)*)?) -> Answer<T> + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $($first: Any + Clone + Send + Sync, $($arg: Any + Clone + Send + Sync,)*)?
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, module: &mut Module, registration: FuncRegistration) {
                let call = move |cx: NativeCallContext<'_> $(, $first: $first $(, $arg: $arg)*)?| {
                    placed(cx.call_position(), self($($first $(, $arg)*)?))
                };
                registration.set_into_module(module, call);
            }
        }
        $(
        impl<Func, T, $first $(, $arg)*> Native<Shape<true, false, ($first, $($arg,)*)>, $count> for Func
        where
            Func: Fn(NativeCallContext<'_>, $first $(, $arg)*) -> Answer<T> + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $first: Any + Clone + Send + Sync,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, module: &mut Module, registration: FuncRegistration) {
                let call = move |cx: NativeCallContext<'_>, $first: $first $(, $arg: $arg)*| {
                    placed(cx.call_position(), self(cx, $first $(, $arg)*))
                };
                registration.set_into_module(module, call);
            }
        }

        impl<Func, T, $first $(, $arg)*> Native<Shape<false, true, ($first, $($arg,)*)>, $count> for Func
        where
            Func: Fn(&mut $first $(, $arg)*) -> Answer<T> + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $first: Any + Clone + Send + Sync,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, module: &mut Module, registration: FuncRegistration) {
                let call = move |cx: NativeCallContext<'_>, $first: &mut $first $(, $arg: $arg)*| {
                    placed(cx.call_position(), self($first $(, $arg)*))
                };
                registration.set_into_module(module, call);
            }
        }

        impl<Func, T, $first $(, $arg)*> Native<Shape<true, true, ($first, $($arg,)*)>, $count> for Func
        where
            Func: Fn(NativeCallContext<'_>, &mut $first $(, $arg)*) -> Answer<T> + Send + Sync + 'static,
            T: Any + Clone + Send + Sync,
            $first: Any + Clone + Send + Sync,
            $($arg: Any + Clone + Send + Sync,)*
        {
            #[allow(non_snake_case, reason = "each argument is named as its type")]
            fn add_to(self, module: &mut Module, registration: FuncRegistration) {
                let call = move |cx: NativeCallContext<'_>, $first: &mut $first $(, $arg: $arg)*| {
                    placed(cx.call_position(), self(cx, $first $(, $arg)*))
                };
                registration.set_into_module(module, call);
            }
        }
        )?
    };
}

native!(0);
native!(1, A);
native!(2, A, B);
native!(3, A, B, C);
