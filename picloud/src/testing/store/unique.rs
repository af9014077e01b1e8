//! Of those who want the same name, one gets it, and the others are told who has.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{assert_conflict, cases, commit, refused};
use crate::{
    LimitOverrides,
    store::{AppKey, AppRecord, Change, DomainRecord, Page, RouteRecord, ScriptRecord, Store, StoreError},
    testing::row,
};

cases![
    a_taken_slug_is_a_conflict,
    a_taken_domain_shape_is_a_conflict,
    a_taken_script_name_is_a_conflict,
    a_taken_route_is_a_conflict,
    an_id_is_used_once,
    what_is_given_up_is_free_again,
    one_of_a_hundred_racers_gets_the_slug,
    one_of_a_hundred_racers_gets_the_domain,
    one_of_a_hundred_racers_gets_the_script_name,
    one_of_a_hundred_racers_gets_the_route,
    one_of_a_hundred_racers_gets_the_slug_by_renaming,
    one_of_a_hundred_racers_gets_the_username,
    racing_saves_count_every_version,
];

const RACERS: usize = 100;

async fn two_apps(store: &dyn Store) -> (AppRecord, AppRecord) {
    let (a, b) = (row::app("a"), row::app("b"));
    commit(store, [Change::CreateApp(a.clone()), Change::CreateApp(b.clone())]).await;
    (a, b)
}

async fn a_taken_slug_is_a_conflict(store: Arc<dyn Store>) {
    let (a, b) = two_apps(&*store).await;
    let error = refused(&*store, [Change::CreateApp(row::app("a"))]).await;
    assert_conflict(&error, "slug", "a", Some(a.id));
    let error = refused(&*store, [rename(&b, "a")]).await;
    assert_conflict(&error, "slug", "a", Some(a.id));
    commit(&*store, [rename(&a, "a")]).await; // One's own slug is no conflict.
}

fn rename(app: &AppRecord, slug: &str) -> Change {
    let slug = slug.parse().expect("the test gives a valid slug");
    Change::UpdateApp { id: app.id, expected: None, slug, limits: LimitOverrides::default() }
}

async fn a_taken_domain_shape_is_a_conflict(store: Arc<dyn Store>) {
    let (a, b) = two_apps(&*store).await;
    let wild = row::domain(a.id, "*.a.test");
    let captured = DomainRecord { shape: wild.shape.clone(), ..row::domain(b.id, "{x}.a.test") };
    let again = DomainRecord { shape: wild.shape.clone(), ..row::domain(a.id, "{y}.a.test") };
    commit(&*store, [Change::ClaimDomain(wild)]).await;
    let error = refused(&*store, [Change::ClaimDomain(captured)]).await;
    assert_conflict(&error, "domain", "{x}.a.test", Some(a.id));
    let error = refused(&*store, [Change::ClaimDomain(again)]).await;
    assert_conflict(&error, "domain", "{y}.a.test", None);
}

async fn a_taken_script_name_is_a_conflict(store: Arc<dyn Store>) {
    let (a, _) = two_apps(&*store).await;
    let (one, two) = (row::script(a.id, "one", ""), row::script(a.id, "two", ""));
    commit(&*store, [Change::CreateScript(one.clone()), Change::CreateScript(two.clone())]).await;
    let error = refused(&*store, [Change::CreateScript(row::script(a.id, "one", ""))]).await;
    assert_conflict(&error, "script name", "one", None);
    let error = refused(&*store, [row::save(&ScriptRecord { name: "one".to_owned(), ..two }, "")]).await;
    assert_conflict(&error, "script name", "one", None);
    commit(&*store, [Change::CreateScript(row::script(a.id, "One", ""))]).await; // Case counts.
}

async fn a_taken_route_is_a_conflict(store: Arc<dyn Store>) {
    let (a, _) = two_apps(&*store).await;
    let script = row::script(a.id, "one", "");
    let shaped = |path| RouteRecord { shape: "/users/:".to_owned(), ..row::route(&script, "GET", path) };
    let other = row::route(&script, "POST", "/users/:id");
    commit(&*store, [Change::CreateScript(script.clone()), Change::CreateRoute(shaped("/users/:id"))]).await;
    let error = refused(&*store, [Change::CreateRoute(shaped("/users/:name"))]).await;
    assert_conflict(&error, "route", "GET /users/:name", None);
    commit(&*store, [Change::CreateRoute(other.clone())]).await; // Another method is another route.
    let error = refused(&*store, [move_to(&other, "GET", "/users/:x", "/users/:")]).await;
    assert_conflict(&error, "route", "GET /users/:x", None);
}

fn move_to(route: &RouteRecord, method: &str, path: &str, shape: &str) -> Change {
    Change::UpdateRoute {
        app: route.app,
        id: route.id,
        expected: None,
        script: route.script,
        method: method.to_owned(),
        path: path.to_owned(),
        shape: shape.to_owned(),
        enabled: true,
    }
}

async fn an_id_is_used_once(store: Arc<dyn Store>) {
    let (a, b) = two_apps(&*store).await;
    let script = row::script(a.id, "one", "");
    commit(&*store, [Change::CreateScript(script.clone())]).await;
    let error = refused(&*store, [Change::CreateApp(AppRecord { id: a.id, ..row::app("c") })]).await;
    assert_conflict(&error, "id", &a.id.to_string(), None);
    let stolen = ScriptRecord { app: b.id, ..script.clone() };
    let error = refused(&*store, [Change::CreateScript(stolen)]).await;
    assert_conflict(&error, "id", &script.id.to_string(), None);
}

async fn what_is_given_up_is_free_again(store: Arc<dyn Store>) {
    let (a, b) = two_apps(&*store).await;
    let domain = row::domain(a.id, "shop.test");
    commit(&*store, [Change::ClaimDomain(domain.clone())]).await;
    // In one transaction, too: an app hands its slug and its domain to another.
    commit(
        &*store,
        [
            Change::ReleaseDomain { app: a.id, id: domain.id },
            Change::ClaimDomain(row::domain(b.id, "shop.test")),
            rename(&a, "c"),
            rename(&b, "a"),
        ],
    )
    .await;
    assert_eq!(store.app(AppKey::Slug(a.slug)).await.expect("app").id, b.id);
}

/// Lets many writers loose at once and gives the errors of those that lost; exactly one must win.
async fn race(store: &Arc<dyn Store>, changes: impl IntoIterator<Item = Vec<Change>>) -> Vec<StoreError> {
    let before = store.revision().await.expect("revision");
    let mut racers = JoinSet::new();
    for change in changes {
        let store = store.clone();
        racers.spawn(async move { store.commit(change.into()).await });
    }
    let results = racers.join_all().await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, RACERS - 1));
    assert_eq!(store.revision().await.expect("revision"), before + 1);
    lost.into_iter().filter_map(Result::err).collect()
}

async fn one_of_a_hundred_racers_gets_the_slug(store: Arc<dyn Store>) {
    let lost = race(&store, (0..RACERS).map(|_| vec![Change::CreateApp(row::app("prize"))])).await;
    let winner = store.apps(Page::all()).await.expect("apps")[0].id;
    lost.iter().for_each(|error| assert_conflict(error, "slug", "prize", Some(winner)));
}

async fn one_of_a_hundred_racers_gets_the_domain(store: Arc<dyn Store>) {
    let apps: Vec<_> = (0..RACERS).map(|n| row::app(&format!("app-{n}"))).collect();
    commit(&*store, apps.iter().cloned().map(Change::CreateApp).collect::<Vec<_>>()).await;
    let lost =
        race(&store, apps.iter().map(|a| vec![Change::ClaimDomain(row::domain(a.id, "prize.test"))])).await;
    let winner = store
        .world(0)
        .await
        .expect("world")
        .apps
        .into_iter()
        .find(|a| !a.domains.is_empty())
        .expect("a winner")
        .app
        .id;
    lost.iter().for_each(|error| assert_conflict(error, "domain", "prize.test", Some(winner)));
}

async fn one_of_a_hundred_racers_gets_the_script_name(store: Arc<dyn Store>) {
    let (a, _) = two_apps(&*store).await;
    let lost =
        race(&store, (0..RACERS).map(|_| vec![Change::CreateScript(row::script(a.id, "prize", ""))])).await;
    lost.iter().for_each(|error| assert_conflict(error, "script name", "prize", None));
    assert_eq!(store.scripts(a.id, Page::all()).await.expect("scripts").len(), 1);
}

async fn one_of_a_hundred_racers_gets_the_route(store: Arc<dyn Store>) {
    let (a, _) = two_apps(&*store).await;
    let script = row::script(a.id, "one", "");
    commit(&*store, [Change::CreateScript(script.clone())]).await;
    let lost =
        race(&store, (0..RACERS).map(|_| vec![Change::CreateRoute(row::route(&script, "GET", "/"))])).await;
    lost.iter().for_each(|error| assert_conflict(error, "route", "GET /", None));
    assert_eq!(store.routes(a.id, Page::all()).await.expect("routes").len(), 1);
}

async fn one_of_a_hundred_racers_gets_the_slug_by_renaming(store: Arc<dyn Store>) {
    let apps: Vec<_> = (0..RACERS).map(|n| row::app(&format!("app-{n}"))).collect();
    commit(&*store, apps.iter().cloned().map(Change::CreateApp).collect::<Vec<_>>()).await;
    let lost = race(&store, apps.iter().map(|app| vec![rename(app, "prize")])).await;
    let winner = store.app(AppKey::Slug("prize".parse().expect("a slug"))).await.expect("a winner").id;
    lost.iter().for_each(|error| assert_conflict(error, "slug", "prize", Some(winner)));
}

async fn one_of_a_hundred_racers_gets_the_username(store: Arc<dyn Store>) {
    let lost = race(&store, (0..RACERS).map(|_| vec![Change::CreateAdmin(row::admin("prize"))])).await;
    lost.iter().for_each(|error| assert_conflict(error, "username", "prize", None));
    assert_eq!(store.admins(Page::all()).await.expect("admins").len(), 1);
}

async fn racing_saves_count_every_version(store: Arc<dyn Store>) {
    let (a, _) = two_apps(&*store).await;
    let script = row::script(a.id, "one", "");
    let before = commit(&*store, [Change::CreateScript(script.clone())]).await;
    let mut writers = JoinSet::new();
    for n in 0..20 {
        let (store, change) = (store.clone(), row::save(&script, &n.to_string()));
        writers.spawn(async move { commit(&*store, [change]).await });
    }
    let mut revisions = writers.join_all().await;
    revisions.sort_unstable();
    assert_eq!(revisions, (before + 1..=before + 20).collect::<Vec<_>>(), "each commit has its own revision");
    assert_eq!(store.script(a.id, script.id).await.expect("script").version, 21);
}
