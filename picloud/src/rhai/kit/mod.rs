//! The test kit's part inside the engine: doubles of host functions, and the functions that test files call.
//!
//! What tests are and how they are told is in `testing`; here is only what has to know values of scripts.

mod answers;
mod bench;
mod doubles;
mod requests;

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use rhai::Dynamic;
use serde_json::Value;

pub(crate) use self::{bench::Bench, doubles::Doubles};
use super::{RhaiExecutor, RhaiExecutorBuilder, builtins, json};
use crate::{BoxFuture, Diagnostic, Failure, Limits, LogLine, Position, Stats};

/// Where requests go into the app under test. An error is what is wrong with the app.
pub(crate) type Door = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Reply, String>> + Send + Sync>;

/// Where events go into the app under test: a name and a payload, and a reply for each script that listens.
pub(crate) type Events =
    Arc<dyn Fn(String, Value) -> BoxFuture<'static, Result<Vec<Reply>, String>> + Send + Sync>;

/// What a request to the app under test, or an event, has come to.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) response: Response<Bytes>,
    /// The run, if there was one.
    pub(crate) run: Option<Arc<Run>>,
}

/// A run of a script under test.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) script: String,
    pub(crate) source: Arc<str>,
    pub(crate) logs: Vec<LogLine>,
    pub(crate) failure: Option<Failure>,
    pub(crate) stats: Stats,
}

/// An assertion of a test file that does not hold.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mismatch {
    pub(crate) message: String,
    /// Expected and actual value, where two were compared.
    pub(crate) values: Option<(Value, Value)>,
    pub(crate) position: Option<Position>,
}

impl RhaiExecutorBuilder {
    /// For an app under test: host functions that have a double are that double.
    pub(crate) fn doubled(self, doubles: Doubles) -> Self {
        let modules = self.host.clone();
        self.extended(Arc::new(move |engine| doubles.register(&modules, engine)))
    }

    /// For test files.
    pub(crate) fn bench(self, bench: Bench) -> Self {
        let surroundings = bench.surroundings.clone();
        self.within(surroundings).extended(Arc::new(move |engine| bench.register(engine)))
    }
}

impl RhaiExecutor {
    /// The test functions of a test file, in the order in which they stand there.
    ///
    /// # Errors
    /// What does not compile.
    pub(crate) fn tests_in(&self, source: &str) -> Result<Vec<String>, Diagnostic> {
        let limits = Limits::default();
        let text = Arc::from(source);
        let program =
            self.0.clone().on_stack(&limits, move |shared| shared.compile(&text, &limits, Vec::new()))?;
        let functions = program.ast.iter_functions();
        let tests =
            functions.filter(|function| function.name.starts_with("test_") && function.params.is_empty());
        let mut names: Vec<_> = tests.map(|function| function.name.to_owned()).collect();
        names.sort_by_key(|name| source.find(&format!("fn {name}")));
        Ok(names)
    }
}

/// A value as JSON; what has no JSON form is told as text.
fn as_json(value: &Dynamic) -> Value {
    let depth = usize::try_from(Limits::default().data_depth).unwrap_or(usize::MAX);
    json::to_value(value, depth).unwrap_or_else(|_| Value::String(builtins::describe(value, 200)))
}
