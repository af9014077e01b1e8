//! The commands that talk to a server: an app goes there from a folder, comes back, runs, and goes back a version.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::process::{PASSWORD, Server, USERNAME, command};

const MANIFEST: &str = "slug = \"greeter\"\ndomains = [\"greeter.test\"]\n\n[routes]\n\"GET /:name\" = \"hello\"\n\n[limits]\noperations = 10000\n";
const HELLO: &str = "log::info(\"greeting\");\n`Hello, ${ctx.params.name}!`\n";

/// A server, a folder with an app, and a home where the token is kept.
struct World {
    server: Server,
    home: TempDir,
    folder: TempDir,
    _data: TempDir,
}

/// Exit code, standard output, standard error.
type Ended = (Option<i32>, String, String);

impl World {
    fn start() -> Self {
        let (data, home, folder) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
        let world = Self { server: Server::with_admin(data.path()), home, folder, _data: data };
        world.write("picloud.toml", MANIFEST);
        world.write("hello.rhai", HELLO);
        world.write("hello_test.rhai", "this does not compile and stays at home (");
        world
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = command(folder, arguments);
        command.env("HOME", self.home.path()).env("PICLOUD_URL", format!("http://{}", self.server.address));
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        ended(self.command(self.folder.path(), arguments).stdin(Stdio::null()).output().unwrap())
    }

    /// What a command prints that succeeds.
    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> String {
        let (code, out, err) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
        out
    }

    fn log_in(&self, password: &str) -> Ended {
        let mut login = self.command(self.folder.path(), &["login", "--username", USERNAME]);
        let pipes = login.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        ended(child.wait_with_output().unwrap())
    }

    fn pushed() -> Self {
        let world = Self::start();
        assert_eq!(world.log_in(PASSWORD).0, Some(0));
        world.ok(&["push"]);
        world
    }
}

fn ended(output: Output) -> Ended {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_token_is_kept_for_its_owner_only() {
    let world = World::start();
    let (code, _, err) = world.run(&["push"]);
    assert!(code == Some(1) && err.contains("picloud login"), "{err}");
    let (code, out, err) = world.log_in("wrong, but long enough");
    assert!(code == Some(1) && err.contains("401"), "{out}{err}");
    let (code, out, err) = world.log_in(PASSWORD);
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(!out.contains("pcs_") && !err.contains("pcs_"), "{out}{err}");
    let file = world.home.path().join(".config/picloud/credentials.json");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
    let mut other = world.command(world.folder.path(), &["push"]);
    let (code, _, err) = ended(other.env("PICLOUD_TOKEN", "pcs_other").output().unwrap());
    assert!(code == Some(1) && err.contains("unauthorized"), "the environment wins: {err}");
}

#[test]
fn an_app_goes_to_the_server_and_comes_back() {
    let world = World::pushed();
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Hello, Ada!");
    assert!(world.ok(&["push"]).contains("nothing to do"));
    assert_eq!(world.ok(&["diff"]), "");

    let copy = tempdir().unwrap();
    let pulled = world.command(copy.path(), &["pull", "--app", "greeter"]).output().unwrap();
    assert!(pulled.status.success(), "{:?}", ended(pulled));
    assert_eq!(fs::read_to_string(copy.path().join("hello.rhai")).unwrap(), HELLO);
    assert!(!copy.path().join("hello_test.rhai").exists());
    let same = ended(world.command(copy.path(), &["diff"]).output().unwrap());
    assert_eq!((same.0, same.1.as_str()), (Some(0), ""), "{}", same.2);

    world.write("hello.rhai", &HELLO.replace("Hello", "Welcome"));
    world.write("more.rhai", "1");
    let (code, out, err) = world.run(&["diff"]);
    assert_eq!(code, Some(1), "{err}");
    for part in ["~ script hello", "-`Hello, ", "+`Welcome, ", "+ script more"] {
        assert!(out.contains(part), "{part} in {out}");
    }
    let (code, _, err) = world.run(&["pull"]);
    assert!(code == Some(1) && err.contains("hello.rhai") && err.contains("--force"), "{err}");
    world.ok(&["push"]);
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Welcome, Ada!");

    fs::remove_file(world.folder.path().join("more.rhai")).unwrap();
    assert!(world.ok(&["push"]).contains("only on the server: script more"));
    assert!(world.ok(&["push", "--prune"]).contains("- script more"));
    assert_eq!(world.ok(&["diff"]), "");
}

/// A route that changes hands is never away, and an app that was renamed is still found.
#[test]
fn a_push_is_one_step_and_finds_an_app_by_its_former_name() {
    let world = World::pushed();
    let admin = world.server.log_in();
    assert_eq!(admin.call("PATCH", "/apps/greeter", Some(&json!({ "slug": "welcomer" }))).status, 200);
    world.write("hello.rhai", "`${");
    world.write("other.rhai", "`Hi, ${ctx.params.name}!`");
    world.write("picloud.toml", &MANIFEST.replace("= \"hello\"", "= \"other\""));
    let (code, out, err) = world.run(&["push"]);
    assert!(code == Some(1) && err.contains("hello.rhai:1"), "{out}{err}");
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Hello, Ada!");

    world.write("hello.rhai", HELLO);
    let stop = AtomicBool::new(false);
    let asked = thread::scope(|scope| {
        let asked = scope.spawn(|| {
            let mut answers = BTreeSet::new();
            while !stop.load(Ordering::Relaxed) {
                answers.insert(world.server.get("greeter.test", "/Ada").text());
            }
            answers
        });
        let out = world.ok(&["push"]);
        stop.store(true, Ordering::Relaxed);
        assert!(out.contains("~ route GET /:name → other (was hello)"), "{out}");
        assert!(out.contains("pushed welcomer (was greeter): 1 routes changed, 1 scripts new"), "{out}");
        asked.join().unwrap()
    });
    let good = ["Hello, Ada!".to_owned(), "Hi, Ada!".to_owned()];
    assert!(asked.iter().all(|answer| good.contains(answer)), "{asked:?}");
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Hi, Ada!");
    assert_eq!(world.ok(&["diff"]), "");
}

#[test]
fn a_mistake_is_shown_with_line_and_caret_and_changes_nothing() {
    let world = World::pushed();
    world.write("hello.rhai", "let a = 1;\nlet b = ;\n");
    world.write("first.rhai", "1");
    let (code, out, err) = world.run(&["push"]);
    assert_eq!((code, out.as_str()), (Some(1), ""), "{err}");
    for part in ["nothing was pushed", "hello.rhai:2:9", "2 | let b = ;\n", "        ^"] {
        assert!(err.contains(part), "{part} in {err}");
    }
    let app = ended(world.command(world.folder.path(), &["invoke", "greeter", "first"]).output().unwrap());
    assert!(app.2.contains("no script `first`"), "{}", app.2);
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Hello, Ada!");
}

#[test]
fn a_script_runs_and_goes_back_a_version() {
    let world = World::pushed();
    world.write("hello.rhai", "`Changed ${ctx.query.n}`");
    world.ok(&["push"]);
    assert_eq!(world.ok(&["invoke", "greeter", "hello", "--query", "n=7"]), "Changed 7");
    let versions: Value =
        serde_json::from_str(&world.ok(&["versions", "greeter", "hello", "--json"])).unwrap();
    let numbers: Vec<_> = versions.as_array().unwrap().iter().map(|version| &version["version"]).collect();
    assert_eq!(numbers, [2, 1]);
    assert!(world.ok(&["rollback", "greeter", "hello", "1"]).contains("as version 3"));
    assert_eq!(world.server.get("greeter.test", "/Ada").text(), "Hello, Ada!");
    let (code, _, err) = world.run(&["rollback", "greeter", "hello", "9"]);
    assert!(code == Some(1) && !err.is_empty(), "{err}");
}

#[test]
fn logs_are_shown_as_they_come() {
    let world = World::pushed();
    let mut follow = world.command(world.folder.path(), &["logs", "greeter", "-f"]);
    let mut follow = follow.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = String::new();
    BufReader::new(follow.stderr.take().unwrap()).read_line(&mut ready).unwrap();
    assert!(ready.contains("listening"), "{ready}");
    assert_eq!(world.server.get("greeter.test", "/Ada").status, 200);
    let shown: Vec<String> =
        BufReader::new(follow.stdout.take().unwrap()).lines().take(2).map(Result::unwrap).collect();
    follow.kill().unwrap();
    follow.wait().unwrap();
    assert!(shown[0].contains("GET /Ada 200 ok  hello v1"), "{shown:?}");
    assert!(shown[1].contains("info  greeting"), "{shown:?}");
}

#[test]
fn what_needs_no_server() {
    let folder = tempdir().unwrap();
    let print = |arguments: &[&str]| ended(command(folder.path(), arguments).output().unwrap());
    let (code, out, err) = print(&["openapi"]);
    assert_eq!(code, Some(0), "{err}");
    assert_eq!(
        serde_json::from_str::<Value>(&out).unwrap()["openapi"].as_str().unwrap().split('.').next(),
        Some("3")
    );
    let (code, out, err) = print(&["completions", "bash"]);
    assert!(code == Some(0) && out.contains("rollback"), "{err}");
    let mut away = command(folder.path(), &["versions", "a", "b", "--url", "http://127.0.0.1:1"]);
    let (code, _, err) = ended(away.env("HOME", folder.path()).output().unwrap());
    assert!(code == Some(1) && err.contains("PICLOUD_URL"), "{err}");
}

/// `picloud admin …` on the database of a folder, with a password on the standard input.
fn mend(data: &Path, arguments: &[&str], password: &str) -> Ended {
    let mut command = command(data, &[&["admin"], arguments].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(password.as_bytes()).unwrap();
    ended(child.wait_with_output().unwrap())
}

#[test]
fn accounts_are_mended_in_the_database_itself() {
    const NEW: &str = "another horse battery";
    let data = tempdir().unwrap();
    let server = Server::with_admin(data.path());
    let before = server.log_in();
    let log_in = |username: &str, password: &str| {
        let body = serde_json::json!({ "username": username, "password": password });
        before.call("POST", "/auth/login", Some(&body)).status
    };
    // The token would be a second credential.
    let (code, out, err) = mend(data.path(), &["reset-password", USERNAME], NEW);
    assert_eq!(code, Some(0), "{out}{err}");
    assert_eq!(before.call("GET", "/auth/me", None).status, 401);
    assert_eq!((log_in(USERNAME, PASSWORD), log_in(USERNAME, NEW)), (401, 200));

    let (code, out, err) = mend(data.path(), &["create", "bob"], NEW);
    assert_eq!((code, out.trim()), (Some(0), "made the account bob"), "{err}");
    assert_eq!(log_in("bob", NEW), 200);
    for (arguments, password, part) in [
        (["create", "bob"], NEW, "bob"),
        (["create", "eve"], "short", "password"),
        (["reset-password", "eve"], NEW, "admin"),
    ] {
        let (code, _, err) = mend(data.path(), &arguments, password);
        assert!(code == Some(1) && err.contains(part), "{arguments:?}: {err}");
    }
}
