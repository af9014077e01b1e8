//! What the executor adds to the engine, and the orchestrator to the executor, without sockets.

use std::{hint::black_box, sync::Arc};

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Empty;
use picloud::{
    App, AppId, CompiledSlot, Event, Executor, Gate, HttpEvent, Invocation, Limits, Orchestrator, RequestId,
    RhaiExecutor, Script, ScriptId,
};
use picloud_benches::{Goal, Subject, take_turns, verdict};
use rhai::{AST, Dynamic, Engine, Map, Scope, packages::Package, packages::StandardPackage};
use tokio::runtime::{Builder, Runtime};
use tower::{Service, ServiceExt};

const HELLO: &str = "`Hello, ${ctx.params.name}!`";
/// Pieces of work in a round, about a millisecond.
const PIECES: u32 = 500;
const ROUNDS: usize = 400;

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    let app = App::builder().script("hello", HELLO).route("GET /hello/:name", "hello").build();
    let service = app.expect("the script compiles").service();
    let [engine, executor, dispatch, cloned] = take_turns(
        ROUNDS,
        [
            engine(),
            executor(&runtime),
            dispatch(&runtime, service.clone()),
            dispatch_cloned(&runtime, service),
        ],
    );
    let added = |more: picloud_benches::Figures, less: picloud_benches::Figures| {
        (more.min.as_secs_f64() - less.min.as_secs_f64()) * 1e6
    };
    verdict("executor over engine", added(executor, engine), " µs", Goal::AtMost(1.5));
    verdict("dispatch over executor", added(dispatch, executor), " µs", Goal::AtMost(3.0));
    verdict("a clone per request over none", added(cloned, dispatch), " µs", Goal::AtMost(0.2));
}

/// An engine as narrow as the executor's, called directly.
fn engine() -> Subject<'static> {
    let mut engine = Engine::new_raw();
    engine
        .register_global_module(StandardPackage::new().as_shared_module())
        .set_max_call_levels(64)
        .set_max_expr_depths(64, 32)
        .set_max_functions(256)
        .set_max_variables(256)
        .set_max_modules(0)
        .disable_symbol("eval");
    let ast = engine.compile(HELLO).expect("the script compiles");
    let run = move |names: Vec<String>| names.into_iter().for_each(|name| evaluate(&engine, &ast, &name));
    Subject::new("engine alone", PIECES, || "Ada".to_owned(), run)
}

fn evaluate(engine: &Engine, ast: &AST, name: &str) {
    let params = Map::from_iter([("name".into(), name.into())]);
    let mut scope = Scope::new();
    scope.push_constant("ctx", Map::from_iter([("params".into(), params.into())]));
    let answer = engine.eval_ast_with_scope::<Dynamic>(&mut scope, ast).expect("the script runs");
    black_box(answer.into_string().expect("the answer is text"));
}

fn executor(runtime: &Runtime) -> Subject<'_> {
    let executor = RhaiExecutor::default();
    let script = Arc::new(script());
    let prepare = move || invocation(script.clone());
    Subject::new("executor", PIECES, prepare, move |invocations| {
        runtime.block_on(async {
            for invocation in invocations {
                assert!(black_box(executor.invoke(invocation).await).result.is_ok());
            }
        });
    })
}

fn script() -> Script {
    Script {
        app: AppId::new(),
        app_slug: "bench".parse().expect("a slug"),
        gate: Gate::default(),
        id: ScriptId::new(),
        name: "hello".into(),
        version: 1,
        source: HELLO.into(),
        limits: Limits::default(),
        compiled: CompiledSlot::default(),
    }
}

fn invocation(script: Arc<Script>) -> Invocation {
    let request = HttpEvent {
        method: Method::GET,
        path: "/hello/Ada".into(),
        params: vec![("name".into(), "Ada".into())],
        ..HttpEvent::default()
    };
    Invocation {
        script,
        event: Event::Http(Box::new(request)),
        request_id: RequestId::from_parts(1, [7; 10]),
    }
}

/// One service for all requests, as for the requests of a connection.
fn dispatch(runtime: &Runtime, mut service: Orchestrator) -> Subject<'_> {
    Subject::new("dispatch", PIECES, request, move |requests| {
        runtime.block_on(async {
            for request in requests {
                let response = service.call(request).await.expect("it cannot fail");
                assert!(black_box(response).status().is_success());
            }
        });
    })
}

/// A clone for each request, as the adapters of hyper and axum make it.
fn dispatch_cloned(runtime: &Runtime, service: Orchestrator) -> Subject<'_> {
    Subject::new("dispatch, cloned per request", PIECES, request, move |requests| {
        runtime.block_on(async {
            for request in requests {
                let response = service.clone().oneshot(request).await.expect("it cannot fail");
                assert!(black_box(response).status().is_success());
            }
        });
    })
}

fn request() -> Request<Empty<Bytes>> {
    let request = Request::get("/hello/Ada").header("host", "127.0.0.1:8080").header("user-agent", "bench");
    request.header("accept", "*/*").body(Empty::new()).expect("a request")
}
