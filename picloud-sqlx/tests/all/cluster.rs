//! A PostgreSQL server for tests: made in a temporary folder, reached through a socket there, gone with the test process.
//!
//! Needs the server's programs (Debian: package `postgresql`) and nothing else: no running server, no port, no user.
//! A shell keeps the server; it ends it and removes the folder when its standard input ends, however the tests end.

#![allow(dead_code, reason = "shared by test binaries that need different parts of it")]

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Makes the data, then starts, stops and starts the server as it is told on standard input.
const KEEPER: &str = r#"
# Who ends the tests by a signal to all of them must not end this one before it has cleaned up.
trap '' HUP INT TERM
if [ -n "$RUN_AS" ]; then as_user="setpriv --reuid=$RUN_AS --regid=$RUN_AS --clear-groups"; fi
start() {
    $as_user "$BIN/postgres" -D "$FOLDER/data" -k "$FOLDER" -c listen_addresses= -c max_connections=400 \
        -c fsync="$FSYNC" -c recovery_init_sync_method=syncfs >>"$FOLDER/log" 2>&1 </dev/null &
    pid=$!
    until "$BIN/pg_isready" -q -h "$FOLDER" || ! kill -0 $pid 2>/dev/null; do sleep 0.02; done
}
stop() { kill -"$1" $pid 2>/dev/null; wait $pid; }
if [ -n "$RUN_AS" ]; then chown "$RUN_AS" "$FOLDER"; fi
$as_user "$BIN/initdb" -D "$FOLDER/data" -U picloud -A trust -E UTF8 --no-sync >"$FOLDER/log" 2>&1 </dev/null
start
kill -0 $pid 2>/dev/null && echo ready || { cat "$FOLDER/log" >&2; echo failed; }
while read -r command; do
    case "$command" in
        stop) stop INT ;;
        crash) stop QUIT ;;
        start) start ;;
    esac
    echo done
done
stop QUIT
rm -rf "$FOLDER"
"#;

/// A server.
pub(crate) struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    keeper: Mutex<(Child, BufReader<ChildStdout>)>,
    made: AtomicU32,
}

/// The server that the tests of one process share, fast and without a promise to survive a loss of power; `None` where
/// PostgreSQL is not installed, unless all tests must run.
pub(crate) fn shared() -> Option<&'static Cluster> {
    static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
    SHARED.get_or_init(|| Cluster::start(false)).as_ref()
}

impl Cluster {
    /// A server of one's own, which ends when it is dropped; `durable` as in production.
    pub(crate) fn start(durable: bool) -> Option<Self> {
        let Some(bin) = programs() else {
            assert!(env::var_os("PICLOUD_REQUIRE_ALL").is_none(), "PostgreSQL is not installed");
            // Past the harness, which hides what passing tests print.
            let note =
                "note: PostgreSQL is not installed: its tests are left out (Debian: apt install postgresql)";
            let _ = writeln!(std::io::stderr(), "{note}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("picloud-pg-").tempdir().unwrap().keep();
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .env("BIN", &bin)
            .env("FOLDER", &folder)
            .env("RUN_AS", unprivileged(&folder))
            .env("FSYNC", if durable { "on" } else { "off" })
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(keeper.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "PostgreSQL does not start");
        Some(Self { bin, folder, keeper: Mutex::new((keeper, said)), made: AtomicU32::new(0) })
    }

    /// The URL of a new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("t{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a new, empty database, whose tables are in an empty folder of somebody else's.
    pub(crate) fn database_in(&self, place: &Path) -> String {
        use std::os::unix::fs::MetadataExt as _;
        let owner = fs::metadata(&self.folder).unwrap();
        std::os::unix::fs::chown(place, Some(owner.uid()), Some(owner.gid())).unwrap();
        let name = format!("t{}", self.made.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE TABLESPACE {name} LOCATION '{}'", place.display()));
        self.sql("postgres", &format!("CREATE DATABASE {name} TABLESPACE {name}"));
        self.url(&name)
    }

    /// The URL of a database.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("postgres:///{name}?user=picloud&host={}", self.folder.display())
    }

    /// Runs SQL in a database, given by name or URL, and gives what it prints.
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        let name = database.strip_prefix("postgres:///").unwrap_or(database);
        let name = name.split('?').next().unwrap();
        let output = Command::new(self.bin.join("psql"))
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "picloud", "-d", name, "-c", sql, "-h"])
            .arg(&self.folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Ends all connections and the server.
    pub(crate) fn stop(&self) {
        self.tell("stop");
    }

    /// Ends the server as a crash does: it must recover when it starts again.
    pub(crate) fn crash(&self) {
        self.tell("crash");
    }

    /// Starts it again, and waits until it answers.
    pub(crate) fn resume(&self) {
        self.tell("start");
    }

    fn tell(&self, command: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        writeln!(keeper.0.stdin.as_mut().unwrap(), "{command}").unwrap();
        let mut line = String::new();
        keeper.1.read_line(&mut line).unwrap();
        assert_eq!(line, "done\n", "after {command}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Ok(keeper) = self.keeper.get_mut() {
            drop(keeper.0.stdin.take());
            let _ = keeper.0.wait();
        }
    }
}

/// The folder of the newest server's programs.
fn programs() -> Option<PathBuf> {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = installed
        .map(|entry| entry.path())
        .filter(|path| version(path) >= Some(15))
        .max_by_key(|path| version(path));
    let on_path = || env::split_paths(&env::var_os("PATH")?).find(|folder| folder.join("initdb").is_file());
    newest.map(|path| path.join("bin")).filter(|bin| bin.join("initdb").is_file()).or_else(on_path)
}

/// PostgreSQL does not run as root: the user that it runs as then, else nothing.
fn unprivileged(folder: &Path) -> &'static str {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata(folder).unwrap().uid() != 0 {
        return "";
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    // Its own group must have the same name; `nobody` has the group `nogroup` on Debian.
    if users.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "65534" }
}
