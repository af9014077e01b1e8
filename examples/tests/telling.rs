//! A store of one's own keeps the contract, and does what it is for.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use picloud::{
    RhaiExecutor,
    manager::{Actor, AppChanges, Manager},
    store::{AppKey, MemoryStore},
    testing::store_conformance,
};

#[allow(dead_code, unreachable_pub, reason = "an example is a program, and here only its parts are wanted")]
#[path = "../store.rs"]
mod store;
use store::Telling;

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_ones_own_keeps_the_contract() {
    store_conformance(|| async { Telling(MemoryStore::new(), Arc::new(|_, _| {})) }).await;
}

#[tokio::test]
async fn it_tells_of_what_was_committed_and_of_nothing_else() {
    let told = Arc::new(AtomicU64::new(0));
    let tell = told.clone();
    let tell: store::Tell = Arc::new(move |_, revision| tell.store(revision, Ordering::Relaxed));
    let store = Arc::new(Telling(MemoryStore::new(), tell));
    let manager = Manager::new(store, Arc::new(RhaiExecutor::default()));
    assert!(manager.seed_hello().await.unwrap());
    assert_eq!(told.load(Ordering::Relaxed), 1);
    let nobody = AppKey::parse("nobody").unwrap();
    manager.update_app(&Actor::platform(), &nobody, None, AppChanges::default()).await.unwrap_err();
    assert_eq!(told.load(Ordering::Relaxed), 1);
}
