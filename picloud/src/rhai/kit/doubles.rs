//! Functions that stand in for those of the host while a test runs, and what they were called with.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rhai::{Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, Module, NativeCallContext};
use serde_json::Value;

use super::as_json;
use crate::rhai::{
    HostModule, budget,
    builtins::{Answer, Refusal},
    json,
    program::Program,
};

/// Doubles by `module::function`. Cheap to clone; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct Doubles(Arc<Mutex<BTreeMap<String, Double>>>);

struct Double {
    stand_in: StandIn,
    calls: Vec<Vec<Value>>,
}

/// A double in Rust.
pub(crate) type RustDouble = Arc<dyn Fn(&[Value]) -> Result<Value, String> + Send + Sync>;

/// What answers a call.
#[derive(Clone)]
pub(super) enum StandIn {
    Rust(RustDouble),
    /// A closure of a test file, with the file it is of.
    Script(FnPtr, Arc<Program>),
    Fixed(Dynamic),
}

impl Doubles {
    /// Lets `answer` stand in for `path` from now on.
    pub(crate) fn set(&self, path: &str, answer: RustDouble) {
        self.put(path, StandIn::Rust(answer));
    }

    /// The calls so far, oldest first, each with its arguments.
    pub(crate) fn calls(&self, path: &str) -> Vec<Value> {
        let calls = self.lock().get(path).map(|double| double.calls.clone()).unwrap_or_default();
        calls.into_iter().map(Value::Array).collect()
    }

    /// What there is a double of.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.lock().keys().cloned().collect()
    }

    pub(super) fn put(&self, path: &str, stand_in: StandIn) {
        let mut doubles = self.lock();
        let calls = doubles.remove(path).map(|double| double.calls).unwrap_or_default();
        doubles.insert(path.to_owned(), Double { stand_in, calls });
    }

    /// Puts the doubles into an engine that has the modules of `host`.
    pub(super) fn register(&self, host: &[HostModule], engine: &mut Engine) {
        let mut modules: BTreeMap<String, Module> = BTreeMap::new();
        for path in self.names() {
            let Some((name, function)) = path.split_once("::") else { continue };
            let module = modules.entry(name.to_owned()).or_insert_with(|| {
                host.iter().find(|module| module.name() == name).map(HostModule::open).unwrap_or_default()
            });
            self.add(module, function, &path);
        }
        for (name, module) in modules {
            engine.register_static_module(name, module.into());
        }
    }

    /// A function of any number of arguments that a host function can have, of any type as those are, so that it takes
    /// their place.
    fn add(&self, module: &mut Module, function: &str, path: &str) {
        type D = Dynamic;
        type Cx<'a> = NativeCallContext<'a>;
        let double = (self.clone(), Arc::<str>::from(path));
        let call = move |cx: &Cx<'_>, args: Vec<D>| double.0.call(&double.1, cx, args);
        let new = || FuncRegistration::new(function).with_purity(true);
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>| c(&cx, vec![]));
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>, a: D| c(&cx, vec![a]));
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>, a: D, b: D| c(&cx, vec![a, b]));
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>, a: D, b: D, d: D| c(&cx, vec![a, b, d]));
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>, a: D, b: D, d: D, e: D| c(&cx, vec![a, b, d, e]));
        let c = call.clone();
        new().set_into_module(module, move |cx: Cx<'_>, a: D, b: D, d: D, e: D, f: D| {
            c(&cx, vec![a, b, d, e, f])
        });
        new().set_into_module(module, move |cx: Cx<'_>, a: D, b: D, d: D, e: D, f: D, g: D| {
            call(&cx, vec![a, b, d, e, f, g])
        });
    }

    fn call(&self, path: &str, cx: &NativeCallContext<'_>, args: Vec<Dynamic>) -> Answer<Dynamic> {
        let count = args.len();
        // What is recorded outlives the run.
        let stand_in = budget::on_behalf(|| {
            let given = args.iter().map(as_json).collect();
            let mut doubles = self.lock();
            let double = doubles.get_mut(path)?;
            double.calls.push(given);
            Some(double.stand_in.clone())
        });
        let answer = match stand_in {
            None => Err(format!("{path}: its double is gone").into()),
            Some(StandIn::Fixed(value)) => Ok(value),
            Some(StandIn::Rust(answer)) => budget::on_behalf(|| {
                let given: Vec<_> = args.iter().map(as_json).collect();
                answer(&given).map(|value| json::from_value(&value)).map_err(Refusal::from)
            }),
            Some(StandIn::Script(closure, file)) => {
                let answer = closure.call::<Dynamic>(&file.engine, &file.ast, args);
                answer.map_err(|error| explained(*error, path, count))
            }
        };
        answer.map_err(|mut error| {
            error.set_position(cx.call_position());
            error
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Double>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The engine names closures by a hash.
fn explained(error: EvalAltResult, path: &str, arguments: usize) -> Refusal {
    match error {
        EvalAltResult::ErrorFunctionNotFound(ref name, _) if name.starts_with("anon$") => {
            format!("the double of {path} does not take {arguments} arguments").into()
        }
        EvalAltResult::ErrorInFunctionCall(_, _, inner, _) => explained(*inner, path, arguments),
        other => Box::new(other),
    }
}
