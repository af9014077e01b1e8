//! `picloud dev`: a folder is served, a save is live, a mistake is shown where it is.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::{TempDir, tempdir};

use crate::process::{Process, command, eventually, get, send};

struct Dev {
    process: Process,
    address: SocketAddr,
}

fn dev(folder: &Path) -> Dev {
    let process =
        Process::spawn(&mut command(folder, &["dev", folder.to_str().unwrap(), "--listen", "127.0.0.1:0"]));
    let address = process.await_line("the address", |line| {
        line.strip_prefix("http://")?.split_whitespace().next()?.parse().ok()
    });
    Dev { process, address }
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

impl Dev {
    /// Asks until the answer is this one.
    #[track_caller]
    fn await_answer(&self, path: &str, status: u16, parts: &[&str]) {
        let ask = || get(self.address, "localhost", path);
        eventually(&format!("{path} answers {status} {parts:?}"), ask, |reply| {
            let text = reply.text();
            reply.status == status && parts.iter().all(|part| text.contains(part))
        });
    }
}

#[test]
fn a_save_is_live() {
    let folder = folder(&[("index.rhai", "\"home\""), ("a.rhai", "\"one\"")]);
    let dev = dev(folder.path());
    dev.await_answer("/", 200, &["home"]);
    dev.await_answer("/a", 200, &["one"]);
    fs::write(folder.path().join("a.rhai"), "\"two\"").unwrap();
    dev.await_answer("/a", 200, &["two"]);
    // As editors do it: a new file takes the place of the old one.
    fs::write(folder.path().join("a.rhai~"), "\"three\"").unwrap();
    fs::rename(folder.path().join("a.rhai~"), folder.path().join("a.rhai")).unwrap();
    dev.await_answer("/a", 200, &["three"]);
    fs::write(folder.path().join("b.rhai"), "\"new\"").unwrap();
    dev.await_answer("/b", 200, &["new"]);
    fs::remove_file(folder.path().join("b.rhai")).unwrap();
    dev.await_answer("/b", 404, &["no_route"]);
    fs::write(folder.path().join("picloud.toml"), "[routes]\n\"GET /x/:n\" = \"a\"\n").unwrap();
    dev.await_answer("/x/1", 200, &["three"]);
}

#[test]
fn a_broken_save_is_shown_and_mended() {
    let folder = folder(&[("a.rhai", "\"fine\""), ("b.rhai", "\"b\"")]);
    let dev = dev(folder.path());
    dev.await_answer("/a", 200, &["fine"]);
    fs::write(folder.path().join("a.rhai"), "let x = 1;\nlet y = ;\n").unwrap();
    // The line of source with its number, and the caret below the place.
    dev.await_answer("/a", 500, &["script_error", "a.rhai:2:9", "2 | let y = ;", "|         ^"]);
    dev.process.await_line("the place in the terminal", |line| line.contains("a.rhai:2:9").then_some(()));
    fs::write(folder.path().join("a.rhai"), "\"mended\"").unwrap();
    dev.await_answer("/a", 200, &["mended"]);
    fs::write(folder.path().join("picloud.toml"), "slug = \"x\"\nroute = 1\n").unwrap();
    dev.await_answer("/a", 500, &["picloud.toml", "line 2"]);
    fs::remove_file(folder.path().join("picloud.toml")).unwrap();
    dev.await_answer("/b", 200, &["b"]);
}

#[test]
fn a_folder_that_is_broken_at_the_start_is_served_when_it_is_mended() {
    let folder = folder(&[("a.rhai", "let = 1")]);
    let dev = dev(folder.path());
    dev.await_answer("/a", 500, &["a.rhai:1:5"]);
    fs::write(folder.path().join("a.rhai"), "\"mended\"").unwrap();
    dev.await_answer("/a", 200, &["mended"]);
}

#[test]
fn an_error_of_a_run_is_shown_in_the_answer_and_in_the_terminal() {
    let source = "let n = 0;\nlog::info(\"about to fail\", #{ n: n });\n1 / n";
    let folder = folder(&[("a.rhai", source)]);
    let dev = dev(folder.path());
    dev.await_answer("/a", 500, &["script_error", "\"line\":3"]);
    dev.process.await_line("the log line", |line| {
        (line.contains("about to fail") && line.contains("\"n\":0")).then_some(())
    });
    dev.process.await_line("the place", |line| line.contains("a.rhai:3:").then_some(()));
    dev.process.await_line("the source", |line| line.contains("3 | 1 / n").then_some(()));
}

#[test]
fn the_webhook_example_takes_githubs_own_vector() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/github-webhook");
    let dev = dev(&example);
    let post = |signature: &str| {
        let request = format!(
            "POST /github HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nX-GitHub-Event: ping\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: 13\r\n\r\nHello, World!"
        );
        send(dev.address, request.as_bytes())
    };
    let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let reply = post(good);
    assert_eq!((reply.status, &reply.json()["accepted"]), (200, &true.into()), "{reply}");
    for wrong in [good.replace('7', "8"), good.replace("sha256=", "sha1="), String::new()] {
        assert_eq!(post(&wrong).status, 401, "{wrong}");
    }
    assert_eq!(get(dev.address, "localhost", "/github").status, 405);
    dev.process.await_line("the warning", |line| line.contains("webhook refused").then_some(()));
}

#[test]
fn what_cannot_be_served_is_said() {
    let folder = folder(&[]);
    let (code, output) =
        Process::spawn(&mut command(folder.path(), &["dev", "nowhere", "--listen", "127.0.0.1:0"])).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("nowhere"), "{output}");
    let dev = dev(folder.path());
    let second = ["dev", ".", "--listen", &dev.address.to_string()];
    let (code, output) = Process::spawn(&mut command(folder.path(), &second)).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("--listen"), "{output}");
}

#[test]
fn sigterm_ends_it_well() {
    let folder = folder(&[("index.rhai", "1")]);
    let mut dev = dev(folder.path());
    dev.await_answer("/", 200, &["1"]);
    dev.process.signal("TERM");
    assert_eq!(dev.process.ended().0, Some(0));
}
