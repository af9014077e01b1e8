//! Backup and restore of SQLite: while servers write, and never anything but what was backed up.

use std::fs;

use picloud::{
    store::{AppStore, Change, StoreError, World},
    testing::row,
};
use picloud_sqlx::{SqliteStore, restore};
use tempfile::TempDir;

/// A database with an app, and its folder.
async fn filled() -> (TempDir, SqliteStore, World) {
    let folder = TempDir::new().unwrap();
    let store = SqliteStore::open(folder.path().join("picloud.db")).await.unwrap();
    let app = row::app("shop");
    let script = row::script(app.id, "main", "\"the text\"");
    let changes = vec![Change::CreateApp(app), Change::CreateScript(script)];
    store.commit(changes.into()).await.unwrap();
    let world = store.world(0).await.unwrap();
    (folder, store, world)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_backed_up_while_it_is_written_to_can_be_restored() {
    let (folder, store, world) = filled().await;
    let (file, backup) = (folder.path().join("picloud.db"), folder.path().join("backup"));
    let writing = store.clone();
    let script = world.apps[0].scripts[0].clone();
    let writer = tokio::spawn(async move {
        for n in 0..50 {
            writing.commit(vec![row::save(&script, &n.to_string())].into()).await.unwrap();
        }
    });
    SqliteStore::backup(&file, &backup).await.unwrap();
    writer.await.unwrap();
    let error = restore(&backup, &file).await.unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("running")), "{error:?}");
    let last = store.world(0).await.unwrap();
    store.close().await;
    drop(store);

    restore(&backup, &file).await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let found = store.world(0).await.unwrap();
    assert!((world.revision..=last.revision).contains(&found.revision), "{}", found.revision);
    assert_eq!(found.apps[0].scripts[0].version, found.revision, "one revision is one version here");
    let before = SqliteStore::open(folder.path().join("picloud.db.before-restore")).await.unwrap();
    assert_eq!(before.world(0).await.unwrap(), last, "what was there is kept");
}

#[tokio::test]
async fn a_backup_takes_no_place_that_is_taken_and_needs_a_database() {
    let (folder, _store, _) = filled().await;
    let (file, taken) = (folder.path().join("picloud.db"), folder.path().join("taken"));
    fs::write(&taken, "mine").unwrap();
    let error = SqliteStore::backup(&file, &taken).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(fs::read_to_string(&taken).unwrap(), "mine");
    let (nothing, to) = (folder.path().join("nothing"), folder.path().join("to"));
    assert!(SqliteStore::backup(&nothing, &to).await.is_err());
    assert!(!nothing.exists() && !to.exists());
}

#[tokio::test]
async fn a_damaged_backup_is_refused_and_the_database_is_as_it_was() {
    let (folder, store, world) = filled().await;
    let (file, backup) = (folder.path().join("picloud.db"), folder.path().join("backup"));
    SqliteStore::backup(&file, &backup).await.unwrap();
    store.close().await;
    drop(store);
    let whole = fs::read(&backup).unwrap();
    let mut damaged: Vec<Vec<u8>> = vec![Vec::new(), whole[..whole.len() / 2].to_vec(), b"notes".repeat(100)];
    for at in (0..whole.len()).step_by(4001).chain([whole.len() - 10]) {
        let mut bytes = whole.clone();
        bytes[at] ^= 4;
        damaged.push(bytes);
    }
    for bytes in damaged {
        fs::write(&backup, bytes).unwrap();
        let error = restore(&backup, &file).await.unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    }
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().contains("restor")), "{names:?}");
    assert_eq!(SqliteStore::open(&file).await.unwrap().world(0).await.unwrap(), world);
}

#[tokio::test]
async fn a_backup_of_a_newer_release_is_refused() {
    let (folder, store, _) = filled().await;
    let (file, backup) = (folder.path().join("picloud.db"), folder.path().join("backup"));
    store.close().await;
    drop(store);
    let mut db = <sqlx::SqliteConnection as sqlx::Connection>::connect(file.to_str().unwrap()).await.unwrap();
    let newer = "INSERT INTO _picloud_migrations (version, name, applied_at) VALUES (99, 'later', 0)";
    sqlx::query(newer).execute(&mut db).await.unwrap();
    sqlx::Connection::close(db).await.unwrap();
    SqliteStore::backup(&file, &backup).await.unwrap();
    let elsewhere = folder.path().join("elsewhere.db");
    let error = restore(&backup, &elsewhere).await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, .. }), "{error:?}");
    assert!(!elsewhere.exists());
}
