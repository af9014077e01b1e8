//! What is published, step by step: always what a fresh publisher would publish of the same store.

use http::Method;

use super::*;
use crate::{
    AppId,
    store::{AppStore, Change, LateStore, MemoryStore, Page},
    testing::row,
};

struct World {
    store: MemoryStore,
    publisher: Publisher,
}

fn world() -> World {
    let store = MemoryStore::new();
    World { publisher: Publisher::new(Arc::new(store.clone()), Limits::default()), store }
}

impl World {
    async fn commit(&self, changes: Vec<Change>) {
        self.store.commit(changes.into()).await.unwrap();
    }

    /// An app that claims `{slug}.test` and answers `GET /`.
    async fn app(&self, slug: &str) -> (AppId, crate::store::ScriptRecord) {
        let app = row::app(slug);
        let script = row::script(app.id, "main", "1");
        let changes = vec![
            Change::CreateApp(app.clone()),
            Change::ClaimDomain(row::domain(app.id, &format!("{slug}.test"))),
            Change::CreateScript(script.clone()),
            Change::CreateRoute(row::route(&script, "GET", "/")),
        ];
        self.commit(changes).await;
        (app.id, script)
    }

    /// Version of the script that answers for a host, after a refresh.
    async fn version(&self, host: &str) -> Option<u64> {
        self.publisher.refresh().await.unwrap();
        self.version_now(host)
    }

    fn version_now(&self, host: &str) -> Option<u64> {
        let found = self.publisher.table().lookup(Some(host), &Method::GET, "/");
        found.ok().map(|found| found.script.version)
    }
}

#[tokio::test]
async fn changes_are_published_app_by_app() {
    let world = world();
    let ((a, script), _) = (world.app("a").await, world.app("b").await);
    assert_eq!((world.version("a.test").await, world.version("b.test").await), (Some(1), Some(1)));
    let before = world.publisher.subscribe().borrow().clone();
    world.commit(vec![row::save(&script, "2")]).await;
    assert_eq!((world.version("a.test").await, world.version("b.test").await), (Some(2), Some(1)));
    assert_eq!(before.script(script.id).unwrap().version, 1, "what was published stays as it was");
    world.commit(vec![Change::DeleteApp { id: a, expected: None }]).await;
    assert_eq!((world.version("a.test").await, world.version("b.test").await), (None, Some(1)));
    assert!(world.publisher.subscribe().borrow().script(script.id).is_none());
}

#[tokio::test]
async fn a_claim_that_changes_hands_is_never_without_an_owner() {
    let world = world();
    let ((a, _), (b, script)) = (world.app("a").await, world.app("b").await);
    world.version("a.test").await;
    world.commit(vec![row::save(&script, "2")]).await;
    let held = world.store.domains(a, Page::all()).await.unwrap().remove(0);
    let changes = vec![
        Change::ReleaseDomain { app: a, id: held.id },
        Change::ClaimDomain(row::domain(b, "a.test")),
        Change::ClaimDomain(row::domain(a, "*.c.test")),
    ];
    world.commit(changes).await;
    assert_eq!(world.version("a.test").await, Some(2));
    assert_eq!(world.version("x.c.test").await, Some(1));
    assert_eq!(world.publisher.table().refused(), []);
}

#[tokio::test]
async fn what_has_not_changed_is_shared() {
    let world = world();
    let (a, script) = world.app("a").await;
    let other = row::script(a, "other", "1");
    world.commit(vec![Change::CreateScript(other.clone())]).await;
    world.publisher.refresh().await.unwrap();
    let before = world.publisher.subscribe().borrow().clone();
    world.commit(vec![row::save(&script, "2")]).await;
    world.publisher.refresh().await.unwrap();
    let after = world.publisher.subscribe().borrow().clone();
    assert!(Arc::ptr_eq(before.script(other.id).unwrap(), after.script(other.id).unwrap()));
    let (old, new) = (before.script(script.id).unwrap(), after.script(script.id).unwrap());
    let _permit = old.gate.enter(1).unwrap();
    assert_eq!(new.gate.running(), 1, "runs of all versions count together");
}

#[tokio::test]
async fn what_is_kept_is_served_until_the_store_can_be_read() {
    let old = world();
    old.app("kept").await;
    old.app("gone").await;
    let kept = old.store.world(0).await.unwrap();
    let world = world();
    world.publisher.publish_kept(kept.clone()).await;
    assert_eq!((world.version_now("kept.test"), world.version_now("gone.test")), (Some(1), Some(1)));
    world.app("new").await;
    assert_eq!((world.version("kept.test").await, world.version("new.test").await), (None, Some(1)));
    world.publisher.publish_kept(kept).await;
    assert_eq!(world.version_now("new.test"), Some(1), "what comes late is not published");
}

#[tokio::test]
async fn a_store_that_went_back_in_time_is_read_anew() {
    let (old, new) = (world(), world());
    old.app("a").await;
    old.app("b").await;
    new.app("c").await;
    let store = LateStore::new();
    let publisher = Publisher::new(Arc::new(store.clone()), Limits::default());
    store.set(Some(Arc::new(old.store)));
    publisher.refresh().await.unwrap();
    store.set(Some(Arc::new(new.store)));
    publisher.refresh().await.unwrap();
    let answers = |host| publisher.table().claim(Some(host)).is_some();
    assert_eq!((answers("a.test"), answers("b.test"), answers("c.test")), (false, false, true));
}

#[tokio::test]
async fn a_store_that_fails_is_tried_again() {
    let world = world();
    world.app("a").await;
    let store = LateStore::new();
    let publisher = Arc::new(Publisher::new(Arc::new(store.clone()), Limits::default()));
    assert!(matches!(publisher.refresh().await, Err(StoreError::Unavailable(_))));
    let mut published = publisher.subscribe();
    let follow = publisher.clone();
    let following = tokio::spawn(async move { follow.follow(Duration::from_millis(20)).await });
    store.set(Some(Arc::new(world.store.clone())));
    published.wait_for(|snapshot| snapshot.revision == 1).await.unwrap();
    store.set(None);
    while publisher.is_current() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let found = publisher.table().lookup(Some("a.test"), &Method::GET, "/");
    assert_eq!(found.unwrap().script.version, 1, "what was published goes on");
    world.commit(vec![Change::CreateApp(row::app("b"))]).await;
    store.set(Some(Arc::new(world.store.clone())));
    published.wait_for(|snapshot| snapshot.revision == 2).await.unwrap();
    assert!(publisher.is_current());
    following.abort();
}
