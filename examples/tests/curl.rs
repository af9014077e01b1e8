//! A real client against a real socket.

use std::{net::SocketAddr, process::Command};

use picloud::App;

/// Serves an app on a free port of loopback until the test's runtime ends.
pub(crate) async fn serve(app: App) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = axum::Router::new().fallback_service(app.service());
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

/// What the program `curl` prints; it must succeed.
pub(crate) fn curl(arguments: &[&str]) -> impl Future<Output = String> + use<> {
    let mut command = Command::new("curl");
    command.args(["--max-time", "10"]).args(arguments);
    async move {
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
