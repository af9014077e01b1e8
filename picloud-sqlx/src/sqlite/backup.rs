//! Backup and restore of the whole database as one file.
//!
//! A backup is an SQLite database with one line after its end: the SHA-256 of all before. SQLite ignores that line, so
//! that a backup can be looked into like any database.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use picloud::store::StoreError;
use sha2::{Digest, Sha256};
use sqlx::{Connection, Row as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::{SqliteStore, lock, open::private};
use crate::error::store_error;

const BEGIN: &str = "\nPiCloud backup, sha256 ";
/// The line after the database.
const TRAILER: usize = BEGIN.len() + 64 + 1;

impl SqliteStore {
    /// Writes all of the database in `database` as it is now into the new file `to`, also while servers write to it.
    ///
    /// # Errors
    /// `Unavailable` or `Full` if a file cannot be read or written, or if there is already a file `to`; `Corrupt` if the
    /// database is damaged. There is no file `to` then that was not there before.
    pub async fn backup(database: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<(), StoreError> {
        let (database, to) = (database.as_ref(), to.as_ref());
        if to.exists() {
            return Err(StoreError::Unavailable(format!("{}: there is already such a file", to.display())));
        }
        let partial = with_suffix(to, ".partial");
        let written = write(database, &partial).await;
        let written = written.and_then(|()| fs::rename(&partial, to).map_err(|error| io_error(to, &error)));
        if written.is_err() {
            let _ = fs::remove_file(&partial);
        }
        written
    }
}

/// Replaces the database in `database`, if there is one, with the backup in `from`. What was there is kept beside it,
/// with `.before-restore` after its name.
///
/// # Errors
/// `Corrupt` if `from` is no backup or damaged, `NewerSchema` if a newer version has made it, `Unavailable` if a server
/// runs on `database` or a file cannot be written, `Full` if there is no room. The database is as it was then.
pub async fn restore(from: impl AsRef<Path>, database: impl AsRef<Path>) -> Result<(), StoreError> {
    let (from, database) = (from.as_ref(), database.as_ref());
    let _lock = lock::alone(database)?;
    let restored = with_suffix(database, ".restoring");
    let checked = match unpack(from, &restored) {
        Ok(()) => check(&restored).await,
        Err(error) => Err(error),
    };
    let replaced =
        checked.and_then(|()| replace(database, &restored).map_err(|error| io_error(database, &error)));
    if replaced.is_err() {
        let _ = fs::remove_file(&restored);
    }
    replaced
}

async fn write(database: &Path, partial: &Path) -> Result<(), StoreError> {
    // Before there is anything to read.
    drop(private().create_new(true).open(partial).map_err(|error| io_error(partial, &error))?);
    let options = SqliteConnectOptions::new().filename(database).busy_timeout(super::open::BUSY);
    let mut db =
        SqliteConnection::connect_with(&options.create_if_missing(false)).await.map_err(store_error)?;
    integrity(&mut db).await?;
    let vacuum = sqlx::query("VACUUM INTO $1").bind(partial.display().to_string());
    let written = vacuum.execute(&mut db).await.map_err(store_error);
    db.close().await.map_err(store_error)?;
    written?;
    seal(partial).map_err(|error| io_error(partial, &error))
}

/// Adds the checksum, and waits until all is on the disk.
fn seal(path: &Path) -> io::Result<()> {
    let mut file = File::options().read(true).append(true).open(path)?;
    let sum = copy(&mut file, &mut io::sink())?;
    writeln!(file, "{BEGIN}{sum}")?;
    file.sync_all()
}

/// Writes the database of a backup to a new file, if all of it is as it was made.
fn unpack(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut backup = File::open(from).map_err(|error| io_error(from, &error))?;
    let trailer = trailer(&mut backup).map_err(|error| io_error(from, &error))?;
    let no_backup = || StoreError::Corrupt(format!("{}: this is no whole backup of PiCloud", from.display()));
    let (length, expected) = trailer.ok_or_else(no_backup)?;
    let mut out = private().truncate(true).open(to).map_err(|error| io_error(to, &error))?;
    let copied = copy(&mut backup.take(length), &mut out).and_then(|sum| out.sync_all().map(|()| sum));
    let found = copied.map_err(|error| io_error(to, &error))?;
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Corrupt(format!(
        "{}: the checksum does not match: the backup is damaged",
        from.display()
    )))
}

/// The length of the database in a backup, and the checksum it should have.
fn trailer(backup: &mut File) -> io::Result<Option<(u64, String)>> {
    let size = backup.metadata()?.len();
    let Some(length) = size.checked_sub(TRAILER as u64) else { return Ok(None) };
    backup.seek(SeekFrom::Start(length))?;
    let mut line = String::new();
    let read = Read::by_ref(backup).take(TRAILER as u64).read_to_string(&mut line);
    backup.seek(SeekFrom::Start(0))?;
    let sum = line.strip_prefix(BEGIN).and_then(|line| line.strip_suffix('\n'));
    Ok(read.ok().and(sum).map(|sum| (length, sum.to_owned())))
}

/// Copies all, and gives its checksum.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<String> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 * 1024]);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(hex(&hash.finalize()));
        }
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}

/// Whether this is a sound database that this version can use.
async fn check(path: &Path) -> Result<(), StoreError> {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    let mut db = SqliteConnection::connect_with(&options).await.map_err(store_error)?;
    let checked = match integrity(&mut db).await {
        Ok(()) => schema(&mut db).await,
        Err(error) => Err(error),
    };
    db.close().await.map_err(store_error)?;
    checked
}

async fn integrity(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let found: String =
        sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut *db).await.map_err(store_error)?;
    if found != "ok" {
        return Err(StoreError::Corrupt(found));
    }
    let broken = sqlx::query("PRAGMA foreign_key_check").fetch_optional(db).await.map_err(store_error)?;
    match broken {
        Some(row) => Err(StoreError::Corrupt(format!(
            "a row of `{}` refers to nothing",
            row.try_get::<String, _>(0).unwrap_or_default()
        ))),
        None => Ok(()),
    }
}

async fn schema(db: &mut SqliteConnection) -> Result<(), StoreError> {
    let newest = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _picloud_migrations");
    let newest: i64 = newest.fetch_one(db).await.map_err(store_error)?;
    match (newest.cast_unsigned(), SqliteStore::SCHEMA) {
        (found, known) if found > known => Err(StoreError::NewerSchema { found, known }),
        _ => Ok(()),
    }
}

/// Puts the restored file in the place of the database. At every moment there is a whole database under its name.
fn replace(database: &Path, restored: &Path) -> io::Result<()> {
    let kept = with_suffix(database, ".before-restore");
    let log = |path: &Path| with_suffix(path, "-wal");
    for old in [kept.clone(), log(&kept)] {
        ignore_missing(fs::remove_file(old))?;
    }
    // The log first: SQLite would take it for the restored database's. What it holds is part of what is kept.
    ignore_missing(fs::rename(log(database), log(&kept)))?;
    ignore_missing(fs::remove_file(with_suffix(database, "-shm")))?;
    ignore_missing(fs::hard_link(database, &kept))?;
    fs::rename(restored, database)?;
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

fn ignore_missing(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn io_error(path: &Path, error: &io::Error) -> StoreError {
    let text = format!("{}: {error}", path.display());
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::Full(text),
        _ => StoreError::Unavailable(text),
    }
}
