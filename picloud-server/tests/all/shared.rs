//! Servers that share a PostgreSQL database, and a database that goes away and comes back.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tempfile::tempdir;

use super::{
    cluster::{self, Cluster},
    process::{Admin, Server, command, eventually, get},
};

/// A server with a first admin on this database.
fn start(folder: &Path, url: &str) -> Server {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", url];
    Server::spawn_with_admin(&mut command(folder, &arguments))
}

#[test]
fn what_is_saved_on_one_server_answers_on_the_other() {
    let Some(cluster) = cluster::shared() else { return };
    let (url, folders) = (cluster.database(), [tempdir().unwrap(), tempdir().unwrap()]);
    let (one, two) = (start(folders[0].path(), &url), start(folders[1].path(), &url));
    let admin = one.log_in();
    admin.make_app("shared", "shared.test");
    let id = admin.make_route("shared", "s", ("GET", "/s"), "0");
    let mut took = Vec::new();
    for n in 1..=20 {
        let source = json!({ "name": "s", "source": n.to_string() });
        assert_eq!(admin.call("PUT", &format!("/scripts/{id}"), Some(&source)).status, 200);
        let since = Instant::now();
        while two.get("shared.test", "/s").text() != n.to_string() {
            assert!(since.elapsed() < Duration::from_secs(10), "save {n} is not noticed");
        }
        took.push(since.elapsed());
    }
    took.sort();
    println!("from save to live on the other server: median {:?}, most {:?}", took[10], took[19]);
    // A notice, not the poll, which comes every two seconds.
    assert!(took[10] < Duration::from_millis(250), "{took:?}");
    // Sessions are shared as well.
    let there = Admin { address: two.address, ..admin };
    assert_eq!(there.call("GET", "/auth/me", None).status, 200);
    let schema = two.get("a.test", "/version").json()["schema"].as_u64();
    assert_eq!(schema, Some(picloud_sqlx::SCHEMA));
}

#[test]
fn servers_that_start_at_once_make_one_admin_and_one_app() {
    let Some(cluster) = cluster::shared() else { return };
    let (url, folder) = (cluster.database(), tempdir().unwrap());
    let servers: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..8).map(|_| scope.spawn(|| start(folder.path(), &url))).collect();
        starting.into_iter().map(|server| server.join().unwrap()).collect()
    });
    assert_eq!(cluster.sql(&url, "SELECT count(*) FROM picloud.admins"), "1");
    assert_eq!(cluster.sql(&url, "SELECT string_agg(slug, ',') FROM picloud.apps"), "hello");
    for server in &servers {
        let hello =
            eventually("the seed", || server.get("a.test", "/hello/Ada"), |reply| reply.status == 200);
        assert!(hello.text().contains("Ada"), "{hello}");
    }
}

#[test]
fn a_restart_of_the_database_under_load_fails_no_request() {
    let Some(cluster) = Cluster::start(false) else { return };
    let (url, folders) = (cluster.database(), [tempdir().unwrap(), tempdir().unwrap()]);
    let servers = [start(folders[0].path(), &url), start(folders[1].path(), &url)];
    let admin = servers[0].log_in();
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for server in &servers {
            let (done, answered, address) = (&done, &answered, server.address);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    let reply = get(address, "a.test", "/hello/Ada");
                    assert_eq!(reply.status, 200, "{reply}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        cluster.stop();
        let away = admin.call("POST", "/apps", Some(&json!({ "slug": "early" })));
        assert_eq!((away.status, away.code().as_str()), (503, "storage_unavailable"), "{away}");
        let ready =
            eventually("that it is not ready", || servers[1].get("a.test", "/readyz"), |r| r.status == 503);
        assert!(ready.text().contains("database"), "{ready}");
        cluster.resume();
        eventually(
            "a save",
            || admin.call("POST", "/apps", Some(&json!({ "slug": "late" }))),
            |r| r.status == 201,
        );
        for server in &servers {
            eventually("that it is ready", || server.get("a.test", "/readyz"), |reply| reply.status == 200);
        }
        done.store(true, Ordering::Relaxed);
    });
    println!("{} requests were answered while the database restarted", answered.load(Ordering::Relaxed));
    assert!(answered.load(Ordering::Relaxed) > 20);
}

#[test]
fn a_server_starts_and_serves_while_its_database_is_away() {
    let Some(cluster) = Cluster::start(false) else { return };
    let (url, folder) = (cluster.database(), tempdir().unwrap());
    let kept = folder.path().join("picloud-data/last-good.json");
    let first = start(folder.path(), &url);
    let since = Instant::now();
    while !fs::read_to_string(&kept).is_ok_and(|text| text.contains("/hello/:name")) {
        assert!(since.elapsed() < Duration::from_secs(10), "nothing is kept");
        thread::sleep(Duration::from_millis(20));
    }
    drop(first);
    cluster.stop();
    let again = start(folder.path(), &url);
    assert_eq!(again.get("a.test", "/hello/Ada").status, 200);
    assert_eq!(again.get("a.test", "/readyz").status, 503);
    cluster.resume();
    eventually("that it is ready", || again.get("a.test", "/readyz"), |reply| reply.status == 200);
    again.log_in().make_app("late", "late.test");
}

#[test]
fn without_the_database_and_without_what_was_kept_it_says_why_it_ends() {
    let folder = tempdir().unwrap();
    let url = "postgres://ada:secret@127.0.0.1:1/none";
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", url];
    let (code, output) = super::process::Process::spawn(&mut command(folder.path(), &arguments)).ended();
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("127.0.0.1:1/none") && !output.contains("secret"), "{output}");
}
