//! What has changed since a revision, and how one learns of it.

use std::{sync::Arc, time::Duration};

use super::{cases, commit};
use crate::{
    AppId, content_hash,
    store::{AppRecord, Change, ScriptRecord, Store},
    testing::row,
};

cases![
    a_delta_has_the_apps_that_changed_and_no_others,
    every_kind_of_change_to_an_app_is_in_the_delta,
    a_delta_names_the_apps_that_went,
    what_is_no_app_changes_no_app,
    deltas_add_up_to_the_world,
    who_is_behind_does_not_wait,
    who_waits_is_told_of_a_commit,
    a_damaged_script_is_left_out_of_a_delta,
];

/// Long enough for any store on any machine; reached only by a store that fails.
const PATIENCE: Duration = Duration::from_secs(20);

async fn app_with_script(store: &dyn Store, slug: &str) -> (AppRecord, ScriptRecord) {
    let app = row::app(slug);
    let script = row::script(app.id, "main", "1");
    commit(store, [Change::CreateApp(app.clone()), Change::CreateScript(script.clone())]).await;
    (app, script)
}

async fn changed_since(store: &dyn Store, since: u64) -> Vec<AppId> {
    let world = store.world(since).await.expect("the delta");
    assert_eq!(world.revision, store.revision().await.expect("revision"));
    world.apps.into_iter().map(|world| world.app.id).collect()
}

async fn a_delta_has_the_apps_that_changed_and_no_others(store: Arc<dyn Store>) {
    let (a, _) = app_with_script(&*store, "a").await;
    let (b, script) = app_with_script(&*store, "b").await;
    assert_eq!(changed_since(&*store, 2).await, []);
    assert_eq!(changed_since(&*store, 1).await, [b.id]);
    let mut all = vec![a.id, b.id];
    all.sort_unstable();
    assert_eq!(changed_since(&*store, 0).await, all);
    commit(&*store, [row::save(&script, "2")]).await;
    let delta = store.world(2).await.expect("the delta");
    assert_eq!(delta.apps.len(), 1);
    assert_eq!(delta.apps[0].scripts[0].version, 2);
    assert_eq!(
        delta.apps[0],
        *store.world(0).await.expect("all").apps.iter().find(|w| w.app.id == b.id).expect("b")
    );
}

async fn every_kind_of_change_to_an_app_is_in_the_delta(store: Arc<dyn Store>) {
    let (app, script) = app_with_script(&*store, "a").await;
    app_with_script(&*store, "idle").await;
    let (id, domain, route) = (app.id, row::domain(app.id, "a.test"), row::route(&script, "GET", "/"));
    let (method, path, shape) = ("PUT".to_owned(), "/x".to_owned(), "/x".to_owned());
    let other = row::script(id, "other", "");
    let (expected, enabled) = (None, false);
    let changes = [
        Change::UpdateApp { id, expected: None, slug: app.slug.clone(), limits: app.limits },
        Change::ClaimDomain(domain.clone()),
        Change::ReleaseDomain { app: id, id: domain.id },
        Change::CreateScript(other.clone()),
        row::save(&script, "2"),
        Change::CreateRoute(route.clone()),
        Change::UpdateRoute {
            app: id,
            id: route.id,
            expected,
            script: other.id,
            method,
            path,
            shape,
            enabled,
        },
        Change::DeleteRoute { app: id, id: route.id, expected: None },
        Change::DeleteScript { app: id, id: script.id, expected: None },
    ];
    for change in changes {
        let before = store.revision().await.expect("revision");
        let told = format!("{change:?}");
        commit(&*store, [change]).await;
        assert_eq!(changed_since(&*store, before).await, [id], "{told}");
    }
}

async fn a_delta_names_the_apps_that_went(store: Arc<dyn Store>) {
    let (a, _) = app_with_script(&*store, "a").await;
    let (b, script) = app_with_script(&*store, "b").await;
    commit(&*store, [row::save(&script, "2"), Change::DeleteApp { id: a.id, expected: None }]).await;
    let delta = store.world(2).await.expect("the delta");
    assert_eq!((delta.gone, delta.apps.len()), (vec![a.id], 1));
    commit(&*store, [Change::CreateApp(AppRecord { slug: "c".parse().expect("a slug"), ..a.clone() })]).await;
    for since in 0..=4 {
        assert!(!store.world(since).await.expect("a delta").gone.contains(&a.id), "it is there again");
    }
    commit(&*store, [Change::DeleteApp { id: b.id, expected: None }]).await;
    assert_eq!(store.world(4).await.expect("the delta").gone, [b.id]);
}

async fn what_is_no_app_changes_no_app(store: Arc<dyn Store>) {
    let (app, script) = app_with_script(&*store, "a").await;
    let ada = row::admin("ada");
    let setting = Change::SetSetting { key: "k".to_owned(), value: Some("1".to_owned()), at: 1 };
    commit(&*store, [Change::CreateAdmin(ada.clone()), setting]).await;
    store.create_session(row::session(ada.id, 1)).await.expect("a session");
    store
        .append_log(vec![row::execution(&script)], vec![row::minute(app.id, script.id, 1)])
        .await
        .expect("logged");
    assert_eq!(changed_since(&*store, 1).await, []);
    assert_eq!(store.revision().await.expect("revision"), 2, "only commits count");
}

async fn deltas_add_up_to_the_world(store: Arc<dyn Store>) {
    let mut known = std::collections::BTreeMap::new();
    let (mut seen, mut apps) = (0, Vec::new());
    for n in 0..40_usize {
        match n % 4 {
            0 | 1 => apps.push(app_with_script(&*store, &format!("app-{n}")).await),
            2 => drop(commit(&*store, [row::save(&apps[n / 3 % apps.len()].1, &n.to_string())]).await),
            _ => {
                let (app, _) = apps.remove(n / 5 % apps.len());
                commit(&*store, [Change::DeleteApp { id: app.id, expected: None }]).await;
            }
        }
        if n % 3 == 0 {
            let delta = store.world(seen).await.expect("a delta");
            seen = delta.revision;
            delta.gone.iter().for_each(|app| drop(known.remove(app)));
            known.extend(delta.apps.into_iter().map(|world| (world.app.id, world)));
            let all = store.world(0).await.expect("the world").apps;
            assert_eq!(known.values().cloned().collect::<Vec<_>>(), all);
        }
    }
}

async fn who_is_behind_does_not_wait(store: Arc<dyn Store>) {
    app_with_script(&*store, "a").await;
    for seen in [0, 99] {
        tokio::time::timeout(PATIENCE, store.changed(seen)).await.expect("there is another revision");
    }
}

async fn who_waits_is_told_of_a_commit(store: Arc<dyn Store>) {
    let (_, script) = app_with_script(&*store, "a").await;
    for seen in 1..20 {
        let wait = tokio::spawn({
            let store = store.clone();
            async move { store.changed(seen).await }
        });
        if seen % 2 == 0 {
            tokio::task::yield_now().await; // Commits before and after the wait begins.
        }
        commit(&*store, [row::save(&script, "x")]).await;
        tokio::time::timeout(PATIENCE, wait).await.expect("the wait ends").expect("and ends well");
    }
}

async fn a_damaged_script_is_left_out_of_a_delta(store: Arc<dyn Store>) {
    let (app, good) = app_with_script(&*store, "a").await;
    let bad = ScriptRecord { hash: content_hash("else"), ..row::script(app.id, "bad", "2") };
    commit(&*store, [Change::CreateScript(bad)]).await;
    let delta = store.world(1).await.expect("the delta");
    assert_eq!(delta.apps[0].scripts, [good]);
}
