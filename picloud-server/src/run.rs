//! Runs a service on a socket until the process is told to stop.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use picloud_server::front::{self, ConnectionLimits, Connections, FrontSettings, Serve};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use crate::Exit;

/// How long requests that have begun may go on after the process was told to stop.
const GRACE: Duration = Duration::from_secs(30);

/// One runtime with a worker thread for each processor, or as many as asked for (`docs/architecture.md`, "Runtime").
pub(crate) fn runtime(workers: Option<usize>) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers);
    }
    builder.enable_all().thread_name("picloud").build()
}

/// A listening socket.
pub(crate) fn bind(address: SocketAddr) -> Result<TcpListener, Exit> {
    front::bind(address, false).map_err(|error| {
        let hint = match error.kind() {
            io::ErrorKind::AddrInUse => "; is another server running? Choose another address with --listen",
            _ => "",
        };
        format!("cannot listen on {address}: {error}{hint}").into()
    })
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish; a second signal ends them at once. `closing` is
/// called in between.
pub(crate) async fn until_stopped<S: Serve>(listener: TcpListener, service: S, closing: impl FnOnce()) {
    // Before the first request is answered: who has had an answer may already tell us to stop.
    let stop = stop_signal();
    let connections = Connections::new(ConnectionLimits::default());
    let accepting =
        tokio::spawn(front::serve(listener, service, FrontSettings::default(), connections.clone()));
    stop.await;
    closing();
    tracing::info!("stopping; requests that have begun may take {} s", GRACE.as_secs());
    let finished = connections.drain(GRACE, stop_signal()).await;
    accepting.abort();
    tracing::info!(finished, "stopped");
}

/// Waits for SIGTERM or SIGINT.
#[cfg(unix)]
fn stop_signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    // Registered at once, so that none is lost until the future is polled.
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = signals else { return std::future::pending().await };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// Waits for Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> impl Future<Output = ()> {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
