//! The control plane from outside, on a store in memory and an executor that only checks.

use std::sync::{
    Mutex,
    atomic::{AtomicI64, Ordering},
};

use super::*;
use crate::{
    AdminId, Code, Definition, Diagnostic, Failure, Invocation, Outcome, Severity,
    store::{AppKey, AppStore, MemoryStore, Page},
};

/// Knows one thing about scripts: each line with `?` is an error, each line with `!!` a warning.
struct LineChecker;

impl Executor for LineChecker {
    fn check(&self, source: &str) -> Vec<Diagnostic> {
        let find = |(n, text): (usize, &str)| {
            let (mark, severity) =
                if text.contains('?') { ("?", Severity::Error) } else { ("!!", Severity::Warning) };
            let column = u32::try_from(text.find(mark)?).ok()? + 1;
            Some(Diagnostic {
                line: u32::try_from(n).ok()? + 1,
                column,
                severity,
                message: format!("bad {mark}"),
            })
        };
        source.lines().enumerate().filter_map(find).collect()
    }

    fn definitions(&self) -> Vec<Definition> {
        Vec::new()
    }

    fn invoke(&self, _: Invocation) -> BoxFuture<'static, Outcome> {
        Box::pin(async { Outcome::failed(Failure::new(Code::Internal, "not here")) })
    }
}

const NOW: i64 = 1_700_000_000_000_000;

pub(super) struct World {
    pub(super) store: MemoryStore,
    pub(super) manager: Manager,
    pub(super) published: Arc<Mutex<Vec<u64>>>,
}

pub(super) fn world() -> World {
    let (store, published) = (MemoryStore::new(), Arc::new(Mutex::new(Vec::new())));
    let publish: Publish = {
        let (store, published) = (store.clone(), published.clone());
        Arc::new(move |revision| {
            let (store, published) = (store.clone(), published.clone());
            Box::pin(async move {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                assert!(store.revision().await.unwrap() >= revision);
                published.lock().unwrap().push(revision);
            })
        })
    };
    let time = Arc::new(AtomicI64::new(NOW));
    let manager = Manager::new(Arc::new(store.clone()), Arc::new(LineChecker))
        .with_publish(publish)
        .with_clock(Arc::new(move || time.load(Ordering::Relaxed)));
    World { store, manager, published }
}

/// The program itself.
pub(super) fn me() -> Actor {
    Actor::platform()
}

fn new_app(slug: &str) -> NewApp {
    NewApp { slug: slug.to_owned(), limits: LimitOverrides::default() }
}

fn input(name: &str, source: &str) -> ScriptInput {
    ScriptInput { name: name.to_owned(), source: source.to_owned(), limits: LimitOverrides::default() }
}

fn new_route(method: &str, path: &str) -> NewRoute {
    NewRoute { method: method.to_owned(), path: path.to_owned(), enabled: true }
}

/// The fields and codes of a refusal.
pub(super) fn findings<T: fmt::Debug>(result: Result<T, ManagerError>) -> Vec<(String, &'static str)> {
    let error = result.unwrap_err();
    assert_eq!(error.code(), Code::Invalid, "{error}");
    error.errors().iter().map(|error| (error.field.clone(), error.code)).collect()
}

#[tokio::test]
async fn a_change_is_published_when_its_call_returns() {
    let World { manager, published, .. } = world();
    let app = manager.create_app(&me(), new_app("shop")).await.unwrap();
    assert_eq!(*published.lock().unwrap(), [1]);
    assert_eq!((app.created_at, app.version), (NOW, 1));
    manager.create_app(&me(), new_app("shop")).await.unwrap_err();
    assert_eq!(*published.lock().unwrap(), [1], "what is refused is not published");
}

#[tokio::test]
async fn a_change_is_published_even_if_its_caller_goes_away() {
    let World { store, manager, published } = world();
    let me = me();
    let call = manager.create_app(&me, new_app("shop"));
    tokio::time::timeout(std::time::Duration::from_micros(1), call).await.unwrap_err();
    while published.lock().unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    assert_eq!(store.apps(Page::all()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn apps_are_made_renamed_limited_and_removed() {
    let World { manager, .. } = world();
    let app = manager.create_app(&me(), new_app("shop")).await.unwrap();
    let key = AppKey::parse("shop").unwrap();
    assert_eq!(manager.app(&key).await.unwrap(), app);
    let limits = LimitOverrides { memory: Some(1 << 20), ..Default::default() };
    let changes = AppChanges { limits: Some(limits), ..Default::default() };
    let limited = manager.update_app(&me(), &key, Some(1), changes).await.unwrap();
    assert_eq!((limited.version, limited.slug.as_str(), limited.limits), (2, "shop", limits));
    let changes = AppChanges { slug: Some("store".to_owned()), ..Default::default() };
    let renamed = manager.update_app(&me(), &key, None, changes.clone()).await.unwrap();
    assert_eq!(manager.app(&app.id.into()).await.unwrap(), renamed);
    assert_eq!((renamed.version, renamed.limits), (3, limits));
    assert_eq!(manager.app(&key).await.unwrap_err().code(), Code::NotFound);
    let stale = manager.update_app(&me(), &app.id.into(), Some(1), changes).await.unwrap_err();
    assert_eq!(stale.code(), Code::PreconditionFailed);
    manager.delete_app(&me(), &app.id.into(), Some(3)).await.unwrap();
    assert!(manager.apps(Page::all()).await.unwrap().is_empty());
}

#[tokio::test]
async fn bad_apps_are_refused_field_by_field() {
    let World { manager, .. } = world();
    for slug in ["", "Shop", "a b", "01a20a4a-dd04-7bab-a77a-fbcccb41ec59"] {
        assert_eq!(
            findings(manager.create_app(&me(), new_app(slug)).await),
            [("slug".to_owned(), "invalid_slug")]
        );
    }
    let limits = LimitOverrides { memory: Some(u64::MAX), ..Default::default() };
    let refused = manager.create_app(&me(), NewApp { limits, ..new_app("shop") }).await;
    assert_eq!(findings(refused), [("limits.memory".to_owned(), "out_of_range")]);
}

#[tokio::test]
async fn a_conflict_names_the_app_that_holds() {
    let World { manager, .. } = world();
    let (a, b) = (new_app("a"), new_app("b"));
    let (a, b) = (manager.create_app(&me(), a).await.unwrap(), manager.create_app(&me(), b).await.unwrap());
    let held = manager.claim_domain(&me(), &a.id.into(), "*.Shop.test.").await.unwrap();
    assert_eq!((held.pattern.as_str(), held.shape.as_str()), ("*.shop.test", "*.shop.test"));
    let error = manager.claim_domain(&me(), &b.id.into(), "{x}.shop.test").await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    assert!(error.detail().contains("by the app `a`"), "{}", error.detail());
    let refused = manager.claim_domain(&me(), &b.id.into(), "no host").await;
    assert_eq!(findings(refused), [("pattern".to_owned(), "invalid_pattern")]);
    manager.release_domain(&me(), held.id, None).await.unwrap();
    manager.claim_domain(&me(), &b.id.into(), "{x}.shop.test").await.unwrap();
    assert_eq!(manager.release_domain(&me(), held.id, None).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn scripts_are_saved_version_by_version() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let ada = AdminId::new();
    let script = manager
        .create_script(
            &Actor { admin: Some(ada), username: "ada".to_owned(), ..Actor::default() },
            &app,
            input("cart", "1"),
        )
        .await
        .unwrap();
    assert_eq!((script.version, script.updated_by, script.is_intact()), (1, Some(ada), true));
    let next = manager.update_script(&me(), script.id, Some(1), input("cart", "2 !!")).await.unwrap();
    assert_eq!(manager.script(script.id).await.unwrap(), next, "a warning keeps nothing from being saved");
    assert_eq!((next.version, next.updated_by, next.created_at), (2, None, NOW));
    let stale = manager.update_script(&me(), script.id, Some(1), input("cart", "3")).await.unwrap_err();
    assert_eq!(stale.code(), Code::PreconditionFailed);
    let taken = manager.create_script(&me(), &app, input("cart", "")).await.unwrap_err();
    assert_eq!(taken.code(), Code::Conflict);
    manager.delete_script(&me(), script.id, Some(2)).await.unwrap();
    assert!(manager.scripts(&app, Page::all()).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_does_not_compile_cannot_replace_what_does() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let script = manager.create_script(&me(), &app, input("cart", "1")).await.unwrap();
    let refused =
        manager.update_script(&me(), script.id, None, input("cart", "1\n2 !!\n  ?")).await.unwrap_err();
    let [error] = refused.errors() else { panic!("{refused:?}") };
    assert_eq!(
        (error.field.as_str(), error.code, error.line, error.column),
        ("source", "syntax", Some(3), Some(3))
    );
    assert_eq!(manager.script(script.id).await.unwrap(), script);
    assert_eq!(manager.check_source("?".to_owned()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_length_of_a_source_is_limited_by_script_app_and_server() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let large = "x".repeat(128 * 1024 + 1);
    let refused = manager.create_script(&me(), &app, input("my script", &large)).await;
    assert_eq!(findings(refused), [("name".to_owned(), "invalid_name"), ("source".to_owned(), "too_long")]);
    let limits = LimitOverrides { script_bytes: Some(256 * 1024), ..Default::default() };
    manager.create_script(&me(), &app, ScriptInput { limits, ..input("large", &large) }).await.unwrap();
    let limits = LimitOverrides { script_bytes: Some(3), ..Default::default() };
    manager
        .update_app(&me(), &app, None, AppChanges { limits: Some(limits), ..Default::default() })
        .await
        .unwrap();
    let refused = manager.create_script(&me(), &app, input("small", "1234")).await;
    assert_eq!(findings(refused), [("source".to_owned(), "too_long")]);
}

#[tokio::test]
async fn routes_are_made_moved_switched_off_and_removed() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let script = manager.create_script(&me(), &app, input("cart", "1")).await.unwrap();
    let route = manager.create_route(&me(), script.id, new_route("GET", "/carts/:id")).await.unwrap();
    let taken = manager.create_route(&me(), script.id, new_route("GET", "/carts/:name")).await.unwrap_err();
    assert_eq!(taken.code(), Code::Conflict);
    let changes = RouteChanges { enabled: Some(false), ..Default::default() };
    let off = manager.update_route(&me(), route.id, None, changes).await.unwrap();
    assert_eq!((off.enabled, off.version, off.path.as_str()), (false, 2, "/carts/:id"));
    let changes = RouteChanges { method: Some("POST".to_owned()), ..Default::default() };
    let moved = manager.update_route(&me(), route.id, Some(2), changes.clone()).await.unwrap();
    assert_eq!(manager.routes(&app, Page::all()).await.unwrap().as_slice(), std::slice::from_ref(&moved));
    assert_eq!(manager.script_routes(script.id).await.unwrap(), [moved]);
    let stale = manager.update_route(&me(), route.id, Some(2), changes).await.unwrap_err();
    assert_eq!(stale.code(), Code::PreconditionFailed);
    manager.delete_route(&me(), route.id, Some(3)).await.unwrap();
    assert_eq!(manager.route(route.id).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_route_is_given_to_another_script_of_its_app_only() {
    let World { manager, .. } = world();
    let (mut scripts, app) = (Vec::new(), manager.create_app(&me(), new_app("shop")).await.unwrap().id);
    let other = manager.create_app(&me(), new_app("other")).await.unwrap().id;
    for (app, name) in [(app, "cart"), (app, "till"), (other, "cart")] {
        scripts.push(manager.create_script(&me(), &app.into(), input(name, "1")).await.unwrap().id);
    }
    let route = manager.create_route(&me(), scripts[0], new_route("GET", "/")).await.unwrap();
    let to = |script| RouteChanges { script_id: Some(script), ..Default::default() };
    let refused = manager.update_route(&me(), route.id, None, to(scripts[2])).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
    let given = manager.update_route(&me(), route.id, Some(1), to(scripts[1])).await.unwrap();
    assert_eq!((given.script, given.path.as_str(), given.version), (scripts[1], "/", 2));
    assert_eq!(manager.script_routes(scripts[1]).await.unwrap(), [given]);
    assert!(manager.script_routes(scripts[0]).await.unwrap().is_empty());
}

#[tokio::test]
async fn bad_routes_are_refused_field_by_field() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let script = manager.create_script(&me(), &app, input("cart", "1")).await.unwrap();
    for (method, path, field) in [("FETCH", "/", "method"), ("GET", "carts", "path"), ("GET", "/a?b", "path")]
    {
        let found = findings(manager.create_route(&me(), script.id, new_route(method, path)).await);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, field, "{method} {path}");
    }
}

#[tokio::test]
async fn changes_without_an_expectation_all_arrive() {
    let World { manager, .. } = world();
    let app: AppKey = manager.create_app(&me(), new_app("shop")).await.unwrap().id.into();
    let id = manager.create_script(&me(), &app, input("cart", "1")).await.unwrap().id;
    let saves = (0..10).map(|n| {
        let manager = manager.clone();
        tokio::spawn(
            async move { manager.update_script(&me(), id, None, input("cart", &n.to_string())).await },
        )
    });
    let mut versions = Vec::new();
    for save in saves.collect::<Vec<_>>() {
        versions.push(save.await.unwrap().unwrap().version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (2..=11).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_fresh_store_is_seeded_once() {
    let World { store, manager, .. } = world();
    assert!(manager.seed_hello().await.unwrap());
    let seeded = store.world(0).await.unwrap();
    assert_eq!(seeded.revision, 1);
    assert_eq!(
        (seeded.apps[0].app.slug.as_str(), seeded.apps[0].domains[0].pattern.as_str()),
        ("hello", "*")
    );
    let mut routes: Vec<_> = seeded.apps[0].routes.iter().map(|route| route.path.as_str()).collect();
    routes.sort_unstable();
    assert_eq!(routes, ["/", "/hello/:name"]);
    assert!(!manager.seed_hello().await.unwrap());
    manager.delete_app(&me(), &seeded.apps[0].app.id.into(), None).await.unwrap();
    assert!(!manager.seed_hello().await.unwrap(), "what was deleted stays deleted");
}

#[test]
fn clients_read_no_internals() {
    let secret = "disk I/O error in /var/lib/picloud";
    for error in [
        ManagerError::StorageUnavailable(secret.to_owned()),
        ManagerError::StorageFull(secret.to_owned()),
        ManagerError::Internal(secret.to_owned()),
    ] {
        assert!(!error.detail().contains(secret));
        assert!(error.to_string().contains(secret), "the log says more");
    }
}
