//! What was written is read back: whole, in order, and the same by every way of reading.

use std::sync::Arc;

use super::{cases, commit};
use crate::{
    AppId, LimitOverrides, content_hash,
    store::{AppKey, AppWorld, Change, Page, Store, World},
    testing::row,
};

cases![
    a_fresh_store_is_empty_at_revision_zero,
    rows_are_read_back_as_written,
    lists_are_ordered_by_id,
    the_world_is_the_sum_of_the_lists,
    the_world_is_read_at_one_revision,
    sources_may_be_large_and_in_any_language,
    a_damaged_script_is_left_out_of_the_world,
];

async fn a_fresh_store_is_empty_at_revision_zero(store: Arc<dyn Store>) {
    assert_eq!(store.revision().await.expect("revision"), 0);
    assert_eq!(store.world(0).await.expect("world"), World::default());
    assert_eq!(store.apps(Page::all()).await.expect("apps"), []);
    assert_eq!(store.domains(AppId::new(), Page::all()).await.expect("domains"), []);
    assert_eq!(store.scripts(AppId::new(), Page::all()).await.expect("scripts"), []);
    assert_eq!(store.routes(AppId::new(), Page::all()).await.expect("routes"), []);
}

async fn rows_are_read_back_as_written(store: Arc<dyn Store>) {
    let limits = LimitOverrides { memory: Some(1 << 20), operations: Some(u64::MAX), ..Default::default() };
    let mut app = row::app("shop");
    app.limits = limits;
    let mut script = row::script(app.id, "cart", "1 + 1");
    script.limits = limits;
    script.updated_by = Some(row::admin("ada").id);
    script.updated_at = i64::MAX;
    let mut route = row::route(&script, "ANY", "/cart/:id");
    route.shape = "/cart/:".to_owned();
    route.enabled = false;
    let domain = row::domain(app.id, "*.shop.test");
    commit(
        &*store,
        [
            Change::CreateApp(app.clone()),
            Change::CreateScript(script.clone()),
            Change::CreateRoute(route.clone()),
            Change::ClaimDomain(domain.clone()),
        ],
    )
    .await;
    assert_eq!(store.app(AppKey::Id(app.id)).await.expect("app"), app);
    assert_eq!(store.app(AppKey::Slug(app.slug.clone())).await.expect("app"), app);
    assert_eq!(store.script(app.id, script.id).await.expect("script"), script);
    assert_eq!(store.app_of_script(script.id).await.expect("the owner"), script.app);
    assert_eq!(store.route(app.id, route.id).await.expect("route"), route);
    assert_eq!(store.domain(app.id, domain.id).await.expect("domain"), domain);
    assert_eq!(store.domains(app.id, Page::all()).await.expect("domains"), [domain]);
}

async fn lists_are_ordered_by_id(store: Arc<dyn Store>) {
    let mut apps: Vec<_> = (0..20).map(|n| row::app(&format!("app-{n}"))).collect();
    apps.sort_by_key(|app| app.id);
    let owner = apps[0].id;
    let scripts: Vec<_> = (0..200).map(|n| row::script(owner, &format!("s{n}"), "")).collect();
    // Written newest first, so that the order of writing does not help.
    let creations = apps.iter().rev().cloned().map(Change::CreateApp);
    commit(
        &*store,
        creations.chain(scripts.iter().rev().cloned().map(Change::CreateScript)).collect::<Vec<_>>(),
    )
    .await;
    assert_eq!(store.apps(Page::all()).await.expect("apps"), apps);
    let world = store.world(0).await.expect("world");
    assert_eq!(world.apps.iter().map(|world| world.app.clone()).collect::<Vec<_>>(), apps);
    assert!(world.apps[0].scripts.is_sorted_by_key(|script| script.id));
    assert_eq!(world.apps[0].scripts.len(), scripts.len());
    assert_eq!(store.scripts(owner, Page::all()).await.expect("scripts"), world.apps[0].scripts);
}

async fn the_world_is_the_sum_of_the_lists(store: Arc<dyn Store>) {
    let mut world = World::default();
    for name in ["a", "b", "c"] {
        let app = row::app(name);
        let script = row::script(app.id, "main", name);
        let (route, domain) = (row::route(&script, "GET", "/"), row::domain(app.id, &format!("{name}.test")));
        world.revision = commit(
            &*store,
            [
                Change::CreateApp(app.clone()),
                Change::CreateScript(script),
                Change::CreateRoute(route),
                Change::ClaimDomain(domain),
            ],
        )
        .await;
        let (domains, scripts, routes) = (
            store.domains(app.id, Page::all()).await.expect("domains"),
            store.scripts(app.id, Page::all()).await.expect("scripts"),
            store.routes(app.id, Page::all()).await.expect("routes"),
        );
        world.apps.push(AppWorld { app, domains, scripts, routes });
    }
    world.apps.sort_by_key(|world| world.app.id);
    assert_eq!(store.world(0).await.expect("world"), world);
}

/// A writer saves two scripts together, always with the same text; no reader may see two texts.
async fn the_world_is_read_at_one_revision(store: Arc<dyn Store>) {
    let app = row::app("twins");
    let twins = [row::script(app.id, "left", "0"), row::script(app.id, "right", "0")];
    commit(&*store, [Change::CreateApp(app), create(&twins[0]), create(&twins[1])]).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move {
            for n in 1..30 {
                commit(&*store, twins.each_ref().map(|script| row::save(script, &n.to_string()))).await;
            }
        }
    });
    while !writer.is_finished() {
        let world = store.world(0).await.expect("world");
        assert_eq!(world.apps[0].scripts[0].source, world.apps[0].scripts[1].source);
        assert_eq!(
            world.apps[0].scripts[0].version, world.revision,
            "the version grows with the revision here"
        );
        tokio::task::yield_now().await;
    }
    writer.await.expect("the writer ends well");
}

async fn sources_may_be_large_and_in_any_language(store: Arc<dyn Store>) {
    let app = row::app("babel");
    let large = "// Grüße, 世界, 🦀 и \u{1} \r\n".repeat(5_000);
    assert!(large.len() > 128 * 1024);
    let scripts = [row::script(app.id, "large", &large), row::script(app.id, "empty", "")];
    commit(&*store, [Change::CreateApp(app), create(&scripts[0]), create(&scripts[1])]).await;
    for script in &scripts {
        assert_eq!(store.script(script.app, script.id).await.expect("script"), *script);
    }
    assert_eq!(store.world(0).await.expect("world").apps[0].scripts.len(), 2);
}

async fn a_damaged_script_is_left_out_of_the_world(store: Arc<dyn Store>) {
    let app = row::app("mixed");
    let mut scripts = [row::script(app.id, "good", "1"), row::script(app.id, "bad", "2")];
    scripts[1].hash = content_hash("something else");
    let route = row::route(&scripts[1], "GET", "/bad");
    let changes = [
        Change::CreateApp(app),
        create(&scripts[0]),
        create(&scripts[1]),
        Change::CreateRoute(route.clone()),
    ];
    commit(&*store, changes).await;
    let world = store.world(0).await.expect("the others are served");
    assert_eq!(world.apps[0].scripts, [scripts[0].clone()]);
    assert_eq!(world.apps[0].routes, [route]);
    commit(&*store, [row::save(&scripts[1], "3")]).await;
    assert_eq!(store.world(0).await.expect("world").apps[0].scripts.len(), 2, "saving it again repairs it");
}

fn create(script: &crate::store::ScriptRecord) -> Change {
    Change::CreateScript(script.clone())
}
