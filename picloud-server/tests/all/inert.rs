//! Row 65 (T16, T52): names and log lines that would do something if they were taken for more than text. Names are refused,
//! lines are escaped in answers and in the server's own log. That the dashboard shows both as text is tried in Chromium
//! (`dashboard/e2e/hostile.test.js`).

use std::{
    fs,
    net::SocketAddr,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use picloud::testing::parts;
use serde_json::{Value, json};
use tempfile::tempdir;

use crate::{
    accounts::worlds,
    process::{Admin, PASSWORD, Reply, USERNAME, eventually, send},
};

/// Markup, a way out of a script element, colours and a title for terminals, a forged line, and marks that turn text around.
const HOSTILE: [&str; 6] = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "one\r\ntwo: forged\nthree",
    "\u{9b}31m\u{85}\u{8}\u{7f}",
    "\u{2028}\u{202e}evil",
];

/// Says what it is told: as a line, as a field, and as its failure.
const SAYS: &str = "let text = ctx.text(); log::warn(text, #{ text: text }); throw text";

fn say(address: SocketAddr, text: &str) -> Reply {
    let length = text.len();
    let head = format!(
        "POST /say HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{text}"
    );
    send(address, head.as_bytes())
}

/// Characters that end a line or begin what terminals obey. JSON has none outside of escapes (RFC 8259 §7).
fn has_control(text: &str) -> bool {
    text.chars().any(|c| c < ' ')
}

#[track_caller]
fn assert_is_data(reply: &Reply) {
    assert!(!has_control(&reply.text()), "{reply}");
    let kind = reply.header("content-type").unwrap();
    assert!(matches!(kind, "application/json" | "application/problem+json"), "{reply}");
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{reply}");
}

#[test]
fn row_65_no_name_can_be_markup() {
    for world in worlds() {
        let admin = Admin { address: world.address(), ..world.admin.clone() };
        let script = admin.make("/apps/a/scripts", &json!({ "name": "named", "source": "1" }));
        let routes = format!("/scripts/{}/routes", script["id"].as_str().unwrap());
        for text in HOSTILE {
            for (path, body) in [
                ("/apps", json!({ "slug": text })),
                ("/apps/a/domains", json!({ "pattern": text })),
                ("/apps/a/scripts", json!({ "name": text, "source": "1" })),
                ("/admins", json!({ "username": text, "password": PASSWORD })),
                (&routes, json!({ "method": "GET", "path": text })),
                (&routes, json!({ "method": text, "path": "/x" })),
            ] {
                let reply = admin.call("POST", path, Some(&body));
                assert_eq!((reply.status, reply.code().as_str()), (422, "invalid"), "{path} {body}: {reply}");
                assert_is_data(&reply);
            }
        }
        // What was refused is in the audit trail, as text.
        assert_is_data(&admin.call("GET", "/audit?limit=100", None));
    }
}

#[test]
fn row_65_lines_are_data_in_answers_and_escaped_in_the_log() {
    for world in worlds() {
        let admin = Admin { address: world.address(), ..world.admin.clone() };
        admin.make_route("a", "says", ("POST", "/say"), SAYS);
        for text in HOSTILE {
            let said = say(world.address(), text);
            assert_eq!((said.status, said.code().as_str()), (500, "script_error"), "{said}");
            assert!(!said.text().contains(text), "a caller is told nothing: {said}");
            let path = format!("/apps/a/logs?request_id={}", said.header("x-request-id").unwrap());
            let kept = eventually(&path, || admin.call("GET", &path, None), |r| r.text().contains("lines"));
            assert_is_data(&kept);
            let run = &kept.json()["items"][0];
            let line = &run["lines"][0];
            assert_eq!((&line["message"], &line["fields"]["text"]), (&json!(text), &json!(text)), "{kept}");
            assert!(run["error"]["message"].as_str().unwrap().contains(text), "{kept}");
            world.server.process.await_line("what was said", |line| {
                let line: Value = serde_json::from_str(line).unwrap();
                (line["message"] == text).then_some(())
            });
        }
        for line in world.server.process.output().lines() {
            assert!(!has_control(line) && line.starts_with('{') && line.ends_with('}'), "{line:?}");
        }
    }
}

/// On a terminal the log is text: there a line is one line, whatever it says.
#[test]
fn row_65_lines_on_a_terminal_are_escaped() {
    let Some(script) = parts::program("script", "the log on a terminal") else { return };
    let folder = tempdir().unwrap();
    let record = folder.path().join("terminal");
    let serve = format!("{} serve --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_picloud"));
    let mut command = Command::new(script);
    command.args(["--quiet", "--flush", "--command", &serve]).arg(&record).current_dir(folder.path());
    command.env_clear().env("SHELL", "/bin/sh").env("TERM", "xterm");
    command.env("PICLOUD_ADMIN_USERNAME", USERNAME).env("PICLOUD_ADMIN_PASSWORD", PASSWORD);
    let mut terminal =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let shown = |what: &str| {
        let since = Instant::now();
        loop {
            let text = String::from_utf8_lossy(&fs::read(&record).unwrap_or_default()).into_owned();
            if text.contains(what) {
                return text;
            }
            assert!(since.elapsed() < Duration::from_secs(20), "no {what:?}: {text}");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let greeting = shown("try it: curl");
    let address = greeting.split("is listening on http://").nth(1).unwrap().lines().next().unwrap();
    let admin = Admin::log_in(address.trim().parse().unwrap(), None);
    admin.make_app("a", "a.test");
    admin.make_route("a", "says", ("POST", "/say"), SAYS);
    for text in HOSTILE {
        assert_eq!(say(admin.address, text).status, 500);
    }
    assert_eq!(say(admin.address, "the last").status, 500);
    let text = shown("the last");
    let _ = terminal.kill();
    let _ = terminal.wait();
    for forged in ["\u{1b}[31mred", "\u{1b}]0;", "\u{7}", "\u{9b}", "\u{85}", "\u{8}", "\u{7f}"] {
        assert!(!text.contains(forged), "{forged:?} in {text:?}");
    }
    for line in text.split(['\r', '\n']) {
        assert!(!line.starts_with("two: forged") && !line.starts_with("three"), "{text:?}");
    }
    assert!(text.contains("two: forged"), "{text:?}");
}
