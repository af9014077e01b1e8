//! Settings: flag before environment before file before default.

mod choice;
mod front;
mod log;

use std::{
    env, fs, io,
    net::{Ipv4Addr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use picloud::{Host, InvalidLimit, LimitOverrides, Limits, recorder::LogSettings};
use picloud_server::front::{ConnectionLimits, FrontSettings, Network};
use serde::{Deserialize, Serialize};

use self::choice::{Choice, List};
pub(crate) use self::choice::{Given, Shown, Source};
pub(crate) use self::log::{LOG_NUMBERS, LogNumber};
use crate::{
    cli::ServeArgs,
    database::{Database, without_password},
};

/// Read where no `--config` says otherwise.
const FILE: &str = "picloud-server.toml";
/// Runs at once. Each reserves address space, and takes memory up to its limit.
pub(crate) const RUNS: RangeInclusive<u64> = 1..=1_000_000;
/// Milliseconds between the news that the server stops and the end of accepting.
const SHUTDOWN_DELAY: RangeInclusive<u64> = 0..=60_000;

/// What the server runs with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    /// Where the admin API, the metrics and the dashboard answer instead, if not beside the scripts.
    pub(crate) admin_listen: Option<SocketAddr>,
    /// The only names on which the admin API, the metrics and the dashboard answer; empty means any.
    pub(crate) admin_hosts: Vec<Host>,
    /// Where everything is kept.
    pub(crate) database: Database,
    pub(crate) data_dir: PathBuf,
    pub(crate) public_base_url: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) max_running: usize,
    pub(crate) max_running_per_app: usize,
    /// Whether scripts can be run by id without a session.
    pub(crate) execute_public: bool,
    pub(crate) workers: Option<usize>,
    /// How long `/readyz` says that the server stops before it stops accepting.
    pub(crate) shutdown_delay: Duration,
    /// The HTTP front, trusted proxies included.
    pub(crate) front: FrontSettings,
    pub(crate) connections: ConnectionLimits,
    /// The execution log.
    pub(crate) log: LogSettings,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
    /// Every setting and where it comes from, as it may be shown.
    pub(crate) shown: Vec<Shown>,
}

/// The settings file. What is not there has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    admin_listen: Option<SocketAddr>,
    admin_hosts: Option<List<Host>>,
    trusted_proxies: Option<List<Network>>,
    data_dir: Option<PathBuf>,
    database: Option<String>,
    public_base_url: Option<String>,
    execute: Option<Execute>,
    max_running: Option<u64>,
    max_running_per_app: Option<u64>,
    workers: Option<usize>,
    shutdown_delay_ms: Option<u64>,
    #[serde(default)]
    front: front::File,
    #[serde(default)]
    log: log::File,
    #[serde(default)]
    limits: LimitOverrides,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Execute {
    Admin,
    Public,
}

impl FromStr for Execute {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "admin" => Ok(Self::Admin),
            "public" => Ok(Self::Public),
            _ => Err("must be `admin` or `public`"),
        }
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the settings file {} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("the settings file {} is not valid:\n{error}", path.display())]
    Invalid { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{name}: {error}")]
    Variable { name: String, error: String },
    #[error("{0}")]
    Limit(#[from] InvalidLimit),
    #[error(
        "the database `{0}` is not supported; use sqlite://FILE, such as sqlite://picloud-data/picloud.db, or postgres://USER@HOST/NAME"
    )]
    Database(String),
    #[error("`{name}` is {value}, but must be from {} to {}", range.start(), range.end())]
    Range { name: &'static str, value: u64, range: RangeInclusive<u64> },
    #[error("`admin_listen` is the same address as `listen`; use another port, or `admin_hosts`")]
    OneAddress,
}

impl Settings {
    /// The settings from the command line, the environment and the settings file.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub(crate) fn load(args: ServeArgs) -> Result<Self, ConfigError> {
        let path = args.config.clone().or_else(|| Path::new(FILE).exists().then(|| FILE.into()));
        let file = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Self::merge(Choice::new(args.given.clone()), args, env::var("DATABASE_URL").ok(), file, path)
    }

    fn merge(
        mut choice: Choice,
        args: ServeArgs,
        database_url: Option<String>,
        file: File,
        path: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let c = &mut choice;
        let listen = c.or("listen", args.listen, file.listen, (Ipv4Addr::LOCALHOST, 8080).into())?;
        let admin_listen = c.optional("admin_listen", args.admin_listen, file.admin_listen)?;
        if admin_listen.is_some_and(|admin| admin == listen && admin.port() != 0) {
            return Err(ConfigError::OneAddress);
        }
        let List(admin_hosts) = c.or("admin_hosts", None, file.admin_hosts, List::default())?;
        let List(trusted) = c.or("trusted_proxies", None, file.trusted_proxies, List::default())?;
        let data_dir = c.or("data_dir", args.data_dir, file.data_dir, "picloud-data".into())?;
        let database = database(c, args.database, database_url, file.database, &data_dir)?;
        let public_base_url = c.optional("public_base_url", args.public_base_url, file.public_base_url)?;
        let execute = c.or("execute", None, file.execute, Execute::Admin)?;
        let max_running = c.number("max_running", file.max_running, 1024, RUNS)?;
        let per_app = c.number("max_running_per_app", file.max_running_per_app, 256, RUNS)?;
        let workers = c.optional("workers", args.workers, file.workers)?;
        let delay = c.number("shutdown_delay_ms", file.shutdown_delay_ms, 500, SHUTDOWN_DELAY)?;
        let (front, connections) = front::choose(c, &file.front, &trusted)?;
        let log = log::choose(c, &file.log)?;
        let limits = limits(c, &file.limits)?;
        if workers == Some(0) {
            return Err(ConfigError::Range { name: "workers", value: 0, range: 1..=1024 });
        }
        Ok(Self {
            listen,
            admin_listen,
            admin_hosts,
            database,
            data_dir,
            public_base_url,
            limits,
            max_running: usize::try_from(max_running).unwrap_or(usize::MAX),
            max_running_per_app: usize::try_from(per_app).unwrap_or(usize::MAX),
            execute_public: execute == Execute::Public,
            workers,
            shutdown_delay: Duration::from_millis(delay),
            front,
            connections,
            log,
            file: path,
            shown: choice.shown(),
        })
    }

    /// The file for what was last served.
    pub(crate) fn last_good(&self) -> PathBuf {
        self.data_dir.join("last-good.json")
    }

    /// Whether scripts answer on the same hosts as the admin API.
    pub(crate) fn is_shared(&self) -> bool {
        self.admin_listen.is_none() && self.admin_hosts.is_empty()
    }
}

/// Where everything is kept, shown as the URL that names it.
fn database(
    choice: &mut Choice,
    argument: Option<String>,
    database_url: Option<String>,
    file: Option<String>,
    data_dir: &Path,
) -> Result<Database, ConfigError> {
    let found = match (choice.find("database", argument, None)?, database_url) {
        (Some(found), _) => Some(found),
        (None, Some(url)) => Some((url, Source::Environment)),
        (None, None) => file.map(|url| (url, Source::File)),
    };
    let default = || (format!("sqlite://{}", data_dir.join("picloud.db").display()), Source::Default);
    let (url, source) = found.unwrap_or_else(default);
    choice.show("database", &without_password(&url), source);
    Database::parse(&url).ok_or_else(|| ConfigError::Database(without_password(&url)))
}

fn limits(choice: &mut Choice, file: &LimitOverrides) -> Result<Limits, ConfigError> {
    let limits = file.apply(Limits::default())?;
    let object = |value| match value {
        Ok(serde_json::Value::Object(map)) => map,
        _ => serde_json::Map::new(),
    };
    let set = object(serde_json::to_value(file));
    for (name, value) in object(serde_json::to_value(limits)) {
        let source = if set.contains_key(&name) { Source::File } else { Source::Default };
        choice.show(&format!("limits.{name}"), &value, source);
    }
    Ok(limits)
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
    toml::from_str(&text).map_err(|error| ConfigError::Invalid { path: path.into(), error: Box::new(error) })
}

/// User name and password of the first admin, from `PICLOUD_ADMIN_USERNAME` and `PICLOUD_ADMIN_PASSWORD`, or the
/// files that `…_FILE` name.
///
/// # Errors
/// Only one of the two is set, or a file cannot be read.
pub(crate) fn first_admin() -> Result<Option<(String, String)>, String> {
    match (secret("PICLOUD_ADMIN_USERNAME")?, secret("PICLOUD_ADMIN_PASSWORD")?) {
        (Some(username), Some(password)) => Ok(Some((username, password))),
        (None, None) => Ok(None),
        (Some(_), None) => Err("PICLOUD_ADMIN_USERNAME is set, but PICLOUD_ADMIN_PASSWORD is not".into()),
        (None, Some(_)) => Err("PICLOUD_ADMIN_PASSWORD is set, but PICLOUD_ADMIN_USERNAME is not".into()),
    }
}

fn secret(name: &str) -> Result<Option<String>, String> {
    if let Some(path) = env::var_os(format!("{name}_FILE")) {
        let text =
            fs::read_to_string(&path).map_err(|error| format!("{name}_FILE: {}: {error}", path.display()))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    match env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(format!("{name} is not UTF-8 text")),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::json;

    use super::*;

    fn file(text: &str) -> File {
        toml::from_str(text).unwrap()
    }

    fn merge(args: ServeArgs, file: File) -> Result<Settings, ConfigError> {
        Settings::merge(Choice::with_variables(Given::default(), |_| None), args, None, file, None)
    }

    fn source(settings: &Settings, name: &str) -> (serde_json::Value, Source) {
        let found = settings.shown.iter().find(|shown| shown.name == name).unwrap();
        (found.value.clone(), found.source)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = ServeArgs { listen: Some("127.0.0.1:1".parse().unwrap()), ..ServeArgs::default() };
        let both = merge(flags, file("listen = \"127.0.0.1:2\"\ndata_dir = \"d\"")).unwrap();
        assert_eq!(both.listen.port(), 1);
        assert_eq!(both.database, Database::Sqlite(Path::new("d").join("picloud.db")));
        let none = merge(ServeArgs::default(), File::default()).unwrap();
        assert_eq!((none.listen.port(), none.max_running, none.limits), (8080, 1024, Limits::default()));
    }

    #[test]
    fn what_is_kept_of_the_execution_log_comes_from_the_file() {
        let set =
            merge(ServeArgs::default(), file("[log]\nsample_every = 0\nslow_ms = 5\nkeep_days = 1")).unwrap();
        let day = Duration::from_secs(86_400);
        assert_eq!(
            (set.log.sample_every, set.log.slow, set.log.keep_executions),
            (0, Duration::from_millis(5), day)
        );
        assert_eq!(set.log.keep_minutes, day * 30);
        let error = merge(ServeArgs::default(), file("[log]\nkeep_days = 0")).unwrap_err().to_string();
        assert!(error.contains("`log.keep_days` is 0"), "{error}");
    }

    #[test]
    fn limits_come_from_the_file_and_are_checked() {
        let set = merge(ServeArgs::default(), file("[limits]\nmemory = 1000000")).unwrap();
        assert_eq!(set.limits.memory, 1_000_000);
        let error = merge(ServeArgs::default(), file("[limits]\nmemory = 99999999999")).unwrap_err();
        assert!(error.to_string().contains("`memory`"), "{error}");
        assert!(merge(ServeArgs::default(), file("max_running = 0")).is_err());
    }

    #[test]
    fn each_setting_says_where_it_comes_from() {
        fn variable(name: &str) -> Option<String> {
            match name {
                "PICLOUD_TRUSTED_PROXIES" => Some("10.0.0.0/8, ::1".to_owned()),
                "PICLOUD_FRONT_HEADERS" => Some("20".to_owned()),
                _ => None,
            }
        }
        let args = crate::cli::Cli::try_parse_from(["picloud", "--listen", "127.0.0.1:1"]).unwrap().serve;
        let choice = Choice::with_variables(args.given.clone(), variable);
        let text = "trusted_proxies = []\nadmin_hosts = [\"Admin.test.\"]\n[limits]\nmemory = 1000000\n";
        let url = Some("sqlite://user:secret@x.db".to_owned());
        let settings = Settings::merge(choice, args, url, file(text), None).unwrap();
        for (name, value, from) in [
            ("listen", json!("127.0.0.1:1"), Source::Flag),
            ("trusted_proxies", json!(["10.0.0.0/8", "::1/128"]), Source::Environment),
            ("front.headers", json!(20), Source::Environment),
            ("database", json!("sqlite://…@x.db"), Source::Environment),
            ("admin_hosts", json!(["admin.test"]), Source::File),
            ("limits.memory", json!(1_000_000), Source::File),
            ("limits.cpu_time_ms", json!(1000), Source::Default),
            ("public_base_url", json!(null), Source::Default),
            ("execute", json!("admin"), Source::Default),
        ] {
            assert_eq!(source(&settings, name), (value, from), "{name}");
        }
        assert_eq!((settings.front.head.headers, settings.connections.trusted.len()), (20, 2));
        let shown = serde_json::to_string(&settings.shown).unwrap();
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn the_front_has_ranges_and_no_unlimited() {
        for text in [
            "[front]\nhead_bytes = 100",
            "[front]\nhead_bytes = 40000",
            "[front]\nheaders = 101",
            "[front]\nidle_timeout_ms = 0",
            "[front]\nconnections = 0",
            "shutdown_delay_ms = 100000",
        ] {
            let error = merge(ServeArgs::default(), file(text)).unwrap_err().to_string();
            assert!(error.contains("must be from"), "{text}: {error}");
        }
        for text in ["trusted_proxies = [\"localhost\"]", "admin_hosts = [\"a b\"]", "[front]\nunlimited = 1"]
        {
            assert!(toml::from_str::<File>(text).is_err(), "{text}");
        }
        let same = file("listen = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:1\"");
        assert!(merge(ServeArgs::default(), same).unwrap_err().to_string().contains("admin_listen"));
    }

    #[test]
    fn what_the_file_does_not_know_is_refused_with_its_line() {
        let error =
            toml::from_str::<File>("listen = \"127.0.0.1:1\"\nlisten_on = 3").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("listen_on"), "{error}");
    }

    #[test]
    fn the_url_chooses_the_database_and_no_password_is_shown() {
        let parsed = |url: &str| Database::parse(url).map(|database| database.to_string());
        assert_eq!(parsed("sqlite://a/b.db").as_deref(), Some("a/b.db"));
        assert_eq!(parsed("postgres://u:secret@h/db").as_deref(), Some("postgres://…@h/db"));
        for url in ["mysql://u:secret@h/db", "sqlite://", "picloud.db"] {
            let args = ServeArgs { database: Some(url.to_owned()), ..ServeArgs::default() };
            let error = merge(args, File::default()).unwrap_err().to_string();
            assert!(error.contains("not supported") && !error.contains("secret"), "{error}");
        }
    }
}
