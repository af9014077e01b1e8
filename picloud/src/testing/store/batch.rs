//! Changes that are committed together happen together, once, and in order; versions and revisions count them.

use std::sync::Arc;

use super::{assert_missing, cases, commit, refused};
use crate::{
    LimitOverrides, content_hash,
    store::{AppKey, AppRecord, Change, RouteRecord, ScriptRecord, Store, StoreError},
    testing::row,
};

cases![
    each_commit_grows_the_revision_by_one,
    a_batch_whose_last_change_fails_leaves_nothing,
    a_change_sees_those_before_it,
    versions_grow_with_each_change_of_the_row,
    a_save_keeps_the_birth_of_the_script,
    an_expected_version_that_is_not_there_is_refused,
    a_missing_thing_is_missing_whatever_version_is_expected,
];

async fn one_of_each(store: &dyn Store) -> (AppRecord, ScriptRecord, RouteRecord) {
    let app = row::app("a");
    let script = row::script(app.id, "main", "1");
    let route = row::route(&script, "GET", "/");
    let changes = [
        Change::CreateApp(app.clone()),
        Change::CreateScript(script.clone()),
        Change::CreateRoute(route.clone()),
    ];
    commit(store, changes).await;
    (app, script, route)
}

async fn each_commit_grows_the_revision_by_one(store: Arc<dyn Store>) {
    assert_eq!(commit(&*store, [Change::CreateApp(row::app("a"))]).await, 1);
    assert_eq!(commit(&*store, []).await, 2, "an empty commit is one, too");
    let many: Vec<_> = (0..10).map(|n| Change::CreateApp(row::app(&format!("many-{n}")))).collect();
    assert_eq!(commit(&*store, many).await, 3);
    refused(&*store, [Change::CreateApp(row::app("a"))]).await;
    store.create_first_admin(row::admin("ada")).await.expect("the first admin");
    assert_eq!(store.revision().await.expect("revision"), 3);
    assert_eq!(store.world().await.expect("world").revision, 3);
}

async fn a_batch_whose_last_change_fails_leaves_nothing(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let new = row::app("new");
    let batch = [
        Change::DeleteRoute { app: app.id, id: route.id, expected: None },
        row::save(&script, "2"),
        Change::CreateApp(new.clone()),
        Change::ClaimDomain(row::domain(new.id, "new.test")),
        Change::DeleteApp { id: app.id, expected: None },
        Change::CreateApp(row::app("new")),
    ];
    let error = refused(&*store, batch).await;
    assert!(matches!(error, StoreError::Conflict { what: "slug", .. }), "{error:?}");
    assert_eq!(store.revision().await.expect("revision"), 1);
    assert_missing(store.app(AppKey::Id(new.id)).await, "app");
    assert_eq!(store.script(app.id, script.id).await.expect("script"), script);
    commit(&*store, [row::save(&script, "2")]).await; // The refusal does not stay.
}

async fn a_change_sees_those_before_it(store: Arc<dyn Store>) {
    let (app, script, _) = one_of_each(&*store).await;
    let twice = [row::save(&script, "2"), row::save(&script, "3")];
    commit(&*store, twice).await;
    assert_eq!(store.script(app.id, script.id).await.expect("script").version, 3);
    let fleeting = row::app("fleeting");
    let id = fleeting.id;
    commit(&*store, [Change::CreateApp(fleeting), Change::DeleteApp { id, expected: Some(1) }]).await;
    assert_missing(store.app(AppKey::Id(id)).await, "app");
}

async fn versions_grow_with_each_change_of_the_row(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let limits = LimitOverrides { log_lines: Some(3), ..Default::default() };
    let slug: crate::Slug = "b".parse().expect("a valid slug");
    let (method, path, shape) = ("PUT".to_owned(), "/x/:y".to_owned(), "/x/:".to_owned());
    commit(
        &*store,
        [
            Change::UpdateApp { id: app.id, expected: Some(1), slug: slug.clone(), limits },
            Change::UpdateRoute {
                app: app.id,
                id: route.id,
                expected: Some(1),
                method: method.clone(),
                path: path.clone(),
                shape: shape.clone(),
                enabled: false,
            },
        ],
    )
    .await;
    let found = store.app(AppKey::Id(app.id)).await.expect("app");
    assert_eq!(found, AppRecord { slug, limits, version: 2, ..app.clone() });
    let found = store.route(app.id, route.id).await.expect("route");
    assert_eq!(found, RouteRecord { method, path, shape, enabled: false, version: 2, ..route });
    assert_eq!(store.script(app.id, script.id).await.expect("script").version, 1);
}

async fn a_save_keeps_the_birth_of_the_script(store: Arc<dyn Store>) {
    let (app, script, _) = one_of_each(&*store).await;
    let limits = LimitOverrides { call_depth: Some(9), ..Default::default() };
    let (source, name, at, by) =
        ("40 + 2".to_owned(), "renamed".to_owned(), i64::MAX, Some(row::admin("x").id));
    let hash = content_hash(&source);
    let change = Change::UpdateScript {
        app: app.id,
        id: script.id,
        expected: Some(1),
        name: name.clone(),
        source: source.clone(),
        hash,
        limits,
        at,
        by,
    };
    commit(&*store, [change]).await;
    let expected = ScriptRecord {
        name,
        source,
        hash,
        limits,
        version: 2,
        updated_at: at,
        updated_by: by,
        ..script.clone()
    };
    assert_eq!(store.script(app.id, script.id).await.expect("script"), expected);
    assert_eq!(store.world().await.expect("world").scripts, [expected]);
}

async fn an_expected_version_that_is_not_there_is_refused(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let (id, expected) = (app.id, Some(7));
    let (method, path, shape) = ("GET".to_owned(), "/".to_owned(), "/".to_owned());
    let mut save = row::save(&script, "2");
    if let Change::UpdateScript { expected: wanted, .. } = &mut save {
        *wanted = expected;
    }
    let route = route.id;
    let stale = [
        (Change::UpdateApp { id, expected, slug: app.slug, limits: app.limits }, "app"),
        (Change::DeleteApp { id, expected }, "app"),
        (save, "script"),
        (Change::DeleteScript { app: id, id: script.id, expected }, "script"),
        (Change::UpdateRoute { app: id, id: route, expected, method, path, shape, enabled: true }, "route"),
        (Change::DeleteRoute { app: id, id: route, expected }, "route"),
    ];
    for (change, thing) in stale {
        match refused(&*store, [change]).await {
            StoreError::Precondition { what, expected, actual } => {
                assert_eq!((what, expected, actual), (thing, 7, 1));
            }
            other => panic!("expected a failed precondition of the {thing}, got {other:?}"),
        }
    }
}

async fn a_missing_thing_is_missing_whatever_version_is_expected(store: Arc<dyn Store>) {
    let (app, script, _) = one_of_each(&*store).await;
    commit(&*store, [Change::DeleteScript { app: app.id, id: script.id, expected: Some(1) }]).await;
    let again = Change::DeleteScript { app: app.id, id: script.id, expected: Some(1) };
    assert_missing::<u64>(Err(refused(&*store, [again]).await), "script");
}
