//! A request to an app under test, put together part by part.

use std::{net::IpAddr, panic::Location};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri, header};
use serde::Serialize;

use super::{TestApp, TestResponse};
use crate::{Client, Scheme};

/// A request to an app under test. Nothing happens before it is sent.
#[must_use]
pub struct TestRequest {
    app: TestApp,
    request: Request<Bytes>,
}

impl TestRequest {
    #[track_caller]
    pub(super) fn new(app: TestApp, method: Method, path: &str) -> Self {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse::<Uri>().unwrap_or_else(|error| panic!("path {path:?}: {error}"));
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("localhost"));
        Self { app, request }
    }

    /// Adds a header; `host` and `content-type` replace what was there.
    ///
    /// # Panics
    /// If HTTP does not allow its name or value.
    #[track_caller]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap_or_else(|error| panic!("header {name:?}: {error}"));
        let value: HeaderValue = value.parse().unwrap_or_else(|error| panic!("header {name}: {error}"));
        let headers = self.request.headers_mut();
        if name == header::HOST || name == header::CONTENT_TYPE {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
        self
    }

    /// Adds a cookie.
    ///
    /// # Panics
    /// If HTTP does not allow its name or value.
    #[track_caller]
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", &format!("{name}={value}"))
    }

    /// Sets the body to bytes, of the type that a header says.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = body.into();
        self
    }

    /// Sets the body to JSON.
    ///
    /// # Panics
    /// If `value` has no JSON form.
    #[track_caller]
    pub fn json(self, value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).unwrap_or_else(|error| panic!("the body: {error}"));
        self.header("content-type", "application/json").body(text)
    }

    /// Sets the body to a form.
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(text)
    }

    /// Says who the client is, for `ctx.ip` and `ctx.scheme`.
    pub fn client(mut self, ip: IpAddr, scheme: Scheme) -> Self {
        self.request.extensions_mut().insert(Client { ip, scheme });
        self
    }

    /// Sends it, and waits for the answer. For tests that are not async; each app has a small runtime for this.
    ///
    /// # Panics
    /// If the app has a mistake, with all that is wrong; and inside of a runtime, where [`send_async`](Self::send_async)
    /// is for.
    #[track_caller]
    pub fn send(self) -> TestResponse {
        let caller = Location::caller();
        let app = self.app.clone();
        app.block_on(self.run(caller))
    }

    /// Sends it. For async tests.
    ///
    /// # Panics
    /// If the app has a mistake, with all that is wrong.
    #[track_caller]
    pub fn send_async(self) -> impl Future<Output = TestResponse> + Send {
        self.run(Location::caller())
    }

    async fn run(self, caller: &'static Location<'static>) -> TestResponse {
        let Self { app, request } = self;
        let asked = format!("{} {}", request.method(), request.uri());
        match app.answer(request).await {
            Ok(reply) => TestResponse { asked, reply },
            Err(wrong) => panic!("the app under test at {caller} cannot be built:\n\n{wrong}\n"),
        }
    }
}
