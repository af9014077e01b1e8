//! Admins and sessions: one first admin, and sessions that end for good.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{assert_missing, cases, commit};
use crate::{
    AdminId, SessionId,
    store::{AdminRecord, Change, Page, SessionRecord, Store},
    testing::row::{self, CREATED_AT},
};

cases![
    a_fresh_store_has_never_had_an_admin,
    one_of_fifty_racers_becomes_the_first_admin,
    admins_are_found_by_name_as_stored,
    a_password_hash_is_replaced,
    a_session_is_found_by_the_hash_of_its_token,
    a_session_needs_an_admin,
    touching_a_session_never_moves_it_back,
    a_deleted_session_stays_deleted,
    pruning_takes_the_idle_and_the_old,
    a_session_is_ended_by_its_own_admin_only,
    all_sessions_but_one_end_at_once,
    a_hash_that_has_changed_meanwhile_is_not_replaced,
    the_first_admin_leaves_a_record,
];

async fn first_admin(store: &dyn Store) -> AdminRecord {
    let admin = row::admin("ada");
    assert!(
        store
            .create_first_admin(admin.clone(), row::audit("admin.create"))
            .await
            .expect("the first admin is created")
    );
    admin
}

async fn keep(store: &dyn Store, admin: AdminId, token: u8) -> SessionRecord {
    let session = row::session(admin, token);
    store.create_session(session.clone()).await.expect("the session is kept");
    session
}

async fn a_fresh_store_has_never_had_an_admin(store: Arc<dyn Store>) {
    assert!(!store.has_had_admin().await.expect("an answer"));
    assert_missing(store.admin_by_name("ada").await, "admin");
    assert_missing(store.rehash_password(AdminId::new(), String::new(), String::new()).await, "admin");
}

async fn one_of_fifty_racers_becomes_the_first_admin(store: Arc<dyn Store>) {
    let mut racers = JoinSet::new();
    for n in 0..50 {
        let store = store.clone();
        racers.spawn(async move {
            let admin = row::admin(&format!("racer-{n}"));
            let first =
                store.create_first_admin(admin.clone(), row::audit("admin.create")).await.expect("an answer");
            first.then_some(admin)
        });
    }
    let winners: Vec<_> = racers.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert!(store.has_had_admin().await.expect("an answer"));
    assert!(
        !store.create_first_admin(row::admin("late"), row::audit("admin.create")).await.expect("an answer")
    );
    assert_eq!(store.admin_by_name(&winners[0].username).await.expect("the winner").id, winners[0].id);
    assert_missing(store.admin_by_name("late").await, "admin");
}

async fn admins_are_found_by_name_as_stored(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    assert!(store.admin_by_name("ada").await.expect("admin") == admin);
    for name in ["Ada", "ada ", "ad", "", "ada' OR '1'='1", "ada\0"] {
        assert_missing(store.admin_by_name(name).await, "admin");
    }
}

async fn a_password_hash_is_replaced(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    store
        .rehash_password(admin.id, admin.password_hash.clone(), "$argon2id$newer".to_owned())
        .await
        .expect("it is replaced");
    let expected = AdminRecord { password_hash: "$argon2id$newer".to_owned(), ..admin };
    assert!(store.admin_by_name("ada").await.expect("admin") == expected);
}

async fn a_session_is_found_by_the_hash_of_its_token(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    let mut nowhere = row::session(admin.id, 2);
    nowhere.ip = None;
    store.create_session(nowhere.clone()).await.expect("the session is kept");
    let session = keep(&*store, admin.id, 1).await;
    assert!(store.session([1; 32]).await.expect("session") == (session, admin.clone()));
    assert!(store.session([2; 32]).await.expect("session") == (nowhere, admin));
    assert_missing(store.session([3; 32]).await, "session");
}

async fn a_session_needs_an_admin(store: Arc<dyn Store>) {
    assert_missing(store.create_session(row::session(AdminId::new(), 1)).await, "admin");
    assert_missing(store.session([1; 32]).await, "session");
}

async fn touching_a_session_never_moves_it_back(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    let session = keep(&*store, admin.id, 1).await;
    for (at, expected) in [(10, 10), (5, 10), (-1, 10), (11, 11)] {
        store.touch_session(session.id, CREATED_AT + at).await.expect("it is touched");
        let (found, _) = store.session([1; 32]).await.expect("session");
        assert_eq!(found.last_used_at, CREATED_AT + expected);
    }
    store.touch_session(SessionId::new(), CREATED_AT).await.expect("an unknown session is no error");
}

async fn a_deleted_session_stays_deleted(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    let session = keep(&*store, admin.id, 1).await;
    keep(&*store, admin.id, 2).await;
    store.delete_session(admin.id, session.id).await.expect("it is deleted");
    assert_missing(store.delete_session(admin.id, session.id).await, "session");
    store.touch_session(session.id, CREATED_AT + 1).await.expect("touching it is no error");
    assert_missing(store.session([1; 32]).await, "session");
    store.session([2; 32]).await.expect("the other one stays");
}

async fn pruning_takes_the_idle_and_the_old(store: Arc<dyn Store>) {
    let admin = first_admin(&*store).await;
    for (token, created, used) in [(1, 0, 0), (2, 0, 100), (3, 50, 50), (4, 50, 100)] {
        let session = row::session(admin.id, token);
        let (created_at, last_used_at) = (CREATED_AT + created, CREATED_AT + used);
        store
            .create_session(SessionRecord { created_at, last_used_at, ..session })
            .await
            .expect("it is kept");
    }
    assert_eq!(
        store.prune_sessions(CREATED_AT, CREATED_AT).await.expect("a count"),
        0,
        "the bounds are kept"
    );
    assert_eq!(store.prune_sessions(CREATED_AT + 51, CREATED_AT + 1).await.expect("a count"), 3);
    store.session([4; 32]).await.expect("the fresh one stays");
    assert_missing(store.session([3; 32]).await, "session");
}

async fn a_session_is_ended_by_its_own_admin_only(store: Arc<dyn Store>) {
    let ada = first_admin(&*store).await;
    let bob = row::admin("bob");
    commit(&*store, [Change::CreateAdmin(bob.clone())]).await;
    let session = keep(&*store, ada.id, 1).await;
    assert_missing(store.delete_session(bob.id, session.id).await, "session");
    store.session([1; 32]).await.expect("it goes on");
    store.delete_session(ada.id, session.id).await.expect("it is ended");
    assert_missing(store.delete_session(ada.id, session.id).await, "session");
}

async fn all_sessions_but_one_end_at_once(store: Arc<dyn Store>) {
    let ada = first_admin(&*store).await;
    let bob = row::admin("bob");
    commit(&*store, [Change::CreateAdmin(bob.clone())]).await;
    let mut sessions = Vec::new();
    for token in 1..=3 {
        sessions.push(keep(&*store, ada.id, token).await);
    }
    let other = keep(&*store, bob.id, 4).await;
    sessions.sort_by_key(|session| session.id);
    assert_eq!(store.sessions(ada.id).await.expect("sessions"), sessions);
    let ended = store.delete_sessions(ada.id, Some(sessions[1].id)).await.expect("a count");
    assert_eq!(ended, 2);
    assert_eq!(store.sessions(ada.id).await.expect("sessions"), [sessions[1].clone()]);
    assert_eq!(store.delete_sessions(ada.id, None).await.expect("a count"), 1);
    assert_eq!(store.sessions(bob.id).await.expect("sessions"), [other]);
}

async fn a_hash_that_has_changed_meanwhile_is_not_replaced(store: Arc<dyn Store>) {
    let ada = first_admin(&*store).await;
    let (old, new) = ("$argon2id$stale".to_owned(), "$argon2id$newer".to_owned());
    store.rehash_password(ada.id, old, new).await.expect("no error");
    assert_eq!(store.admin(ada.id).await.expect("admin"), ada);
}

async fn the_first_admin_leaves_a_record(store: Arc<dyn Store>) {
    let (first, late) = (row::audit("admin.create"), row::audit("admin.create"));
    assert!(store.create_first_admin(row::admin("ada"), first.clone()).await.expect("an answer"));
    assert!(!store.create_first_admin(row::admin("bob"), late).await.expect("an answer"));
    assert_eq!(store.audit(None, Page::all()).await.expect("audit"), [first]);
    assert_eq!(store.revision().await.expect("revision"), 0, "this counts as no commit");
}
