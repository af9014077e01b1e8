//! The store in memory keeps the contract of a store.

use picloud::{store::MemoryStore, testing::store_conformance};

#[tokio::test(flavor = "multi_thread")]
async fn memory_store_conforms() {
    store_conformance(|| async { MemoryStore::new() }).await;
}
