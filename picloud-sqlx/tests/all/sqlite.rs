//! The store on SQLite keeps the contract of a store, and what it has acknowledged survives.

use std::{
    fs,
    path::{Path, PathBuf},
};

use picloud::{
    store::{
        AppStore, Change, Commit, ExecutionFilter, IdentityStore, LogStore, Page, ScriptRecord, StoreError,
        World,
    },
    testing::row,
};
use picloud_sqlx::SqliteStore;
use tempfile::TempDir;

/// A database with one app, some scripts and an admin.
struct Filled {
    folder: TempDir,
    path: PathBuf,
    store: SqliteStore,
    scripts: Vec<ScriptRecord>,
    world: World,
}

async fn filled() -> Filled {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("picloud.sqlite");
    let store = SqliteStore::open(&path).await.unwrap();
    let app = row::app("shop");
    let mut scripts: Vec<_> = ["alpha", "beta", "gamma"]
        .map(|name| row::script(app.id, name, &format!("\"the text of {name}\"")))
        .to_vec();
    scripts.sort_by_key(|script| script.id);
    let creations = scripts.iter().cloned().map(Change::CreateScript);
    let route = Change::CreateRoute(row::route(&scripts[0], "GET", "/"));
    store
        .commit(
            [Change::CreateApp(app)].into_iter().chain(creations).chain([route]).collect::<Vec<_>>().into(),
        )
        .await
        .unwrap();
    store.create_first_admin(row::admin("ada"), row::audit("setup")).await.unwrap();
    let world = store.world(0).await.unwrap();
    Filled { folder, path, store, scripts, world }
}

/// Copies what is on the disk now, as a killed process leaves it behind.
fn copy_as_killed(path: &Path, to: &Path) {
    for suffix in ["", "-wal"] {
        let name = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if name(path).exists() {
            fs::copy(name(path), name(to)).unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_clean_end() {
    let Filled { folder: _folder, path, store, world, .. } = filled().await;
    store.close().await;
    assert!(
        matches!(store.commit(Commit::default()).await, Err(StoreError::Unavailable(_))),
        "closed is closed"
    );
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.world(0).await.unwrap(), world);
    assert!(store.has_had_admin().await.unwrap());
    assert!(!store.create_first_admin(row::admin("late"), row::audit("setup")).await.unwrap());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let Filled { folder, path, store, scripts, .. } = filled().await;
    for n in 0..20 {
        let revision = store.commit(vec![row::save(&scripts[0], &n.to_string())].into()).await.unwrap();
        let copy = folder.path().join(format!("copy-{n}.sqlite"));
        copy_as_killed(&path, &copy);
        let world = SqliteStore::open(&copy).await.unwrap().world(0).await.unwrap();
        assert_eq!(
            (world.revision, world.apps[0].scripts[0].source.as_str()),
            (revision, n.to_string().as_str())
        );
    }
}

#[tokio::test]
async fn a_write_that_was_given_up_leaves_no_trace_and_no_lock() {
    let Filled { folder: _folder, store, scripts, world, .. } = filled().await;
    for delay in 0..40 {
        let commit = store.commit(
            vec![
                row::save(&scripts[0], "given up"),
                Change::DeleteApp { id: scripts[0].app, expected: Some(999) },
            ]
            .into(),
        );
        let _ = tokio::time::timeout(std::time::Duration::from_micros(delay * 20), commit).await;
    }
    assert_eq!(store.world(0).await.unwrap(), world);
    assert_eq!(store.commit(Commit::default()).await.unwrap(), world.revision + 1);
}

#[tokio::test]
async fn two_processes_may_share_a_file() {
    let Filled { folder: _folder, path, store, world, .. } = filled().await;
    let other = SqliteStore::open(&path).await.unwrap();
    assert_eq!(other.commit(Commit::default()).await.unwrap(), world.revision + 1);
    assert_eq!(store.revision().await.unwrap(), world.revision + 1);
    assert!(!other.create_first_admin(row::admin("late"), row::audit("setup")).await.unwrap());
}

/// Each of these reads before it writes. Were the lock not taken first, whoever comes second would write on top of what
/// it has not seen, and SQLite would refuse that at once instead of letting it wait.
#[tokio::test(flavor = "multi_thread")]
async fn what_two_processes_write_at_once_fails_for_neither() {
    const ROUNDS: u8 = 100;
    let Filled { folder: _folder, path, store, scripts, .. } = filled().await;
    let stores = [store.clone(), SqliteStore::open(&path).await.unwrap()];
    let (script, admin) = (&scripts[0], store.admin_by_name("ada").await.unwrap().id);
    let write = async |store: &SqliteStore, half: u8| {
        for n in 0..ROUNDS {
            let token = half * ROUNDS + n;
            store.create_session(row::session(admin, token)).await.unwrap();
            store.append_log(vec![row::execution(script)], vec![]).await.unwrap();
            let claim = row::domain(script.app, &format!("d{token}.test"));
            let changes = vec![Change::ClaimDomain(claim), row::save(script, &token.to_string())];
            store.commit(changes.into()).await.unwrap();
        }
    };
    tokio::join!(write(&stores[0], 0), write(&stores[1], 1));
    let writes = 2 * usize::from(ROUNDS);
    let world = store.world(0).await.unwrap();
    assert_eq!(world, stores[1].world(0).await.unwrap());
    assert_eq!(world.apps[0].domains.len(), writes);
    assert_eq!(store.script(script.app, script.id).await.unwrap().version, 1 + writes as u64);
    assert_eq!(store.sessions(admin).await.unwrap().len(), writes);
    let runs = store.executions(script.app, ExecutionFilter::default(), Page::all()).await.unwrap();
    assert_eq!(runs.len(), writes);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let Filled { folder, .. } = filled().await;
    for entry in fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_script_whose_bytes_have_changed_on_disk_is_left_out() {
    let Filled { folder: _folder, path, store, world, scripts } = filled().await;
    store.close().await;
    let mut bytes = fs::read(&path).unwrap();
    let text = scripts[1].source.as_bytes();
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at + 3] ^= 1;
    fs::write(&path, bytes).unwrap();
    let found = SqliteStore::open(&path).await.unwrap().world(0).await.unwrap();
    let mut expected = world;
    assert_eq!(expected.apps[0].scripts.remove(1).id, scripts[1].id);
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_damaged_file_gives_an_error_or_the_truth() {
    let Filled { folder, path, store, scripts, .. } = filled().await;
    store.close().await;
    let whole = fs::read(&path).unwrap();
    let copy = folder.path().join("damaged.sqlite");
    // One flipped bit at a time, spread over the file by a step that is prime.
    for (n, at) in (0..whole.len()).step_by(397).enumerate() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (n % 8);
        fs::write(&copy, bytes).unwrap();
        let Ok(store) = SqliteStore::open(&copy).await else { continue };
        if let Ok(found) = store.world(0).await {
            let known = |script: &ScriptRecord| scripts.iter().any(|s| s.source == script.source);
            assert!(found.apps.iter().flat_map(|app| &app.scripts).all(known), "byte {at}");
        }
        store.close().await;
    }
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("notes.txt");
    let text = "not a database, but long enough to have a header of one hundred bytes ".repeat(40);
    fs::write(&path, &text).unwrap();
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let nowhere = SqliteStore::open(folder.path().join("no/such/folder.sqlite")).await.unwrap_err();
    assert!(matches!(nowhere, StoreError::Unavailable(_)), "{nowhere:?}");
}
