//! Hands hyper's requests to the service: one clone of it per connection, what is known of the client in each request.

use std::convert::Infallible;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use http_body_util::Full;
use hyper::body::Incoming;
use picloud::Client;
use pin_project_lite::pin_project;
use tower::Service as _;
use tower::util::Oneshot;

use super::checks::{Checked, Checking};
use super::flight::{Counted, Flight};
use super::forwarded;
use super::network::Network;

/// What the front serves: anything that answers requests and never fails, such as an orchestrator.
///
/// Implemented for every fitting [`tower::Service`].
pub trait Serve:
    tower::Service<
        Request<Incoming>,
        Response = Response<<Self as Serve>::Answer>,
        Error = Infallible,
        Future: Send,
    > + Clone
    + Send
    + 'static
{
    /// What the bodies of answers are.
    type Answer: Payload;
}

impl<S, A> Serve for S
where
    S: tower::Service<Request<Incoming>, Response = Response<A>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
    A: Payload,
{
    type Answer = A;
}

/// The body of an answer: one whole piece, or one that goes on, which can be a whole piece too.
///
/// Implemented for every fitting [`http_body::Body`].
pub trait Payload:
    Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
    + From<Full<Bytes>>
    + Unpin
    + Send
    + 'static
{
}

impl<B> Payload for B where
    B: Body<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + From<Full<Bytes>>
        + Unpin
        + Send
        + 'static
{
}

/// Whose requests come over a connection.
#[derive(Debug)]
pub(super) enum Sender {
    /// The client itself.
    Peer(IpAddr),
    /// A proxy that we trust; the networks of all of them.
    Proxy(IpAddr, Arc<[Network]>),
}

impl Sender {
    /// Who `peer` is.
    pub(super) fn new(peer: IpAddr, trusted: &Arc<[Network]>) -> Self {
        let peer = peer.to_canonical();
        if forwarded::is_trusted(peer, trusted) {
            Self::Proxy(peer, Arc::clone(trusted))
        } else {
            Self::Peer(peer)
        }
    }

    fn client<B>(&self, request: &mut Request<B>) -> Client {
        match self {
            Self::Peer(peer) => forwarded::direct(request, *peer),
            Self::Proxy(peer, trusted) => forwarded::proxied(request, *peer, trusted),
        }
    }
}

/// The service as one connection sees it.
#[derive(Debug)]
pub(super) struct Exchange<S> {
    pub(super) service: Checked<S>,
    pub(super) sender: Sender,
    pub(super) flight: Arc<Flight>,
}

impl<S: Serve> hyper::service::Service<Request<Incoming>> for Exchange<S> {
    type Response = Response<Counted<S::Answer>>;
    type Error = Infallible;
    type Future = Answering<Checking<S::Future>, Oneshot<Checked<S>, Request<Incoming>>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        let client = self.sender.client(&mut request);
        request.extensions_mut().insert(client);
        let (mut service, flight) = (self.service.clone(), Arc::clone(&self.flight));
        // Nearly every service is always ready; a request is large to carry through one more future.
        let running = match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Running::Started { answer: service.call(request) },
            Poll::Pending => Running::Waiting { answer: Oneshot::new(service, request) },
        };
        Answering { running, flight }
    }
}

pin_project! {
    /// Waits for the answer and puts its body under count.
    pub(super) struct Answering<F, W> {
        #[pin]
        running: Running<F, W>,
        flight: Arc<Flight>,
    }
}

pin_project! {
    #[project = RunningState]
    enum Running<F, W> {
        Started { #[pin] answer: F },
        Waiting { #[pin] answer: W },
    }
}

impl<F, W, A> Future for Answering<F, W>
where
    F: Future<Output = Result<Response<A>, Infallible>>,
    W: Future<Output = F::Output>,
{
    type Output = Result<Response<Counted<A>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(match this.running.project() {
            RunningState::Started { answer } => answer.poll(cx),
            RunningState::Waiting { answer } => answer.poll(cx),
        });
        // hyper closes after a body that was not read; this tells the peer.
        if this.flight.mid_body() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(response.map(|body| Counted::new(body, Arc::clone(this.flight)))))
    }
}
