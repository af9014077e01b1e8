//! What the data plane needs, read in one transaction.
//!
//! Rows are read as they come, because a row and the record made of it both hold the text. A row that cannot be
//! understood is left out and logged: the others are served.

use picloud::{
    AppId,
    store::{AppWorld, ScriptRecord, StoreError, World},
};

use super::{Reader, apps::scripts, record};
use crate::sql::{Row, Transaction, statement};

/// The apps that changed after `since` with all that they own, and those that went; with 0, all apps.
pub(super) async fn read(db: &mut Transaction, since: u64) -> Result<World, StoreError> {
    let found = db.find(statement!("SELECT revision FROM meta")).await?;
    let revision = found.ok_or(StoreError::NotFound { what: "revision" })?.count("revision")?;
    let mut apps = Vec::new();
    let sql = "SELECT * FROM apps WHERE revision > $1 ORDER BY id";
    each(db, "app", sql, since, record::app, |app| {
        apps.push(AppWorld { app, domains: Vec::new(), scripts: Vec::new(), routes: Vec::new() });
    })
    .await?;
    owned(db, since, &mut apps).await?;
    Ok(World { revision, apps, gone: gone(db, since).await? })
}

/// Fills in what the apps own.
async fn owned(db: &mut Transaction, since: u64, apps: &mut [AppWorld]) -> Result<(), StoreError> {
    let sql = "SELECT d.* FROM domains d JOIN apps a ON a.id = d.app_id WHERE a.revision > $1 ORDER BY d.id";
    each(db, "domain", sql, since, record::domain, |domain| {
        if let Some(owner) = owner(apps, domain.app) {
            owner.domains.push(domain);
        }
    })
    .await?;
    let sql = scripts!("JOIN apps a ON a.id = s.app_id WHERE a.revision > $1 ORDER BY s.id");
    each(db, "script", sql, since, record::script, |script| {
        if let Some(owner) = owner(apps, script.app).filter(|_| is_intact(&script)) {
            owner.scripts.push(script);
        }
    })
    .await?;
    let sql = "SELECT r.* FROM routes r JOIN apps a ON a.id = r.app_id WHERE a.revision > $1 ORDER BY r.id";
    each(db, "route", sql, since, record::route, |route| {
        if let Some(owner) = owner(apps, route.app) {
            owner.routes.push(route);
        }
    })
    .await
}

/// Calls `take` with each record that can be understood.
async fn each<T>(
    db: &mut Transaction,
    what: &'static str,
    sql: &'static str,
    since: u64,
    from: Reader<T>,
    mut take: impl FnMut(T) + Send,
) -> Result<(), StoreError> {
    db.each(statement!(sql, since), |row| match from(&row) {
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
