//! What belongs to one app does not exist for another.

use std::sync::Arc;

use super::{assert_missing, cases, commit, refused};
use crate::{
    AppId, DomainId, RouteId, ScriptId,
    store::{AppKey, AppRecord, AppWorld, Change, DomainRecord, Page, RouteRecord, ScriptRecord, Store},
    testing::row,
};

cases![
    nothing_is_found_under_another_app,
    nothing_is_changed_under_another_app,
    nothing_is_created_in_an_app_that_does_not_exist,
    a_route_cannot_lead_to_a_script_of_another_app,
    two_apps_may_use_the_same_names,
    deleting_a_script_takes_its_routes_and_nothing_else,
    deleting_an_app_takes_everything_it_owns_and_nothing_else,
    nothing_of_a_deleted_app_is_left_for_another_of_its_id,
    what_is_deleted_is_gone,
];

/// One app with one of everything.
struct Owned {
    app: AppRecord,
    domain: DomainRecord,
    script: ScriptRecord,
    route: RouteRecord,
}

async fn owned(store: &dyn Store, slug: &str) -> Owned {
    let app = row::app(slug);
    let domain = row::domain(app.id, &format!("{slug}.test"));
    let script = row::script(app.id, "main", slug);
    let route = row::route(&script, "GET", "/");
    let owned = Owned { app, domain, script, route };
    commit(
        store,
        [
            Change::CreateApp(owned.app.clone()),
            Change::ClaimDomain(owned.domain.clone()),
            Change::CreateScript(owned.script.clone()),
            Change::CreateRoute(owned.route.clone()),
        ],
    )
    .await;
    owned
}

async fn nothing_is_found_under_another_app(store: Arc<dyn Store>) {
    let (a, b) = (owned(&*store, "a").await, owned(&*store, "b").await);
    assert_missing(store.script(b.app.id, a.script.id).await, "script");
    assert_missing(store.route(b.app.id, a.route.id).await, "route");
    assert_missing(store.domain(b.app.id, a.domain.id).await, "domain");
    assert_missing(store.version(b.app.id, a.script.id, 1).await, "version");
    assert_eq!(store.versions(b.app.id, a.script.id, Page::all()).await.expect("versions"), []);
    assert_eq!(store.scripts(b.app.id, Page::all()).await.expect("scripts"), [b.script]);
    assert_eq!(store.routes(b.app.id, Page::all()).await.expect("routes"), [b.route]);
    assert_eq!(store.domains(b.app.id, Page::all()).await.expect("domains"), [b.domain]);
    assert_eq!(store.app_of_script(a.script.id).await.expect("the owner"), a.script.app);
    assert_eq!(store.app_of_route(a.route.id).await.expect("the owner"), a.route.app);
    assert_eq!(store.app_of_domain(a.domain.id).await.expect("the owner"), a.domain.app);
}

async fn nothing_is_changed_under_another_app(store: Arc<dyn Store>) {
    let (a, b) = (owned(&*store, "a").await, owned(&*store, "b").await);
    let foreign_script = ScriptRecord { app: b.app.id, ..a.script.clone() };
    assert_missing::<u64>(Err(refused(&*store, [row::save(&foreign_script, "stolen")]).await), "script");
    for (change, what) in writes(b.app.id, a.script.id, a.route.id, a.domain.id) {
        assert_missing::<u64>(Err(refused(&*store, [change]).await), what);
    }
}

/// Every change that names something of an app by id.
fn writes(app: AppId, script: ScriptId, route: RouteId, domain: DomainId) -> [(Change, &'static str); 4] {
    let (method, path, shape) = ("GET".to_owned(), "/x".to_owned(), "/x".to_owned());
    [
        (Change::DeleteScript { app, id: script, expected: None }, "script"),
        (
            Change::UpdateRoute {
                app,
                id: route,
                expected: None,
                script,
                method,
                path,
                shape,
                enabled: true,
            },
            "route",
        ),
        (Change::DeleteRoute { app, id: route, expected: None }, "route"),
        (Change::ReleaseDomain { app, id: domain }, "domain"),
    ]
}

async fn nothing_is_created_in_an_app_that_does_not_exist(store: Arc<dyn Store>) {
    let (nowhere, known) = (AppId::new(), owned(&*store, "known").await);
    let orphan = row::script(nowhere, "main", "");
    let route = RouteRecord { app: nowhere, ..row::route(&known.script, "GET", "/x") };
    let domain = row::domain(nowhere, "x.test");
    for change in [Change::CreateScript(orphan), Change::CreateRoute(route), Change::ClaimDomain(domain)] {
        assert_missing::<u64>(Err(refused(&*store, [change]).await), "app");
    }
    let slug = known.app.slug;
    let update = Change::UpdateApp { id: nowhere, expected: None, slug, limits: known.app.limits };
    assert_missing::<u64>(Err(refused(&*store, [update]).await), "app");
    let delete = Change::DeleteApp { id: nowhere, expected: None };
    assert_missing::<u64>(Err(refused(&*store, [delete]).await), "app");
}

async fn a_route_cannot_lead_to_a_script_of_another_app(store: Arc<dyn Store>) {
    let (a, b) = (owned(&*store, "a").await, owned(&*store, "b").await);
    let crossing = RouteRecord { app: b.app.id, ..row::route(&a.script, "GET", "/x") };
    assert_missing::<u64>(Err(refused(&*store, [Change::CreateRoute(crossing)]).await), "script");
    let RouteRecord { id, app, method, path, shape, enabled, .. } = b.route;
    let (script, expected) = (a.script.id, None);
    let update = Change::UpdateRoute { app, id, expected, script, method, path, shape, enabled };
    assert_missing::<u64>(Err(refused(&*store, [update]).await), "script");
}

async fn two_apps_may_use_the_same_names(store: Arc<dyn Store>) {
    let (a, b) = (owned(&*store, "a").await, owned(&*store, "b").await);
    assert_eq!(a.script.name, b.script.name);
    assert_eq!((a.route.method, a.route.shape), (b.route.method, b.route.shape));
}

async fn deleting_a_script_takes_its_routes_and_nothing_else(store: Arc<dyn Store>) {
    let a = owned(&*store, "a").await;
    let other = row::script(a.app.id, "other", "");
    let kept = row::route(&other, "GET", "/other");
    commit(&*store, [Change::CreateScript(other.clone()), Change::CreateRoute(kept.clone())]).await;
    commit(&*store, [Change::DeleteScript { app: a.app.id, id: a.script.id, expected: Some(1) }]).await;
    assert_missing(store.script(a.app.id, a.script.id).await, "script");
    assert_missing(store.route(a.app.id, a.route.id).await, "route");
    assert_eq!(store.routes(a.app.id, Page::all()).await.expect("routes"), [kept]);
    assert_eq!(store.scripts(a.app.id, Page::all()).await.expect("scripts"), [other]);
}

async fn deleting_an_app_takes_everything_it_owns_and_nothing_else(store: Arc<dyn Store>) {
    let (a, b) = (owned(&*store, "a").await, owned(&*store, "b").await);
    commit(&*store, [row::save(&a.script, "version 2")]).await;
    commit(&*store, [Change::DeleteApp { id: a.app.id, expected: None }]).await;
    let world = store.world(0).await.expect("world");
    let kept =
        AppWorld { app: b.app, domains: vec![b.domain], scripts: vec![b.script], routes: vec![b.route] };
    assert_eq!(world.apps, [kept]);
    assert_missing(store.app(AppKey::Slug(a.app.slug)).await, "app");
    assert_missing(store.app_of_script(a.script.id).await, "script");
    owned(&*store, "a").await; // All its names are free again.
}

/// What was left behind would turn up again.
async fn nothing_of_a_deleted_app_is_left_for_another_of_its_id(store: Arc<dyn Store>) {
    let a = owned(&*store, "a").await;
    commit(&*store, [row::save(&a.script, "2")]).await;
    let run = row::execution(&a.script);
    store.append_log(vec![run.clone()], vec![row::minute(a.app.id, a.script.id, 1)]).await.expect("logged");
    commit(&*store, [Change::DeleteApp { id: a.app.id, expected: None }]).await;
    commit(&*store, [Change::CreateApp(a.app.clone())]).await;
    let id = a.app.id;
    assert_eq!(store.domains(id, Page::all()).await.expect("domains"), []);
    assert_eq!(store.scripts(id, Page::all()).await.expect("scripts"), []);
    assert_eq!(store.routes(id, Page::all()).await.expect("routes"), []);
    assert_eq!(store.versions(id, a.script.id, Page::all()).await.expect("versions"), []);
    assert_missing(store.execution(id, run.id).await, "execution");
    assert_eq!(store.minutes(id, None, 0, 9).await.expect("minutes"), []);
    commit(&*store, [Change::CreateScript(a.script.clone())]).await;
    assert_eq!(store.versions(id, a.script.id, Page::all()).await.expect("versions").len(), 1);
}

async fn what_is_deleted_is_gone(store: Arc<dyn Store>) {
    let a = owned(&*store, "a").await;
    let (app, id) = (a.app.id, a.domain.id);
    commit(&*store, [Change::DeleteRoute { app, id: a.route.id, expected: Some(1) }]).await;
    commit(&*store, [Change::ReleaseDomain { app, id }]).await;
    commit(&*store, [Change::DeleteScript { app, id: a.script.id, expected: None }]).await;
    for (change, what) in writes(app, a.script.id, a.route.id, a.domain.id) {
        assert_missing::<u64>(Err(refused(&*store, [change]).await), what);
    }
    assert_missing(store.app_of_script(a.script.id).await, "script");
    assert_missing(store.app_of_route(a.route.id).await, "route");
    assert_missing(store.app_of_domain(a.domain.id).await, "domain");
}
