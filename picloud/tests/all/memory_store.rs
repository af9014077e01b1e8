//! The store in memory keeps the contract of a store.

use std::sync::Arc;

use picloud::{
    store::MemoryStore,
    testing::{store_cases, store_conformance},
};

#[tokio::test(flavor = "multi_thread")]
async fn memory_store_conforms() {
    store_conformance(|| async { MemoryStore::new() }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes long: make isolation"]
async fn isolation_on_memory() {
    let name = "what_is_done_in_one_app_changes_no_read_of_another";
    let case = store_cases().find(|case| case.name == name).unwrap();
    (case.run)(Arc::new(MemoryStore::new())).await;
}
