//! The execution log of the real server: written, followed while it happens, and there again after a restart.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::process::{Admin, Server, eventually, get};

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

/// What the log holds once `/last`, which is always kept, is there.
fn kept(server: &Server, admin: &Admin, path: &str) -> Vec<String> {
    let before = admin.call("GET", "/apps/shop/logs?limit=200", None).text().matches("\"/last\"").count();
    assert_eq!(get(server.address, "shop.test", path).status, 200);
    assert_eq!(get(server.address, "shop.test", "/last").status, 200);
    let list = eventually(
        "the last run",
        || admin.call("GET", "/apps/shop/logs?limit=200", None),
        |list| list.text().matches("\"/last\"").count() > before,
    );
    let items = list.json()["items"].as_array().unwrap().clone();
    items.iter().map(|run| run["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_kept_changes_over_the_api_without_a_restart() {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = Admin::log_in(server.address, None);
    admin.make_app("shop", "shop.test");
    admin.make_route("shop", "quiet", ("GET", "/quiet/:n"), "1");
    admin.make_route("shop", "says", ("GET", "/last"), "log::info(`last`); 1");
    let set = |body: Value| admin.call("PATCH", "/config", Some(&body));
    let shown = |config: &Value, name: &str| {
        let items = config["items"].as_array().unwrap();
        let item = items.iter().find(|item| item["name"] == name).unwrap();
        (
            item["value"].as_u64().unwrap(),
            item["source"].as_str().unwrap().to_owned(),
            item["changeable"] == true,
        )
    };
    assert!(kept(&server, &admin, "/quiet/0").contains(&"/quiet/0".to_owned()));
    let none = json!({ "log.sample_first": 0, "log.sample_every": 0, "log.keep_days": 3 });
    let changed = set(none);
    assert_eq!(changed.status, 200, "{changed}");
    assert_eq!(shown(&changed.json(), "log.keep_days"), (3, "database".to_owned(), true));
    assert!(!kept(&server, &admin, "/quiet/1").contains(&"/quiet/1".to_owned()));
    for (name, value) in [("log.keep_days", 0), ("log.executions_per_app", 99), ("log.slow_ms", 0)] {
        let refused = set(json!({ name: value }));
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["code"]),
            (422, &json!("out_of_range")),
            "{refused}"
        );
    }
    let trail = admin.call("GET", "/audit?limit=4", None).json();
    let told = |n: usize| (trail["items"][n]["action"].clone(), trail["items"][n]["refused"].clone());
    assert_eq!(told(0), (json!("config.update"), json!("invalid")));
    assert_eq!(told(3), (json!("config.update"), Value::Null));
    // It is so after a restart, until it is taken back.
    drop(server);
    let server = Server::with_admin(folder.path());
    let admin = Admin { address: server.address, ..admin };
    let config = admin.call("GET", "/config", None).json();
    assert_eq!(shown(&config, "log.sample_first"), (0, "database".to_owned(), true));
    let back = json!({ "log.sample_first": null, "log.sample_every": null, "log.keep_days": null });
    let back = admin.call("PATCH", "/config", Some(&back)).json();
    assert_eq!(shown(&back, "log.sample_first"), (20, "default".to_owned(), true));
    assert!(kept(&server, &admin, "/quiet/2").contains(&"/quiet/2".to_owned()));
}
