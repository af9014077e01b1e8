//! Real reverse proxies in front of a server, started by the tests in folders of their own, on free ports.

use std::{
    fs,
    io::Read,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use picloud::testing::parts;
use tempfile::{TempDir, tempdir};

/// A running proxy. Dropping it kills it.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

/// What stands in front of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Caddy,
    /// The same, with deadlines that a test can await.
    HastyCaddy,
    Nginx,
    Haproxy,
}

impl Proxy {
    /// Starts a proxy that sends the host `admin.test` to `admin` and all others to `data`; `None` where the program is
    /// not installed.
    pub(crate) fn start(kind: Kind, data: SocketAddr, admin: SocketAddr) -> Option<Self> {
        let name = match kind {
            Kind::Caddy | Kind::HastyCaddy => "caddy",
            Kind::Nginx => "nginx",
            Kind::Haproxy => "haproxy",
        };
        let program = parts::program(name, &format!("everything behind {name}"))?;
        let folder = tempdir().unwrap();
        let address = free_port();
        let mut command = match kind {
            Kind::Caddy => caddy(&program, &operators_file(), folder.path(), address, data, admin),
            Kind::HastyCaddy => {
                let file = hasty_file(folder.path());
                caddy(&program, &file, folder.path(), address, data, admin)
            }
            Kind::Nginx => nginx(&program, folder.path(), address, data, admin),
            Kind::Haproxy => haproxy(&program, folder.path(), address, data, admin),
        };
        let mut child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        await_listener(&mut child, address);
        Some(Self { child, address, _folder: folder })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that was free just now: none of the three can choose one and tell.
fn free_port() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn await_listener(child: &mut Child, address: SocketAddr) {
    let since = Instant::now();
    while TcpStream::connect(address).is_err() {
        if since.elapsed() > Duration::from_secs(20) || child.try_wait().unwrap().is_some() {
            let mut output = String::new();
            let _ = child.kill();
            let _ = child.stderr.take().unwrap().read_to_string(&mut output);
            panic!("the proxy does not listen:\n{output}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// The file that operators get.
fn operators_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/Caddyfile")
}

fn hasty_file(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(operators_file()).unwrap();
    assert!(text.contains("read_header 10s") && text.contains("read_body 1m"), "{text}");
    let hasty = text.replace("read_header 10s", "read_header 1s").replace("read_body 1m", "read_body 2s");
    let file = folder.join("Caddyfile");
    fs::write(&file, hasty).unwrap();
    file
}

fn caddy(
    program: &Path,
    file: &Path,
    folder: &Path,
    at: SocketAddr,
    data: SocketAddr,
    admin: SocketAddr,
) -> Command {
    let mut command = Command::new(program);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file).env_clear();
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command.env("CADDY_ADMIN", "off");
    command.env("PICLOUD_SITE", format!("http://:{}", at.port()));
    command.env("PICLOUD_UPSTREAM", data.to_string());
    command.env("PICLOUD_ADMIN_SITE", format!("http://admin.test:{}", at.port()));
    command.env("PICLOUD_ADMIN_UPSTREAM", admin.to_string());
    command
}

fn nginx(program: &Path, folder: &Path, at: SocketAddr, data: SocketAddr, admin: SocketAddr) -> Command {
    let server = |name: &str, default: &str, upstream: &str| {
        format!(
            "server {{ listen {at} {default}; server_name {name};
                location / {{
                    proxy_pass http://{upstream};
                    proxy_http_version 1.1;
                    proxy_set_header Host $http_host;
                    proxy_set_header Connection \"\";
                    proxy_set_header X-Forwarded-For $remote_addr;
                    proxy_set_header X-Forwarded-Proto $scheme;
                    proxy_set_header X-Forwarded-Host $http_host;
                    proxy_set_header X-Request-Id $request_id;
                    proxy_set_header Traceparent \"\";
                }}
            }}"
        )
    };
    let user = if unix_root() { "user root;" } else { "" };
    let temp = |what: &str| format!("{what}_temp_path {what};");
    let temps: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(temp).concat();
    let text = format!(
        "{user} daemon off; master_process off; pid nginx.pid; error_log stderr crit; worker_processes 1;
        events {{}}
        http {{
            access_log off; client_max_body_size 0; keepalive_requests 1000000; {temps}
            upstream data {{ server {data}; keepalive 16; }}
            upstream admin {{ server {admin}; keepalive 16; }}
            {} {}
        }}",
        server("_", "default_server", "data"),
        server("admin.test", "", "admin"),
    );
    fs::write(folder.join("nginx.conf"), text).unwrap();
    let mut command = Command::new(program);
    command.arg("-p").arg(folder).args(["-c", "nginx.conf", "-e", "stderr"]);
    command
}

/// Root's nginx gives its work to another user, who cannot look into a folder of root's.
fn unix_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn haproxy(program: &Path, folder: &Path, at: SocketAddr, data: SocketAddr, admin: SocketAddr) -> Command {
    let text = format!(
        "defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind {at}
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.fhdr(host)]
    http-request del-header X-Request-Id
    http-request del-header Traceparent
    http-request del-header Forwarded
    use_backend admin if {{ req.hdr(host) -i admin.test }}
    default_backend data
backend data
    server one {data}
backend admin
    server one {admin}
"
    );
    fs::write(folder.join("haproxy.cfg"), text).unwrap();
    let mut command = Command::new(program);
    command.args(["-db", "-f", "haproxy.cfg"]);
    command
}
