//! The execution log of the real server: written, followed while it happens, and there again after a restart.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;
use tempfile::tempdir;

use crate::process::{Admin, Server, get};

const SCRIPT: &str =
    r#"if ctx.path == "/fail" { let x = (); x.nope() } log::warn(`asked for ${ctx.path}`); "ok""#;

/// Follows the live tail over a connection of its own.
struct Tail(BufReader<TcpStream>);

impl Tail {
    fn open(admin: &Admin, query: &str) -> Self {
        let mut stream = TcpStream::connect(admin.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let token = &admin.token;
        let path = format!("/api/v1/admin/apps/shop/logs/stream{query}");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: a.test\r\nAuthorization: Bearer {token}\r\n\r\n")
            .unwrap();
        let mut tail = Self(BufReader::new(stream));
        assert!(tail.until(": listening").contains("content-type: text/event-stream"));
        tail
    }

    /// All lines up to one that begins like this.
    fn until(&mut self, start: &str) -> String {
        let mut text = String::new();
        loop {
            let before = text.len();
            assert!(self.0.read_line(&mut text).unwrap() > 0, "it ended: {text}");
            if text[before..].starts_with(start) {
                return text;
            }
        }
    }

    fn event(&mut self) -> Value {
        let text = self.until("data: ");
        serde_json::from_str(text.lines().last().unwrap().strip_prefix("data: ").unwrap()).unwrap()
    }

    /// Reads to the end of the answer.
    fn end(mut self) {
        let mut line = String::new();
        while self.0.read_line(&mut line).unwrap() > 0 {}
    }
}

#[test]
fn a_run_is_followed_listed_and_kept() {
    let folder = tempdir().unwrap();
    let mut server = Server::with_admin(folder.path());
    let admin = Admin::log_in(server.address, None);
    admin.make_app("shop", "shop.test");
    admin.make_route("shop", "main", ("ANY", "/*path"), SCRIPT);
    let (mut all, mut failed) = (Tail::open(&admin, ""), Tail::open(&admin, "?outcome=failed"));
    assert_eq!(get(server.address, "shop.test", "/a").status, 200);
    let run = all.event();
    assert_eq!((&run["path"], &run["lines"][0]["message"]), (&"/a".into(), &"asked for /a".into()));
    assert_eq!((&run["lines"][0]["level"], &run["status"]), (&"warn".into(), &200.into()));
    let failure = get(server.address, "shop.test", "/fail");
    assert_eq!(failure.status, 500);
    let run = failed.event();
    assert_eq!(run["request_id"], failure.header("x-request-id").unwrap());
    assert_eq!((&run["outcome"], &run["error"]["line"]), (&"script_error".into(), &1.into()));
    assert_eq!(all.event(), run);
    // Nothing has been written for a while when it is told to stop: the tails end, and the rest is written.
    assert_eq!(get(server.address, "shop.test", "/last").status, 200);
    server.process.signal("TERM");
    all.end();
    failed.end();
    assert_eq!(server.process.ended().0, Some(0));

    let server = Server::with_admin(folder.path());
    let admin = Admin::log_in(server.address, None);
    let listed = admin.call("GET", "/apps/shop/logs", None).json();
    let paths: Vec<_> = listed["items"].as_array().unwrap().iter().map(|run| &run["path"]).collect();
    assert_eq!(paths, ["/last", "/fail", "/a"]);
    let stats = admin.call("GET", "/apps/shop/stats", None).json();
    assert_eq!((&stats["totals"]["count"], &stats["totals"]["errors"]), (&3.into(), &1.into()));
}
