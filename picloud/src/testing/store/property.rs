//! What holds whatever is done.
//!
//! How many operations are tried is set by the environment variable `PICLOUD_STORE_CASES`, for runs that may take long.

use std::sync::Arc;

use super::{
    cases,
    everything::{everything_with, of_app},
    generate::{Dice, Known, SLUGS},
};
use crate::{
    AppId, ScriptId, Slug,
    store::{Change, MemoryStore, Store, StoreError},
    testing::row,
};

cases![a_store_does_as_the_model_does, what_is_done_in_one_app_changes_no_read_of_another,];

/// Operations per property, where nothing else is said.
const OPERATIONS: usize = 300;
/// Looks at everything, per property: each takes as long as what was ever recorded is.
const LOOKS: usize = 300;

fn operations() -> usize {
    std::env::var("PICLOUD_STORE_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(OPERATIONS)
}

/// A store and the plain model of the contract get the same operations: answers, errors and reads are the same.
async fn a_store_does_as_the_model_does(store: Arc<dyn Store>) {
    let model = MemoryStore::new();
    let (mut dice, mut known) = (Dice::new(1), Known::default());
    let slugs: Vec<Slug> = SLUGS.iter().map(|slug| slug.parse().expect("these are slugs")).collect();
    let stride = operations().div_ceil(LOOKS).max(10);
    for round in 0..operations() {
        let (mut twin, mut same) = (dice.clone(), known.clone());
        let told = operate(&*store, &mut dice, &mut known).await;
        let expected = operate(&model, &mut twin, &mut same).await;
        assert_eq!(told, expected, "operation {round}");
        if round % stride == 0 {
            let reads = everything_with(&*store, &known.apps, &slugs).await;
            assert_eq!(reads, everything_with(&model, &known.apps, &slugs).await, "after operation {round}");
        }
        if known.apps.len() > 40 {
            known.apps.drain(..20); // Most of them are gone; the others stay, out of reach.
        }
    }
}

/// Does one operation, and tells what came of it.
async fn operate(store: &dyn Store, dice: &mut Dice, known: &mut Known) -> String {
    match dice.below(10) {
        0 => {
            let session = known.session(dice);
            tell(store.create_session(session).await)
        }
        1 => {
            let (app, count) = (known.apps.last().copied(), dice.below(3));
            let runs = (0..count).filter_map(|_| Some(known.execution(dice, app?))).collect();
            let minutes = known.scripts.last().zip(app).map(|(script, app)| row::minute(app, *script, 1));
            tell(store.append_log(runs, minutes.into_iter().collect()).await)
        }
        2 => {
            let record = known.audit(dice);
            tell(store.append_audit(record).await)
        }
        _ => {
            let commit = known.commit(dice);
            let shown = format!("{commit:?}");
            format!("{} for {shown}", tell(store.commit(commit).await))
        }
    }
}

fn tell<T: std::fmt::Debug>(result: Result<T, StoreError>) -> String {
    format!("{result:?}")
}

/// Operations name one app, and ids of either: nothing that can be read of the other one changes.
async fn what_is_done_in_one_app_changes_no_read_of_another(store: Arc<dyn Store>) {
    let (mut dice, mut known) = (Dice::new(2), Known::default());
    let victim = victim(&*store, &mut known).await;
    let before = of_app(&*store, victim).await;
    let mut app = intruder(&*store).await;
    for round in 0..operations() {
        if dice.below(20) == 0 {
            let run = known.execution(&mut dice, app);
            let minute = row::minute(app, run.script, 1);
            store.append_log(vec![run], vec![minute]).await.expect("no error");
        }
        let change = known.change(&mut dice, app);
        let told = format!("{change:?}");
        if let (Change::DeleteApp { .. }, Ok(_)) = (&change, store.commit(vec![change.clone()].into()).await)
        {
            app = intruder(&*store).await;
        }
        assert_eq!(of_app(&*store, victim).await, before, "operation {round}: {told}");
        known.apps.truncate(1);
        if known.scripts.len() > 60 {
            // Those of the other app are the first ones.
            known.scripts.drain(2..20);
            known.routes.drain(2..10.min(known.routes.len()).max(2));
        }
    }
}

async fn intruder(store: &dyn Store) -> AppId {
    loop {
        let app = row::app(&format!("intruder-{}", ScriptId::new().to_string().get(24..).unwrap_or("x")));
        let id = app.id;
        if store.commit(vec![Change::CreateApp(app)].into()).await.is_ok() {
            return id;
        }
    }
}

/// An app with some of everything.
async fn victim(store: &dyn Store, known: &mut Known) -> AppId {
    let app = row::app("victim");
    let scripts = [row::script(app.id, "main", "1"), row::script(app.id, "cart", "2")];
    let routes = [row::route(&scripts[0], "GET", "/"), row::route(&scripts[1], "PUT", "/x")];
    let domain = row::domain(app.id, "a.test");
    known.apps.push(app.id);
    known.scripts.extend(scripts.iter().map(|script| script.id));
    known.routes.extend(routes.iter().map(|route| route.id));
    known.domains.push(domain.id);
    let mut changes = vec![Change::CreateApp(app.clone()), Change::ClaimDomain(domain)];
    changes.extend(scripts.iter().cloned().map(Change::CreateScript));
    changes.extend(routes.into_iter().map(Change::CreateRoute));
    changes.push(row::save(&scripts[0], "3"));
    store.commit(changes.into()).await.expect("the app is made");
    let runs = vec![row::execution(&scripts[0]), row::execution(&scripts[1])];
    store.append_log(runs, vec![row::minute(app.id, scripts[0].id, 1)]).await.expect("logged");
    app.id
}
