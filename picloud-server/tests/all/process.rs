//! The real binary as a child process, and a client that speaks plain HTTP/1.1 to it.

use std::{
    fmt::Display,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// A test that waits longer than this has failed.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const USERNAME: &str = "ada";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// `picloud` with these arguments in `folder`, without any setting from outside.
pub(crate) fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_picloud"));
    command.args(arguments).current_dir(folder).env_clear();
    command
}

/// What a process has written on standard error, and whether that has ended.
#[derive(Default)]
struct Output {
    lines: Vec<String>,
    ended: bool,
}

/// A running `picloud`. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    output: Arc<(Mutex<Output>, Condvar)>,
}

impl Process {
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let output = Arc::new((Mutex::new(Output::default()), Condvar::new()));
        let shared = Arc::clone(&output);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                shared.0.lock().unwrap().lines.push(line);
                shared.1.notify_all();
            }
            shared.0.lock().unwrap().ended = true;
            shared.1.notify_all();
        });
        Self { child, output }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Everything on standard error so far.
    pub(crate) fn output(&self) -> String {
        self.output.0.lock().unwrap().lines.join("\n")
    }

    /// Waits for what `find` makes of a line.
    pub(crate) fn await_line<T>(&self, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let found = |output: &Output| output.lines.iter().find_map(|line| find(line));
        let waiting = self.output.1.wait_timeout_while(self.output.0.lock().unwrap(), PATIENCE, |output| {
            !output.ended && found(output).is_none()
        });
        let output = waiting.unwrap().0;
        found(&output).unwrap_or_else(|| panic!("no line with {what}:\n{}", output.lines.join("\n")))
    }

    /// Sends a signal, such as `TERM` or `KILL`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status().unwrap();
        assert!(sent.success());
    }

    /// Whether it is still the process that was started.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; the exit code, and everything on standard error.
    pub(crate) fn ended(&mut self) -> (Option<i32>, String) {
        let waiting =
            self.output.1.wait_timeout_while(self.output.0.lock().unwrap(), PATIENCE, |output| !output.ended);
        assert!(waiting.unwrap().0.ended, "the process ends in time:\n{}", self.output());
        (self.child.wait().unwrap().code(), self.output())
    }

    /// Bytes of memory in use, where the system tells.
    pub(crate) fn resident(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `picloud serve` on a free port.
pub(crate) struct Server {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Without any configuration but the port.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::spawn(&mut command(folder, &["serve", "--listen", "127.0.0.1:0"]))
    }

    /// With a first admin.
    pub(crate) fn with_admin(folder: &Path) -> Self {
        Self::spawn_with_admin(&mut command(folder, &["serve", "--listen", "127.0.0.1:0"]))
    }

    pub(crate) fn spawn_with_admin(command: &mut Command) -> Self {
        Self::spawn(command.env("PICLOUD_ADMIN_USERNAME", USERNAME).env("PICLOUD_ADMIN_PASSWORD", PASSWORD))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let process = Process::spawn(command);
        let address = process.await_line("the address", |line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let url = line["message"].as_str()?.split_once("is listening on http://")?.1;
            url.parse().ok()
        });
        Self { process, address }
    }

    pub(crate) fn get(&self, host: &str, path: &str) -> Reply {
        get(self.address, host, path)
    }

    pub(crate) fn log_in(&self) -> Admin {
        Admin::log_in(self.address, None)
    }
}

/// Where the control plane listens, if apart.
pub(crate) fn admin_address(server: &Server) -> SocketAddr {
    server.process.await_line("the admin address", |line| {
        let line: Value = serde_json::from_str(line).ok()?;
        line["message"].as_str()?.split_once("metrics are on http://")?.1.parse().ok()
    })
}

/// Someone who is logged in.
#[derive(Clone)]
pub(crate) struct Admin {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
    /// The name that the control plane goes by; none means the address.
    pub(crate) host: Option<String>,
}

impl Admin {
    /// Logs in where the control plane answers; `host` is the name that it goes by, if not its address.
    #[track_caller]
    pub(crate) fn log_in(address: SocketAddr, host: Option<&str>) -> Self {
        let mut admin = Self { address, token: String::new(), host: host.map(str::to_owned) };
        let login = json!({ "username": USERNAME, "password": PASSWORD });
        let reply = admin.call("POST", "/auth/login", Some(&login));
        assert_eq!(reply.status, 200, "{reply}");
        reply.json()["token"].as_str().unwrap().clone_into(&mut admin.token);
        admin
    }

    /// `path` is below `/api/v1/admin`.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let host = self.host.clone().unwrap_or_else(|| self.address.to_string());
        let token = Some(self.token.as_str()).filter(|token| !token.is_empty());
        let request = message_to(&host, method, &format!("/api/v1/admin{path}"), token, body);
        try_send(self.address, &request).unwrap_or_else(|| panic!("no answer to {method} {path}"))
    }

    /// Makes something; what was made.
    #[track_caller]
    pub(crate) fn make(&self, path: &str, body: &Value) -> Value {
        let reply = self.call("POST", path, Some(body));
        assert_eq!(reply.status, 201, "{path}: {reply}");
        reply.json()
    }

    /// An app that claims a domain.
    pub(crate) fn make_app(&self, slug: &str, domain: &str) {
        self.make("/apps", &json!({ "slug": slug }));
        self.make(&format!("/apps/{slug}/domains"), &json!({ "pattern": domain }));
    }

    /// A script that answers on a route; its id.
    #[track_caller]
    pub(crate) fn make_route(&self, app: &str, name: &str, route: (&str, &str), source: &str) -> String {
        let script = self.make(&format!("/apps/{app}/scripts"), &json!({ "name": name, "source": source }));
        let id = script["id"].as_str().unwrap();
        self.make(&format!("/scripts/{id}/routes"), &json!({ "method": route.0, "path": route.1 }));
        id.to_owned()
    }
}

/// One answer, read to the end of its connection.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The `code` of a problem; empty for what is not one.
    pub(crate) fn code(&self) -> String {
        let problem = self.header("content-type") == Some("application/problem+json");
        if problem { self.json()["code"].as_str().unwrap_or_default().to_owned() } else { String::new() }
    }
}

impl Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.text();
        write!(f, "{} {:?} {}", self.status, self.headers, text.get(..2000).unwrap_or(&text))
    }
}

pub(crate) fn get(address: SocketAddr, host: &str, path: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").as_bytes())
}

/// The bytes of a request with a JSON body.
pub(crate) fn message(
    address: SocketAddr,
    method: &str,
    path: &str,
    token: Option<&str>,
    body: Option<&Value>,
) -> Vec<u8> {
    message_to(&address.to_string(), method, path, token, body)
}

fn message_to(host: &str, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Vec<u8> {
    let body = body.map(Value::to_string).unwrap_or_default();
    let length = body.len();
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{token}Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

/// Sends the bytes of one request that ends its connection.
#[track_caller]
pub(crate) fn send(address: SocketAddr, request: &[u8]) -> Reply {
    let text = String::from_utf8_lossy(&request[..request.len().min(200)]).into_owned();
    try_send(address, request).unwrap_or_else(|| panic!("no answer to {text}"))
}

/// Like [`send`]; `None` where the server ends before it has answered.
pub(crate) fn try_send(address: SocketAddr, request: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A server that has seen enough closes while we still write.
    let _ = stream.write_all(request);
    read(&mut stream, request.starts_with(b"HEAD "))
}

/// Sends the bytes and says no more; the replies until the server closes.
pub(crate) fn read(stream: &mut TcpStream, head_only: bool) -> Option<Reply> {
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    let _ = stream.shutdown(Shutdown::Both);
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok());
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(": ").expect("a header has a name and a value"))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = bytes.split_off(end + 4);
    let reply = Reply { status: status.expect("a status"), headers, body };
    let lengths: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "content-length").collect();
    match lengths.as_slice() {
        // Cut short: the process has ended.
        [(_, length)] if length.parse::<usize>().unwrap() > reply.body.len() && !head_only => return None,
        [(_, length)] => assert!(head_only || *length == reply.body.len().to_string(), "{reply}"),
        [] => assert!(reply.body.is_empty(), "{reply}"),
        _ => panic!("two lengths: {reply}"),
    }
    assert!(ended.is_ok() || reply.status >= 400, "{ended:?}: {reply}");
    Some(reply)
}

/// Asks again until the answer is as wanted.
#[track_caller]
pub(crate) fn eventually(what: &str, ask: impl Fn() -> Reply, wanted: impl Fn(&Reply) -> bool) -> Reply {
    let since = Instant::now();
    loop {
        let reply = ask();
        if wanted(&reply) {
            return reply;
        }
        assert!(since.elapsed() < PATIENCE, "{what}; the last answer is {reply}");
        thread::sleep(Duration::from_millis(10));
    }
}
