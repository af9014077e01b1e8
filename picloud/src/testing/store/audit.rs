//! The audit trail is added to, and never changed.

use std::sync::Arc;

use super::{cases, commit};
use crate::{
    AdminId, AppId,
    store::{AuditRecord, Change, Commit, Page, Store, StoreError},
    testing::row,
};

cases![
    records_are_read_back_as_written,
    a_record_is_kept_with_its_commit,
    a_record_is_not_replaced,
    records_outlive_their_app_and_their_admin,
    records_are_found_by_app,
    old_records_are_pruned,
];

async fn records_are_read_back_as_written(store: Arc<dyn Store>) {
    let full = AuditRecord {
        at: i64::MAX,
        admin: Some(AdminId::new()),
        username: "ada".to_owned(),
        ip: Some("2001:db8::1".to_owned()),
        action: "script.update".to_owned(),
        refused: Some("conflict".to_owned()),
        app: Some(AppId::new()),
        target: "01a20a4a".to_owned(),
        name: "世界 'quoted' %_\\".to_owned(),
        before: Some([0; 32]),
        after: Some([255; 32]),
        ..row::audit("")
    };
    let empty = row::audit("app.create");
    store.append_audit(full.clone()).await.expect("kept");
    store.append_audit(empty.clone()).await.expect("kept");
    let mut expected = vec![full, empty];
    expected.sort_by_key(|record| std::cmp::Reverse(record.id));
    assert_eq!(store.audit(None, Page::all()).await.expect("audit"), expected);
    assert_eq!(store.revision().await.expect("revision"), 0);
}

async fn a_record_is_kept_with_its_commit(store: Arc<dyn Store>) {
    let app = row::app("a");
    let mut records: Vec<_> = (0..3).map(|n| row::audit(&format!("app.{n}"))).collect();
    let commit = Commit { changes: vec![Change::CreateApp(app)], audit: records.clone() };
    assert_eq!(store.commit(commit).await.expect("committed"), 1);
    records.sort_by_key(|record| std::cmp::Reverse(record.id));
    assert_eq!(store.audit(None, Page::all()).await.expect("audit"), records);
}

async fn a_record_is_not_replaced(store: Arc<dyn Store>) {
    let record = row::audit("app.create");
    store.append_audit(record.clone()).await.expect("kept");
    let forged = AuditRecord { action: "nothing.happened".to_owned(), ..record.clone() };
    let error = store.append_audit(forged).await.expect_err("an id is used once");
    assert!(matches!(error, StoreError::Conflict { what: "id", .. }), "{error:?}");
    assert_eq!(store.audit(None, Page::all()).await.expect("audit"), [record]);
}

async fn records_outlive_their_app_and_their_admin(store: Arc<dyn Store>) {
    let (app, ada, bob) = (row::app("a"), row::admin("ada"), row::admin("bob"));
    let people = [Change::CreateAdmin(ada.clone()), Change::CreateAdmin(bob)];
    commit(&*store, people).await;
    let record = AuditRecord { admin: Some(ada.id), app: Some(app.id), ..row::audit("app.create") };
    let changes = vec![Change::CreateApp(app.clone())];
    store.commit(Commit { changes, audit: vec![record.clone()] }).await.expect("committed");
    commit(&*store, [Change::DeleteApp { id: app.id, expected: None }]).await;
    commit(&*store, [Change::DeleteAdmin { id: ada.id, expected: None }]).await;
    assert_eq!(store.audit(Some(app.id), Page::all()).await.expect("audit"), [record]);
}

async fn records_are_found_by_app(store: Arc<dyn Store>) {
    let (a, b) = (AppId::new(), AppId::new());
    for app in [None, Some(a), Some(b), Some(a)] {
        store.append_audit(AuditRecord { app, ..row::audit("x.y") }).await.expect("kept");
    }
    assert_eq!(store.audit(None, Page::all()).await.expect("audit").len(), 4);
    let of_a = store.audit(Some(a), Page::all()).await.expect("audit");
    assert!(of_a.len() == 2 && of_a.iter().all(|record| record.app == Some(a)));
    assert_eq!(store.audit(Some(a), Page::after(of_a[0].id, 9)).await.expect("audit"), of_a[1..]);
    assert_eq!(store.audit(Some(AppId::new()), Page::all()).await.expect("audit"), []);
}

async fn old_records_are_pruned(store: Arc<dyn Store>) {
    for at in [1, 2, 3, 4] {
        store.append_audit(AuditRecord { at, ..row::audit("x.y") }).await.expect("kept");
    }
    assert_eq!(store.prune_audit(1).await.expect("a count"), 0, "the bound is kept");
    assert_eq!(store.prune_audit(3).await.expect("a count"), 2);
    let left = store.audit(None, Page::all()).await.expect("audit");
    assert!(left.len() == 2 && left.iter().all(|record| record.at >= 3));
}
