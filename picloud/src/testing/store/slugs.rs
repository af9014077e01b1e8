//! A slug that an app gives up still leads to it, until some app takes it.

use std::sync::Arc;

use super::{assert_conflict, assert_missing, cases, commit, refused};
use crate::{
    AppId, LimitOverrides, Slug,
    store::{AppKey, AppRecord, Change, Store},
    testing::row,
};

cases![
    a_former_slug_leads_to_its_app,
    a_former_slug_is_lost_to_the_app_that_takes_it,
    an_app_may_be_renamed_back_and_forth,
    former_slugs_go_with_their_app,
    the_last_app_to_give_a_slug_up_is_the_one_it_leads_to,
    a_change_of_limits_gives_no_slug_up,
    a_refused_rename_gives_no_slug_up,
];

fn slug(text: &str) -> Slug {
    text.parse().expect("the test gives a valid slug")
}

fn rename(app: &AppRecord, to: &str) -> Change {
    Change::UpdateApp { id: app.id, expected: None, slug: slug(to), limits: LimitOverrides::default() }
}

async fn create(store: &dyn Store, name: &str) -> AppRecord {
    let app = row::app(name);
    commit(store, [Change::CreateApp(app.clone())]).await;
    app
}

/// The app that each of these slugs once was of.
async fn formers<const N: usize>(store: &dyn Store, slugs: [&str; N]) -> [Option<AppId>; N] {
    let mut found = [None; N];
    for (place, text) in found.iter_mut().zip(slugs) {
        match store.former(slug(text)).await {
            Ok(app) => *place = Some(app.id),
            error => assert_missing(error, "app"),
        }
    }
    found
}

async fn a_former_slug_leads_to_its_app(store: Arc<dyn Store>) {
    let app = create(&*store, "a").await;
    assert_eq!(formers(&*store, ["a", "b"]).await, [None, None], "a slug in use is no former one");
    commit(&*store, [rename(&app, "b")]).await;
    commit(&*store, [rename(&app, "c")]).await;
    assert_eq!(formers(&*store, ["a", "b", "c"]).await, [Some(app.id), Some(app.id), None]);
    let found = store.former(slug("a")).await.expect("the app as it is now");
    assert_eq!((found.slug.as_str(), found.version), ("c", 3));
    assert_missing(store.app(AppKey::Slug(slug("a"))).await, "app");
}

async fn a_former_slug_is_lost_to_the_app_that_takes_it(store: Arc<dyn Store>) {
    let a = create(&*store, "a").await;
    commit(&*store, [rename(&a, "b")]).await;
    let new = create(&*store, "a").await;
    assert_eq!(formers(&*store, ["a"]).await, [None]);
    assert_eq!(store.app(AppKey::Slug(slug("a"))).await.expect("app").id, new.id);
    let error = refused(&*store, [rename(&a, "a")]).await;
    assert_conflict(&error, "slug", "a", Some(new.id));
    commit(&*store, [rename(&a, "c")]).await;
    commit(&*store, [rename(&new, "b")]).await; // By renaming, too.
    assert_eq!(formers(&*store, ["a", "b", "c"]).await, [Some(new.id), None, None]);
    commit(&*store, [Change::DeleteApp { id: new.id, expected: None }]).await;
    assert_eq!(formers(&*store, ["a", "b"]).await, [None, None], "what was lost does not come back");
}

async fn an_app_may_be_renamed_back_and_forth(store: Arc<dyn Store>) {
    let app = create(&*store, "a").await;
    for _ in 0..3 {
        commit(&*store, [rename(&app, "b")]).await;
        assert_eq!(formers(&*store, ["a", "b"]).await, [Some(app.id), None]);
        commit(&*store, [rename(&app, "a")]).await;
        assert_eq!(formers(&*store, ["a", "b"]).await, [None, Some(app.id)]);
    }
    assert_eq!(store.app(AppKey::Id(app.id)).await.expect("app").version, 7);
}

async fn former_slugs_go_with_their_app(store: Arc<dyn Store>) {
    let (app, other) = (create(&*store, "a").await, create(&*store, "x").await);
    commit(&*store, [rename(&app, "b"), rename(&other, "y")]).await;
    commit(&*store, [Change::DeleteApp { id: app.id, expected: None }]).await;
    assert_eq!(formers(&*store, ["a", "b", "x"]).await, [None, None, Some(other.id)]);
}

async fn the_last_app_to_give_a_slug_up_is_the_one_it_leads_to(store: Arc<dyn Store>) {
    let first = create(&*store, "a").await;
    commit(&*store, [rename(&first, "b")]).await;
    let second = create(&*store, "a").await;
    commit(&*store, [rename(&second, "c")]).await;
    assert_eq!(formers(&*store, ["a"]).await, [Some(second.id)]);
}

async fn a_change_of_limits_gives_no_slug_up(store: Arc<dyn Store>) {
    let app = create(&*store, "a").await;
    commit(&*store, [rename(&app, "a")]).await;
    assert_eq!(formers(&*store, ["a"]).await, [None]);
}

async fn a_refused_rename_gives_no_slug_up(store: Arc<dyn Store>) {
    let (app, other) = (create(&*store, "a").await, create(&*store, "x").await);
    let error = refused(&*store, [rename(&app, "b"), rename(&app, "x")]).await;
    assert_conflict(&error, "slug", "x", Some(other.id));
    assert_eq!(formers(&*store, ["a", "b"]).await, [None, None]);
}
