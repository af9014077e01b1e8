//! What the data plane needs, read in one transaction.
//!
//! Rows are read as they come, because a row and the record made of it both hold the text. A row that cannot be
//! understood is left out and logged: the others are served.

use picloud::{
    AppId,
    store::{AppWorld, ScriptRecord, StoreError, World},
};

use super::{Reader, apps::scripts, record};
use crate::sql::{Row, Statement, Transaction, statement};

/// How rows of one kind are read: all of them, as they lie, or those of apps that changed.
///
/// Neither joins apps nor asks for an order: SQLite would read all rows in that order to find those of one app, at
/// each save.
pub(crate) struct News {
    all: &'static str,
    pub(crate) changed: &'static str,
}

pub(crate) const APPS: News =
    News { all: "SELECT * FROM apps", changed: "SELECT * FROM apps WHERE revision > $1" };
pub(crate) const DOMAINS: News = News {
    all: "SELECT * FROM domains",
    changed: "SELECT * FROM domains WHERE app_id IN (SELECT id FROM apps WHERE revision > $1)",
};
pub(crate) const SCRIPTS: News = News {
    all: scripts!(""),
    changed: scripts!("WHERE s.app_id IN (SELECT id FROM apps WHERE revision > $1)"),
};
pub(crate) const ROUTES: News = News {
    all: "SELECT * FROM routes",
    changed: "SELECT * FROM routes WHERE app_id IN (SELECT id FROM apps WHERE revision > $1)",
};

impl News {
    fn since(&self, revision: u64) -> Statement {
        if revision == 0 { statement!(self.all) } else { statement!(self.changed, revision) }
    }
}

/// The apps that changed after `since` with all that they own, and those that went; with 0, all apps.
pub(super) async fn read(db: &mut Transaction, since: u64) -> Result<World, StoreError> {
    let found = db.find(statement!("SELECT revision FROM meta")).await?;
    let revision = found.ok_or(StoreError::NotFound { what: "revision" })?.count("revision")?;
    let mut apps = Vec::new();
    each(db, "app", APPS.since(since), record::app, |app| {
        apps.push(AppWorld { app, domains: Vec::new(), scripts: Vec::new(), routes: Vec::new() });
    })
    .await?;
    apps.sort_unstable_by_key(|world| world.app.id);
    owned(db, since, &mut apps).await?;
    apps.iter_mut().for_each(sort);
    Ok(World { revision, apps, gone: gone(db, since).await? })
}

/// Fills in what the apps own.
async fn owned(db: &mut Transaction, since: u64, apps: &mut [AppWorld]) -> Result<(), StoreError> {
    each(db, "domain", DOMAINS.since(since), record::domain, |domain| {
        if let Some(owner) = owner(apps, domain.app) {
            owner.domains.push(domain);
        }
    })
    .await?;
    each(db, "script", SCRIPTS.since(since), record::script, |script| {
        if let Some(owner) = owner(apps, script.app).filter(|_| is_intact(&script)) {
            owner.scripts.push(script);
        }
    })
    .await?;
    each(db, "route", ROUTES.since(since), record::route, |route| {
        if let Some(owner) = owner(apps, route.app) {
            owner.routes.push(route);
        }
    })
    .await
}

/// Everything in the order of its id, whatever the order in which the database gave it.
fn sort(AppWorld { app: _, domains, scripts, routes }: &mut AppWorld) {
    domains.sort_unstable_by_key(|domain| domain.id);
    scripts.sort_unstable_by_key(|script| script.id);
    routes.sort_unstable_by_key(|route| route.id);
}

/// Calls `take` with each record that can be understood.
async fn each<T>(
    db: &mut Transaction,
    what: &'static str,
    statement: Statement,
    from: Reader<T>,
    mut take: impl FnMut(T) + Send,
) -> Result<(), StoreError> {
    db.each(statement, |row| match from(&row) {
        Ok(record) => take(record),
        Err(error) => left_out(what, &row, &error),
    })
    .await
}

/// The app with this id; `apps` are ordered by it.
fn owner(apps: &mut [AppWorld], id: AppId) -> Option<&mut AppWorld> {
    let at = apps.binary_search_by_key(&id, |world| world.app.id).ok()?;
    apps.get_mut(at)
}

async fn gone(db: &mut Transaction, since: u64) -> Result<Vec<AppId>, StoreError> {
    // Who has nothing yet has nothing to stop serving.
    if since == 0 {
        return Ok(Vec::new());
    }
    let gone = db.all(statement!("SELECT id FROM gone_apps WHERE revision > $1 ORDER BY id", since)).await?;
    gone.iter().map(|row| row.id("id")).collect()
}

fn is_intact(script: &ScriptRecord) -> bool {
    let intact = script.is_intact();
    if !intact {
        tracing::error!(
            script = %script.id, name = script.name, app = %script.app, version = script.version,
            "damaged script is left out: its text does not match its hash; save it again to repair it"
        );
    }
    intact
}

fn left_out(what: &str, row: &Row, error: &StoreError) {
    let id = row.id::<uuid::Uuid>("id").unwrap_or_default();
    tracing::error!(%id, %error, "damaged {what} is left out");
}
