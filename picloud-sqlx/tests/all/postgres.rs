//! What only PostgreSQL can get wrong: being away, being shared, and telling of changes.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use picloud::{
    store::{AppStore, Change, Commit, IdentityStore, Page, StoreError},
    testing::row,
};
use picloud_sqlx::PgStore;
use tokio::{task::JoinSet, time::timeout};

use super::cluster::{Cluster, shared};

const PATIENCE: Duration = Duration::from_secs(10);

fn create(slug: &str) -> Commit {
    vec![Change::CreateApp(row::app(slug))].into()
}

#[tokio::test]
async fn it_connects_when_first_used_and_says_quickly_that_nobody_answers() {
    let store = PgStore::connect("postgres://picloud@127.0.0.1:1/none").unwrap();
    let since = Instant::now();
    for error in [store.revision().await.unwrap_err(), store.commit(create("a")).await.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    assert!(since.elapsed() < Duration::from_secs(12), "{:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_at_once_make_one_schema_and_one_admin() {
    let Some(cluster) = shared() else { return };
    let url = cluster.database();
    let mut starting = JoinSet::new();
    for n in 0..8 {
        let store = PgStore::connect(&url).unwrap();
        starting.spawn(async move {
            store.ensure().await.unwrap();
            store.create_first_admin(row::admin(&format!("admin-{n}")), row::audit("setup")).await.unwrap()
        });
    }
    let first = starting.join_all().await.into_iter().filter(|first| *first).count();
    assert_eq!(first, 1);
    let steps = cluster.sql(&url, "SELECT count(*) FROM picloud._picloud_migrations");
    assert_eq!(steps, PgStore::SCHEMA.to_string());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let Some(cluster) = shared() else { return };
    let url = cluster.database();
    PgStore::connect(&url).unwrap().ensure().await.unwrap();
    cluster.sql(&url, "INSERT INTO picloud._picloud_migrations VALUES (99, 'later', 0)");
    let error = PgStore::connect(&url).unwrap().ensure().await.unwrap_err();
    assert!(matches!(error, StoreError::NewerSchema { found: 99, known: PgStore::SCHEMA }), "{error:?}");
}

#[tokio::test]
async fn one_who_may_make_no_schema_can_use_the_one_that_is_there() {
    let Some(cluster) = shared() else { return };
    let url = cluster.database();
    cluster.sql(&url, "CREATE ROLE plain LOGIN; CREATE SCHEMA picloud AUTHORIZATION plain");
    let store = PgStore::connect(&url.replace("user=picloud", "user=plain")).unwrap();
    assert_eq!(store.commit(create("a")).await.unwrap(), 1);
}

#[tokio::test]
async fn a_commit_is_heard_of_elsewhere_at_once() {
    let Some(cluster) = shared() else { return };
    let url = cluster.database();
    let (one, two) = (PgStore::connect(&url).unwrap(), PgStore::connect(&url).unwrap());
    for n in 1..=20 {
        let seen = two.revision().await.unwrap();
        let changed = two.changed(seen);
        one.commit(create(&format!("app-{n}"))).await.unwrap();
        timeout(PATIENCE, changed).await.expect("the notice comes");
        assert_eq!(two.revision().await.unwrap(), n);
    }
}

#[tokio::test]
async fn what_was_committed_while_nobody_could_listen_is_heard_of_afterwards() {
    let Some(cluster) = Cluster::start(false) else { return };
    let url = cluster.database();
    let (one, two) = (PgStore::connect(&url).unwrap(), PgStore::connect(&url).unwrap());
    one.commit(create("a")).await.unwrap();
    // Comes back at once, and has begun to listen.
    two.changed(0).await;
    cluster.stop();
    let error = one.commit(create("b")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    cluster.resume();
    one.commit(create("b")).await.unwrap();
    timeout(PATIENCE, async {
        while two.revision().await.ok() != Some(2) {
            two.changed(1).await;
        }
    })
    .await
    .expect("it is heard of");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let Some(cluster) = Cluster::start(true) else { return };
    let store = PgStore::connect(&cluster.database()).unwrap();
    let (sender, mut acknowledged) = tokio::sync::mpsc::unbounded_channel();
    let writing = store.clone();
    let writer = tokio::spawn(async move {
        for n in 0.. {
            let slug = format!("app-{n}");
            if writing.commit(create(&slug)).await.is_ok() && sender.send(slug).is_err() {
                break;
            }
        }
    });
    let mut known = Vec::new();
    for round in 1..=2 {
        while known.len() < round * 20 {
            known.push(acknowledged.recv().await.unwrap());
        }
        cluster.crash();
        cluster.resume();
    }
    while let Ok(slug) = acknowledged.try_recv() {
        known.push(slug);
    }
    let apps = store.apps(Page::all()).await.unwrap();
    let found: HashSet<_> = apps.into_iter().map(|app| app.slug.to_string()).collect();
    assert!(known.iter().all(|slug| found.contains(slug)), "{known:?} in {found:?}");
    drop(acknowledged);
    writer.await.unwrap();
}

#[tokio::test]
async fn a_write_that_was_given_up_leaves_no_trace_and_no_lock() {
    let Some(cluster) = shared() else { return };
    let store = PgStore::connect(&cluster.database()).unwrap();
    let app = row::app("a");
    store.commit(vec![Change::CreateApp(app.clone())].into()).await.unwrap();
    let world = store.world(0).await.unwrap();
    for delay in 0..40 {
        let changes = vec![
            Change::CreateScript(row::script(app.id, "given up", "1")),
            Change::DeleteApp { id: app.id, expected: Some(999) },
        ];
        let _ = timeout(Duration::from_micros(delay * 100), store.commit(changes.into())).await;
    }
    assert_eq!(store.world(0).await.unwrap(), world);
    assert_eq!(store.commit(Commit::default()).await.unwrap(), world.revision + 1);
}
