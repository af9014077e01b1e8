//! What every request must be before anything routes it: a method we serve, one host, a sane path.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, Uri};
use http_body_util::Full;
use picloud::Host;
use pin_project_lite::pin_project;
use tower::Service;

use super::refusal::Refusal;

/// Answers bad requests itself and gives the rest to the service inside.
#[derive(Clone, Debug)]
pub(super) struct Checked<S> {
    inner: S,
}

impl<S> Checked<S> {
    /// Checks before `inner`.
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, B, A> Service<Request<B>> for Checked<S>
where
    S: Service<Request<B>, Response = Response<A>, Error = Infallible>,
    A: From<Full<Bytes>>,
{
    type Response = Response<A>;
    type Error = Infallible;
    type Future = Checking<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match check(&request) {
            Ok(host) => {
                // For the orchestrator, which would have to find it again.
                request.extensions_mut().insert(host);
                Checking::Passed { answer: self.inner.call(request) }
            }
            Err(refusal) => Checking::Refused { refusal },
        }
    }
}

pin_project! {
    /// The answer of [`Checked`].
    #[project = CheckingState]
    #[derive(Debug)]
    pub(super) enum Checking<F> {
        /// The request was bad.
        Refused { refusal: Refusal },
        /// The service inside answers.
        Passed {
            #[pin]
            answer: F,
        },
    }
}

impl<F, A> Future for Checking<F>
where
    F: Future<Output = Result<Response<A>, Infallible>>,
    A: From<Full<Bytes>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project() {
            CheckingState::Refused { refusal } => Poll::Ready(Ok(refusal.response().map(A::from))),
            CheckingState::Passed { answer } => answer.poll(cx),
        }
    }
}

/// The checks, in the order in which they are answered.
fn check<B>(request: &Request<B>) -> Result<Host, Refusal> {
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        return Err(Refusal::Method);
    }
    // Without a host of its own nobody knows whose script was meant, in HTTP/1.0 neither.
    let host = picloud::request_host(request).map_err(|_| Refusal::Host)?;
    check_target(request.method(), request.uri())?;
    Ok(host)
}

fn check_target(method: &Method, uri: &Uri) -> Result<(), Refusal> {
    if uri.path() == "*" {
        return if method == Method::OPTIONS { Ok(()) } else { Err(Refusal::Path) };
    }
    // A proxy's request for something other than the web.
    if !matches!(uri.scheme_str(), None | Some("http" | "https")) {
        return Err(Refusal::Path);
    }
    picloud::check_path(uri.path()).map_err(|_| Refusal::Path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn verdict(method: &str, target: &str, hosts: &[&str], expected: Option<Refusal>) {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header("host", *host);
        }
        let found = check(&request.body(()).unwrap()).err();
        assert_eq!(found, expected, "{method} {target} {hosts:?}");
    }

    #[test]
    fn methods_hosts_and_paths_are_checked_in_this_order() {
        verdict("GET", "/", &["a.test"], None);
        verdict("OPTIONS", "*", &["a.test"], None);
        verdict("GET", "http://a.test/x", &["A.test."], None);
        verdict("CONNECT", "a.test:443", &[], Some(Refusal::Method));
        verdict("TRACE", "/", &["a.test"], Some(Refusal::Method));
        verdict("GET", "/", &[], Some(Refusal::Host));
        verdict("GET", "/", &["a.test", "a.test"], Some(Refusal::Host));
        verdict("GET", "http://b.test/x", &["a.test"], Some(Refusal::Host));
        verdict("GET", "*", &["a.test"], Some(Refusal::Path));
        verdict("GET", "ftp://a.test/x", &["a.test"], Some(Refusal::Path));
        verdict("GET", "/a/../b", &["a.test"], Some(Refusal::Path));
    }
}
