//! What happens to the machine and not to the server's requests: a device that fills, a reader of the log that stands
//! still, a clock that jumps. Scripts answer all the while.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use picloud::{content_hash, testing::parts};
use serde_json::{Value, json};
use tempfile::{TempDir, tempdir};

use crate::{
    cluster::Cluster,
    process::{Admin, PASSWORD, Reply, Server, USERNAME, admin_address, command, eventually, get},
};

/// A file system of its own, so small that it can be filled.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` where this may not be mounted.
    fn mount(size: &str) -> Option<Self> {
        let folder = tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "tmpfs"])
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self { folder });
        }
        parts::left_out("a device that fills", "a small file system may not be mounted here, only root may");
        None
    }

    /// Takes all the room there is; the file that holds it.
    fn fill(&self) -> PathBuf {
        let path = self.folder.path().join("filler");
        let mut file = File::create(&path).unwrap();
        for size in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// `n` makes it another one than before.
fn make_script(admin: &Admin, name: &str, n: usize) -> Reply {
    // Larger than what any page that is free already could take, and nothing that a database makes smaller.
    let text: String = (0..800).map(|block| hex(&content_hash(&format!("{n} {block}")))).collect();
    admin.call(
        "POST",
        "/apps/kept/scripts",
        Some(&json!({ "name": name, "source": format!("// {text}\n1") })),
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// R8.
#[test]
fn a_full_device_fails_writes_only_and_only_as_long_as_it_is_full() {
    let Some(disk) = SmallDisk::mount("12m") else { return };
    outlive_a_full_device(&disk, &Server::with_admin(disk.folder.path()));
}

/// R8, with the tables on that device, and PostgreSQL's own log on another: where that is full, PostgreSQL itself ends
/// until there is room again.
#[test]
fn a_full_device_below_postgres_fails_writes_only_and_only_as_long_as_it_is_full() {
    let Some(disk) = SmallDisk::mount("32m") else { return };
    let Some(cluster) = Cluster::start(true) else { return };
    let (url, folder) = (cluster.database_in(disk.folder.path()), tempdir().unwrap());
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", &url];
    outlive_a_full_device(&disk, &Server::spawn_with_admin(&mut command(folder.path(), &arguments)));
}

fn outlive_a_full_device(disk: &SmallDisk, server: &Server) {
    let admin = server.log_in();
    admin.make_app("kept", "kept.test");
    admin.make_route("kept", "answer", ("GET", "/answer"), "42");
    let mut acknowledged = vec!["answer".to_owned()];
    assert_eq!(make_script(&admin, "before", 100).status, 201);
    acknowledged.push("before".to_owned());

    let filler = disk.fill();
    for n in 0..20 {
        let name = format!("full{n}");
        let reply = make_script(&admin, &name, n);
        match reply.status {
            // There may still be room in what the database holds already.
            201 => acknowledged.push(name),
            _ => assert_eq!((reply.status, reply.code().as_str()), (507, "storage_full"), "{reply}"),
        }
        assert_eq!(server.get("kept.test", "/answer").text(), "42", "scripts answer");
        assert_eq!(admin.call("GET", "/apps", None).status, 200, "reading goes on");
    }
    assert!(acknowledged.len() < 12, "the device was full: {acknowledged:?}");

    fs::remove_file(filler).unwrap();
    let since = Instant::now();
    let after =
        eventually("writing goes on", || make_script(&admin, "after", 101), |reply| reply.status == 201);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}: {after}", since.elapsed());
    acknowledged.push("after".to_owned());
    let there = admin.call("GET", "/apps/kept/scripts?limit=200", None).json();
    let mut names: Vec<&str> =
        there["items"].as_array().unwrap().iter().map(|script| script["name"].as_str().unwrap()).collect();
    names.sort_unstable();
    acknowledged.sort_unstable();
    assert_eq!(names, acknowledged);
}

fn p99(took: &mut [Duration]) -> Duration {
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// R23.
#[test]
fn a_log_that_nobody_reads_makes_no_request_wait() {
    let folder = tempdir().unwrap();
    let mut serve =
        command(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    serve.env("PICLOUD_ADMIN_USERNAME", USERNAME).env("PICLOUD_ADMIN_PASSWORD", PASSWORD);
    // Every request that is refused leaves a line then.
    serve.env("RUST_LOG", "info,picloud_server::front=debug");
    let mut child = serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut head = Vec::new();
    let mut find = |what: &str| loop {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        let found = line["message"].as_str().and_then(|text| text.split_once(what)?.1.parse().ok());
        head.push(line);
        if let Some(address) = found {
            return address;
        }
    };
    let data = find("is listening on http://");
    let admin = find("metrics are on http://");
    // From here on nobody reads. A pipe holds 64 KiB, the server's queue some more.
    let bad = "GET / HTTP/1.1\r\nHost: a.test\r\nno header\r\n\r\n";
    let calm = || -> Vec<Duration> {
        let ask = |_| {
            let since = Instant::now();
            assert_eq!(get(data, "any.test", "/hello/Ada").text(), "Hello, Ada!");
            since.elapsed()
        };
        (0..300).map(ask).collect()
    };
    let before = p99(&mut calm());
    let mut sent = 0;
    thread::scope(|scope| {
        let flood = scope.spawn(|| {
            for _ in 0..4 * 4000 {
                let reply = crate::process::try_send(data, bad.as_bytes());
                assert_eq!(reply.map(|reply| reply.status), Some(400));
                sent += 1;
            }
        });
        while !flood.is_finished() {
            p99(&mut calm());
        }
    });
    let after = p99(&mut calm());
    assert!(
        after < before * 5 + Duration::from_millis(20),
        "{before:?} before, {after:?} while it is blocked"
    );
    let metric = |name: &str| -> f64 {
        let text = get(admin, "any.test", "/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap().parse().unwrap()
    };
    let dropped = metric("picloud_log_lines_dropped_total");
    let memory = metric("process_resident_memory_bytes");
    assert!(dropped > 0.0 && memory < 200e6, "{dropped} lines dropped, {memory} bytes");
    // Whoever reads again finds every line that was not dropped, whole, and how many were.
    let reader = thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let lines: Vec<Value> =
        reader.join().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused =
        |line: &&Value| line["message"].as_str().is_some_and(|text| text.starts_with("request refused"));
    let told: f64 = lines.iter().filter_map(|line| line["dropped"].as_f64()).sum();
    let kept = lines.iter().filter(refused).count();
    assert!(told >= dropped, "{told} told of {dropped}");
    assert!(kept > 0 && kept < sent, "{kept} of {sent}");
}

/// R21: by a library that tells the process another time.
#[test]
fn a_clock_that_jumps_by_a_day_disturbs_no_request() {
    let Some(library) = faketime() else { return };
    let folder = tempdir().unwrap();
    let now = folder.path().join("now");
    let set = |offset: &str| fs::write(&now, offset).unwrap();
    set("+0");
    let mut serve =
        command(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    serve.env("LD_PRELOAD", &library).env("FAKETIME_TIMESTAMP_FILE", &now).env("FAKETIME_NO_CACHE", "1");
    // Deadlines go by the clock that never jumps, which is not the one that is told otherwise.
    serve.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("DONT_FAKE_MONOTONIC", "1");
    let server = Server::spawn_with_admin(&mut serve);
    let admin = Admin::log_in(admin_address(&server), None);
    admin.make_app("clock", "clock.test");
    admin.make_route("clock", "now", ("GET", "/now"), "time::now()");
    admin.make_route("clock", "nap", ("GET", "/nap"), "time::sleep(300); \"slept\"");
    let day = |text: &str| text.get(..10).unwrap().to_owned();
    let today = day(&server.get("clock.test", "/now").text());
    let idle = Admin::log_in(admin.address, None);
    for (offset, session_lives) in [
        ("-1d", true),
        ("-1h", true),
        ("+0", true),
        ("+1h", true),
        ("+25h", true),
        ("+0", true),
        ("+31d", false),
    ] {
        let nap = thread::scope(|scope| {
            let nap = scope.spawn(|| server.get("clock.test", "/nap"));
            thread::sleep(Duration::from_millis(100));
            set(offset);
            nap.join().unwrap()
        });
        // Neither cut short by a jump ahead nor kept waiting by one back.
        assert_eq!((nap.status, nap.text().as_str()), (200, "slept"), "{offset}");
        for _ in 0..50 {
            assert_eq!(server.get("clock.test", "/now").status, 200, "{offset}");
        }
        if offset.ends_with('d') || offset == "+25h" {
            assert_ne!(day(&server.get("clock.test", "/now").text()), today, "{offset}: the jump is real");
        }
        let alive = admin.call("GET", "/apps", None);
        // A session in use goes by the clock that does not jump; none gets older than its thirty days by either.
        assert_eq!(alive.status, if session_lives { 200 } else { 401 }, "{offset}: {alive}");
    }
    set("+25h");
    assert_eq!(idle.call("GET", "/apps", None).status, 200, "nobody is logged out");
    let again = Admin::log_in(admin.address, None);
    assert_eq!(again.call("GET", "/apps", None).status, 200);
}

/// Debian's library that tells programs another time.
pub(crate) fn faketime() -> Option<PathBuf> {
    parts::program("faketime", "a clock that jumps")?;
    let folders = fs::read_dir("/usr/lib").unwrap().map_while(Result::ok);
    let found =
        folders.map(|entry| entry.path().join("faketime/libfaketimeMT.so.1")).find(|path| path.is_file());
    if found.is_none() {
        parts::left_out("a clock that jumps", "libfaketimeMT.so.1 is not below /usr/lib");
    }
    found
}
