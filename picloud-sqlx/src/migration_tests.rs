//! An upgrade that ends at any of its statements leaves the database as it was, and can be done again.

use picloud::store::{AppStore, Page, StoreError};

use super::{STEPS, Step, take};
use crate::sql::{Transaction, statement};

#[cfg(all(unix, feature = "postgres"))]
#[path = "../tests/all/cluster.rs"]
mod cluster;

/// The statements of a step: none of ours has a semicolon inside, but comments have.
fn statements(sql: &str) -> Vec<String> {
    let code: Vec<_> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    let code = code.join("\n");
    code.split_inclusive(';').filter(|statement| statement.contains(';')).map(str::to_owned).collect()
}

/// The steps, of which the last ends after `count` of its statements, with `end`.
fn ending_after(count: usize, sql: &str, end: &str) -> Vec<Step> {
    let cut = statements(sql).into_iter().take(count).chain([end.to_owned()]).collect::<String>();
    let cut: &'static str = Box::leak(cut.into_boxed_str());
    let mut steps = STEPS.to_vec();
    let last = steps.last_mut().unwrap();
    (last.sqlite, last.postgres) = (cut, cut);
    steps
}

/// The steps as they are, but for an end after all statements and all that follows them.
fn ending_late() -> Vec<Step> {
    let mut steps = STEPS.to_vec();
    steps.push(Step { name: "ends", sqlite: "SELECT no_such", postgres: "SELECT no_such", then: None });
    steps
}

/// What a database of schema 1 holds.
async fn old(db: &mut Transaction) -> Result<(u64, u64), StoreError> {
    let schema = db.find(statement!("SELECT max(version) AS n FROM _picloud_migrations")).await?.unwrap();
    let scripts =
        db.find(statement!("SELECT count(*) AS n FROM scripts WHERE name = 'hello'")).await?.unwrap();
    Ok((schema.count("n")?, scripts.count("n")?))
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_survives_an_end_at_any_statement() {
    use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};

    let sql = STEPS.last().unwrap().sqlite;
    let count = statements(sql).len();
    let ends = (0..=count).map(|n| ending_after(n, sql, "SELECT no_such;")).chain([ending_late()]);
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("old.sqlite");
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let fixture = include_str!("../tests/fixtures/before_apps.sqlite.sql");
    sqlx::raw_sql(fixture).execute(&pool).await.unwrap();
    for (n, steps) in ends.enumerate() {
        let mut db = Transaction::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await.unwrap());
        take(&mut db, &steps).await.expect_err("it ends");
        // What a process that is killed here leaves behind is read by another: the journal undoes it.
        let copy = folder.path().join(format!("killed-{n}.sqlite"));
        copy_as_killed(&path, &copy);
        drop(db);
        let mut db = Transaction::Sqlite(pool.begin().await.unwrap());
        assert_eq!(old(&mut db).await.unwrap(), (1, 1), "after {n} statements");
        let store = crate::SqliteStore::open(&copy).await.unwrap();
        assert_eq!(store.apps(Page::all()).await.unwrap()[0].slug.as_str(), "default");
    }
    pool.close().await;
    let store = crate::SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.apps(Page::all()).await.unwrap()[0].slug.as_str(), "default");
}

#[cfg(feature = "sqlite")]
fn copy_as_killed(from: &std::path::Path, to: &std::path::Path) {
    for suffix in ["", "-journal", "-wal"] {
        let name = |path: &std::path::Path| format!("{}{suffix}", path.display());
        if std::path::Path::new(&name(from)).exists() {
            std::fs::copy(name(from), name(to)).unwrap();
        }
    }
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn postgres_survives_an_end_at_any_statement() {
    let Some(cluster) = cluster::Cluster::start(false) else { return };
    let url = cluster.database();
    cluster.sql(&url, include_str!("../tests/fixtures/before_apps.postgres.sql"));
    let sql = STEPS.last().unwrap().postgres;
    let count = statements(sql).len();
    // The server ends the connection itself, as if the process had been killed.
    let killed = "SELECT pg_terminate_backend(pg_backend_pid());";
    let ends = (0..=count).map(|n| ending_after(n, sql, killed)).chain([ending_late()]);
    for (n, steps) in ends.enumerate() {
        let pool = crate::postgres::pool(&url).unwrap();
        let mut db = Transaction::Postgres(pool.begin().await.unwrap());
        take(&mut db, &steps).await.expect_err("it ends");
        drop(db);
        let mut db = Transaction::Postgres(pool.begin().await.unwrap());
        assert_eq!(old(&mut db).await.unwrap(), (1, 1), "after {n} statements");
        drop(db);
        pool.close().await;
    }
    let store = crate::PgStore::connect(&url).unwrap();
    assert_eq!(store.apps(Page::all()).await.unwrap()[0].slug.as_str(), "default");
}
