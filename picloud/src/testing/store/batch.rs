//! Changes that are committed together happen together, once, and in order; versions and revisions count them.

use std::sync::Arc;

use super::{assert_conflict, assert_missing, assert_stale, cases, commit, everything::everything, refused};
use crate::{
    LimitOverrides, content_hash,
    store::{
        AppKey, AppRecord, AuditRecord, Change, Commit, Page, RouteRecord, ScriptRecord, Store, StoreError,
    },
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
    what_is_stale_is_told_before_what_is_taken,
    a_refused_batch_leaves_nothing_of_anything,
    a_commit_whose_record_cannot_be_kept_is_refused,
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
    store.create_first_admin(row::admin("ada"), row::audit("admin.create")).await.expect("the first admin");
    assert_eq!(store.revision().await.expect("revision"), 3);
    assert_eq!(store.world(0).await.expect("world").revision, 3);
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
                script: script.id,
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
    assert_eq!(store.world(0).await.expect("world").apps[0].scripts, [expected]);
}

async fn an_expected_version_that_is_not_there_is_refused(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let (id, expected) = (app.id, Some(7));
    let (method, path, shape) = ("GET".to_owned(), "/".to_owned(), "/".to_owned());
    let mut save = row::save(&script, "2");
    if let Change::UpdateScript { expected: wanted, .. } = &mut save {
        *wanted = expected;
    }
    let (route, script) = (route.id, script.id);
    let stale = [
        (Change::UpdateApp { id, expected, slug: app.slug, limits: app.limits }, "app"),
        (Change::DeleteApp { id, expected }, "app"),
        (save, "script"),
        (Change::DeleteScript { app: id, id: script, expected }, "script"),
        (
            Change::UpdateRoute { app: id, id: route, expected, script, method, path, shape, enabled: true },
            "route",
        ),
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

async fn what_is_stale_is_told_before_what_is_taken(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let (other, twin) = (row::script(app.id, "other", ""), row::route(&script, "GET", "/other"));
    let changes = [
        Change::CreateApp(row::app("taken")),
        Change::CreateScript(other.clone()),
        Change::CreateRoute(twin.clone()),
    ];
    commit(&*store, changes).await;
    let (expected, slug) = (Some(7), "taken".parse().expect("a slug"));
    let update = Change::UpdateApp { id: app.id, expected, slug, limits: app.limits };
    assert_stale(&refused(&*store, [update]).await, "app");
    let mut save = row::save(&ScriptRecord { name: other.name, ..script }, "2");
    if let Change::UpdateScript { expected: wanted, .. } = &mut save {
        *wanted = expected;
    }
    assert_stale(&refused(&*store, [save]).await, "script");
    let RouteRecord { app, script, method, path, shape, enabled, .. } = twin;
    let update = Change::UpdateRoute { app, id: route.id, expected, script, method, path, shape, enabled };
    assert_stale(&refused(&*store, [update]).await, "route");
}

/// One change of each kind, and then one that fails.
async fn a_refused_batch_leaves_nothing_of_anything(store: Arc<dyn Store>) {
    let (app, script, route) = one_of_each(&*store).await;
    let ada = row::admin("ada");
    let setup = [Change::CreateAdmin(ada.clone()), Change::ClaimDomain(row::domain(app.id, "a.test"))];
    commit(&*store, setup).await;
    store.create_session(row::session(ada.id, 1)).await.expect("a session");
    let run = row::execution(&script);
    store.append_log(vec![run.clone()], vec![row::minute(app.id, script.id, 1)]).await.expect("logged");
    let new = row::admin("new");
    let changes = vec![
        Change::CreateApp(row::app("new")),
        Change::ClaimDomain(row::domain(app.id, "new.test")),
        Change::CreateScript(row::script(app.id, "new", "")),
        row::save(&script, "2"),
        Change::CreateRoute(row::route(&script, "GET", "/new")),
        Change::DeleteRoute { app: app.id, id: route.id, expected: None },
        Change::DeleteScript { app: app.id, id: script.id, expected: None },
        Change::DeleteApp { id: app.id, expected: None },
        Change::CreateAdmin(new),
        Change::DeleteAdmin { id: ada.id, expected: None },
        Change::SetSetting { key: "a".to_owned(), value: Some("1".to_owned()), at: 1 },
        Change::CreateAdmin(row::admin("new")),
    ];
    let apps = [app.id];
    let before = everything(&*store, &apps).await;
    let commit = Commit { changes, audit: vec![row::audit("all.at_once")] };
    let error = store.commit(commit).await.expect_err("the last change is refused");
    assert_conflict(&error, "username", "new", None);
    assert_eq!(everything(&*store, &apps).await, before);
    assert_eq!(store.audit(None, Page::all()).await.expect("audit"), []);
    store.session([1; 32]).await.expect("the session goes on");
    store.execution(app.id, run.id).await.expect("the log stays");
}

async fn a_commit_whose_record_cannot_be_kept_is_refused(store: Arc<dyn Store>) {
    let record = row::audit("first");
    let commit = |slug, audit| Commit { changes: vec![Change::CreateApp(row::app(slug))], audit };
    store.commit(commit("a", vec![record.clone()])).await.expect("the first is kept");
    let twice = commit("b", vec![row::audit("second"), AuditRecord { action: "third".to_owned(), ..record }]);
    let error = store.commit(twice).await.expect_err("an id is used once");
    assert!(matches!(error, StoreError::Conflict { what: "id", .. }), "{error:?}");
    assert_eq!(store.apps(Page::all()).await.expect("apps").len(), 1);
    assert_eq!(store.audit(None, Page::all()).await.expect("audit").len(), 1);
    assert_eq!(store.revision().await.expect("revision"), 1);
}
