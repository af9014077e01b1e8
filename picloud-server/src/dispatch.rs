//! Splits requests between the platform's own paths and scripts.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use picloud::{Answer, Code, Orchestrator, Problem};
use tower::{Service, ServiceExt};

/// What the server answers with: the API on its own paths, scripts on all others.
///
/// Only the exact spelling of a path reaches the API. Other spellings of a reserved path go to the orchestrator, which
/// answers them with 404.
#[derive(Clone)]
pub(crate) struct Dispatch {
    pub(crate) platform: Router,
    pub(crate) scripts: Orchestrator,
}

/// Whether a path is the platform's, spelled exactly.
fn is_platform(path: &str) -> bool {
    path.starts_with("/api/")
        || path.starts_with("/admin/")
        || matches!(path, "/api" | "/admin" | "/healthz" | "/readyz" | "/version")
}

impl Service<Request<Incoming>> for Dispatch {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Answer {
        if is_platform(request.uri().path()) {
            Box::pin(answer(self.platform.clone(), request.map(Body::new)))
        } else {
            self.scripts.call(request)
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
