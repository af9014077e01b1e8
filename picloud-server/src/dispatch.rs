//! Splits requests between the platform's own paths and scripts, by listener, host and path.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use picloud::{Answer, Code, Host, Orchestrator, Problem};
use tower::{Service, ServiceExt};

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
    /// Scripts only.
    Data,
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
            Self::Shared | Self::ByHost(_) | Self::Data => Answers::Scripts,
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

impl Service<Request<Incoming>> for Dispatch {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answer {
        match self.side.answers(request.extensions().get::<Host>(), request.uri().path()) {
            Answers::Scripts => self.scripts.call(request),
            Answers::Health => Box::pin(answer(self.health.clone(), request.map(Body::new))),
            Answers::Control => Box::pin(answer(self.control.clone(), request.map(Body::new))),
            Answers::Nobody => {
                let problem = Problem::new(Code::NoApp, "Nothing answers for this host on this address.");
                Box::pin(std::future::ready(Ok(problem.to_response().map(Full::new))))
            }
        }
    }
}

async fn answer(platform: Router, request: Request<Body>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = platform.oneshot(request).await?.into_parts();
    match body.collect().await {
        Ok(body) => Ok(Response::from_parts(parts, Full::new(body.to_bytes()))),
        Err(error) => {
            tracing::error!(%error, "an answer of the API could not be read");
            Ok(Problem::new(Code::Internal, "The answer could not be made.").to_response().map(Full::new))
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
        check(&Side::Data, "admin.test", table("scripts", "scripts"));
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
