//! `kill -9` at random moments, while clients write: what was acknowledged is there afterwards, and nothing is there by
//! half. `PICLOUD_KILLS` says how often (6), `PICLOUD_WRITES` how many writes are acknowledged between two kills on
//! average (20); `PICLOUD_SEED` repeats what an earlier run has printed.

use std::{
    collections::BTreeMap,
    env,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use picloud::content_hash;
use serde_json::{Value, json};
use tempfile::tempdir;

use super::{
    cluster::Cluster,
    process::{Admin, Reply, Server, command, message, try_send},
};

const WRITERS: usize = 4;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Numbers that follow from a seed: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What one writer of one round knows: the scripts that it made by name, and how often each was saved.
#[derive(Default)]
struct Writer {
    app: String,
    acknowledged: BTreeMap<String, (String, u64)>,
    /// What was on its way when the server was killed: it may be there or not.
    unanswered: Vec<String>,
}

impl Writer {
    /// Makes scripts and saves them again, until nobody answers; tells of each acknowledged write.
    fn write_until_killed(&mut self, admin: &Admin, name: &str, acknowledged: &Sender<()>) {
        let path = format!("/apps/{}/scripts", self.app);
        for n in 0.. {
            let name = format!("{name}-{n}");
            let made = call(admin, "POST", &path, &script(&name, 1));
            let Some(id) =
                made.as_ref().filter(|reply| reply.status == 201).map(|reply| reply.json()["id"].clone())
            else {
                self.unanswered.push(name);
                match made {
                    None => return,
                    Some(reply) => assert_eq!(reply.code(), "storage_unavailable", "{reply}"),
                }
                continue;
            };
            let id = id.as_str().unwrap().to_owned();
            self.acknowledged.insert(name.clone(), (id.clone(), 1));
            let _ = acknowledged.send(());
            let saved = call(admin, "PUT", &format!("/scripts/{id}"), &script(&name, 2));
            match saved {
                None => return,
                Some(reply) if reply.status == 200 => {
                    self.acknowledged.insert(name, (id, 2));
                    let _ = acknowledged.send(());
                }
                Some(reply) => assert_eq!(reply.code(), "storage_unavailable", "{reply}"),
            }
        }
    }

    /// Everything that was acknowledged is there, and what is there is whole; `read` to read the sources as well.
    fn check(&self, admin: &Admin, found: &BTreeMap<String, Value>, read: bool) {
        for (name, (id, version)) in &self.acknowledged {
            let script = found.get(name).unwrap_or_else(|| panic!("{name} was acknowledged and is lost"));
            assert_eq!(script["id"], **id, "{name}");
            let there = script["version"].as_u64().unwrap();
            assert!((*version..=2).contains(&there), "{name} is at version {there}, not {version}");
            assert_whole(admin, script, there, read);
        }
        for name in &self.unanswered {
            let Some(script) = found.get(name) else { continue };
            assert_whole(admin, script, 1, read);
        }
    }
}

/// The script has the source that belongs to this version; `read` to read the source itself as well.
fn assert_whole(admin: &Admin, script: &Value, version: u64, read: bool) {
    let (id, name) = (script["id"].as_str().unwrap(), script["name"].as_str().unwrap());
    let hash: String =
        content_hash(&source(name, version)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        (&script["version"], &script["sha256"]),
        (&json!(version), &json!(hash)),
        "{name} is there by half"
    );
    if read {
        let found = admin.call("GET", &format!("/scripts/{id}"), None).json();
        assert!(found["source"] == source(name, version), "{name} is there by half");
    }
}

fn source(name: &str, version: u64) -> String {
    format!("// {name}, version {version}\n{}1", "// more than a page of the database\n".repeat(200))
}

fn script(name: &str, version: u64) -> Value {
    json!({ "name": name, "source": source(name, version) })
}

/// `None` if the server ends before it answers.
fn call(admin: &Admin, method: &str, path: &str, body: &Value) -> Option<Reply> {
    let path = format!("/api/v1/admin{path}");
    try_send(admin.address, &message(admin.address, method, &path, Some(&admin.token), Some(body)))
}

/// All scripts of an app, by name.
fn all(admin: &Admin, app: &str) -> BTreeMap<String, Value> {
    let (mut found, mut cursor) = (BTreeMap::new(), String::new());
    loop {
        let page = admin.call("GET", &format!("/apps/{app}/scripts?limit=100{cursor}"), None).json();
        for script in page["items"].as_array().unwrap() {
            found.insert(script["name"].as_str().unwrap().to_owned(), script.clone());
        }
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

/// Everything that the writers of one round, who share an app, know is there.
fn check(admin: &Admin, writers: &[Writer], read: bool) {
    let found = all(admin, &writers[0].app);
    writers.iter().for_each(|writer| writer.check(admin, &found, read));
}

/// Waits for so many acknowledged writes, and for a moment that is no moment of theirs.
fn await_writes(heard: &Receiver<()>, writes: u64, pause: u64) {
    for _ in 0..writes {
        heard.recv_timeout(Duration::from_secs(60)).expect("writes are acknowledged");
    }
    thread::sleep(Duration::from_micros(pause));
}

/// Kills what `start` starts, again and again, and `crash`es what is below it now and then.
fn survive(what: &str, start: impl Fn() -> Server, crash: impl Fn()) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = number("PICLOUD_SEED", since.as_nanos() as u64);
    let (kills, writes) = (number("PICLOUD_KILLS", 6), number("PICLOUD_WRITES", 20));
    let (mut random, mut rounds, mut count) = (Random(seed), Vec::new(), 0);
    println!("{what}: seed {seed}");
    let mut server = start();
    let mut admin = server.log_in();
    for kill in 1..=kills {
        let app = format!("durable-{kill}");
        admin.make("/apps", &json!({ "slug": app }));
        let (acknowledged, heard) = channel();
        let mut writers = [(); WRITERS].map(|()| Writer { app: app.clone(), ..Writer::default() });
        thread::scope(|scope| {
            for (n, writer) in writers.iter_mut().enumerate() {
                let (admin, acknowledged) = (&admin, acknowledged.clone());
                scope.spawn(move || writer.write_until_killed(admin, &format!("w{n}"), &acknowledged));
            }
            await_writes(&heard, random.below(2 * writes + 1), random.below(20_000));
            server.process.signal("KILL");
        });
        if kill % 4 == 3 {
            crash();
        }
        server = start();
        // The session is one of the acknowledged writes.
        admin.address = server.address;
        check(&admin, &writers, true);
        count += writers.iter().flat_map(|writer| writer.acknowledged.values()).map(|(_, n)| n).sum::<u64>();
        rounds.push(writers);
    }
    // What was there after its own kill is there after all the others.
    rounds.iter().for_each(|writers| check(&admin, writers, false));
    println!("{what}: {kills} kills, {count} acknowledged writes, all there");
    assert!(count > kills);
}

#[test]
fn sqlite_keeps_what_was_acknowledged() {
    let folder = tempdir().unwrap();
    survive("SQLite", || Server::with_admin(folder.path()), || {});
}

#[test]
fn postgres_keeps_what_was_acknowledged() {
    let Some(cluster) = Cluster::start(true) else { return };
    let (url, folder) = (cluster.database(), tempdir().unwrap());
    let start = || {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--database", &url];
        Server::spawn_with_admin(&mut command(folder.path(), &arguments))
    };
    let crash = || {
        cluster.crash();
        cluster.resume();
    };
    survive("PostgreSQL", start, crash);
}
