//! The contract of a store in executable form: named cases, each on a fresh store.

mod accounts;
mod audit;
mod batch;
mod delta;
mod everything;
mod generate;
mod identity;
mod log;
mod paging;
mod property;
mod races;
mod reading;
mod scope;
mod slugs;
mod unique;
mod versions;

use std::{future::Future, sync::Arc};

use crate::{
    AppId, BoxFuture,
    store::{Change, Commit, Store, StoreError},
};

/// One promise of the contract, and how it is tested.
#[derive(Clone, Copy)]
pub struct StoreCase {
    /// The promise, in a few words.
    pub name: &'static str,
    /// Tests it on a fresh store; panics if it does not hold.
    pub run: fn(Arc<dyn Store>) -> BoxFuture<'static, ()>,
}

/// Makes the list of cases of one file from its functions, named after them.
macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        pub(super) const CASES: &[super::StoreCase] = &[
            $(super::StoreCase { name: stringify!($case), run: |store| Box::pin($case(store)) }),*
        ];
    };
}
use cases;

/// All cases, for backends that want to run them one by one.
pub fn store_cases() -> impl Iterator<Item = StoreCase> {
    [
        reading::CASES,
        paging::CASES,
        scope::CASES,
        unique::CASES,
        batch::CASES,
        slugs::CASES,
        versions::CASES,
        delta::CASES,
        identity::CASES,
        accounts::CASES,
        audit::CASES,
        log::CASES,
        property::CASES,
        races::CASES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Runs every case on a fresh store from `make`: as it is, and again behind `Box` and `Arc`.
///
/// Call it on a multi-thread runtime with timers, so that the cases that race do race.
///
/// ```
/// use picloud::{store::MemoryStore, testing::store_conformance};
/// # tokio::runtime::Builder::new_multi_thread().enable_time().build().unwrap().block_on(
/// store_conformance(|| async { MemoryStore::new() })
/// # );
/// ```
///
/// # Panics
/// At the end, with the names of the cases that failed.
pub async fn store_conformance<F, Fut, S>(make: F)
where
    F: Fn() -> Fut,
    Fut: Future<Output = S>,
    S: Store + 'static,
{
    let mut failed = Vec::new();
    for case in store_cases() {
        let plain: Arc<dyn Store> = Arc::new(make().await);
        let inner: Arc<dyn Store> = Arc::new(make().await);
        let boxed: Box<dyn Store> = Box::new(inner);
        for (store, handle) in [(plain, "plain"), (Arc::new(boxed) as Arc<dyn Store>, "boxed")] {
            if tokio::spawn((case.run)(store)).await.is_err() {
                failed.push(format!("{} ({handle})", case.name));
            }
        }
    }
    assert!(failed.is_empty(), "cases that failed: {failed:#?}");
}

/// Commits changes that must succeed.
async fn commit(store: &dyn Store, changes: impl Into<Vec<Change>>) -> u64 {
    store.commit(Commit::from(changes.into())).await.expect("the commit succeeds")
}

/// Commits changes that must be refused, and checks that nothing has changed.
async fn refused(store: &dyn Store, changes: impl Into<Vec<Change>>) -> StoreError {
    let before = store.world(0).await.expect("the world is readable");
    let error = store.commit(Commit::from(changes.into())).await.expect_err("the commit is refused");
    assert_eq!(store.world(0).await.expect("the world is readable"), before, "after {error}");
    error
}

/// Checks that an error is a failed precondition of this kind of thing.
#[track_caller]
fn assert_stale(error: &StoreError, thing: &str) {
    match error {
        StoreError::Precondition { what, .. } => assert_eq!(*what, thing),
        other => panic!("expected a failed precondition of the {thing}, got {other:?}"),
    }
}

/// Checks that an error is a conflict over this.
#[track_caller]
fn assert_conflict(error: &StoreError, what: &str, value: &str, holder: Option<AppId>) {
    match error {
        StoreError::Conflict { what: w, value: v, holder: h } => {
            assert_eq!((*w, v.as_str(), *h), (what, value, holder));
        }
        other => panic!("expected a conflict over {what}, got {other:?}"),
    }
}

/// Checks that a result is `NotFound`, of this kind of thing.
#[track_caller]
fn assert_missing<T: std::fmt::Debug>(result: Result<T, StoreError>, expected: &str) {
    match result {
        Err(StoreError::NotFound { what }) => assert_eq!(what, expected),
        other => panic!("expected no such {expected}, got {other:?}"),
    }
}
