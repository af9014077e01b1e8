//! The executor as its callers see it: a script and an event in, an outcome out.

mod contract;
mod host;
mod limits;
mod lint;
mod switches;
mod waiting;

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::RhaiExecutor;
use crate::{
    AppId, CompiledSlot, Event, Executor, Gate, HostModule, HttpEvent, Invocation, Limits, Outcome,
    RequestId, Script, ScriptId,
};

/// A script to run, with the request it runs for.
struct Case {
    executor: RhaiExecutor,
    script: Arc<Script>,
    request: HttpEvent,
}

fn script(source: &str) -> Case {
    script_with(source, Limits::default(), Vec::new())
}

fn script_with(source: &str, limits: Limits, host: Vec<HostModule>) -> Case {
    let script = Arc::new(Script {
        app: AppId::new(),
        app_slug: "shop".parse().unwrap(),
        gate: Gate::default(),
        id: ScriptId::new(),
        name: "test".into(),
        version: 3,
        source: source.into(),
        limits,
        compiled: CompiledSlot::default(),
    });
    let request =
        HttpEvent { path: "/".into(), route: "/".into(), host: "a.test".into(), ..HttpEvent::default() };
    Case {
        executor: host.into_iter().fold(RhaiExecutor::builder(), |all, one| all.module(one)).build().unwrap(),
        script,
        request,
    }
}

impl Case {
    fn method(mut self, method: Method) -> Self {
        self.request.method = method;
        self
    }

    fn query(mut self, query: &str) -> Self {
        self.request.query = Some(query.into());
        self
    }

    fn param(mut self, name: &str, value: &str) -> Self {
        self.request.params.push((name.into(), value.into()));
        self
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.request.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }

    fn body(mut self, content_type: &'static str, body: &[u8]) -> Self {
        self.request.body = Bytes::copy_from_slice(body);
        self.header("content-type", content_type)
    }

    fn invocation(self) -> (RhaiExecutor, Invocation) {
        let event = Event::Http(Box::new(self.request));
        let request_id = RequestId::from_parts(1, [7; 10]);
        (self.executor, Invocation { script: self.script, event, request_id })
    }

    async fn run(self) -> Outcome {
        let (executor, invocation) = self.invocation();
        executor.invoke(invocation).await
    }

    /// Status, content type and body of the answer; panics on a failure.
    async fn answer(self) -> (u16, String, String) {
        let outcome = self.run().await;
        let response = outcome.result.unwrap_or_else(|failure| panic!("{failure:?}"));
        let kind = response.headers().get("content-type").map_or("", |v| v.to_str().unwrap()).to_owned();
        (response.status().as_u16(), kind, String::from_utf8_lossy(response.body()).into_owned())
    }

    async fn headers(self) -> HeaderMap {
        self.run().await.result.unwrap().headers().clone()
    }

    /// The body of a 200.
    async fn text(self) -> String {
        let (status, _, body) = self.answer().await;
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The code and the log's message of a failure.
    async fn failure(self) -> (&'static str, String) {
        let outcome = self.run().await;
        let failure = match outcome.result {
            Ok(response) => {
                panic!("answered {:?} {}", response.status(), String::from_utf8_lossy(response.body()))
            }
            Err(failure) => failure,
        };
        (failure.code.as_str(), failure.log.map(|log| log.message).unwrap_or_default())
    }
}
