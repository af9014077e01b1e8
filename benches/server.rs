//! The real server, and clients for it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The password of the admin `bench`.
pub const PASSWORD: &str = "a long password for the benchmark";

/// The variables that make that admin at the first start.
pub const ADMIN: [(&str, &str); 2] =
    [("PICLOUD_ADMIN_USERNAME", "bench"), ("PICLOUD_ADMIN_PASSWORD", PASSWORD)];

/// One answer, or none.
#[derive(Clone, Copy)]
pub struct Answer {
    /// 0 for none.
    pub status: u16,
    /// Milliseconds.
    pub took: f64,
    /// Whether it says when to come back.
    pub retry_after: bool,
}

/// A connection that is kept alive.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// A new connection.
    ///
    /// # Panics
    /// If the server does not listen.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("the socket has options");
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends a request and waits for the response.
    pub async fn ask(&mut self, request: &str) -> Answer {
        let begun = Instant::now();
        let text = self.exchange(request).await.unwrap_or_default();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0);
        let retry_after = text.contains("retry-after: ");
        Answer { status, took: begun.elapsed().as_secs_f64() * 1e3, retry_after }
    }

    /// Sends a request and reads one whole response; `None` if the connection ends before.
    pub async fn exchange(&mut self, request: &str) -> Option<String> {
        self.stream.write_all(request.as_bytes()).await.ok()?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await.ok()? == 0 {
                return None;
            }
            let text = String::from_utf8_lossy(&self.buffer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
    }
}

/// The real server.
pub struct Server {
    process: Child,
    /// Where it listens.
    pub address: SocketAddr,
    _folder: TempDir,
}

impl Server {
    /// Starts it on a fresh database, with these variables in its environment beside those for the admin.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(binary: &Path, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("there is room for a database");
        Self::on(binary, folder, &[&ADMIN, variables].concat())
    }

    /// Starts it on what is in the folder, which goes with it, and with these variables only.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn on(binary: &Path, folder: TempDir, variables: &[(&str, &str)]) -> Self {
        let mut process = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path())
            .envs(variables.iter().copied())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let address = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split_once("listening on http://")?.1.split('"').next()?.parse().ok());
        let address = address.expect("the server says where it listens");
        // Read on, as a log collector would.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, address, _folder: folder }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Logs in and makes an app with the script, which answers `GET /work` on `work.test`; the token.
    ///
    /// # Panics
    /// If the API refuses it.
    pub async fn prepare(&self, script: &str) -> String {
        let mut admin = Admin::log_in(self.address).await;
        admin.call("POST", "/apps", r#"{"slug":"work"}"#).await;
        admin.call("POST", "/apps/work/domains", r#"{"pattern":"work.test"}"#).await;
        let script = format!(r#"{{"name":"work","source":"{script}"}}"#);
        let made = admin.call("POST", "/apps/work/scripts", &script).await;
        let routes = format!("/scripts/{}/routes", field(&made, "id"));
        admin.call("POST", &routes, r#"{"method":"GET","path":"/work"}"#).await;
        admin.token
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The admin `bench`, on a connection that is kept alive.
pub struct Admin {
    client: Client,
    address: SocketAddr,
    /// Of the session.
    pub token: String,
}

impl Admin {
    /// Logs in.
    ///
    /// # Panics
    /// If the API refuses it.
    pub async fn log_in(address: SocketAddr) -> Self {
        let mut admin = Self { client: Client::connect(address).await, address, token: String::new() };
        let login = format!(r#"{{"username":"bench","password":"{PASSWORD}"}}"#);
        let reply = admin.call("POST", "/auth/login", &login).await;
        admin.token = field(&reply, "token");
        admin
    }

    /// Calls the admin API; the whole response.
    ///
    /// # Panics
    /// If the API refuses it.
    pub async fn call(&mut self, method: &str, path: &str, body: &str) -> String {
        let Self { address, token, .. } = self;
        let bearer =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let request = format!(
            "{method} /api/v1/admin{path} HTTP/1.1\r\nHost: {address}\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let reply = self.client.exchange(&request).await.expect("the admin API answers");
        assert!(reply.starts_with("HTTP/1.1 20"), "{reply}");
        reply
    }
}

/// The text of a field in JSON that holds no escapes there.
fn field(reply: &str, name: &str) -> String {
    let start = reply.split_once(&format!("\"{name}\":\"")).expect("the field is there").1;
    start.split('"').next().unwrap_or_default().to_owned()
}
