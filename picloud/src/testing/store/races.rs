//! Many writers claim, hand over, rename and delete at once. Whatever wins: a domain has one owner, a former slug leads
//! to an app that is there, and what nobody has can be had.

use std::{collections::HashSet, sync::Arc};

use tokio::task::JoinSet;

use super::{assert_missing, cases, commit, generate::Dice};
use crate::{
    AppId, LimitOverrides, Slug,
    store::{AppKey, AppRecord, AppWorld, Change, Page, Store, StoreError, World},
    testing::row,
};

cases![racing_claims_renames_and_deletes_leave_one_owner_and_no_redirect_to_nowhere];

const WRITERS: u64 = 12;
const ROUNDS: usize = 15;
/// Few, so that they meet.
const SLUGS: [&str; 5] = ["ant", "bee", "cat", "dog", "eel"];
const HOSTS: [&str; 4] = ["a.test", "b.test", "*.a.test", "*"];

async fn racing_claims_renames_and_deletes_leave_one_owner_and_no_redirect_to_nowhere(store: Arc<dyn Store>) {
    let before =
        commit(&*store, [Change::CreateApp(row::app("ant")), Change::CreateApp(row::app("bee"))]).await;
    let mut writers = JoinSet::new();
    for seed in 0..WRITERS {
        let store = store.clone();
        writers.spawn(async move { write(&*store, Dice::new(seed)).await });
    }
    let done = writers.join_all().await.into_iter().fold(Told::default(), Told::and);
    assert!(done.won > 20 && done.taken > 20, "they did not race: {done:?}");
    assert_eq!(store.revision().await.expect("revision"), before + done.won);
    let world = store.world(0).await.expect("world");
    assert_sound(&world);
    for app in &world.apps {
        assert_told_alike(&*store, app).await;
    }
    for text in SLUGS {
        assert_leads_somewhere(&*store, &world, slug(text)).await;
    }
    assert_the_rest_is_free(&*store, &world).await;
}

/// How many commits of a writer were made, and how many were refused over what another has.
#[derive(Debug, Default)]
struct Told {
    won: u64,
    taken: u64,
}

impl Told {
    fn and(self, other: Self) -> Self {
        Self { won: self.won + other.won, taken: self.taken + other.taken }
    }
}

async fn write(store: &dyn Store, mut dice: Dice) -> Told {
    let mut told = Told::default();
    for _ in 0..ROUNDS {
        let changes = next(store, &mut dice).await;
        match store.commit(changes.into()).await {
            Ok(_) => told.won += 1,
            Err(StoreError::Conflict { .. }) => told.taken += 1,
            // Another writer was faster to remove it.
            Err(StoreError::NotFound { .. }) => {}
            Err(error) => panic!("a race fails nobody: {error:?}"),
        }
        assert_sound(&store.world(0).await.expect("world"));
    }
    told
}

/// What a writer wants, by what is there when it looks.
async fn next(store: &dyn Store, dice: &mut Dice) -> Vec<Change> {
    let apps = store.apps(Page::all()).await.expect("apps");
    let new = row::app(dice.pick(&SLUGS));
    let (Some(app), Some(other)) = (choose(dice, &apps), choose(dice, &apps)) else {
        return vec![Change::CreateApp(new)];
    };
    let claim = |app: AppId, host: &str| Change::ClaimDomain(row::domain(app, host));
    let host = dice.pick(&HOSTS);
    match dice.below(9) {
        0 | 1 => {
            let claim = claim(new.id, host);
            vec![Change::CreateApp(new), claim]
        }
        2 | 3 => vec![rename(app.id, new.slug)],
        // Two apps change names, or whatever else is under way by then.
        4 => vec![rename(app.id, slug("eel")), rename(other.id, app.slug), rename(app.id, other.slug)],
        5 => vec![Change::DeleteApp { id: app.id, expected: None }],
        6 => release(store, app.id).await,
        7 => {
            let mut changes = release(store, app.id).await;
            changes.push(claim(other.id, host));
            changes
        }
        _ => vec![claim(app.id, host)],
    }
}

fn choose(dice: &mut Dice, apps: &[AppRecord]) -> Option<AppRecord> {
    (!apps.is_empty()).then(|| dice.pick(apps))
}

fn rename(id: AppId, slug: Slug) -> Change {
    Change::UpdateApp { id, expected: None, slug, limits: LimitOverrides::default() }
}

/// Gives all claims of an app up.
async fn release(store: &dyn Store, app: AppId) -> Vec<Change> {
    let held = store.domains(app, Page::all()).await.expect("domains");
    held.into_iter().map(|domain| Change::ReleaseDomain { app, id: domain.id }).collect()
}

fn slug(text: &str) -> Slug {
    text.parse().expect("these are slugs")
}

/// What is read in one moment contradicts itself nowhere.
#[track_caller]
fn assert_sound(world: &World) {
    let (mut slugs, mut shapes) = (HashSet::new(), HashSet::new());
    for AppWorld { app, domains, .. } in &world.apps {
        assert!(slugs.insert(&app.slug), "two apps are called {}: {world:#?}", app.slug);
        for domain in domains {
            assert_eq!(domain.app, app.id);
            assert!(shapes.insert(&domain.shape), "{} has two owners: {world:#?}", domain.shape);
        }
    }
}

/// Each way to ask for an app and its domains gives what the world says.
async fn assert_told_alike(store: &dyn Store, AppWorld { app, domains, .. }: &AppWorld) {
    for key in [AppKey::Id(app.id), AppKey::Slug(app.slug.clone())] {
        assert_eq!(store.app(key).await.expect("app"), *app);
    }
    assert_eq!(store.domains(app.id, Page::all()).await.expect("domains"), *domains);
    for domain in domains {
        assert_eq!(store.app_of_domain(domain.id).await.expect("its app"), app.id);
    }
}

/// A slug is in use, or leads to an app as it is now, or is nobody's.
async fn assert_leads_somewhere(store: &dyn Store, world: &World, slug: Slug) {
    let used = world.apps.iter().any(|world| world.app.slug == slug);
    match store.former(slug.clone()).await {
        Ok(app) => {
            assert!(!used, "{slug} is in use and a redirect");
            assert!(world.apps.iter().any(|world| world.app == app), "{slug} leads to nowhere: {app:?}");
        }
        error => assert_missing(error, "app"),
    }
}

/// What no app has is held by nothing that cannot be seen.
async fn assert_the_rest_is_free(store: &dyn Store, world: &World) {
    let late = row::app("late");
    commit(store, [Change::CreateApp(late.clone())]).await;
    for host in HOSTS {
        let held = world.apps.iter().flat_map(|world| &world.domains).any(|domain| domain.shape == host);
        let claimed = store.commit(vec![Change::ClaimDomain(row::domain(late.id, host))].into()).await;
        assert_eq!(claimed.is_ok(), !held, "{host}: {claimed:?}");
    }
    for text in SLUGS {
        let used = world.apps.iter().any(|world| world.app.slug == slug(text));
        let made = store.commit(vec![Change::CreateApp(row::app(text))].into()).await;
        assert_eq!(made.is_ok(), !used, "{text}: {made:?}");
    }
}
