//! Which database keeps everything: opening it, backing it up, restoring it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use picloud::store::{Store, StoreError};
use picloud_sqlx::{PgStore, SqliteStore};

use crate::{
    Exit,
    cli::{BackupArgs, DatabaseArgs, ServeArgs},
    config::Settings,
    run,
};

/// Exit code for a database that a newer release has written.
const NEWER_SCHEMA: u8 = 3;

/// Where everything is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Database {
    /// In a file.
    Sqlite(PathBuf),
    /// In a database that this URL names.
    Postgres(String),
}

/// An open database.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Why it does not answer, if it does not at the moment.
    pub(crate) away: Option<StoreError>,
}

impl Database {
    /// `sqlite://FILE`, `sqlite:FILE`, `postgres://…`, `postgresql://…`.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Some(Self::Postgres(url.to_owned()));
        }
        let file = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"));
        file.filter(|file| !file.is_empty()).map(|file| Self::Sqlite(file.into()))
    }

    /// Opens it, and brings its schema up to date. A file that cannot be opened is an error; a server that does not
    /// answer may do so later.
    pub(crate) async fn open(&self) -> Result<Opened, Exit> {
        match self {
            Self::Sqlite(file) => {
                private_folder(file)?;
                let store = SqliteStore::open(file).await.map_err(|error| self.failed(&error))?;
                Ok(Opened { store: Arc::new(store), away: None })
            }
            Self::Postgres(url) => {
                let store = PgStore::connect(url).map_err(|error| self.failed(&error))?;
                let away = match store.ensure().await {
                    Ok(()) => None,
                    Err(error @ StoreError::Unavailable(_)) => Some(error),
                    Err(error) => return Err(self.failed(&error)),
                };
                Ok(Opened { store: Arc::new(store), away })
            }
        }
    }

    /// Why the process ends.
    pub(crate) fn failed(&self, error: &StoreError) -> Exit {
        let code = if matches!(error, StoreError::NewerSchema { .. }) { NEWER_SCHEMA } else { 1 };
        Exit { text: format!("{self}: {error}"), code }
    }

    /// The file of an SQLite database.
    fn file(&self) -> Result<&Path, Exit> {
        match self {
            Self::Sqlite(file) => Ok(file),
            Self::Postgres(_) => Err("this is for SQLite; with PostgreSQL use pg_dump and pg_restore \
                (docs/operating.md)"
                .into()),
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.display().fmt(f),
            Self::Postgres(url) => without_password(url).fmt(f),
        }
    }
}

/// A database URL as it may be shown.
pub(crate) fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => url.to_owned(),
    }
}

/// Makes the folder of a file so that only its owner can look into it.
pub(crate) fn private_folder(file: &Path) -> Result<(), Exit> {
    let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let made: io::Result<()> = builder.recursive(true).create(folder);
    made.map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()).into())
}

/// `picloud backup FILE`.
pub(crate) fn backup(args: BackupArgs) -> Result<(), Exit> {
    let (to, database) = place(args)?;
    run::runtime(Some(1))?.block_on(async {
        let made = SqliteStore::backup(database.file()?, &to).await;
        made.map_err(|error| database.failed(&error))?;
        tracing::info!("backed up {database} to {}", to.display());
        Ok(())
    })
}

/// `picloud restore FILE`.
pub(crate) fn restore(args: BackupArgs) -> Result<(), Exit> {
    let (from, database) = place(args)?;
    let file = database.file()?;
    private_folder(file)?;
    run::runtime(Some(1))?.block_on(async {
        let made = picloud_sqlx::restore(&from, file).await;
        made.map_err(|error| Exit { text: error.to_string(), ..database.failed(&error) })?;
        tracing::info!("restored {database} from {}", from.display());
        Ok(())
    })
}

/// The database that is meant, by the same rules as for `serve`.
pub(crate) fn named(place: DatabaseArgs) -> Result<Database, Exit> {
    let DatabaseArgs { data_dir, database, config } = place;
    Ok(Settings::load(ServeArgs { data_dir, database, config, ..ServeArgs::default() })?.database)
}

fn place(args: BackupArgs) -> Result<(PathBuf, Database), Exit> {
    let BackupArgs { file, place } = args;
    Ok((file, named(place)?))
}
