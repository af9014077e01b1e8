//! Applying changes inside a write transaction.
//!
//! Every check comes before the write it guards. Nothing can come between: each transaction here holds the write
//! lock from its start. The unique indexes and foreign keys of the schema stand behind the checks.

use picloud::{
    AppId, DomainId, LimitOverrides, RouteId, ScriptId, Slug,
    store::{AppRecord, Change, DomainRecord, RouteRecord, ScriptRecord, StoreError},
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments};
use uuid::Uuid;

use super::{
    error::{insert_error, store_error},
    row::{count, id, limits_text},
};

type Statement = Query<'static, Sqlite, SqliteArguments>;
type Done = Result<(), StoreError>;

/// Counts this commit.
pub(super) async fn next_revision(db: &mut SqliteConnection) -> Result<u64, StoreError> {
    let next = sqlx::query("UPDATE meta SET revision = revision + 1 RETURNING revision");
    count(&next.fetch_one(db).await.map_err(store_error)?, "revision")
}

/// Applies one change.
pub(super) async fn apply(db: &mut SqliteConnection, change: Change) -> Done {
    match change {
        Change::CreateApp(app) => create_app(db, app).await,
        Change::UpdateApp { id, expected, slug, limits } => update_app(db, id, expected, slug, limits).await,
        Change::DeleteApp { id, expected } => delete_app(db, id, expected).await,
        Change::ClaimDomain(domain) => claim_domain(db, domain).await,
        Change::ReleaseDomain { app, id } => release_domain(db, app, id).await,
        Change::CreateScript(script) => create_script(db, script).await,
        Change::UpdateScript { app, id, expected, name, source, hash, limits, at, by } => {
            let version = script_version(db, app, id, expected).await? + 1;
            check_script_name(db, app, id, &name).await?;
            let sql = "UPDATE scripts SET name = $3, limits = $4, version = $5 WHERE app_id = $1 AND id = $2";
            let update = sqlx::query(sql).bind(Uuid::from(app)).bind(Uuid::from(id));
            run(db, update.bind(name).bind(limits_text(&limits)).bind(version.cast_signed())).await?;
            let text = Text { app, script: id, version, source, hash, at, by: by.map(Uuid::from) };
            keep_version(db, text).await
        }
        Change::DeleteScript { app, id, expected } => delete_script(db, app, id, expected).await,
        Change::CreateRoute(route) => create_route(db, route).await,
        Change::UpdateRoute { app, id, expected, method, path, shape, enabled } => {
            route_version(db, app, id, expected).await?;
            check_route(db, app, id, (&method, &path, &shape)).await?;
            let sql =
                "UPDATE routes SET method = $3, path = $4, shape = $5, enabled = $6, version = version + 1
                WHERE app_id = $1 AND id = $2";
            let update = sqlx::query(sql).bind(Uuid::from(app)).bind(Uuid::from(id));
            run(db, update.bind(method).bind(path).bind(shape).bind(enabled)).await
        }
        Change::DeleteRoute { app, id, expected } => delete_route(db, app, id, expected).await,
    }
}

async fn create_app(db: &mut SqliteConnection, app: AppRecord) -> Done {
    check_slug(db, app.id, &app.slug).await?;
    let sql = "INSERT INTO apps (id, slug, limits, created_at, version) VALUES ($1, $2, $3, $4, $5)";
    let insert = sqlx::query(sql).bind(Uuid::from(app.id)).bind(String::from(app.slug));
    let insert = insert.bind(limits_text(&app.limits)).bind(app.created_at).bind(app.version.cast_signed());
    create(db, insert, app.id).await
}

async fn update_app(
    db: &mut SqliteConnection,
    id: AppId,
    expected: Option<u64>,
    slug: Slug,
    limits: LimitOverrides,
) -> Done {
    app_version(db, id, expected).await?;
    check_slug(db, id, &slug).await?;
    let update = sqlx::query("UPDATE apps SET slug = $2, limits = $3, version = version + 1 WHERE id = $1");
    run(db, update.bind(Uuid::from(id)).bind(String::from(slug)).bind(limits_text(&limits))).await
}

async fn delete_app(db: &mut SqliteConnection, id: AppId, expected: Option<u64>) -> Done {
    app_version(db, id, expected).await?;
    run(db, sqlx::query("DELETE FROM apps WHERE id = $1").bind(Uuid::from(id))).await
}

async fn claim_domain(db: &mut SqliteConnection, domain: DomainRecord) -> Done {
    app_version(db, domain.app, None).await?;
    let held = sqlx::query("SELECT app_id FROM domains WHERE shape = $1").bind(domain.shape.clone());
    if let Some(held) = held.fetch_optional(&mut *db).await.map_err(store_error)? {
        let holder: AppId = id(&held, "app_id")?;
        let holder = (holder != domain.app).then_some(holder);
        return Err(StoreError::Conflict { what: "domain", value: domain.pattern, holder });
    }
    let sql = "INSERT INTO domains (id, app_id, pattern, shape, created_at) VALUES ($1, $2, $3, $4, $5)";
    let insert = sqlx::query(sql).bind(Uuid::from(domain.id)).bind(Uuid::from(domain.app));
    create(db, insert.bind(domain.pattern).bind(domain.shape).bind(domain.created_at), domain.id).await
}

async fn release_domain(db: &mut SqliteConnection, app: AppId, id: DomainId) -> Done {
    let delete = sqlx::query("DELETE FROM domains WHERE app_id = $1 AND id = $2");
    let deleted = delete.bind(Uuid::from(app)).bind(Uuid::from(id)).execute(db).await.map_err(store_error)?;
    if deleted.rows_affected() == 0 { Err(StoreError::NotFound { what: "domain" }) } else { Ok(()) }
}

async fn create_script(db: &mut SqliteConnection, script: ScriptRecord) -> Done {
    let ScriptRecord { id, app, name, source, hash, limits, version, created_at, updated_at, updated_by } =
        script;
    app_version(db, app, None).await?;
    check_script_name(db, app, id, &name).await?;
    let sql =
        "INSERT INTO scripts (id, app_id, name, limits, version, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    let insert = sqlx::query(sql).bind(Uuid::from(id)).bind(Uuid::from(app)).bind(name);
    let insert = insert.bind(limits_text(&limits)).bind(version.cast_signed()).bind(created_at);
    create(db, insert, id).await?;
    let by = updated_by.map(Uuid::from);
    keep_version(db, Text { app, script: id, version, source, hash, at: updated_at, by }).await
}

/// What one version of a script adds to the history.
struct Text {
    app: AppId,
    script: ScriptId,
    version: u64,
    source: String,
    hash: [u8; 32],
    at: i64,
    by: Option<Uuid>,
}

async fn keep_version(db: &mut SqliteConnection, text: Text) -> Done {
    let sql = "INSERT INTO script_versions (app_id, script_id, version, source, hash, saved_at, saved_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let insert = sqlx::query(sql).bind(Uuid::from(text.app)).bind(Uuid::from(text.script));
    let insert = insert.bind(text.version.cast_signed()).bind(text.source).bind(text.hash.to_vec());
    create(db, insert.bind(text.at).bind(text.by), text.script).await
}

async fn delete_script(db: &mut SqliteConnection, app: AppId, id: ScriptId, expected: Option<u64>) -> Done {
    script_version(db, app, id, expected).await?;
    let delete = sqlx::query("DELETE FROM scripts WHERE app_id = $1 AND id = $2");
    run(db, delete.bind(Uuid::from(app)).bind(Uuid::from(id))).await
}

async fn create_route(db: &mut SqliteConnection, route: RouteRecord) -> Done {
    app_version(db, route.app, None).await?;
    script_version(db, route.app, route.script, None).await?;
    check_route(db, route.app, route.id, (&route.method, &route.path, &route.shape)).await?;
    let sql = "INSERT INTO routes (id, app_id, script_id, method, path, shape, enabled, version, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let insert = sqlx::query(sql).bind(Uuid::from(route.id)).bind(Uuid::from(route.app));
    let insert = insert.bind(Uuid::from(route.script)).bind(route.method).bind(route.path).bind(route.shape);
    let insert = insert.bind(route.enabled).bind(route.version.cast_signed()).bind(route.created_at);
    create(db, insert, route.id).await
}

async fn delete_route(db: &mut SqliteConnection, app: AppId, id: RouteId, expected: Option<u64>) -> Done {
    route_version(db, app, id, expected).await?;
    let delete = sqlx::query("DELETE FROM routes WHERE app_id = $1 AND id = $2");
    run(db, delete.bind(Uuid::from(app)).bind(Uuid::from(id))).await
}

async fn app_version(db: &mut SqliteConnection, id: AppId, expected: Option<u64>) -> Result<u64, StoreError> {
    let find = sqlx::query("SELECT version FROM apps WHERE id = $1").bind(Uuid::from(id));
    version(db, "app", find, expected).await
}

async fn script_version(
    db: &mut SqliteConnection,
    app: AppId,
    id: ScriptId,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let find = sqlx::query("SELECT version FROM scripts WHERE app_id = $1 AND id = $2");
    version(db, "script", find.bind(Uuid::from(app)).bind(Uuid::from(id)), expected).await
}

async fn route_version(
    db: &mut SqliteConnection,
    app: AppId,
    id: RouteId,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let find = sqlx::query("SELECT version FROM routes WHERE app_id = $1 AND id = $2");
    version(db, "route", find.bind(Uuid::from(app)).bind(Uuid::from(id)), expected).await
}

/// The version that `find` finds, if it is the expected one.
async fn version(
    db: &mut SqliteConnection,
    what: &'static str,
    find: Statement,
    expected: Option<u64>,
) -> Result<u64, StoreError> {
    let found = find.fetch_optional(db).await.map_err(store_error)?;
    let actual = count(&found.ok_or(StoreError::NotFound { what })?, "version")?;
    StoreError::check_version(what, expected, actual)?;
    Ok(actual)
}

async fn check_slug(db: &mut SqliteConnection, own: AppId, slug: &Slug) -> Done {
    let held = sqlx::query("SELECT id FROM apps WHERE slug = $1 AND id <> $2");
    let held =
        held.bind(slug.as_str()).bind(Uuid::from(own)).fetch_optional(db).await.map_err(store_error)?;
    let Some(held) = held else { return Ok(()) };
    let holder = Some(id(&held, "id")?);
    Err(StoreError::Conflict { what: "slug", value: slug.to_string(), holder })
}

async fn check_script_name(db: &mut SqliteConnection, app: AppId, own: ScriptId, name: &str) -> Done {
    let held = sqlx::query("SELECT id FROM scripts WHERE app_id = $1 AND name = $2 AND id <> $3");
    let held = held.bind(Uuid::from(app)).bind(name.to_owned()).bind(Uuid::from(own));
    match held.fetch_optional(db).await.map_err(store_error)? {
        Some(_) => Err(StoreError::Conflict { what: "script name", value: name.to_owned(), holder: None }),
        None => Ok(()),
    }
}

async fn check_route(
    db: &mut SqliteConnection,
    app: AppId,
    own: RouteId,
    (method, path, shape): (&str, &str, &str),
) -> Done {
    let held =
        sqlx::query("SELECT id FROM routes WHERE app_id = $1 AND method = $2 AND shape = $3 AND id <> $4");
    let held =
        held.bind(Uuid::from(app)).bind(method.to_owned()).bind(shape.to_owned()).bind(Uuid::from(own));
    match held.fetch_optional(db).await.map_err(store_error)? {
        Some(_) => {
            Err(StoreError::Conflict { what: "route", value: format!("{method} {path}"), holder: None })
        }
        None => Ok(()),
    }
}

async fn run(db: &mut SqliteConnection, statement: Statement) -> Done {
    statement.execute(db).await.map(drop).map_err(store_error)
}

/// Runs an insertion; what is not unique now can only be the id.
async fn create(db: &mut SqliteConnection, insert: Statement, id: impl ToString) -> Done {
    insert.execute(db).await.map(drop).map_err(|error| insert_error(error, id))
}
