//! Runs a service on a socket until the process is told to stop.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use picloud_server::front::{self, Connections, FrontSettings, Serve};
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
    sync::Notify,
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

/// A listening socket, and what answers there.
pub(crate) struct Door<S> {
    listener: TcpListener,
    service: S,
    settings: FrontSettings,
    connections: Connections,
}

impl<S: Serve> Door<S> {
    pub(crate) fn new(
        listener: TcpListener,
        service: S,
        settings: FrontSettings,
        connections: Connections,
    ) -> Self {
        Self { listener, service, settings, connections }
    }

    /// Begins to accept.
    fn open(self) -> Connections {
        let Self { listener, service, settings, connections } = self;
        tokio::spawn(front::serve(listener, service, settings, connections.clone()));
        connections
    }
}

/// Serves until SIGTERM or SIGINT, then lets running requests finish; a second signal ends them at once. `closing` is
/// called in between, and `delay` passes before nothing more is accepted.
pub(crate) async fn until_stopped<S: Serve>(
    doors: impl IntoIterator<Item = Door<S>>,
    delay: Duration,
    closing: impl FnOnce(),
) {
    // Before the first request is answered: who has had an answer may already tell us to stop.
    let stop = stop_signal();
    let doors: Vec<Connections> = doors.into_iter().map(Door::open).collect();
    stop.await;
    let again = Arc::new(Notify::new());
    let told = again.clone();
    let second = stop_signal();
    tokio::spawn(async move {
        second.await;
        told.notify_waiters();
    });
    closing();
    let seconds = GRACE.as_secs();
    tracing::info!("stopping; requests that have begun may take {seconds} s");
    let at_once = tokio::time::timeout(delay, again.notified()).await.is_ok();
    let grace = if at_once { Duration::ZERO } else { GRACE };
    let draining: Vec<_> =
        doors.into_iter().map(|door| tokio::spawn(drain(door, grace, again.clone()))).collect();
    let mut finished = true;
    for door in draining {
        finished &= door.await.unwrap_or(false);
    }
    tracing::info!(finished, "stopped");
}

async fn drain(connections: Connections, grace: Duration, at_once: Arc<Notify>) -> bool {
    connections.drain(grace, at_once.notified()).await
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
