//! Databases of earlier releases.

use picloud::{
    content_hash,
    store::{AppKey, AppStore, AppWorld, Change, Page, World},
    testing::row,
};

/// What the fixture holds: name, version and text.
const SCRIPTS: [(&str, u64, &str); 3] = [
    ("hello", 3, "`Hello, ${ctx.params.name}!`"),
    ("it's", 1, "// Grüße\n#{ answer: 42 }"),
    ("unrouted", 7, "1"),
];
/// Method, path, whether it answers, and the script that it leads to.
const ROUTES: [(&str, &str, bool, &str); 3] = [
    ("GET", "/hello/:name", true, "hello"),
    ("POST", "/hello", false, "hello"),
    ("ANY", "/files/*path", true, "it's"),
];

/// The app `default` has taken over everything, and can be worked with.
async fn check_adopted(store: &impl AppStore) {
    let World { apps, .. } = store.world(0).await.unwrap();
    let [AppWorld { app, domains, scripts, routes }] = apps.as_slice() else {
        panic!("one app, not {apps:?}")
    };
    assert_eq!((app.slug.as_str(), app.version, domains.len()), ("default", 1, 1));
    assert_eq!(domains[0].pattern, "*");
    let found: Vec<_> = scripts.iter().map(|s| (s.name.as_str(), s.version, s.source.as_str())).collect();
    assert_eq!(found, SCRIPTS);
    assert!(
        scripts.iter().all(|s| s.hash == content_hash(&s.source) && s.updated_at == 1_760_000_000_000_002)
    );
    let name = |id| scripts.iter().find(|script| script.id == id).unwrap().name.as_str();
    let found: Vec<_> =
        routes.iter().map(|r| (r.method.as_str(), r.path.as_str(), r.enabled, name(r.script))).collect();
    assert_eq!(found, ROUTES);
    store.commit(vec![row::save(&scripts[0], "2")].into()).await.unwrap();
    let versions = store.versions(app.id, scripts[0].id, Page::all()).await.unwrap();
    assert_eq!(versions.iter().map(|version| version.version).collect::<Vec<_>>(), [4, 3]);
    let delete = Change::DeleteApp { id: app.id, expected: None };
    store.commit(vec![delete].into()).await.unwrap();
    assert!(store.app(AppKey::Id(app.id)).await.is_err());
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_from_before_apps() {
    use sqlx::Connection as _;

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("picloud.sqlite");
    std::fs::File::create(&path).unwrap();
    let mut db = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    sqlx::raw_sql(include_str!("../fixtures/before_apps.sqlite.sql")).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    check_adopted(&picloud_sqlx::SqliteStore::open(&path).await.unwrap()).await;
    check_again(&picloud_sqlx::SqliteStore::open(&path).await.unwrap()).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn postgres_from_before_apps() {
    let Some(cluster) = super::cluster::shared() else { return };
    let url = cluster.database();
    cluster.sql(&url, include_str!("../fixtures/before_apps.postgres.sql"));
    check_adopted(&picloud_sqlx::PgStore::connect(&url).unwrap()).await;
    check_again(&picloud_sqlx::PgStore::connect(&url).unwrap()).await;
}

/// What was deleted since is not adopted again.
async fn check_again(store: &impl AppStore) {
    assert!(store.apps(Page::all()).await.unwrap().is_empty());
}
