//! Admins and their sessions.

use picloud::{
    AdminId, SessionId,
    store::{AdminRecord, IdentityStore, SessionRecord, StoreError, StoreFuture},
};
use sqlx::{Sqlite, query::Query, sqlite::SqliteArguments};
use uuid::Uuid;

use super::{
    SqliteStore,
    error::{insert_error, store_error},
    row,
};

impl SqliteStore {
    /// Runs one statement in a transaction of its own and says how many rows it changed.
    async fn execute(&self, statement: Query<'static, Sqlite, SqliteArguments>) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        let changed = statement.execute(&mut *transaction).await.map_err(store_error)?.rows_affected();
        self.finish(transaction).await?;
        Ok(changed)
    }
}

impl IdentityStore for SqliteStore {
    fn has_had_admin(&self) -> StoreFuture<'_, bool> {
        let statement = sqlx::query("SELECT had_admin FROM meta");
        Box::pin(self.one("meta", statement, |found| row::get(found, "had_admin")))
    }

    fn create_first_admin(&self, admin: AdminRecord) -> StoreFuture<'_, bool> {
        Box::pin(async move {
            let mut transaction = self.begin().await?;
            let claim = sqlx::query("UPDATE meta SET had_admin = TRUE WHERE had_admin = FALSE");
            let claimed = claim.execute(&mut *transaction).await.map_err(store_error)?;
            if claimed.rows_affected() == 0 {
                return Ok(false);
            }
            let AdminRecord { id, username, password_hash, active, created_at } = admin;
            let sql = "INSERT INTO admins (id, username, password_hash, active, created_at)
                VALUES ($1, $2, $3, $4, $5)";
            let insert = sqlx::query(sql).bind(Uuid::from(id)).bind(username).bind(password_hash);
            let insert = insert.bind(active).bind(created_at);
            insert.execute(&mut *transaction).await.map_err(|error| insert_error(error, id))?;
            self.finish(transaction).await?;
            Ok(true)
        })
    }

    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        let statement = sqlx::query("SELECT * FROM admins WHERE username = $1").bind(username.to_owned());
        Box::pin(self.one("admin", statement, row::admin))
    }

    fn set_password_hash(&self, admin: AdminId, password_hash: String) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let update = sqlx::query("UPDATE admins SET password_hash = $2 WHERE id = $1");
            match self.execute(update.bind(Uuid::from(admin)).bind(password_hash)).await? {
                0 => Err(StoreError::NotFound { what: "admin" }),
                _ => Ok(()),
            }
        })
    }

    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let SessionRecord { id, token_hash, admin, created_at, last_used_at, ip } = session;
            let mut transaction = self.begin().await?;
            let known = sqlx::query("SELECT id FROM admins WHERE id = $1").bind(Uuid::from(admin));
            let known = known.fetch_optional(&mut *transaction).await.map_err(store_error)?;
            known.ok_or(StoreError::NotFound { what: "admin" })?;
            let sql = "INSERT INTO sessions (id, token_hash, admin_id, created_at, last_used_at, ip)
                VALUES ($1, $2, $3, $4, $5, $6)";
            let insert =
                sqlx::query(sql).bind(Uuid::from(id)).bind(token_hash.to_vec()).bind(Uuid::from(admin));
            let insert = insert.bind(created_at).bind(last_used_at).bind(ip);
            insert.execute(&mut *transaction).await.map_err(|error| insert_error(error, id))?;
            self.finish(transaction).await
        })
    }

    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
        Box::pin(async move {
            let find = sqlx::query("SELECT * FROM sessions WHERE token_hash = $1").bind(token_hash.to_vec());
            let session = self.one("session", find, row::session).await?;
            // A second query, not a join: if the admin goes in between, the session has gone with them.
            let find = sqlx::query("SELECT * FROM admins WHERE id = $1").bind(Uuid::from(session.admin));
            let admin = self.one("session", find, row::admin).await?;
            Ok((session, admin))
        })
    }

    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
        let touch = sqlx::query("UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2");
        let touch = touch.bind(Uuid::from(id)).bind(at);
        Box::pin(async { self.execute(touch).await.map(drop) })
    }

    fn delete_session(&self, id: SessionId) -> StoreFuture<'_, ()> {
        let delete = sqlx::query("DELETE FROM sessions WHERE id = $1").bind(Uuid::from(id));
        Box::pin(async { self.execute(delete).await.map(drop) })
    }

    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
        let prune = sqlx::query("DELETE FROM sessions WHERE last_used_at < $1 OR created_at < $2");
        Box::pin(self.execute(prune.bind(idle_before).bind(created_before)))
    }
}
