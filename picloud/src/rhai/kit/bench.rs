//! The functions that test files call: requests to the app under test, assertions, the clock, doubles.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use rhai::{
    Array, Dynamic, Engine, FnPtr, FuncRegistration, ImmutableString, Map, Module, NativeCallContext,
};
use serde_json::Value;

use super::{Door, Doubles, Events, Mismatch, answers, as_json, doubles::StandIn, requests};
use crate::{
    rhai::{
        budget,
        builtins::{self, Answer, Refusal},
        json, modules, place,
    },
    surroundings::Surroundings,
};

type Cx<'a> = NativeCallContext<'a>;

/// What one test works with. Cheap to clone; clones are the same.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) surroundings: Surroundings,
    pub(crate) doubles: Doubles,
    pub(crate) door: Door,
    pub(crate) events: Events,
    /// The last assertion that did not hold.
    pub(crate) failed: Arc<Mutex<Option<Mismatch>>>,
}

impl Bench {
    /// Gives the functions to `engine`.
    pub(super) fn register(&self, engine: &mut Engine) {
        self.register_assertions(engine);
        self.register_requests(engine);
        self.register_clock(engine);
        self.register_doubles(engine);
    }

    fn register_assertions(&self, engine: &mut Engine) {
        let bench = self.clone();
        engine.register_fn("assert", move |cx: Cx<'_>, holds: bool| bench.assert(&cx, holds, None));
        let bench = self.clone();
        engine.register_fn("assert", move |cx: Cx<'_>, holds: bool, message: Dynamic| {
            bench.assert(&cx, holds, Some(&message))
        });
        let bench = self.clone();
        engine.register_fn("fail", move |cx: Cx<'_>, message: Dynamic| {
            bench.assert(&cx, false, Some(&message))
        });
        for (name, same) in [("assert_eq", true), ("assert_ne", false)] {
            let bench = self.clone();
            engine.register_fn(name, move |cx: Cx<'_>, a: Dynamic, b: Dynamic| {
                bench.compare(&cx, same, a, b, None)
            });
            let bench = self.clone();
            engine.register_fn(name, move |cx: Cx<'_>, a: Dynamic, b: Dynamic, message: Dynamic| {
                bench.compare(&cx, same, a, b, Some(&message))
            });
        }
    }

    fn register_requests(&self, engine: &mut Engine) {
        let mut app = Module::new();
        for method in ["get", "head", "delete", "options"] {
            let bench = self.clone();
            add(&mut app, method, move |path: &str| bench.request(method, path, Dynamic::UNIT, Map::new()));
            let bench = self.clone();
            add(&mut app, method, move |path: &str, options: Map| {
                bench.request(method, path, Dynamic::UNIT, options)
            });
        }
        for method in ["post", "put", "patch"] {
            let bench = self.clone();
            add(&mut app, method, move |path: &str, body: Dynamic| {
                bench.request(method, path, body, Map::new())
            });
            let bench = self.clone();
            add(&mut app, method, move |path: &str, body: Dynamic, options: Map| {
                bench.request(method, path, body, options)
            });
        }
        let bench = self.clone();
        add(&mut app, "emit", move |event: ImmutableString, payload: Dynamic| bench.emit(&event, &payload));
        engine.register_static_module("app", modules::share(app));
        let bench = self.clone();
        engine.register_fn("request", move |mut options: Map| {
            let mut text = |name: &str, default: &str| {
                let value = options.remove(name).unwrap_or_else(|| default.into());
                value
                    .into_immutable_string()
                    .map_err(|kind| format!("request: `{name}` is a string, not {kind}"))
            };
            let (method, path) = (text("method", "GET")?, text("path", "/")?);
            bench.request(&method, &path, Dynamic::UNIT, options)
        });
    }

    fn register_clock(&self, engine: &mut Engine) {
        let mut clock = Module::new();
        let surroundings = self.surroundings.clone();
        add(&mut clock, "now", move || surroundings.now_ms());
        let surroundings = self.surroundings.clone();
        add(&mut clock, "advance", move |ms: i64| {
            let ms = u64::try_from(ms)
                .map_err(|_| "clock::advance: time does not run backwards; see clock::set")?;
            surroundings.skip(Duration::from_millis(ms));
            Ok::<_, Refusal>(())
        });
        let surroundings = self.surroundings.clone();
        add(&mut clock, "set", move |ms: i64| surroundings.set_now(ms));
        let surroundings = self.surroundings.clone();
        add(&mut clock, "set", move |text: ImmutableString| {
            let time: Timestamp = text.parse().map_err(|error| format!("clock::set: {error}"))?;
            surroundings.set_now(time.as_millisecond());
            Ok::<_, Refusal>(())
        });
        engine.register_static_module("clock", modules::share(clock));
        let mut random = Module::new();
        let surroundings = self.surroundings.clone();
        add(&mut random, "seed", move |seed: i64| surroundings.seed(seed.cast_unsigned()));
        engine.register_static_module("random", modules::share(random));
    }

    fn register_doubles(&self, engine: &mut Engine) {
        let doubles = self.doubles.clone();
        engine.register_fn("mock", move |path: &str, closure: FnPtr| {
            check_path(path)?;
            let file = budget::try_run(|run, _| Ok(run.program.clone()))?;
            budget::on_behalf(|| doubles.put(path, StandIn::Script(closure, file)));
            Ok::<_, Refusal>(())
        });
        let doubles = self.doubles.clone();
        engine.register_fn("mock", move |path: &str, answer: Dynamic| {
            check_path(path)?;
            budget::on_behalf(|| doubles.put(path, StandIn::Fixed(answer)));
            Ok::<_, Refusal>(())
        });
        let doubles = self.doubles.clone();
        engine.register_fn("calls", move |path: &str| -> Array {
            doubles.calls(path).iter().map(json::from_value).collect()
        });
    }

    fn request(&self, method: &str, path: &str, body: Dynamic, options: Map) -> Answer<Map> {
        let request = requests::build(method, path, body, options)?;
        // A task of its own: its time and memory are not the test's.
        let reply = budget::wait(tokio::spawn((self.door)(request)))?;
        let reply = reply.map_err(|error| format!("the app under test panicked: {error}"))??;
        answers::to_map(&reply)
    }

    fn emit(&self, event: &str, payload: &Dynamic) -> Answer<Array> {
        let replies = budget::wait(tokio::spawn((self.events)(event.to_owned(), as_json(payload))))?;
        let replies = replies.map_err(|error| format!("the app under test panicked: {error}"))??;
        replies.iter().map(|reply| answers::to_map(reply).map(Dynamic::from)).collect()
    }

    fn assert(&self, cx: &Cx<'_>, holds: bool, message: Option<&Dynamic>) -> Answer<()> {
        if holds {
            return Ok(());
        }
        let message = message.map_or_else(|| "assertion failed".to_owned(), text);
        self.fail(cx, message, None)
    }

    fn compare(
        &self,
        cx: &Cx<'_>,
        same: bool,
        actual: Dynamic,
        expected: Dynamic,
        message: Option<&Dynamic>,
    ) -> Answer<()> {
        let values = (as_json(&expected), as_json(&actual));
        if equal(cx, actual, expected)? == same {
            return Ok(());
        }
        let what = if same { "the values differ" } else { "the values are the same" };
        let message = message.map_or_else(|| what.to_owned(), |message| format!("{}: {what}", text(message)));
        self.fail(cx, message, same.then_some(values))
    }

    fn fail(&self, cx: &Cx<'_>, message: String, values: Option<(Value, Value)>) -> Answer<()> {
        let position = place(cx.call_position());
        let mismatch = Mismatch { message: message.clone(), values, position };
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(mismatch);
        Err(rhai::EvalAltResult::ErrorRuntime(message.into(), cx.call_position()).into())
    }
}

/// As `==` of scripts; values of types that cannot be compared are not equal.
fn equal(cx: &Cx<'_>, a: Dynamic, b: Dynamic) -> Answer<bool> {
    let (a, b) = (a.flatten(), b.flatten());
    if a.type_id() != b.type_id() && !(a.is_number_like() && b.is_number_like()) {
        return Ok(false);
    }
    let wrapped = |value| Dynamic::from_array(vec![value]);
    cx.call_native_fn("==", (wrapped(a), wrapped(b)))
}

trait NumberLike {
    fn is_number_like(&self) -> bool;
}

impl NumberLike for Dynamic {
    fn is_number_like(&self) -> bool {
        self.is_int() || self.is_float()
    }
}

fn text(message: &Dynamic) -> String {
    builtins::describe(message, 1024)
}

fn check_path(path: &str) -> Answer<()> {
    let named = path.split_once("::").is_some_and(|(module, function)| {
        !module.is_empty() && !function.is_empty() && !function.contains("::")
    });
    if named { Ok(()) } else { Err(format!("mock: write \"module::function\", not {path:?}").into()) }
}

/// Adds a function to a module of the kit.
fn add<A: 'static, const N: usize, const X: bool, R, const F: bool>(
    module: &mut Module,
    name: &str,
    function: impl rhai::RhaiNativeFunc<A, N, X, R, F> + Send + Sync + 'static,
) where
    R: std::any::Any + Clone + Send + Sync,
{
    FuncRegistration::new(name).with_purity(true).set_into_module(module, function);
}
