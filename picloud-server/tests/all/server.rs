//! `picloud serve` as an operator meets it: first start, deploys, restarts, crashes, mistakes and the end.

use std::{
    fs,
    io::Write,
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::mpsc,
    thread,
};

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use tempfile::tempdir;

use crate::process::{
    Admin, PASSWORD, Process, Server, USERNAME, command, eventually, get, message, read, try_send,
};

#[test]
fn the_first_start_needs_no_configuration() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path());
    let host = server.address.to_string();
    let reply = server.get(&host, "/hello/Ada");
    assert_eq!((reply.status, reply.text().as_str()), (200, "Hello, Ada!"), "{reply}");
    assert_eq!(server.get(&host, "/").status, 200);
    assert_eq!(server.get(&host, "/healthz").text(), "ok");
    assert_eq!(server.get(&host, "/readyz").status, 200);
    assert_eq!(server.get(&host, "/version").json()["api"], 1);
    assert!(folder.path().join("picloud-data/picloud.db").exists());
    server.process.await_line("how to make an admin", |line| {
        line.contains("there is no admin yet").then(|| assert!(line.contains("PICLOUD_ADMIN_PASSWORD")))
    });
}

#[test]
fn the_link_of_the_first_start_makes_the_first_admin_once() {
    let folder = tempdir().unwrap();
    let server = Server::start(folder.path());
    let token = server.process.await_line("the link", |line| {
        let (_, rest) = line.split_once("/admin/setup#token=")?;
        rest.split_whitespace().next().map(|token| token.trim_end_matches(['"', '}', ',']).to_owned())
    });
    let set_up = |token: &str, password: &str| {
        let body = json!({ "token": token, "username": USERNAME, "password": password });
        let request = message(server.address, "POST", "/api/v1/admin/setup", None, Some(&body));
        try_send(server.address, &request).unwrap()
    };
    assert_eq!(set_up("setup_guess", PASSWORD).status, 401);
    assert_eq!(set_up(&token, "weak").status, 422);
    let made = set_up(&token, PASSWORD);
    assert_eq!(made.status, 201, "{made}");
    assert_eq!(set_up(&token, PASSWORD).status, 410);
    let admin = server.log_in();
    let running = |value: Value| admin.call("PATCH", "/config", Some(&json!({ "max_running": value })));
    assert_eq!(running(json!(3)).status, 200);
    let shown = admin.call("GET", "/config", None).json();
    let found = shown["items"].as_array().unwrap().iter().find(|item| item["name"] == "max_running").unwrap();
    assert_eq!((&found["value"], &found["source"]), (&json!(3), &json!("database")));
    assert_eq!(running(json!(0)).status, 422);

    // What was set is there after a restart, and the environment makes no second admin.
    drop(server);
    let server = Server::with_admin(folder.path());
    let shown = server.log_in().call("GET", "/config", None).text();
    assert!(shown.contains(r#""name":"max_running","value":3,"source":"database""#), "{shown}");
    assert!(!server.process.output().contains("setup#token"));
}

#[test]
fn a_script_is_deployed_updated_and_kept() {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    let admin = server.log_in();
    admin.make_app("shop", "shop.test");
    let id = admin.make_route("shop", "price", ("GET", "/price/:item"), "`1 ${ctx.params.item}`");
    let price = |server: &Server| server.get("shop.test", "/price/tea").text();
    assert_eq!(price(&server), "1 tea");

    let put = |source: &str| {
        admin.call("PUT", &format!("/scripts/{id}"), Some(&json!({ "name": "price", "source": source })))
    };
    for n in 2..12 {
        assert_eq!(put(&format!("`{n} ${{ctx.params.item}}`")).status, 200);
        assert_eq!(price(&server), format!("{n} tea"), "an update is live at once");
    }
    let broken = put("let x = 1;\nlet y = ;");
    let error = broken.json()["errors"][0].clone();
    assert_eq!((broken.status, broken.code().as_str()), (422, "invalid"), "{broken}");
    assert_eq!((&error["line"], &error["column"]), (&json!(2), &json!(9)), "{broken}");
    assert_eq!(price(&server), "11 tea");

    drop(server);
    let server = Server::with_admin(folder.path());
    assert_eq!(price(&server), "11 tea", "after a restart");
    server.process.await_line("a note that the bootstrap is ignored", |line| {
        line.contains("PICLOUD_ADMIN_USERNAME is ignored").then_some(())
    });
}

#[test]
fn a_second_bootstrap_makes_no_admin() {
    let folder = tempdir().unwrap();
    drop(Server::with_admin(folder.path()));
    let mut again = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    again.env("PICLOUD_ADMIN_USERNAME", "eve").env("PICLOUD_ADMIN_PASSWORD", "another long password");
    let server = Server::spawn(&mut again);
    let log_in = |username: &str, password: &str| {
        let body = json!({ "username": username, "password": password });
        let request = message(server.address, "POST", "/api/v1/admin/auth/login", None, Some(&body));
        try_send(server.address, &request).unwrap().status
    };
    assert_eq!(log_in("eve", "another long password"), 401);
    assert_eq!(log_in(USERNAME, "another long password"), 401);
    assert_eq!(log_in(USERNAME, PASSWORD), 200);
}

#[test]
fn no_password_is_ever_logged() {
    let folder = tempdir().unwrap();
    let mut loud = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    loud.env("PICLOUD_ADMIN_USERNAME", USERNAME).env("PICLOUD_ADMIN_PASSWORD", PASSWORD);
    let server = Server::spawn(loud.env("RUST_LOG", "trace"));
    let token = server.log_in().token;
    let output = server.process.output();
    assert!(!output.contains(PASSWORD) && !output.contains(&token), "{output}");
}

/// Writers make scripts until the server is killed under them; what it has acknowledged is there afterwards.
#[test]
fn acknowledged_writes_survive_kill_9() {
    const ROUNDS: usize = 6;
    const WRITERS: usize = 4;
    let folder = tempdir().unwrap();
    let mut server = Server::with_admin(folder.path());
    let mut admin = server.log_in();
    admin.make_app("kept", "kept.test");
    let mut acknowledged: Vec<String> = Vec::new();
    for round in 0..ROUNDS {
        let (tell, told) = mpsc::channel();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (admin, tell) = (admin.clone(), tell.clone());
                thread::spawn(move || {
                    for n in 0.. {
                        let name = format!("r{round}-w{writer}-n{n}");
                        if !try_make(&admin, &name) {
                            break;
                        }
                        tell.send(name).unwrap();
                    }
                })
            })
            .collect();
        drop(tell);
        // At another point in each round, in the middle of what the writers do.
        let before: Vec<String> = told.iter().take(3 + round * 5).collect();
        server.process.signal("KILL");
        for writer in writers {
            writer.join().unwrap();
        }
        acknowledged.extend(before.into_iter().chain(told));
        assert_eq!(server.process.ended().0, None, "killed");

        server = Server::with_admin(folder.path());
        admin.address = server.address;
        let there = script_names(&admin);
        let lost: Vec<_> = acknowledged.iter().filter(|name| !there.contains(name)).collect();
        assert!(lost.is_empty(), "lost in round {round}: {lost:?}");
        assert!(there.len() <= acknowledged.len() + WRITERS * (round + 1), "only what was asked for");
    }
    assert!(acknowledged.len() > ROUNDS * 3);
}

fn try_make(admin: &Admin, name: &str) -> bool {
    let body = json!({ "name": name, "source": "1" });
    let path = "/api/v1/admin/apps/kept/scripts";
    let request = message(admin.address, "POST", path, Some(&admin.token), Some(&body));
    match try_send(admin.address, &request) {
        Some(reply) => {
            assert_eq!(reply.status, 201, "{reply}");
            true
        }
        None => false,
    }
}

fn script_names(admin: &Admin) -> Vec<String> {
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.call("GET", &format!("/apps/kept/scripts?limit=200{cursor}"), None).json();
        let items = page["items"].as_array().unwrap();
        names.extend(items.iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return names,
        }
    }
}

/// Runs a start that must fail.
fn fails(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    Process::spawn(&mut command(folder, arguments)).ended()
}

#[test]
fn a_second_server_on_the_address_says_so() {
    let (folder, other) = (tempdir().unwrap(), tempdir().unwrap());
    let server = Server::start(folder.path());
    let address = server.address.to_string();
    let (code, output) = fails(other.path(), &["serve", "--listen", &address]);
    assert_eq!(code, Some(1), "{output}");
    for part in [address.as_str(), "another server", "--listen"] {
        assert!(output.contains(part), "{output}");
    }
    assert!(!other.path().join("picloud-data").exists(), "nothing was made");
    assert_eq!(server.get(&address, "/healthz").status, 200);
}

#[tokio::test]
async fn a_database_of_a_newer_release_is_left_alone() {
    let folder = tempdir().unwrap();
    drop(Server::start(folder.path()));
    let file = folder.path().join("picloud-data/picloud.db");
    let mut database = SqliteConnection::connect(file.to_str().unwrap()).await.unwrap();
    let newer = "INSERT INTO _picloud_migrations (version, name, applied_at) VALUES (999, 'later', 0)";
    sqlx::query(newer).execute(&mut database).await.unwrap();
    database.close().await.unwrap();
    let before = fs::read(&file).unwrap();
    let (code, output) = fails(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(3), "{output}");
    assert!(output.contains("999") && output.contains("picloud.db"), "{output}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn what_is_not_a_database_is_refused_and_kept() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("notes.db");
    let text = "this is no database\n".repeat(1000);
    fs::write(&file, &text).unwrap();
    let (code, output) = fails(
        folder.path(),
        &["serve", "--listen", "127.0.0.1:0", "--database", &format!("sqlite://{}", file.display())],
    );
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("notes.db"), "{output}");
    assert_eq!(fs::read_to_string(&file).unwrap(), text);
}

#[test]
fn mistakes_in_settings_are_named() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("picloud-server.toml"), "listen = \"127.0.0.1:0\"\nlisten_on = 3\n")
        .unwrap();
    fs::write(folder.path().join("limits.toml"), "[limits]\nmemory = 0\n").unwrap();
    for (arguments, parts) in [
        (&["serve"][..], &["picloud-server.toml", "line 2", "listen_on"][..]),
        (&["serve", "--config", "limits.toml"], &["memory"]),
        (&["serve", "--config", "missing.toml"], &["missing.toml"]),
    ] {
        let (code, output) = fails(folder.path(), arguments);
        assert_eq!(code, Some(1), "{output}");
        assert!(parts.iter().all(|part| output.contains(part)), "{parts:?}: {output}");
        assert!(!output.contains("panicked"), "{output}");
    }
    let mut half = command(folder.path(), &["serve", "--config", "/dev/null"]);
    let (code, output) = Process::spawn(half.env("PICLOUD_ADMIN_USERNAME", USERNAME)).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("PICLOUD_ADMIN_PASSWORD"), "{output}");
    assert!(!folder.path().join("picloud-data").exists());
}

#[test]
fn a_short_password_is_refused_with_the_rule() {
    let folder = tempdir().unwrap();
    let mut short = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    short.env("PICLOUD_ADMIN_USERNAME", USERNAME).env("PICLOUD_ADMIN_PASSWORD", "hunter2");
    let (code, output) = Process::spawn(&mut short).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("password") && output.contains("15") && !output.contains("hunter2"), "{output}");
}

/// Begins a request and leaves it without its last bytes; [`finish`] sends those.
fn begin(address: SocketAddr, request: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let (first, rest) = request.split_at(request.len() - 2);
    stream.write_all(first.as_bytes()).unwrap();
    (stream, rest.to_owned())
}

#[test]
fn sigterm_lets_running_requests_finish() {
    let folder = tempdir().unwrap();
    // So that another request tells whether the slow one runs.
    fs::write(folder.path().join("picloud-server.toml"), "max_running_per_app = 1\n").unwrap();
    let mut server = Server::with_admin(folder.path());
    let address = server.address;
    let admin = server.log_in();
    admin.make_app("slow", "slow.test");
    admin.make_route("slow", "slow", ("GET", "/slow"), "time::sleep(1000); \"slept\"");
    admin.make_route("slow", "fast", ("GET", "/fast"), "1");
    let (mut ready, rest) = begin(address, "GET /readyz HTTP/1.1\r\nHost: a.test\r\n\r\n");
    // Until it is let in before a fast one.
    let slow = thread::spawn(move || {
        eventually("it is let in", || get(address, "slow.test", "/slow"), |reply| reply.status != 503)
    });
    let busy = eventually("the slow run begins", || server.get("slow.test", "/fast"), |r| r.status == 503);
    assert_eq!(busy.code(), "overloaded");
    assert!(busy.header("retry-after").is_some(), "{busy}");

    server.process.signal("TERM");
    server.process.await_line("that it stops", |line| line.contains("stopping;").then_some(()));
    ready.write_all(rest.as_bytes()).unwrap();
    let ready = read(&mut ready, false).unwrap();
    assert_eq!((ready.status, ready.code().as_str()), (503, "not_ready"), "{ready}");
    let slow = slow.join().unwrap();
    assert_eq!((slow.status, slow.text().as_str()), (200, "slept"));
    let (code, output) = server.process.ended();
    assert_eq!(code, Some(0), "{output}");
    assert!(output.contains("\"finished\":true"), "{output}");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = tempdir().unwrap();
    let mut server = Server::start(folder.path());
    // A request that never becomes whole is waited for.
    let (_half, _) = begin(server.address, "GET /readyz HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert_eq!(server.get("a.test", "/healthz").status, 200);
    server.process.signal("TERM");
    server.process.await_line("that it stops", |line| line.contains("stopping;").then_some(()));
    server.process.signal("TERM");
    assert_eq!(server.process.ended().0, Some(0));
}

#[test]
fn what_another_process_writes_is_noticed() {
    let folder = tempdir().unwrap();
    let one = Server::with_admin(folder.path());
    let two = Server::start(folder.path());
    let admin = one.log_in();
    admin.make_app("shared", "shared.test");
    admin.make_route("shared", "s", ("GET", "/shared"), "\"from the other\"");
    assert_eq!(one.get("shared.test", "/shared").status, 200);
    let seen = eventually("the poll", || two.get("shared.test", "/shared"), |reply| reply.status == 200);
    assert_eq!(seen.text(), "from the other");
    // Sessions are shared as well.
    let there = Admin { address: two.address, ..admin };
    let me: Value = there.call("GET", "/auth/me", None).json();
    assert_eq!(me["admin"]["username"], USERNAME);
}

#[test]
fn a_backup_made_while_the_server_runs_is_restored_when_it_has_stopped() {
    let folder = tempdir().unwrap();
    let server = Server::with_admin(folder.path());
    server.log_in().make_app("before", "before.test");
    let run = |arguments: &[&str]| Process::spawn(&mut command(folder.path(), arguments)).ended();
    let (code, output) = run(&["backup", "monday"]);
    assert_eq!(code, Some(0), "{output}");
    server.log_in().make_app("after", "after.test");
    let (code, output) = run(&["restore", "monday"]);
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("a server is running on it"), "{output}");
    drop(server);
    let (code, output) = run(&["restore", "monday"]);
    assert_eq!(code, Some(0), "{output}");
    let server = Server::start(folder.path());
    let admin = server.log_in();
    assert_eq!(admin.call("GET", "/apps/before", None).status, 200);
    assert_eq!(admin.call("GET", "/apps/after", None).status, 404);
}
