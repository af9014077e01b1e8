//! Listens, accepts, and starts a task for each connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::sleep;

use super::connection;
use super::connections::Connections;
use super::exchange::Serve;
use super::settings::FrontSettings;

/// Connections that the kernel keeps for us while we are busy.
const BACKLOG: u32 = 1024;
/// The first pause after an accept that failed for want of something; it doubles up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LAST_PAUSE: Duration = Duration::from_secs(1);

/// Binds a listening socket. With `shared`, several sockets may be bound to one address, and the kernel
/// spreads new connections over them (`SO_REUSEPORT`).
///
/// # Errors
///
/// The address is in use, not ours, or not allowed.
pub fn bind(address: SocketAddr, shared: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restarted server must not wait for the old one's last connections.
    socket.set_reuseaddr(true)?;
    #[cfg(unix)]
    socket.set_reuseport(shared)?;
    #[cfg(not(unix))]
    let _ = shared;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts and serves until `connections` is drained; returns as soon as nothing more is accepted.
pub async fn serve<S: Serve>(
    listener: TcpListener,
    service: S,
    settings: FrontSettings,
    connections: Connections,
) {
    let closing = connections.closing();
    tokio::pin!(closing);
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut closing => return,
            accepted = accept(&listener, &connections) => accepted,
        };
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections, waiting {pause:?}");
                sleep(pause).await;
                pause = (pause * 2).min(LAST_PAUSE);
                continue;
            }
        };
        pause = FIRST_PAUSE;
        let Some(ticket) = connections.admit(peer.ip(), permit) else {
            tracing::debug!(%peer, "too many connections from this peer");
            continue;
        };
        if let Err(error) = stream.set_nodelay(settings.nodelay) {
            tracing::debug!(%peer, %error, "connection ended before it began");
            continue;
        }
        tokio::spawn(connection::run(stream, peer, service.clone(), settings.clone(), ticket));
    }
}

/// The next connection, once there is room for it.
async fn accept(
    listener: &TcpListener,
    connections: &Connections,
) -> io::Result<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = connections.permit().await;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

/// Whether only the one connection failed; anything else (no file descriptors, no memory) will fail again
/// at once, and trying again at once would burn a core.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
