//! Every version of a script stays as it was saved.

use std::sync::Arc;

use super::{assert_missing, cases, commit};
use crate::{
    content_hash,
    store::{Change, Page, ScriptRecord, Store, VersionRecord},
    testing::row,
};

cases![
    each_save_is_a_version,
    going_back_is_a_new_version_with_an_old_source,
    versions_outlive_the_admin_who_saved_them,
    versions_go_with_their_script,
    a_refused_save_leaves_no_version,
];

async fn create(store: &dyn Store) -> ScriptRecord {
    let app = row::app("a");
    let script = ScriptRecord { updated_by: Some(row::admin("x").id), ..row::script(app.id, "main", "1") };
    commit(store, [Change::CreateApp(app), Change::CreateScript(script.clone())]).await;
    script
}

async fn sources(store: &dyn Store, script: &ScriptRecord) -> Vec<String> {
    let all = store.versions(script.app, script.id, Page::all()).await.expect("versions");
    all.into_iter().map(|version| version.source).collect()
}

async fn each_save_is_a_version(store: Arc<dyn Store>) {
    let script = create(&*store).await;
    commit(&*store, [row::save(&script, "2"), row::save(&script, "2")]).await;
    assert_eq!(sources(&*store, &script).await, ["2", "2", "1"], "also one that changes nothing");
    let first = store.version(script.app, script.id, 1).await.expect("version 1");
    let expected = VersionRecord {
        app: script.app,
        script: script.id,
        version: 1,
        source: script.source.clone(),
        hash: script.hash,
        saved_at: script.updated_at,
        saved_by: script.updated_by,
    };
    assert_eq!(first, expected);
    let second = store.version(script.app, script.id, 2).await.expect("version 2");
    assert_eq!((second.saved_at, second.saved_by), (row::CREATED_AT + 1, None));
    for missing in [0, 4, u64::from(u32::MAX)] {
        assert_missing(store.version(script.app, script.id, missing).await, "version");
    }
}

async fn going_back_is_a_new_version_with_an_old_source(store: Arc<dyn Store>) {
    let script = create(&*store).await;
    commit(&*store, [row::save(&script, "2")]).await;
    let old = store.version(script.app, script.id, 1).await.expect("version 1");
    commit(&*store, [row::save(&script, &old.source)]).await;
    let newest = store.script(script.app, script.id).await.expect("script");
    assert_eq!((newest.version, newest.hash), (3, content_hash("1")));
    assert_eq!(sources(&*store, &script).await, ["1", "2", "1"]);
}

async fn versions_outlive_the_admin_who_saved_them(store: Arc<dyn Store>) {
    let (ada, bob) = (row::admin("ada"), row::admin("bob"));
    let app = row::app("a");
    let script = ScriptRecord { updated_by: Some(ada.id), ..row::script(app.id, "main", "1") };
    let people = [Change::CreateAdmin(ada.clone()), Change::CreateAdmin(bob)];
    commit(&*store, people).await;
    commit(&*store, [Change::CreateApp(app), Change::CreateScript(script.clone())]).await;
    commit(&*store, [Change::DeleteAdmin { id: ada.id, expected: None }]).await;
    let version = store.version(script.app, script.id, 1).await.expect("version 1");
    assert_eq!(version.saved_by, Some(ada.id));
    assert_eq!(store.script(script.app, script.id).await.expect("script").updated_by, Some(ada.id));
}

async fn versions_go_with_their_script(store: Arc<dyn Store>) {
    let script = create(&*store).await;
    commit(&*store, [row::save(&script, "2")]).await;
    commit(&*store, [Change::DeleteScript { app: script.app, id: script.id, expected: None }]).await;
    assert_eq!(sources(&*store, &script).await, [""; 0]);
    assert_missing(store.version(script.app, script.id, 1).await, "version");
    commit(&*store, [Change::CreateScript(script.clone())]).await;
    assert_eq!(sources(&*store, &script).await, ["1"]);
}

async fn a_refused_save_leaves_no_version(store: Arc<dyn Store>) {
    let script = create(&*store).await;
    let stale = Change::DeleteScript { app: script.app, id: script.id, expected: Some(9) };
    super::refused(&*store, [row::save(&script, "2"), stale]).await;
    assert_eq!(sources(&*store, &script).await, ["1"]);
}
