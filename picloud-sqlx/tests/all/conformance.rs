//! The contract of a store, unchanged on each database.

use picloud::testing::store_cases;

/// The case that is worth many more operations than the suite has time for: `make isolation`.
const ISOLATION: &str = "what_is_done_in_one_app_changes_no_read_of_another";

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make isolation"]
async fn isolation_on_sqlite() {
    let case = store_cases().find(|case| case.name == ISOLATION).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let store = picloud_sqlx::SqliteStore::open(folder.path().join("db")).await.unwrap();
    (case.run)(std::sync::Arc::new(store)).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make isolation"]
async fn isolation_on_postgres() {
    let case = store_cases().find(|case| case.name == ISOLATION).unwrap();
    let Some(cluster) = super::cluster::shared() else { return };
    (case.run)(std::sync::Arc::new(picloud_sqlx::PgStore::connect(&cluster.database()).unwrap())).await;
}

#[cfg(feature = "sqlite")]
#[tokio::test(flavor = "multi_thread")]
async fn sqlite_store_conforms() {
    use std::sync::atomic::{AtomicU32, Ordering};

    let (folder, made) = (tempfile::TempDir::new().unwrap(), AtomicU32::new(0));
    picloud::testing::store_conformance(|| async {
        let name = format!("{}.sqlite", made.fetch_add(1, Ordering::Relaxed));
        picloud_sqlx::SqliteStore::open(folder.path().join(name)).await.unwrap()
    })
    .await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test(flavor = "multi_thread")]
async fn pg_store_conforms() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    let Some(cluster) = super::cluster::shared() else { return };
    // A fresh schema is a fresh store, and much less to write than a database. A case has two stores at a time.
    let (databases, made) = ([(); 4].map(|()| cluster.database()), AtomicUsize::new(0));
    picloud::testing::store_conformance(|| async {
        let url = &databases[made.fetch_add(1, Ordering::Relaxed) % databases.len()];
        cluster.sql(url, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS picloud CASCADE");
        picloud_sqlx::PgStore::connect(url).unwrap()
    })
    .await;
}
