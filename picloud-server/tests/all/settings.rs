//! What an operator sets, seen from outside: where the control plane answers, who is believed, how the server ends.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::process::{
    Admin, PASSWORD, Process, Reply, Server, USERNAME, admin_address, command, eventually, get, message, send,
};

/// A server with these settings and the app `a` on `a.test`, which answers every path with what it sees.
struct World {
    server: Server,
    admin: Admin,
    _folder: TempDir,
}

const SEES: &str = "#{ ip: ctx.ip, scheme: ctx.scheme, host: ctx.host, headers: ctx.headers }";

fn start(folder: &Path, settings: &str) -> Server {
    fs::write(folder.join("picloud-server.toml"), settings).unwrap();
    Server::with_admin(folder)
}

fn world(settings: &str, host: Option<&str>) -> World {
    let folder = tempdir().unwrap();
    let server = start(folder.path(), settings);
    let address = if settings.contains("admin_listen") { admin_address(&server) } else { server.address };
    let admin = Admin::log_in(address, host);
    admin.make_app("a", "a.test");
    admin.make_route("a", "sees", ("ANY", "/*path"), SEES);
    World { server, admin, _folder: folder }
}

impl World {
    /// Asks the scripts' listener with these header lines.
    fn ask(&self, host: &str, path: &str, lines: &str) -> Reply {
        let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{lines}\r\n");
        send(self.server.address, head.as_bytes())
    }
}

fn is_confined(reply: &Reply) -> bool {
    reply.header("content-security-policy").is_some_and(|policy| policy.starts_with("sandbox"))
}

#[test]
fn an_admin_listener_takes_the_control_plane_away_from_scripts() {
    let world = world("admin_listen = \"127.0.0.1:0\"\n", None);
    let apps = "/api/v1/admin/apps";
    assert_eq!(world.admin.call("GET", "/apps", None).status, 200);
    // No spelling reaches it beside the scripts, with a session or without.
    for path in [apps, "/api", "/metrics", "/admin"] {
        let token = format!("Authorization: Bearer {}\r\n", world.admin.token);
        assert_eq!(world.ask("a.test", path, &token).code(), "no_route", "{path}");
    }
    let script = world.ask("a.test", "/x", "");
    assert_eq!(script.status, 200, "{script}");
    assert!(!is_confined(&script), "{script}");
    // No script answers on the other listener.
    let reply = get(world.admin.address, "a.test", "/x");
    assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{reply}");
    assert!(reply.header("x-request-id").is_some());
    for address in [world.server.address, world.admin.address] {
        assert_eq!(get(address, "any.test", "/healthz").text(), "ok");
        assert_eq!(get(address, "any.test", "/readyz").status, 200);
    }
}

#[test]
fn admin_hosts_are_the_only_names_of_the_control_plane() {
    let world = world("admin_hosts = [\"admin.test\"]\n", Some("admin.test"));
    assert_eq!(world.admin.call("GET", "/apps", None).status, 200);
    let elsewhere = Admin { host: Some("a.test".to_owned()), ..world.admin.clone() };
    assert_eq!(elsewhere.call("GET", "/apps", None).code(), "no_route");
    assert_eq!(world.ask("admin.test", "/x", "").code(), "not_found");
    let script = world.ask("a.test", "/x", "");
    assert!(script.status == 200 && !is_confined(&script), "{script}");
    assert_eq!(world.ask("unclaimed.test", "/api/v1/admin/apps", "").status, 404);
    // Neither a port nor a dot nor capitals make another name of it.
    for host in ["ADMIN.test", "admin.test.", "admin.test:8080"] {
        assert_eq!(world.ask(host, "/api/v1/admin/apps", "").code(), "unauthorized", "{host}");
    }
}

/// Whatever an app may claim, these names stay the control plane's.
#[test]
fn admin_hosts_cannot_be_claimed_and_no_pattern_answers_there() {
    for settings in [
        "admin_hosts = [\"admin.test\"]\n",
        "admin_listen = \"127.0.0.1:0\"\nadmin_hosts = [\"admin.test\"]\n",
    ] {
        let world = world(settings, Some("admin.test"));
        for pattern in ["admin.test", "ADMIN.test."] {
            let claim = json!({ "pattern": pattern });
            let reply = world.admin.call("POST", "/apps/a/domains", Some(&claim));
            assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"), "{pattern}: {reply}");
            let error = &reply.json()["errors"][0];
            assert_eq!((&error["field"], &error["code"]), (&json!("pattern"), &json!("reserved")), "{reply}");
            assert!(reply.json()["detail"].as_str().unwrap().contains("control plane"), "{reply}");
        }
        // The app `hello` has `*` already.
        for pattern in ["*.test", "{any}.test"] {
            let claim = json!({ "pattern": pattern });
            let made = world.admin.make("/apps/a/domains", &claim);
            assert_eq!(world.ask("b.test", "/x", "").status, 200);
            for path in ["/x", "/", "/hello/Ada"] {
                for address in [world.server.address, world.admin.address] {
                    let reply = get(address, "admin.test", path);
                    assert_eq!(reply.status, 404, "{settings} {pattern}: {reply}");
                }
            }
            let question = json!({ "method": "GET", "url": "http://admin.test/x" });
            let answer = world.admin.call("POST", "/match", Some(&question)).json();
            assert_eq!((&answer["matched"], &answer["claim"]), (&json!(false), &Value::Null), "{answer}");
            let id = made["id"].as_str().unwrap();
            assert_eq!(world.admin.call("DELETE", &format!("/domains/{id}"), None).status, 204);
        }
    }
}

#[test]
fn both_together_name_the_hosts_of_the_admin_listener() {
    let settings = "admin_listen = \"127.0.0.1:0\"\nadmin_hosts = [\"admin.test\"]\n";
    let world = world(settings, Some("admin.test"));
    assert_eq!(world.admin.call("GET", "/apps", None).status, 200);
    assert_eq!(get(world.admin.address, "a.test", "/api/v1/admin/apps").code(), "no_app");
    assert_eq!(world.ask("admin.test", "/api/v1/admin/apps", "").status, 404);
}

/// T21.
#[test]
fn only_trusted_proxies_say_for_whom_they_send() {
    let lines = "X-Forwarded-For: 6.6.6.6, 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b.test\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n";
    let believed = world("trusted_proxies = [\"127.0.0.0/8\"]\n", None);
    believed.admin.make("/apps/a/domains", &json!({ "pattern": "b.test" }));
    let reply = believed.ask("a.test", "/x", lines);
    let sees = reply.json();
    assert_eq!((&sees["ip"], &sees["scheme"]), (&json!("192.0.2.7"), &json!("https")), "{reply}");
    assert_eq!(sees["host"], "b.test");
    // A proxy passes on what its client says.
    assert!(!reply.header("x-request-id").unwrap().starts_with("01234567"), "{reply}");

    let alone = world("", None);
    let reply = alone.ask("a.test", "/x", lines);
    let sees = reply.json();
    assert_eq!((&sees["ip"], &sees["scheme"]), (&json!("127.0.0.1"), &json!("http")), "{reply}");
    assert_eq!(sees["host"], "a.test");
    assert!(!reply.text().contains("6.6.6.6") && !reply.text().contains("x-forwarded"), "{reply}");
}

/// The session cookie is that of the scheme in the browser's address bar.
#[test]
fn behind_a_trusted_proxy_with_tls_cookies_are_secure() {
    let world = world("trusted_proxies = [\"127.0.0.1\"]\n", None);
    let body = json!({ "username": USERNAME, "password": PASSWORD });
    let address = world.server.address;
    let login = message(address, "POST", "/api/v1/admin/auth/login", None, Some(&body));
    let plain = send(address, &login);
    let text = String::from_utf8(login).unwrap();
    let secure = send(address, text.replacen("\r\n", "\r\nX-Forwarded-Proto: https\r\n", 1).as_bytes());
    let cookie = |reply: &Reply| reply.header("set-cookie").unwrap().to_owned();
    assert!(cookie(&plain).starts_with("picloud_session=") && !cookie(&plain).contains("Secure"));
    assert!(cookie(&secure).starts_with("__Host-picloud_session=") && cookie(&secure).contains("Secure"));
}

#[test]
fn the_front_is_as_the_file_says() {
    let settings = "[front]\nhead_bytes = 2048\ntarget_bytes = 1024\nheaders = 5\n";
    let world = world(settings, None);
    assert_eq!(world.ask("a.test", "/x", "").status, 200);
    assert_eq!(world.ask("a.test", "/x", &"X: y\r\n".repeat(4)).code(), "limit_headers");
    assert_eq!(world.ask("a.test", "/x", &format!("X: {}\r\n", "y".repeat(2048))).code(), "limit_headers");
    assert_eq!(world.ask("a.test", &format!("/{}", "x".repeat(1024)), "").code(), "limit_uri");
}

#[test]
fn settings_are_shown_with_their_source_and_without_secrets() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("picloud-server.toml"), "max_running = 7\n").unwrap();
    let mut ask = command(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--print-config"]);
    ask.env("PICLOUD_TRUSTED_PROXIES", "10.0.0.0/8").env("DATABASE_URL", "sqlite://me:hunter2@file.db");
    let output = ask.output().unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let shown: Vec<Value> = serde_json::from_str(&text).unwrap();
    let one = |name: &str| shown.iter().find(|one| one["name"] == name).unwrap().clone();
    assert_eq!(one("listen"), json!({ "name": "listen", "value": "127.0.0.1:0", "source": "flag" }));
    assert_eq!(one("max_running")["source"], "file");
    assert_eq!(one("trusted_proxies")["source"], "environment");
    assert_eq!(one("front.headers")["source"], "default");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(!folder.path().join("picloud-data").exists(), "nothing was started");
}

#[test]
fn readiness_goes_before_the_listener_does() {
    let folder = tempdir().unwrap();
    let mut server = start(folder.path(), "shutdown_delay_ms = 60000\n");
    assert_eq!(server.get("a.test", "/readyz").status, 200);
    server.process.signal("TERM");
    // New connections are still taken, and learn that there will soon be no more.
    let ready =
        eventually("it is not ready", || server.get("a.test", "/readyz"), |reply| reply.status == 503);
    assert_eq!(ready.code(), "not_ready");
    assert_eq!(server.get("other.test", "/hello/Ada").text(), "Hello, Ada!");
    server.process.signal("TERM");
    assert_eq!(server.process.ended().0, Some(0));
}

#[test]
fn mistakes_in_the_environment_are_named() {
    let folder = tempdir().unwrap();
    let mut wrong = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    let (code, output) = Process::spawn(wrong.env("PICLOUD_TRUSTED_PROXIES", "10.0.0.0/8,localhost")).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("PICLOUD_TRUSTED_PROXIES") && output.contains("localhost"), "{output}");
}
