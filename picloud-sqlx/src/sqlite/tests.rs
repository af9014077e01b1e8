//! What can only be tested from inside: settings, refusals and a disk without room.

use picloud::{
    store::{AppStore, Change, Commit, Page, StoreError},
    testing::row,
};
use sqlx::{AssertSqlSafe, Row as _, SqlitePool};
use tempfile::TempDir;

use super::SqliteStore;
use crate::store::world;

async fn open() -> (TempDir, SqliteStore) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("picloud.sqlite")).await.unwrap();
    (folder, store)
}

async fn pragma(pool: &SqlitePool, name: &str) -> String {
    let sql = AssertSqlSafe(format!("SELECT CAST((SELECT * FROM pragma_{name}) AS TEXT)"));
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn connections_have_the_promised_settings() {
    let (_folder, store) = open().await;
    for pool in [&store.backend.writer, &store.backend.readers] {
        for (name, value) in [
            ("journal_mode", "wal"),
            ("foreign_keys", "1"),
            ("trusted_schema", "0"),
            ("busy_timeout", "5000"),
        ] {
            assert_eq!(pragma(pool, name).await, value, "{name}");
        }
    }
    assert_eq!(pragma(&store.backend.writer, "synchronous").await, "2", "FULL");
    assert_eq!(pragma(&store.backend.readers, "query_only").await, "1");
    let written = sqlx::query("DELETE FROM apps").execute(&store.backend.readers).await;
    assert!(written.is_err(), "readers cannot write");
}

/// So a save among very many apps stays cheap: it makes each server read what changed.
#[tokio::test]
async fn what_changed_is_found_without_reading_all_there_is() {
    let (_folder, store) = open().await;
    let owned = [world::DOMAINS, world::SCRIPTS, world::ROUTES].map(|rows| rows.of_app);
    for sql in owned.into_iter().chain([world::APPS_SINCE]) {
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = sqlx::query(explain).bind(1_i64).fetch_all(&store.backend.readers).await.unwrap();
        let steps: Vec<String> = plan.iter().map(|row| row.get("detail")).collect();
        assert!(!steps.iter().any(|step| step.starts_with("SCAN")), "{sql}: {steps:#?}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let (folder, store) = open().await;
    let newer = "INSERT INTO _picloud_migrations (version, name, applied_at) VALUES (99, 'later', 0)";
    sqlx::query(newer).execute(&store.backend.writer).await.unwrap();
    store.close().await;
    let path = folder.path().join("picloud.sqlite");
    let before = std::fs::read(&path).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, known: SqliteStore::SCHEMA }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn opening_again_takes_no_step_twice() {
    let (folder, store) = open().await;
    store.commit(vec![Change::CreateApp(row::app("a"))].into()).await.unwrap();
    let again = SqliteStore::open(folder.path().join("picloud.sqlite")).await.unwrap();
    assert_eq!(again.apps(Page::all()).await.unwrap().len(), 1);
    let steps = sqlx::query_scalar("SELECT COUNT(*) FROM _picloud_migrations");
    let steps: i64 = steps.fetch_one(&again.backend.readers).await.unwrap();
    assert_eq!(steps.cast_unsigned(), SqliteStore::SCHEMA);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_room_again() {
    let (_folder, store) = open().await;
    let app = row::app("a");
    store.commit(vec![Change::CreateApp(app.clone())].into()).await.unwrap();
    let limit = |pages: u32| AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
    sqlx::query(limit(1)).execute(&store.backend.writer).await.unwrap(); // SQLite takes the present size instead.
    let large = row::script(app.id, "large", &"x".repeat(100_000));
    for _ in 0..3 {
        // A full disk ends the transaction inside SQLite, and with it the connection: the limit goes with it.
        sqlx::query(limit(1)).execute(&store.backend.writer).await.unwrap();
        let error = store.commit(vec![Change::CreateScript(large.clone())].into()).await.unwrap_err();
        assert!(matches!(error, StoreError::Full(_)), "{error:?}");
        assert_eq!(store.world(0).await.unwrap().revision, 1, "reading goes on");
    }
    assert_eq!(store.commit(vec![Change::CreateScript(large)].into()).await.unwrap(), 2);
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_written_any_more() {
    let (_folder, store) = open().await;
    store.backend.read_only.store(true, std::sync::atomic::Ordering::Release);
    let error = store.commit(Commit::default()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(store.revision().await.unwrap(), 0, "reading goes on");
}

#[tokio::test]
async fn every_version_of_a_script_is_kept() {
    let (_folder, store) = open().await;
    let app = row::app("a");
    let script = row::script(app.id, "main", "1");
    store.commit(vec![Change::CreateApp(app), Change::CreateScript(script.clone())].into()).await.unwrap();
    store.commit(vec![row::save(&script, "2")].into()).await.unwrap();
    let sources = "SELECT source FROM script_versions ORDER BY version";
    let kept = || async {
        sqlx::query_scalar::<_, String>(sources).fetch_all(&store.backend.readers).await.unwrap()
    };
    assert_eq!(kept().await, ["1", "2"]);
    store
        .commit(vec![Change::DeleteScript { app: script.app, id: script.id, expected: None }].into())
        .await
        .unwrap();
    assert!(kept().await.is_empty(), "they go with their script");
}

#[tokio::test]
async fn a_row_that_cannot_be_understood_does_not_hide_the_others() {
    let (_folder, store) = open().await;
    store
        .commit(vec![Change::CreateApp(row::app("a")), Change::CreateApp(row::app("b"))].into())
        .await
        .unwrap();
    sqlx::query("UPDATE apps SET slug = 'Not A Slug' WHERE slug = 'a'")
        .execute(&store.backend.writer)
        .await
        .unwrap();
    let world = store.world(0).await.unwrap();
    assert_eq!(world.apps.len(), 1);
    assert!(matches!(store.apps(Page::all()).await, Err(StoreError::Corrupt(_))));
}
