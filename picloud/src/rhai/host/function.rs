//! Closures of any shape as functions that a script can call.

use std::{future::Future, sync::Arc};

use rhai::{Dynamic, FuncRegistration, Module, NativeCallContext};

use super::{CallContext, HostAnswer, ScriptType, ScriptValue};
use crate::rhai::{
    budget,
    builtins::{Answer, Refusal},
    library::placed,
    modules::kind,
};

/// A closure that scripts can call: up to six arguments that are [`ScriptValue`]s, before them a [`CallContext`] or
/// not, and a [`HostAnswer`].
///
/// Implemented for every closure of that shape; there is nothing to implement by hand.
pub trait HostFunction<Args>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> Erased;
}

/// An async closure that scripts can call: arguments as of a [`HostFunction`], and a future of a [`HostAnswer`].
///
/// Implemented for every closure of that shape; there is nothing to implement by hand.
pub trait AsyncFunction<Args>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> Erased;
}

/// A closure that scripts can call on a value of type `T`: `&mut T`, up to five arguments, and a [`HostAnswer`].
///
/// Implemented for every closure of that shape; there is nothing to implement by hand.
pub trait HostMethod<T, Args>: Send + Sync + 'static {
    #[doc(hidden)]
    fn erase(self) -> Erased;
}

/// A closure without its type.
#[derive(Clone)]
pub struct Erased {
    /// Types of the arguments, as scripts name them.
    pub(super) types: Vec<String>,
    pub(super) returns: String,
    /// Puts it into a module.
    pub(super) add: Add,
}

type Add = Arc<dyn Fn(&mut Module, FuncRegistration, Arc<Names>) + Send + Sync>;

/// What errors call a function and its arguments.
pub(super) struct Names {
    pub(super) function: String,
    pub(super) parameters: Vec<String>,
}

/// The arguments of a call, to be taken one by one.
struct Arguments<'a> {
    names: &'a Names,
    values: std::slice::IterMut<'a, Dynamic>,
    taken: usize,
}

impl Arguments<'_> {
    fn next<T: ScriptValue>(&mut self) -> Answer<T> {
        let value = self.values.next().map(std::mem::take).unwrap_or_default().flatten();
        let (Names { function, parameters }, kind) = (self.names, kind(&value));
        let parameter = parameters.get(self.taken).map_or("argument", String::as_str);
        self.taken += 1;
        let text = |expected| format!("{function}: `{parameter}` must be {expected}, not {kind}").into();
        T::from_script(value).map_err(text)
    }
}

type Call = Arc<dyn Fn(Arguments<'_>) -> Answer<Dynamic> + Send + Sync>;

/// Takes any value for each argument: what does not fit is told by us, with the argument's name.
fn add(arity: usize, call: Call) -> Add {
    Arc::new(move |module, registration, names| {
        let call = call.clone();
        let run = move |cx: NativeCallContext<'_>, values: &mut [Dynamic]| {
            let arguments = Arguments { names: &names, values: values.iter_mut(), taken: 0 };
            placed(cx.call_position(), call(arguments))
        };
        type Cx<'a> = NativeCallContext<'a>;
        type D = Dynamic;
        match arity {
            0 => registration.set_into_module(module, move |cx: Cx<'_>| run(cx, &mut [])),
            1 => registration.set_into_module(module, move |cx: Cx<'_>, a: D| run(cx, &mut [a])),
            2 => registration.set_into_module(module, move |cx: Cx<'_>, a: D, b: D| run(cx, &mut [a, b])),
            3 => registration
                .set_into_module(module, move |cx: Cx<'_>, a: D, b: D, c: D| run(cx, &mut [a, b, c])),
            4 => registration.set_into_module(module, move |cx: Cx<'_>, a: D, b: D, c: D, d: D| {
                run(cx, &mut [a, b, c, d])
            }),
            5 => registration.set_into_module(module, move |cx: Cx<'_>, a: D, b: D, c: D, d: D, e: D| {
                run(cx, &mut [a, b, c, d, e])
            }),
            _ => registration
                .set_into_module(module, move |cx: Cx<'_>, a: D, b: D, c: D, d: D, e: D, f: D| {
                    run(cx, &mut [a, b, c, d, e, f])
                }),
        };
    })
}

/// A function in place of one that an app has not been granted.
pub(super) fn refusing(arity: usize, why: String) -> Add {
    add(arity, Arc::new(move |_| Err(Refusal::from(why.clone()))))
}

macro_rules! host_function {
    ($count:literal $(, $arg:ident)*) => {
        host_function!(@ $count, (), $($arg),*);
        host_function!(@ $count, (CallContext), $($arg),*);

        impl<T, Func, R, $($arg),*> HostMethod<T, ($($arg,)*)> for Func
        where
            T: ScriptType,
            Func: Fn(&mut T, $($arg),*) -> R + Send + Sync + 'static,
            R: HostAnswer,
            $($arg: ScriptValue,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables, reason = "each argument is named as its type")]
            fn erase(self) -> Erased {
                let method = Arc::new(self);
                let add = move |module: &mut Module, registration: FuncRegistration, names: Arc<Names>| {
                    let method = method.clone();
                    registration.set_into_module(
                        module,
                        move |cx: NativeCallContext<'_>, this: &mut T, $($arg: host_function!(dynamic $arg)),*| {
                            let mut values: [Dynamic; $count] = [$($arg),*];
                            let mut arguments = Arguments { names: &names, values: values.iter_mut(), taken: 0 };
                            let mut call = || {
                                $(let $arg: $arg = arguments.next()?;)*
                                budget::on_behalf(|| method(this, $($arg),*)).into_answer()
                            };
                            placed(cx.call_position(), call())
                        },
                    );
                };
                Erased { types: vec![$($arg::type_name()),*], returns: R::type_name(), add: Arc::new(add) }
            }
        }
    };
    (dynamic $arg:ident) => { Dynamic };
    (@ $count:literal, ($($context:ident)?), $($arg:ident),*) => {
        impl<Func, T, $($arg),*> HostFunction<($($context,)? $($arg,)*)> for Func
        where
            Func: Fn($($context,)? $($arg),*) -> T + Send + Sync + 'static,
            T: HostAnswer,
            $($arg: ScriptValue,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables, reason = "each argument is named as its type")]
            fn erase(self) -> Erased {
                let call: Call = Arc::new(move |mut arguments| {
                    $(let $context = $context::current()?;)?
                    $(let $arg: $arg = arguments.next()?;)*
                    budget::on_behalf(|| self($($context,)? $($arg),*)).into_answer()
                });
                Erased { types: vec![$($arg::type_name()),*], returns: T::type_name(), add: add($count, call) }
            }
        }

        impl<Func, Fut, $($arg),*> AsyncFunction<($($context,)? $($arg,)*)> for Func
        where
            Func: Fn($($context,)? $($arg),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: HostAnswer> + Send + 'static,
            $($arg: ScriptValue,)*
        {
            #[allow(non_snake_case, unused_mut, unused_variables, reason = "each argument is named as its type")]
            fn erase(self) -> Erased {
                let call: Call = Arc::new(move |mut arguments| {
                    $(let $context = $context::current()?;)?
                    $(let $arg: $arg = arguments.next()?;)*
                    budget::wait(budget::on_behalf(|| self($($context,)? $($arg),*)))?.into_answer()
                });
                let returns = <Fut::Output as HostAnswer>::type_name();
                Erased { types: vec![$($arg::type_name()),*], returns, add: add($count, call) }
            }
        }
    };
}

host_function!(0);
host_function!(1, A);
host_function!(2, A, B);
host_function!(3, A, B, C);
host_function!(4, A, B, C, D);
host_function!(5, A, B, C, D, E);
host_function!(6, A, B, C, D, E, G);
