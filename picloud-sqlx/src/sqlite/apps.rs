//! Reading apps and what they own.

use picloud::{
    AppId, DomainId, RouteId, ScriptId,
    store::{
        AppKey, AppRecord, AppStore, Change, DomainRecord, RouteRecord, ScriptRecord, StoreError,
        StoreFuture, World,
    },
};
use sqlx::{Sqlite, SqliteConnection, query::Query, sqlite::SqliteArguments, sqlite::SqliteRow};
use uuid::Uuid;

use super::{SqliteStore, change, error::store_error, row};

/// Scripts with the text of their newest versions, and a condition.
macro_rules! scripts {
    ($tail:literal) => {
        concat!(
            "SELECT s.id, s.app_id, s.name, s.limits, s.version, s.created_at, v.source, v.hash, v.saved_at, ",
            "v.saved_by FROM scripts s JOIN script_versions v ON v.script_id = s.id AND v.version = s.version ",
            $tail
        )
    };
}

/// How many sources [`world`] holds twice, as a row and as a record.
const SCRIPTS_AT_ONCE: usize = 16;

type Statement = Query<'static, Sqlite, SqliteArguments>;
type FromRow<T> = fn(&SqliteRow) -> Result<T, StoreError>;

impl SqliteStore {
    /// The rows that a statement finds.
    async fn all<T>(&self, statement: Statement, from: FromRow<T>) -> Result<Vec<T>, StoreError> {
        let rows = statement.fetch_all(&self.readers).await.map_err(store_error)?;
        rows.iter().map(from).collect()
    }

    /// The one row that a statement finds.
    pub(super) async fn one<T>(
        &self,
        what: &'static str,
        statement: Statement,
        from: FromRow<T>,
    ) -> Result<T, StoreError> {
        let found = statement.fetch_optional(&self.readers).await.map_err(store_error)?;
        from(&found.ok_or(StoreError::NotFound { what })?)
    }
}

impl AppStore for SqliteStore {
    fn revision(&self) -> StoreFuture<'_, u64> {
        Box::pin(self.one("revision", sqlx::query(REVISION), |found| row::count(found, "revision")))
    }

    fn world(&self) -> StoreFuture<'_, World> {
        Box::pin(async {
            // One transaction: with the write-ahead log it sees the state at its first read until its end.
            let mut transaction = self.readers.begin().await.map_err(store_error)?;
            world(&mut transaction).await
        })
    }

    fn apps(&self) -> StoreFuture<'_, Vec<AppRecord>> {
        Box::pin(self.all(sqlx::query("SELECT * FROM apps ORDER BY id"), row::app))
    }

    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
        let statement = match key {
            AppKey::Id(id) => sqlx::query("SELECT * FROM apps WHERE id = $1").bind(Uuid::from(id)),
            AppKey::Slug(slug) => sqlx::query("SELECT * FROM apps WHERE slug = $1").bind(String::from(slug)),
        };
        Box::pin(self.one("app", statement, row::app))
    }

    fn domains(&self, app: AppId) -> StoreFuture<'_, Vec<DomainRecord>> {
        let statement = sqlx::query("SELECT * FROM domains WHERE app_id = $1 ORDER BY id");
        Box::pin(self.all(statement.bind(Uuid::from(app)), row::domain))
    }

    fn scripts(&self, app: AppId) -> StoreFuture<'_, Vec<ScriptRecord>> {
        let statement = sqlx::query(scripts!("WHERE s.app_id = $1 ORDER BY s.id"));
        Box::pin(self.all(statement.bind(Uuid::from(app)), row::script))
    }

    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        let statement = sqlx::query(scripts!("WHERE s.app_id = $1 AND s.id = $2"));
        Box::pin(self.one("script", statement.bind(Uuid::from(app)).bind(Uuid::from(id)), row::script))
    }

    fn script_anywhere(&self, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        let statement = sqlx::query(scripts!("WHERE s.id = $1"));
        Box::pin(self.one("script", statement.bind(Uuid::from(id)), row::script))
    }

    fn routes(&self, app: AppId) -> StoreFuture<'_, Vec<RouteRecord>> {
        let statement = sqlx::query("SELECT * FROM routes WHERE app_id = $1 ORDER BY id");
        Box::pin(self.all(statement.bind(Uuid::from(app)), row::route))
    }

    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        let statement = sqlx::query("SELECT * FROM routes WHERE app_id = $1 AND id = $2");
        Box::pin(self.one("route", statement.bind(Uuid::from(app)).bind(Uuid::from(id)), row::route))
    }

    fn route_anywhere(&self, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        let statement = sqlx::query("SELECT * FROM routes WHERE id = $1");
        Box::pin(self.one("route", statement.bind(Uuid::from(id)), row::route))
    }

    fn domain_anywhere(&self, id: DomainId) -> StoreFuture<'_, DomainRecord> {
        let statement = sqlx::query("SELECT * FROM domains WHERE id = $1");
        Box::pin(self.one("domain", statement.bind(Uuid::from(id)), row::domain))
    }

    fn commit(&self, changes: Vec<Change>) -> StoreFuture<'_, u64> {
        Box::pin(async {
            let mut transaction = self.begin().await?;
            let revision = change::next_revision(&mut transaction).await?;
            for change in changes {
                change::apply(&mut transaction, change).await?;
            }
            self.finish(transaction).await?;
            Ok(revision)
        })
    }
}

const REVISION: &str = "SELECT revision FROM meta";

/// Everything the data plane needs. A row that cannot be understood is left out and logged: the others are served.
async fn world(db: &mut SqliteConnection) -> Result<World, StoreError> {
    let revision = sqlx::query(REVISION).fetch_one(&mut *db).await.map_err(store_error)?;
    Ok(World {
        revision: row::count(&revision, "revision")?,
        apps: sound(db, "app", "SELECT * FROM apps ORDER BY id", row::app).await?,
        domains: sound(db, "domain", "SELECT * FROM domains ORDER BY id", row::domain).await?,
        scripts: sound_scripts(db).await?,
        routes: sound(db, "route", "SELECT * FROM routes ORDER BY id", row::route).await?,
    })
}

/// The rows of one table that can be understood.
async fn sound<T>(
    db: &mut SqliteConnection,
    what: &'static str,
    sql: &'static str,
    from: FromRow<T>,
) -> Result<Vec<T>, StoreError> {
    let rows = sqlx::query(sql).fetch_all(db).await.map_err(store_error)?;
    Ok(rows
        .iter()
        .filter_map(|found| from(found).map_err(|error| left_out(what, found, &error)).ok())
        .collect())
}

/// The newest versions of all scripts whose text is what was saved. They are read a few at a time, because a row
/// and the record made of it both hold the text.
async fn sound_scripts(db: &mut SqliteConnection) -> Result<Vec<ScriptRecord>, StoreError> {
    let sql = scripts!("WHERE s.id > $1 ORDER BY s.id LIMIT $2");
    let mut scripts = Vec::new();
    let mut last = Uuid::nil();
    loop {
        let page = sqlx::query(sql).bind(last).bind(SCRIPTS_AT_ONCE as i64);
        let page = page.fetch_all(&mut *db).await.map_err(store_error)?;
        let Some(newest) = page.last() else { return Ok(scripts) };
        last = row::id(newest, "id")?;
        scripts.extend(page.iter().filter_map(sound_script));
    }
}

fn sound_script(found: &SqliteRow) -> Option<ScriptRecord> {
    match row::script(found) {
        Ok(script) if script.is_intact() => Some(script),
        Ok(script) => {
            tracing::error!(
                script = %script.id, name = script.name, app = %script.app, version = script.version,
                "damaged script is left out: its text does not match its hash; save it again to repair it"
            );
            None
        }
        Err(error) => {
            left_out("script", found, &error);
            None
        }
    }
}

fn left_out(what: &str, found: &SqliteRow, error: &StoreError) {
    let id = row::id::<Uuid>(found, "id").unwrap_or_default();
    tracing::error!(%id, %error, "damaged {what} is left out");
}
