//! Lists are cut by cursors: in order, without gaps, without doubles.

use std::{fmt::Debug, sync::Arc};

use super::{cases, commit};
use crate::{
    AdminId, BoxFuture, RequestId,
    store::{AdminRecord, Change, ExecutionFilter, ExecutionRecord, Page, Store, StoreError},
    testing::row,
};

cases![
    every_list_is_cut_into_pages_without_gaps,
    pages_of_the_newest_first_go_back_in_time,
    a_cursor_need_not_be_there_any_more,
    a_page_of_nothing_is_empty,
];

/// Reads a list page by page, and whole, and gives both.
async fn walk<I: Copy, T>(
    limit: usize,
    id: fn(&T) -> I,
    list: impl Fn(Page<I>) -> BoxFuture<'static, Result<Vec<T>, StoreError>>,
) -> (Vec<T>, Vec<T>) {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = list(Page { after, limit }).await.expect("a page");
        assert!(page.len() <= limit);
        let is_last = page.len() < limit;
        after = page.last().map(id);
        pages.extend(page);
        if is_last {
            return (pages, list(Page::all()).await.expect("the whole list"));
        }
    }
}

/// Checks pages of several sizes against `expected`.
async fn check<I: Copy, T: Debug + PartialEq>(
    expected: &[T],
    id: fn(&T) -> I,
    list: impl Fn(Page<I>) -> BoxFuture<'static, Result<Vec<T>, StoreError>>,
) {
    for limit in [1, 3, expected.len(), expected.len() + 1] {
        let (pages, whole) = walk(limit, id, &list).await;
        assert_eq!(pages, expected, "in pages of {limit}");
        assert_eq!(whole, expected);
    }
}

/// A list of the store as a function that outlives the borrow.
macro_rules! list {
    ($store:ident, $method:ident $(, $argument:expr)*) => {{
        let store = $store.clone();
        move |page| {
            let store = store.clone();
            Box::pin(async move { store.$method($($argument.clone(),)* page).await }) as BoxFuture<'static, _>
        }
    }};
}

async fn every_list_is_cut_into_pages_without_gaps(store: Arc<dyn Store>) {
    let mut apps: Vec<_> = (0..7).map(|n| row::app(&format!("a{n}"))).collect();
    let app = apps[3].id;
    let mut domains: Vec<_> = (0..7).map(|n| row::domain(app, &format!("d{n}.test"))).collect();
    let mut scripts: Vec<_> = (0..7).map(|n| row::script(app, &format!("s{n}"), "")).collect();
    let mut routes: Vec<_> = (0..7).map(|n| row::route(&scripts[n % 2], "GET", &format!("/r{n}"))).collect();
    let mut admins: Vec<_> = (0..7).map(|n| row::admin(&format!("admin-{n}"))).collect();
    let changes = apps.iter().cloned().map(Change::CreateApp);
    let changes = changes.chain(domains.iter().cloned().map(Change::ClaimDomain));
    let changes = changes.chain(scripts.iter().cloned().map(Change::CreateScript));
    let changes = changes.chain(routes.iter().cloned().map(Change::CreateRoute));
    let changes = changes.chain(admins.iter().cloned().map(Change::CreateAdmin));
    commit(&*store, changes.collect::<Vec<_>>()).await;
    apps.sort_by_key(|row| row.id);
    domains.sort_by_key(|row| row.id);
    scripts.sort_by_key(|row| row.id);
    routes.sort_by_key(|row| row.id);
    admins.sort_by_key(|row| row.id);
    check(&apps, |row| row.id, list!(store, apps)).await;
    check(&domains, |row| row.id, list!(store, domains, app)).await;
    check(&scripts, |row| row.id, list!(store, scripts, app)).await;
    check(&routes, |row| row.id, list!(store, routes, app)).await;
    check::<AdminId, AdminRecord>(&admins, |row| row.id, list!(store, admins)).await;
}

async fn pages_of_the_newest_first_go_back_in_time(store: Arc<dyn Store>) {
    let app = row::app("a");
    let script = row::script(app.id, "main", "0");
    let (id, owner) = (script.id, app.id);
    commit(&*store, [Change::CreateApp(app), Change::CreateScript(script.clone())]).await;
    for n in 1..7 {
        commit(&*store, [row::save(&script, &n.to_string())]).await;
    }
    let mut audit = Vec::new();
    let mut runs: Vec<_> = (0..7).map(|_| row::execution(&script)).collect();
    for n in 0..7 {
        audit.push(row::audit(&format!("a.{n}")));
        store.append_audit(audit[n].clone()).await.expect("kept");
    }
    store.append_log(runs.clone(), Vec::new()).await.expect("kept");
    let versions = store.versions(owner, id, Page::all()).await.expect("versions");
    assert_eq!(versions.iter().map(|row| row.version).collect::<Vec<_>>(), [7, 6, 5, 4, 3, 2, 1]);
    check(&versions, |row| row.version, list!(store, versions, owner, id)).await;
    audit.sort_by_key(|row| std::cmp::Reverse(row.id));
    check(&audit, |row| row.id, list!(store, audit, None)).await;
    runs.sort_by_key(|row| std::cmp::Reverse(row.id));
    let list = list!(store, executions, owner, ExecutionFilter::default());
    check::<RequestId, ExecutionRecord>(&runs, |row| row.id, list).await;
}

async fn a_cursor_need_not_be_there_any_more(store: Arc<dyn Store>) {
    let mut apps: Vec<_> = (0..3).map(|n| row::app(&format!("a{n}"))).collect();
    commit(&*store, apps.iter().cloned().map(Change::CreateApp).collect::<Vec<_>>()).await;
    apps.sort_by_key(|app| app.id);
    commit(&*store, [Change::DeleteApp { id: apps[0].id, expected: None }]).await;
    let rest = store.apps(Page::after(apps[0].id, 10)).await.expect("the rest");
    assert_eq!(rest, apps[1..]);
}

async fn a_page_of_nothing_is_empty(store: Arc<dyn Store>) {
    commit(&*store, [Change::CreateApp(row::app("a"))]).await;
    assert_eq!(store.apps(Page::first(0)).await.expect("nothing"), []);
    assert_eq!(store.apps(Page::first(1)).await.expect("one").len(), 1);
}
