//! Admins and settings as commits change them.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{assert_conflict, assert_missing, assert_stale, cases, commit, refused};
use crate::{
    AdminId, SessionId,
    store::{AdminRecord, Change, Page, Role, SettingRecord, Store, StoreError},
    testing::row,
};

cases![
    admins_are_read_back_as_written,
    an_admin_changes_part_by_part,
    a_taken_username_is_a_conflict,
    an_admin_that_a_commit_made_is_the_first,
    some_changes_end_the_sessions_of_an_admin,
    an_admin_goes_with_their_sessions,
    the_last_admin_who_can_log_in_stays,
    one_of_ten_racers_who_remove_all_admins_is_refused,
    one_of_ten_racers_who_disable_all_admins_is_refused,
    errors_of_admins_come_in_order,
    settings_are_set_replaced_and_removed,
];

/// An update of an admin that changes nothing yet.
fn update(id: AdminId) -> Update {
    Update { id, expected: None, username: None, password_hash: None, role: None, active: None, keep: None }
}

#[derive(Clone)]
struct Update {
    id: AdminId,
    expected: Option<u64>,
    username: Option<&'static str>,
    password_hash: Option<&'static str>,
    role: Option<Role>,
    active: Option<bool>,
    keep: Option<SessionId>,
}

impl From<Update> for Change {
    fn from(update: Update) -> Self {
        let Update { id, expected, username, password_hash, role, active, keep } = update;
        let (username, password_hash) = (username.map(str::to_owned), password_hash.map(str::to_owned));
        Self::UpdateAdmin { id, expected, username, password_hash, role, active, keep }
    }
}

async fn create<const N: usize>(store: &dyn Store, names: [&str; N]) -> [AdminRecord; N] {
    let admins = names.map(row::admin);
    commit(store, admins.iter().cloned().map(Change::CreateAdmin).collect::<Vec<_>>()).await;
    admins
}

async fn admins_are_read_back_as_written(store: Arc<dyn Store>) {
    let [ada, _] = create(&*store, ["ada", "bob"]).await;
    let idle = AdminRecord { active: false, created_at: i64::MIN, ..row::admin("idle+1@mail.test") };
    commit(&*store, [Change::CreateAdmin(idle.clone())]).await;
    assert_eq!(store.admin(ada.id).await.expect("admin"), ada);
    assert_eq!(store.admin_by_name("idle+1@mail.test").await.expect("admin"), idle);
    assert_missing(store.admin(AdminId::new()).await, "admin");
    assert_missing(store.admin_by_name("Ada").await, "admin");
}

async fn an_admin_changes_part_by_part(store: Arc<dyn Store>) {
    let [ada, _] = create(&*store, ["ada", "bob"]).await;
    let steps = [
        Update { username: Some("eve"), ..update(ada.id) },
        Update { password_hash: Some("$argon2id$new"), expected: Some(2), ..update(ada.id) },
        Update { active: Some(false), ..update(ada.id) },
        update(ada.id),
        Update { active: Some(true), role: Some(Role::Owner), ..update(ada.id) },
    ];
    for step in steps {
        commit(&*store, [step.into()]).await;
    }
    let (username, password_hash) = ("eve".to_owned(), "$argon2id$new".to_owned());
    let expected = AdminRecord { username, password_hash, version: 6, ..ada.clone() };
    assert_eq!(store.admin(ada.id).await.expect("admin"), expected);
    let found = store.admin(ada.id).await.expect("admin");
    assert_eq!((found.password_hash, found.active), (expected.password_hash, true));
}

async fn a_taken_username_is_a_conflict(store: Arc<dyn Store>) {
    let [ada, bob] = create(&*store, ["ada", "bob"]).await;
    let error = refused(&*store, [Change::CreateAdmin(row::admin("ada"))]).await;
    assert_conflict(&error, "username", "ada", None);
    let error = refused(&*store, [Update { username: Some("ada"), ..update(bob.id) }.into()]).await;
    assert_conflict(&error, "username", "ada", None);
    commit(&*store, [Update { username: Some("ada"), ..update(ada.id) }.into()]).await;
    commit(&*store, [Change::DeleteAdmin { id: ada.id, expected: None }]).await;
    commit(&*store, [Update { username: Some("ada"), ..update(bob.id) }.into()]).await;
}

async fn an_admin_that_a_commit_made_is_the_first(store: Arc<dyn Store>) {
    create(&*store, ["ada"]).await;
    assert!(store.has_had_admin().await.expect("an answer"));
    let late = store.create_first_admin(row::admin("late"), row::audit("admin.create"));
    assert!(!late.await.expect("an answer"));
}

async fn some_changes_end_the_sessions_of_an_admin(store: Arc<dyn Store>) {
    let [ada, bob] = create(&*store, ["ada", "bob"]).await;
    for token in [1, 2] {
        store.create_session(row::session(ada.id, token)).await.expect("a session");
    }
    store.create_session(row::session(bob.id, 3)).await.expect("a session");
    let kept = store.session([1; 32]).await.expect("a session").0.id;
    commit(&*store, [Update { username: Some("eve"), active: Some(true), ..update(ada.id) }.into()]).await;
    assert_eq!(store.sessions(ada.id).await.expect("sessions").len(), 2, "a new name ends none");
    let keep = Some(kept);
    commit(&*store, [Update { password_hash: Some("$argon2id$new"), keep, ..update(ada.id) }.into()]).await;
    let left = store.sessions(ada.id).await.expect("sessions");
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [kept]);
    commit(&*store, [Update { active: Some(false), ..update(ada.id) }.into()]).await;
    assert_eq!(store.sessions(ada.id).await.expect("sessions"), []);
    store.session([3; 32]).await.expect("those of others go on");
}

async fn an_admin_goes_with_their_sessions(store: Arc<dyn Store>) {
    let [ada, bob] = create(&*store, ["ada", "bob"]).await;
    store.create_session(row::session(ada.id, 1)).await.expect("a session");
    store.create_session(row::session(bob.id, 2)).await.expect("a session");
    commit(&*store, [Change::DeleteAdmin { id: ada.id, expected: Some(1) }]).await;
    assert_missing(store.session([1; 32]).await, "session");
    assert_missing(store.admin(ada.id).await, "admin");
    assert_eq!(store.sessions(ada.id).await.expect("sessions"), []);
    store.session([2; 32]).await.expect("those of others go on");
}

#[track_caller]
fn assert_last(error: &StoreError) {
    assert!(matches!(error, StoreError::LastAdmin), "{error:?}");
}

async fn the_last_admin_who_can_log_in_stays(store: Arc<dyn Store>) {
    let [ada] = create(&*store, ["ada"]).await;
    let idle = AdminRecord { active: false, ..row::admin("idle") };
    commit(&*store, [Change::CreateAdmin(idle.clone())]).await;
    assert_last(&refused(&*store, [Change::DeleteAdmin { id: ada.id, expected: None }]).await);
    assert_last(&refused(&*store, [Update { active: Some(false), ..update(ada.id) }.into()]).await);
    commit(&*store, [Update { username: Some("eve"), ..update(ada.id) }.into()]).await;
    commit(&*store, [Update { active: Some(false), ..update(idle.id) }.into()]).await;
    // In one batch, too: the order of changes decides.
    let (on, off) = (
        Change::from(Update { active: Some(true), ..update(idle.id) }),
        Change::from(Update { active: Some(false), ..update(ada.id) }),
    );
    assert_last(&refused(&*store, [off.clone(), on.clone()]).await);
    commit(&*store, [on, off]).await;
    commit(&*store, [Change::DeleteAdmin { id: ada.id, expected: None }]).await;
    assert_last(&refused(&*store, [Change::DeleteAdmin { id: idle.id, expected: None }]).await);
}

async fn race_for_the_last(store: Arc<dyn Store>, end: fn(AdminId) -> Change) {
    let names: Vec<_> = (0..10).map(|n| row::admin(&format!("admin-{n}"))).collect();
    commit(&*store, names.iter().cloned().map(Change::CreateAdmin).collect::<Vec<_>>()).await;
    let mut racers = JoinSet::new();
    for admin in &names {
        let (store, change) = (store.clone(), end(admin.id));
        racers.spawn(async move { store.commit(vec![change].into()).await });
    }
    let lost: Vec<_> = racers.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_last(&lost[0]);
    let left = store.admins(Page::all()).await.expect("admins");
    assert_eq!(left.iter().filter(|admin| admin.active).count(), 1);
}

async fn one_of_ten_racers_who_remove_all_admins_is_refused(store: Arc<dyn Store>) {
    race_for_the_last(store, |id| Change::DeleteAdmin { id, expected: None }).await;
}

async fn one_of_ten_racers_who_disable_all_admins_is_refused(store: Arc<dyn Store>) {
    race_for_the_last(store, |id| Update { active: Some(false), ..update(id) }.into()).await;
}

async fn errors_of_admins_come_in_order(store: Arc<dyn Store>) {
    let [ada] = create(&*store, ["ada"]).await;
    let idle = AdminRecord { active: false, ..row::admin("idle") };
    commit(&*store, [Change::CreateAdmin(idle)]).await;
    let wrong = Update { active: Some(false), username: Some("idle"), ..update(ada.id) };
    let nobody = Update { id: AdminId::new(), expected: Some(7), ..wrong.clone() };
    assert_missing::<u64>(Err(refused(&*store, [nobody.into()]).await), "admin");
    let stale = Update { expected: Some(7), ..wrong.clone() };
    assert_stale(&refused(&*store, [stale.into()]).await, "admin");
    assert_last(&refused(&*store, [wrong.into()]).await);
    let stale = Change::DeleteAdmin { id: ada.id, expected: Some(7) };
    assert_stale(&refused(&*store, [stale]).await, "admin");
    let nobody = Change::DeleteAdmin { id: AdminId::new(), expected: Some(7) };
    assert_missing::<u64>(Err(refused(&*store, [nobody]).await), "admin");
}

async fn settings_are_set_replaced_and_removed(store: Arc<dyn Store>) {
    let set = |key: &str, value: Option<&str>, at| Change::SetSetting {
        key: key.to_owned(),
        value: value.map(str::to_owned),
        at,
    };
    let row = |key: &str, value: &str, updated_at| SettingRecord {
        key: key.to_owned(),
        value: value.to_owned(),
        updated_at,
    };
    assert_eq!(store.settings().await.expect("settings"), []);
    commit(&*store, [set("b", Some("1"), 1), set("a", Some("{\"x\": [1]}"), 2)]).await;
    let both = [row("a", "{\"x\": [1]}", 2), row("b", "1", 1)];
    assert_eq!(store.settings().await.expect("settings"), both);
    commit(&*store, [set("b", Some("2"), 3), set("a", None, 3), set("nothing", None, 3)]).await;
    assert_eq!(store.settings().await.expect("settings"), [row("b", "2", 3)]);
}
