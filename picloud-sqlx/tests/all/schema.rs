//! What the schema itself refuses, whatever the code above it forgets: each line here fails because of one key, index or
//! reference, and would succeed without it.

use picloud::{
    store::{AppStore, Change, IdentityStore, LogStore},
    testing::row,
};

const REFUSED: &[&str] = &[
    "UPDATE apps SET slug = 'b'",
    "UPDATE apps SET id = (SELECT one.id FROM apps one WHERE one.slug = 'a') WHERE slug = 'b'",
    "UPDATE domains SET shape = 'same'",
    "UPDATE scripts SET name = 'same'",
    "UPDATE script_versions SET version = 1",
    "UPDATE routes SET method = 'GET', shape = '/'",
    "UPDATE admins SET username = 'same'",
    "UPDATE sessions SET token_hash = (SELECT one.token_hash FROM sessions one LIMIT 1)",
    "UPDATE meta SET one = 2",
    // Into another app, or into none.
    "UPDATE routes SET app_id = (SELECT id FROM apps WHERE slug = 'b')",
    "UPDATE script_versions SET app_id = (SELECT id FROM apps WHERE slug = 'b')",
    "UPDATE routes SET script_id = id",
    "UPDATE scripts SET app_id = id",
    "UPDATE domains SET app_id = id",
    "UPDATE former_slugs SET app_id = (SELECT id FROM domains LIMIT 1)",
    "UPDATE sessions SET admin_id = id",
    "UPDATE executions SET app_id = id",
    "UPDATE minutes SET app_id = script_id",
];

/// Two of everything that must be unique, in two apps.
async fn fill(store: &(impl AppStore + IdentityStore + LogStore)) {
    let (a, b) = (row::app("old"), row::app("b"));
    let scripts = [row::script(a.id, "one", "1"), row::script(a.id, "two", "2")];
    let admins = [row::admin("ada"), row::admin("bob")];
    let changes = vec![
        Change::CreateApp(a.clone()),
        Change::UpdateApp { id: a.id, expected: None, slug: "a".parse().unwrap(), limits: a.limits },
        Change::CreateApp(b),
        Change::ClaimDomain(row::domain(a.id, "one.test")),
        Change::ClaimDomain(row::domain(a.id, "two.test")),
        Change::CreateScript(scripts[0].clone()),
        Change::CreateScript(scripts[1].clone()),
        row::save(&scripts[0], "3"),
        Change::CreateRoute(row::route(&scripts[0], "GET", "/")),
        Change::CreateRoute(row::route(&scripts[0], "GET", "/two")),
        Change::CreateAdmin(admins[0].clone()),
        Change::CreateAdmin(admins[1].clone()),
    ];
    store.commit(changes.into()).await.unwrap();
    for (n, admin) in (1..).zip(&admins) {
        store.create_session(row::session(admin.id, n)).await.unwrap();
    }
    store
        .append_log(vec![row::execution(&scripts[0])], vec![row::minute(a.id, scripts[0].id, 1)])
        .await
        .unwrap();
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn sqlite_refuses_what_must_not_be() {
    use sqlx::Connection as _;

    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("picloud.sqlite");
    fill(&picloud_sqlx::SqliteStore::open(&path).await.unwrap()).await;
    let mut db = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    for sql in REFUSED {
        let error = sqlx::query(*sql).execute(&mut db).await.map(|done| done.rows_affected()).expect_err(sql);
        let kind = error.as_database_error().unwrap().kind();
        assert!(!matches!(kind, sqlx::error::ErrorKind::Other), "{sql}: {error}");
    }
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn postgres_refuses_what_must_not_be() {
    use sqlx::{Connection as _, Executor as _};

    let Some(cluster) = super::cluster::shared() else { return };
    let url = cluster.database();
    fill(&picloud_sqlx::PgStore::connect(&url).unwrap()).await;
    let mut db = sqlx::PgConnection::connect(&url).await.unwrap();
    db.execute("SET search_path = picloud").await.unwrap();
    for sql in REFUSED {
        let error = sqlx::query(*sql).execute(&mut db).await.map(|done| done.rows_affected()).expect_err(sql);
        let kind = error.as_database_error().unwrap().kind();
        assert!(!matches!(kind, sqlx::error::ErrorKind::Other), "{sql}: {error}");
    }
}
