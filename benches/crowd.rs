//! Stores with very many apps, made in a few large commits.

use picloud::{
    AppId, RoutePattern, ScriptId,
    store::{Change, RouteRecord, ScriptRecord, Store},
    testing::row,
};

/// Apps in one commit.
const BATCH: usize = 250;
/// Paths as small services have them; an app has the first few.
const PATHS: [&str; 10] = [
    "/hello/:name",
    "/",
    "/items",
    "/items/:id",
    "/items/:id/parts",
    "/orders",
    "/orders/:id",
    "/files/*path",
    "/about",
    "/search",
];

/// Apps that each claim `app-{n}.example.com` and have one script, which answers all their routes.
#[derive(Debug, Clone)]
pub struct Crowd {
    /// How many apps.
    pub apps: usize,
    /// How many routes each of them has; ten at most. The first is `GET /hello/:name`.
    pub routes: usize,
    /// The script of all of them.
    pub source: String,
}

impl Crowd {
    /// Adds it to a store; the script of the first app.
    ///
    /// # Panics
    /// If the store refuses it.
    pub async fn join(&self, store: &dyn Store) -> ScriptId {
        let numbers: Vec<usize> = (0..self.apps).collect();
        let mut first = None;
        for batch in numbers.chunks(BATCH) {
            let apps: Vec<_> = batch.iter().map(|n| self.app(*n)).collect();
            first = first.or(apps.first().map(|(script, _)| *script));
            let changes: Vec<Change> = apps.into_iter().flat_map(|(_, changes)| changes).collect();
            store.commit(changes.into()).await.expect("the store takes them");
        }
        first.expect("a crowd has an app")
    }

    fn app(&self, n: usize) -> (ScriptId, Vec<Change>) {
        let app = row::app(&format!("app-{n}"));
        let script = row::script(app.id, "hello", &self.source);
        let mut changes = vec![claim(app.id, n), Change::CreateScript(script.clone())];
        changes.insert(0, Change::CreateApp(app));
        changes.extend(PATHS[..self.routes].iter().map(|path| route(&script, path)));
        (script.id, changes)
    }
}

fn claim(app: AppId, n: usize) -> Change {
    Change::ClaimDomain(row::domain(app, &format!("app-{n}.example.com")))
}

fn route(script: &ScriptRecord, path: &str) -> Change {
    let pattern: RoutePattern = path.parse().expect("these are patterns");
    Change::CreateRoute(RouteRecord { shape: pattern.shape(), ..row::route(script, "GET", path) })
}
