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

/// After so many changes, all rows are read as they lie, and those of other apps passed over.
const MANY: usize = 200;

const APPS: &str = "SELECT * FROM apps";
pub(crate) const APPS_SINCE: &str = "SELECT * FROM apps WHERE revision > $1";

/// How the rows of one kind are read: all of them, or those of one app.
///
/// No statement joins the apps that changed to what they own: a planner that takes them for many reads all rows to
/// find those of one, at each save. SQLite does where an order is asked for, PostgreSQL before it knows a new table.
pub(crate) struct Rows {
    all: &'static str,
    pub(crate) of_app: &'static str,
}

pub(crate) const DOMAINS: Rows =
    Rows { all: "SELECT * FROM domains", of_app: "SELECT * FROM domains WHERE app_id = $1" };
pub(crate) const SCRIPTS: Rows = Rows { all: scripts!(""), of_app: scripts!("WHERE s.app_id = $1") };
pub(crate) const ROUTES: Rows =
    Rows { all: "SELECT * FROM routes", of_app: "SELECT * FROM routes WHERE app_id = $1" };

impl Rows {
    /// The statements that give all rows of these apps, and perhaps others.
    fn of(&self, apps: &[AppWorld], since: u64) -> Vec<Statement> {
        if since == 0 || apps.len() > MANY {
            return vec![statement!(self.all)];
        }
        apps.iter().map(|world| statement!(self.of_app, world.app.id)).collect()
    }
}

/// The apps that changed after `since` with all that they own, and those that went; with 0, all apps.
pub(super) async fn read(db: &mut Transaction, since: u64) -> Result<World, StoreError> {
    let found = db.find(statement!("SELECT revision FROM meta")).await?;
    let revision = found.ok_or(StoreError::NotFound { what: "revision" })?.count("revision")?;
    let mut apps = Vec::new();
    let found = if since == 0 { statement!(APPS) } else { statement!(APPS_SINCE, since) };
    each(db, "app", vec![found], record::app, |app| {
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
    each(db, "domain", DOMAINS.of(apps, since), record::domain, |domain| {
        if let Some(owner) = owner(apps, domain.app) {
            owner.domains.push(domain);
        }
    })
    .await?;
    each(db, "script", SCRIPTS.of(apps, since), record::script, |script| {
        if let Some(owner) = owner(apps, script.app).filter(|_| is_intact(&script)) {
            owner.scripts.push(script);
        }
    })
    .await?;
    each(db, "route", ROUTES.of(apps, since), record::route, |route| {
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
    statements: Vec<Statement>,
    from: Reader<T>,
    mut take: impl FnMut(T) + Send,
) -> Result<(), StoreError> {
    for statement in statements {
        db.each(statement, |row| match from(&row) {
            Ok(record) => take(record),
            Err(error) => left_out(what, &row, &error),
        })
        .await?;
    }
    Ok(())
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
