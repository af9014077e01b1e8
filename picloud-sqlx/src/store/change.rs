//! Applying changes inside a write transaction.
//!
//! Every check comes before the write it guards. Nothing can come between: a write transaction is the only one from
//! its start. The unique indexes and foreign keys of the schema stand behind the checks.

use picloud::{
    AdminId, AppId, DomainId, LimitOverrides, RouteId, ScriptId, Slug,
    store::{AppRecord, Change, DomainRecord, RouteRecord, ScriptRecord, StoreError},
};

use super::{admins, record};
use crate::{
    error::insert_error,
    sql::{Statement, Transaction, statement},
};

type Done = Result<(), StoreError>;

/// Counts this commit.
pub(super) async fn next_revision(db: &mut Transaction) -> Result<u64, StoreError> {
    let next = db.find(statement!("UPDATE meta SET revision = revision + 1 RETURNING revision")).await?;
    next.ok_or(StoreError::NotFound { what: "revision" })?.count("revision")
}

/// Applies one change, and marks the app that it changes with the commit's revision.
pub(super) async fn apply(db: &mut Transaction, revision: u64, change: Change) -> Done {
    let app = changed_app(&change);
    match change {
        Change::CreateApp(app) => create_app(db, app).await,
        Change::UpdateApp { id, expected, slug, limits } => update_app(db, id, expected, slug, limits).await,
        Change::DeleteApp { id, expected } => delete_app(db, revision, id, expected).await,
        Change::ClaimDomain(domain) => claim_domain(db, domain).await,
        Change::ReleaseDomain { app, id } => release_domain(db, app, id).await,
        Change::CreateScript(script) => create_script(db, script).await,
        Change::UpdateScript { app, id, expected, name, source, hash, limits, at, by } => {
            let version = script_version(db, app, id, expected).await? + 1;
            check_script_name(db, app, id, &name).await?;
            let sql = "UPDATE scripts SET name = $3, limits = $4, version = $5 WHERE app_id = $1 AND id = $2";
            db.run(statement!(sql, app, id, name, record::limits(&limits), version)).await?;
            keep_version(db, Text { app, script: id, version, source, hash, at, by }).await
        }
        Change::DeleteScript { app, id, expected } => delete_script(db, app, id, expected).await,
        Change::CreateRoute(route) => create_route(db, route).await,
        Change::UpdateRoute { app, id, expected, script, method, path, shape, enabled } => {
            route_version(db, app, id, expected).await?;
            script_version(db, app, script, None).await?;
            check_route(db, app, id, (&method, &path, &shape)).await?;
            let sql = "UPDATE routes SET method = $3, path = $4, shape = $5, enabled = $6, script_id = $7,
                version = version + 1 WHERE app_id = $1 AND id = $2";
            db.run(statement!(sql, app, id, method, path, shape, enabled, script)).await.map(drop)
        }
        Change::DeleteRoute { app, id, expected } => delete_route(db, app, id, expected).await,
        admins => admins::apply(db, admins).await,
    }?;
    match app {
        Some(app) => mark(db, revision, app).await,
        None => Ok(()),
    }
}

/// The app that is not the same after a change, unless that removes it.
fn changed_app(change: &Change) -> Option<AppId> {
    match change {
        Change::CreateApp(AppRecord { id: app, .. })
        | Change::UpdateApp { id: app, .. }
        | Change::ClaimDomain(DomainRecord { app, .. })
        | Change::ReleaseDomain { app, .. }
        | Change::CreateScript(ScriptRecord { app, .. })
        | Change::UpdateScript { app, .. }
        | Change::DeleteScript { app, .. }
        | Change::CreateRoute(RouteRecord { app, .. })
        | Change::UpdateRoute { app, .. }
        | Change::DeleteRoute { app, .. } => Some(*app),
        _ => None,
    }
}

async fn mark(db: &mut Transaction, revision: u64, app: AppId) -> Done {
    db.run(statement!("UPDATE apps SET revision = $2 WHERE id = $1", app, revision)).await.map(drop)
}

async fn create_app(db: &mut Transaction, app: AppRecord) -> Done {
    check_slug(db, app.id, &app.slug).await?;
    take_slug(db, &app.slug).await?;
    // If the id was used before, this app is not gone any more.
    db.run(statement!("DELETE FROM gone_apps WHERE id = $1", app.id)).await?;
    let sql =
        "INSERT INTO apps (id, slug, limits, created_at, version, revision) VALUES ($1, $2, $3, $4, $5, 0)";
    let limits = record::limits(&app.limits);
    create(db, statement!(sql, app.id, app.slug, limits, app.created_at, app.version), app.id).await
}

async fn update_app(
    db: &mut Transaction,
    id: AppId,
    expected: Option<u64>,
    slug: Slug,
    limits: LimitOverrides,
) -> Done {
    app_version(db, id, expected).await?;
    check_slug(db, id, &slug).await?;
    take_slug(db, &slug).await?;
    let sql =
        "INSERT INTO former_slugs (slug, app_id) SELECT slug, id FROM apps WHERE id = $1 AND slug <> $2";
    db.run(statement!(sql, id, slug.as_str())).await?;
    let sql = "UPDATE apps SET slug = $2, limits = $3, version = version + 1 WHERE id = $1";
    db.run(statement!(sql, id, slug, record::limits(&limits))).await.map(drop)
}

/// From now on nobody's former slug.
async fn take_slug(db: &mut Transaction, slug: &Slug) -> Done {
    db.run(statement!("DELETE FROM former_slugs WHERE slug = $1", slug.as_str())).await.map(drop)
}

async fn delete_app(db: &mut Transaction, revision: u64, id: AppId, expected: Option<u64>) -> Done {
    app_version(db, id, expected).await?;
    db.run(statement!("DELETE FROM apps WHERE id = $1", id)).await?;
    db.run(statement!("INSERT INTO gone_apps (id, revision) VALUES ($1, $2)", id, revision)).await.map(drop)
}

async fn claim_domain(db: &mut Transaction, domain: DomainRecord) -> Done {
    app_version(db, domain.app, None).await?;
    let held = statement!("SELECT app_id FROM domains WHERE shape = $1", domain.shape.as_str());
    if let Some(held) = db.find(held).await? {
        let holder: AppId = held.id("app_id")?;
        let holder = (holder != domain.app).then_some(holder);
        return Err(StoreError::Conflict { what: "domain", value: domain.pattern, holder });
    }
    let DomainRecord { id, app, pattern, shape, created_at } = domain;
    let sql = "INSERT INTO domains (id, app_id, pattern, shape, created_at) VALUES ($1, $2, $3, $4, $5)";
    create(db, statement!(sql, id, app, pattern, shape, created_at), id).await
}

async fn release_domain(db: &mut Transaction, app: AppId, id: DomainId) -> Done {
    match db.run(statement!("DELETE FROM domains WHERE app_id = $1 AND id = $2", app, id)).await? {
        0 => Err(StoreError::NotFound { what: "domain" }),
        _ => Ok(()),
    }
}

async fn create_script(db: &mut Transaction, script: ScriptRecord) -> Done {
    let ScriptRecord { id, app, name, source, hash, limits, version, created_at, updated_at, updated_by } =
        script;
    app_version(db, app, None).await?;
    check_script_name(db, app, id, &name).await?;
    let sql =
        "INSERT INTO scripts (id, app_id, name, limits, version, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    create(db, statement!(sql, id, app, name, record::limits(&limits), version, created_at), id).await?;
    keep_version(db, Text { app, script: id, version, source, hash, at: updated_at, by: updated_by }).await
}

/// What one version of a script adds to the history.
struct Text {
    app: AppId,
    script: ScriptId,
    version: u64,
    source: String,
    hash: [u8; 32],
    at: i64,
    by: Option<AdminId>,
}

async fn keep_version(db: &mut Transaction, text: Text) -> Done {
    let Text { app, script, version, source, hash, at, by } = text;
    let sql = "INSERT INTO script_versions (app_id, script_id, version, source, hash, saved_at, saved_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    create(db, statement!(sql, app, script, version, source, hash, at, by), script).await
}

async fn delete_script(db: &mut Transaction, app: AppId, id: ScriptId, expected: Option<u64>) -> Done {
    script_version(db, app, id, expected).await?;
    db.run(statement!("DELETE FROM scripts WHERE app_id = $1 AND id = $2", app, id)).await.map(drop)
}

async fn create_route(db: &mut Transaction, route: RouteRecord) -> Done {
    app_version(db, route.app, None).await?;
    script_version(db, route.app, route.script, None).await?;
    check_route(db, route.app, route.id, (&route.method, &route.path, &route.shape)).await?;
    let RouteRecord { id, app, script, method, path, shape, enabled, version, created_at } = route;
    let sql = "INSERT INTO routes (id, app_id, script_id, method, path, shape, enabled, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    create(db, statement!(sql, id, app, script, method, path, shape, enabled, version, created_at), id).await
}

async fn delete_route(db: &mut Transaction, app: AppId, id: RouteId, expected: Option<u64>) -> Done {
    route_version(db, app, id, expected).await?;
    db.run(statement!("DELETE FROM routes WHERE app_id = $1 AND id = $2", app, id)).await.map(drop)
}

async fn app_version(db: &mut Transaction, id: AppId, expected: Option<u64>) -> Result<u64, StoreError> {
    version(db, "app", statement!("SELECT version FROM apps WHERE id = $1", id), expected).await
}

async fn script_version(
    db: &mut Transaction,
    app: AppId,
    id: ScriptId,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let find = statement!("SELECT version FROM scripts WHERE app_id = $1 AND id = $2", app, id);
    version(db, "script", find, expected).await
}

async fn route_version(
    db: &mut Transaction,
    app: AppId,
    id: RouteId,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let find = statement!("SELECT version FROM routes WHERE app_id = $1 AND id = $2", app, id);
    version(db, "route", find, expected).await
}

/// The version that `find` finds, if it is the expected one.
async fn version(
    db: &mut Transaction,
    what: &'static str,
    find: Statement,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let actual = db.find(find).await?.ok_or(StoreError::NotFound { what })?.count("version")?;
    StoreError::check_version(what, expected, actual)?;
    Ok(actual)
}

async fn check_slug(db: &mut Transaction, own: AppId, slug: &Slug) -> Done {
    let held = statement!("SELECT id FROM apps WHERE slug = $1 AND id <> $2", slug.as_str(), own);
    let Some(held) = db.find(held).await? else { return Ok(()) };
    Err(StoreError::Conflict { what: "slug", value: slug.to_string(), holder: Some(held.id("id")?) })
}

async fn check_script_name(db: &mut Transaction, app: AppId, own: ScriptId, name: &str) -> Done {
    let sql = "SELECT id FROM scripts WHERE app_id = $1 AND name = $2 AND id <> $3";
    match db.find(statement!(sql, app, name, own)).await? {
        Some(_) => Err(StoreError::Conflict { what: "script name", value: name.to_owned(), holder: None }),
        None => Ok(()),
    }
}

async fn check_route(
    db: &mut Transaction,
    app: AppId,
    own: RouteId,
    (method, path, shape): (&str, &str, &str),
) -> Done {
    let sql = "SELECT id FROM routes WHERE app_id = $1 AND method = $2 AND shape = $3 AND id <> $4";
    match db.find(statement!(sql, app, method, shape, own)).await? {
        Some(_) => {
            Err(StoreError::Conflict { what: "route", value: format!("{method} {path}"), holder: None })
        }
        None => Ok(()),
    }
}

/// Runs an insertion; what is not unique now can only be the id.
pub(super) async fn create(db: &mut Transaction, insert: Statement, id: impl ToString) -> Done {
    db.try_run(insert).await?.map(drop).map_err(|error| insert_error(error, id))
}
