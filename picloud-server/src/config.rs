//! Settings: flag before environment before file before default.

use std::{
    env, fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use picloud::{InvalidLimit, LimitOverrides, Limits};
use serde::Deserialize;

use crate::cli::ServeArgs;

/// Read where no `--config` says otherwise.
const FILE: &str = "picloud-server.toml";

/// What the server runs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: PathBuf,
    /// The SQLite file.
    pub(crate) database: PathBuf,
    pub(crate) public_base_url: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) max_running: usize,
    pub(crate) max_running_per_app: usize,
    /// Whether scripts can be run by id without a session.
    pub(crate) execute_public: bool,
    pub(crate) workers: Option<usize>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

/// The settings file. What is not there has its default.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<SocketAddr>,
    data_dir: Option<PathBuf>,
    database: Option<String>,
    public_base_url: Option<String>,
    execute: Option<Execute>,
    max_running: Option<usize>,
    max_running_per_app: Option<usize>,
    workers: Option<usize>,
    #[serde(default)]
    limits: LimitOverrides,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Execute {
    Admin,
    Public,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("the settings file {} cannot be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("the settings file {} is not valid:\n{error}", path.display())]
    Invalid { path: PathBuf, error: Box<toml::de::Error> },
    #[error("{0}")]
    Limit(#[from] InvalidLimit),
    #[error(
        "the database `{0}` is not supported; use sqlite://FILE, such as sqlite://picloud-data/picloud.db"
    )]
    Database(String),
    #[error("`{name}` must be at least 1")]
    Zero { name: &'static str },
}

impl Settings {
    /// The settings from the command line, `DATABASE_URL` and the settings file.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub(crate) fn load(args: ServeArgs) -> Result<Self, ConfigError> {
        let path = args.config.clone().or_else(|| Path::new(FILE).exists().then(|| FILE.into()));
        let file = path.as_deref().map(read).transpose()?.unwrap_or_default();
        Self::merge(args, env::var("DATABASE_URL").ok(), file, path)
    }

    fn merge(
        args: ServeArgs,
        database_url: Option<String>,
        file: File,
        path: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let data_dir = args.data_dir.or(file.data_dir).unwrap_or_else(|| "picloud-data".into());
        let database = args.database.or(database_url).or(file.database);
        let at_least_one = |name, value: Option<usize>, default| match value.unwrap_or(default) {
            0 => Err(ConfigError::Zero { name }),
            value => Ok(value),
        };
        Ok(Self {
            listen: args.listen.or(file.listen).unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 8080).into()),
            database: database.map_or_else(|| Ok(data_dir.join("picloud.db")), |url| sqlite_file(&url))?,
            data_dir,
            public_base_url: args.public_base_url.or(file.public_base_url),
            limits: file.limits.apply(Limits::default())?,
            max_running: at_least_one("max_running", file.max_running, 1024)?,
            max_running_per_app: at_least_one("max_running_per_app", file.max_running_per_app, 256)?,
            execute_public: file.execute == Some(Execute::Public),
            workers: args
                .workers
                .or(file.workers)
                .map(|n| at_least_one("workers", Some(n), 1))
                .transpose()?,
            file: path,
        })
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text =
        fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.into(), error })?;
    toml::from_str(&text).map_err(|error| ConfigError::Invalid { path: path.into(), error: Box::new(error) })
}

/// `sqlite://FILE`, `sqlite:FILE`.
fn sqlite_file(url: &str) -> Result<PathBuf, ConfigError> {
    let file = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
    match file.filter(|file| !file.is_empty()) {
        Some(file) => Ok(file.into()),
        None => Err(ConfigError::Database(without_password(url))),
    }
}

/// A database URL as it may be shown.
fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
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
    use super::*;

    fn file(text: &str) -> File {
        toml::from_str(text).unwrap()
    }

    fn merge(args: ServeArgs, file: File) -> Result<Settings, ConfigError> {
        Settings::merge(args, None, file, None)
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let flags = ServeArgs { listen: Some("127.0.0.1:1".parse().unwrap()), ..ServeArgs::default() };
        let both = merge(flags, file("listen = \"127.0.0.1:2\"\ndata_dir = \"d\"")).unwrap();
        assert_eq!((both.listen.port(), both.data_dir.to_str()), (1, Some("d")));
        assert_eq!(both.database, Path::new("d").join("picloud.db"));
        let none = merge(ServeArgs::default(), File::default()).unwrap();
        assert_eq!((none.listen.port(), none.max_running, none.limits), (8080, 1024, Limits::default()));
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
    fn what_the_file_does_not_know_is_refused_with_its_line() {
        let error =
            toml::from_str::<File>("listen = \"127.0.0.1:1\"\nlisten_on = 3").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("listen_on"), "{error}");
    }

    #[test]
    fn only_sqlite_urls_are_taken_and_no_password_is_shown() {
        assert_eq!(sqlite_file("sqlite://a/b.db").unwrap(), Path::new("a/b.db"));
        let error = sqlite_file("postgres://u:secret@h/db").unwrap_err().to_string();
        assert!(error.contains("postgres://…@h/db") && !error.contains("secret"), "{error}");
    }
}
