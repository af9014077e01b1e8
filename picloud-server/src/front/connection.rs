//! One connection from accept to close.
//!
//! hyper parses and writes; the guard below it decides what it reads and how long it waits, so none of
//! hyper's own timers is used.
//!
//! *Half-closed connections*: a FIN says that the peer sends no more; whether it still listens only
//! shows when we write. hyper would drop the request at once, even one whose answer is ready. The guard
//! keeps the FIN to itself for a second, so those who close their side early get their answer, and then
//! lets it through, so that no script runs on for somebody who left. *After a body that was not read to
//! its end* hyper closes; the rest of it can never be taken for a request. *Pipelining*: requests are
//! answered one after the other, and nothing more is read while the peer does not take its answers: what
//! it is owed never piles up here. hyper's `pipeline_flush` would lift its own bound on that.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::checks::Checked;
use super::connections::{Phase, Ticket};
use super::exchange::{Exchange, Sender, Serve};
use super::flight::Flight;
use super::guard::{Guard, Stop};
use super::settings::{FrontSettings, HeadLimits};

/// The largest read buffer, so a connection's memory is bounded; larger than any head we let through.
const BUFFER_MAX: usize = 64 * 1024;
/// How long and how much is still read after the last answer. A socket that is closed with unread bytes
/// sends a reset, and a reset makes the peer forget the answer it has not read yet.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

type Http<Io, S> = http1::Connection<TokioIo<Guard<Io>>, Exchange<S>>;

/// Serves one connection to its end.
pub(super) async fn run<S: Serve>(
    stream: TcpStream,
    peer: SocketAddr,
    service: S,
    settings: FrontSettings,
    mut ticket: Ticket,
) {
    let flight = Arc::new(Flight::new());
    let guard = Guard::new(stream, &settings, Arc::clone(&flight));
    let sender = Sender::new(peer.ip(), &settings.trusted_proxies);
    let exchange = Exchange { service: Checked::new(service), sender, flight: Arc::clone(&flight) };
    let mut http = builder(&settings).serve_connection(TokioIo::new(guard), exchange);
    let Some(result) = drive(&mut http, &flight, &mut ticket).await else { return };
    if let Err(error) = &result {
        tracing::debug!(%peer, %error, "connection failed");
    }
    let (stream, stop) = http.into_parts().io.into_inner().into_parts();
    if let Err(error) = finish(stream, peer, stop, result.is_ok()).await {
        tracing::debug!(%peer, %error, "connection not closed cleanly");
    }
}

fn builder(settings: &FrontSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER_MAX).max_headers(HeadLimits::HEADERS_MAX);
    if let Some(writev) = settings.writev {
        builder.writev(writev);
    }
    builder
}

/// Polls hyper until it is done; `None` when the server cannot wait for that any longer.
async fn drive<S: Serve>(
    http: &mut Http<TcpStream, S>,
    flight: &Flight,
    ticket: &mut Ticket,
) -> Option<hyper::Result<()>> {
    let mut told = false;
    poll_fn(|cx| {
        let phase = ticket.phase(cx);
        if phase == Phase::Ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(result) = poll_http(http, flight, cx) {
            return Poll::Ready(Some(result));
        }
        // A request whose head has begun to arrive is one that was sent to us: it is still answered.
        if phase == Phase::Draining && !told && !(flight.is_idle() && flight.mid_head()) {
            told = true;
            Pin::new(&mut *http).graceful_shutdown();
            return poll_http(http, flight, cx).map(Some);
        }
        Poll::Pending
    })
    .await
}

/// Polls hyper, and again when the guard has asked for it.
pub(super) fn poll_http<Io, S>(
    http: &mut Http<Io, S>,
    flight: &Flight,
    cx: &mut Context<'_>,
) -> Poll<hyper::Result<()>>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: Serve,
{
    loop {
        let polled = Pin::new(&mut *http).poll(cx);
        if polled.is_ready() || !flight.take_again() {
            return polled;
        }
    }
}

/// Says what is left to say and closes.
async fn finish(mut stream: TcpStream, peer: SocketAddr, stop: Option<Stop>, clean: bool) -> io::Result<()> {
    match stop {
        Some(Stop::PeerEnded) => return stream.shutdown().await,
        Some(Stop::Idle) => {
            tracing::debug!(%peer, "connection idle for too long");
            return stream.shutdown().await;
        }
        Some(Stop::Head(refusal)) => {
            tracing::debug!(%peer, code = %refusal.code(), "request refused: {refusal}");
            timeout(LINGER, stream.write_all(&refusal.wire())).await??;
        }
        Some(Stop::Body(refusal)) => {
            tracing::debug!(%peer, code = %refusal.code(), "request body refused: {refusal}");
        }
        None if !clean => return Ok(()),
        None => {}
    }
    stream.shutdown().await?;
    let _ = timeout(LINGER, discard(&mut stream)).await;
    Ok(())
}

/// Reads on until the peer has closed too, or has sent more than we care to wait for.
async fn discard(stream: &mut TcpStream) -> io::Result<()> {
    // Not an array: it would be part of every connection's task from the start.
    let mut buf = vec![0; 4096];
    let mut left = LINGER_BYTES;
    while left > 0 {
        match stream.read(&mut buf).await? {
            0 => return Ok(()),
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}
