//! Splits requests between the platform's own paths and scripts, by listener, host and path.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use picloud::{Answer, Code, Host, Orchestrator, Problem};
use tower::{Service, ServiceExt, util::Oneshot};

/// What one listener answers with.
///
/// Only the exact spelling of a path reaches the platform. Other spellings of a reserved path go to the orchestrator,
/// which answers them with 404.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) side: Side,
    /// What answers on every host of every listener: load balancers ask by address.
    pub(crate) health: Router,
    /// Admin API, metrics and dashboard. Answers all other paths with 404.
    pub(crate) control: Router,
    pub(crate) scripts: Orchestrator,
}

/// What answers on a listener.
#[derive(Debug, Clone)]
pub(crate) enum Side {
    /// The control plane on its paths of every host, scripts on all others.
    Shared,
    /// The control plane, and no script, on these hosts; scripts, and no control plane, on all others.
    ByHost(Arc<[Host]>),
    /// Scripts only, and nobody on these hosts: a browser gives its cookies to every port of a name.
    Data(Arc<[Host]>),
    /// The control plane only; on these hosts, or on any where none is named.
    Control(Arc<[Host]>),
}

enum Answers {
    Health,
    Control,
    Scripts,
    Nobody,
}

impl Side {
    fn answers(&self, host: Option<&Host>, path: &str) -> Answers {
        let named = |hosts: &[Host]| host.is_some_and(|host| hosts.contains(host));
        match self {
            _ if is_health(path) => Answers::Health,
            Self::Shared if is_control(path) => Answers::Control,
            Self::ByHost(hosts) if named(hosts) => Answers::Control,
            Self::Data(hosts) if named(hosts) => Answers::Nobody,
            Self::Shared | Self::ByHost(_) | Self::Data(_) => Answers::Scripts,
            Self::Control(hosts) if hosts.is_empty() || named(hosts) => Answers::Control,
            Self::Control(_) => Answers::Nobody,
        }
    }
}

fn is_health(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/version")
}

/// Whether a path is the control plane's, spelled exactly.
fn is_control(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/admin/") || matches!(path, "/api" | "/admin" | "/metrics")
}

/// The body of an answer.
pub(crate) enum Payload {
    /// A script's, or the front's.
    Whole(Full<Bytes>),
    /// The control plane's, which may go on.
    Control(Body),
}

impl From<Full<Bytes>> for Payload {
    fn from(body: Full<Bytes>) -> Self {
        Self::Whole(body)
    }
}

impl http_body::Body for Payload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.get_mut() {
            Self::Whole(body) => Pin::new(body).poll_frame(cx).map_err(|never| match never {}),
            Self::Control(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(body) => body.is_end_stream(),
            Self::Control(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => body.size_hint(),
            Self::Control(body) => body.size_hint(),
        }
    }
}

/// The future of an answer.
pub(crate) enum Answering {
    Script(Answer),
    Control(Pin<Box<Oneshot<Router, Request<Body>>>>),
    Problem(Option<Box<Problem>>),
}

impl Future for Answering {
    type Output = Result<Response<Payload>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Script(answer) => answer.as_mut().poll(cx).map_ok(|response| response.map(Payload::Whole)),
            Self::Control(answer) => {
                answer.as_mut().poll(cx).map_ok(|response| response.map(Payload::Control))
            }
            Self::Problem(problem) => {
                let problem = problem.take().expect("a future is not polled after its end");
                Poll::Ready(Ok(problem.to_response().map(|body| Payload::Whole(Full::new(body)))))
            }
        }
    }
}

impl Service<Request<Incoming>> for Dispatch {
    type Response = Response<Payload>;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answering {
        let ask = |router: &Router, request: Request<Incoming>| {
            Answering::Control(Box::pin(router.clone().oneshot(request.map(Body::new))))
        };
        match self.side.answers(request.extensions().get::<Host>(), request.uri().path()) {
            Answers::Scripts => Answering::Script(self.scripts.call(request)),
            Answers::Health => ask(&self.health, request),
            Answers::Control => ask(&self.control, request),
            Answers::Nobody => {
                let problem = Problem::new(Code::NoApp, "Nothing answers for this host on this address.");
                Answering::Problem(Some(Box::new(problem)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(side: &Side, host: &str, expected: [(&str, &str); 4]) {
        let host = Host::parse(host).unwrap();
        for (path, who) in expected {
            let found = match side.answers(Some(&host), path) {
                Answers::Health => "health",
                Answers::Control => "control",
                Answers::Scripts => "scripts",
                Answers::Nobody => "nobody",
            };
            assert_eq!(found, who, "{side:?} {host} {path}");
        }
    }

    #[test]
    fn hosts_and_listeners_keep_scripts_and_control_plane_apart() {
        let admin: Arc<[Host]> = Arc::from([Host::parse("admin.test").unwrap()]);
        let table = |control, scripts| {
            [("/healthz", "health"), ("/api/v1/x", control), ("/x", scripts), ("/API/v1/x", scripts)]
        };
        check(&Side::Shared, "a.test", table("control", "scripts"));
        check(&Side::ByHost(admin.clone()), "a.test", table("scripts", "scripts"));
        check(&Side::ByHost(admin.clone()), "admin.test", table("control", "control"));
        check(&Side::Data(Arc::default()), "admin.test", table("scripts", "scripts"));
        check(&Side::Data(admin.clone()), "admin.test", table("nobody", "nobody"));
        check(&Side::Data(admin.clone()), "a.test", table("scripts", "scripts"));
        check(&Side::Control(Arc::default()), "a.test", table("control", "control"));
        check(&Side::Control(admin.clone()), "admin.test", table("control", "control"));
        check(&Side::Control(admin), "a.test", table("nobody", "nobody"));
    }

    #[test]
    fn only_exact_spellings_are_the_control_planes() {
        for path in ["/api", "/api/", "/api/v1", "/admin", "/admin/x", "/metrics"] {
            assert!(is_control(path), "{path}");
        }
        for path in ["/", "/apis", "/Api", "//api/x", "/%61pi/x", "/administer", "/metrics/", "/healthz/"] {
            assert!(!is_control(path) && !is_health(path), "{path}");
        }
    }
}
