//! Admins, their sessions, and settings.

use picloud::{
    AdminId, SessionId,
    store::{
        AdminRecord, AuditRecord, IdentityStore, Page, SessionRecord, SettingRecord, StoreError, StoreFuture,
    },
};

use super::{Backend, SqlStore, admins, after, audit, change::create, record};
use crate::sql::statement;

impl<B: Backend> IdentityStore for SqlStore<B> {
    fn has_had_admin(&self) -> StoreFuture<'_, bool> {
        let statement = statement!("SELECT had_admin FROM meta");
        Box::pin(self.one("meta", statement, |row| row.get("had_admin")))
    }

    fn create_first_admin(&self, admin: AdminRecord, audited: AuditRecord) -> StoreFuture<'_, bool> {
        Box::pin(async {
            let mut db = self.backend.begin().await?;
            let claim = statement!("UPDATE meta SET had_admin = TRUE WHERE had_admin = FALSE");
            if db.run(claim).await? == 0 {
                return Ok(false);
            }
            admins::insert(&mut db, admin).await?;
            audit::append(&mut db, audited).await?;
            self.backend.finish(db).await?;
            Ok(true)
        })
    }

    fn admins(&self, page: Page<AdminId>) -> StoreFuture<'_, Vec<AdminRecord>> {
        let (after, limit) = after(page);
        let sql = "SELECT * FROM admins WHERE id > $1 ORDER BY id LIMIT $2";
        Box::pin(self.all(statement!(sql, after, limit), record::admin))
    }

    fn admin(&self, id: AdminId) -> StoreFuture<'_, AdminRecord> {
        Box::pin(self.one("admin", statement!("SELECT * FROM admins WHERE id = $1", id), record::admin))
    }

    fn admin_by_name<'a>(&'a self, username: &'a str) -> StoreFuture<'a, AdminRecord> {
        let statement = statement!("SELECT * FROM admins WHERE username = $1", username);
        Box::pin(self.one("admin", statement, record::admin))
    }

    fn rehash_password(&self, admin: AdminId, old: String, new: String) -> StoreFuture<'_, ()> {
        let sql = "UPDATE admins SET password_hash = $3 WHERE id = $1 AND password_hash = $2";
        Box::pin(async move {
            match self.run(statement!(sql, admin, old, new)).await? {
                // Another one is there by now, unless nobody is.
                0 => self.admin(admin).await.map(drop),
                _ => Ok(()),
            }
        })
    }

    fn create_session(&self, session: SessionRecord) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let SessionRecord { id, token_hash, admin, created_at, last_used_at, ip, user_agent } = session;
            let mut db = self.backend.begin().await?;
            let known = db.find(statement!("SELECT id FROM admins WHERE id = $1", admin)).await?;
            known.ok_or(StoreError::NotFound { what: "admin" })?;
            let sql =
                "INSERT INTO sessions (id, token_hash, admin_id, created_at, last_used_at, ip, user_agent)
                VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let insert = statement!(sql, id, token_hash, admin, created_at, last_used_at, ip, user_agent);
            create(&mut db, insert, id).await?;
            self.backend.finish(db).await
        })
    }

    fn session(&self, token_hash: [u8; 32]) -> StoreFuture<'_, (SessionRecord, AdminRecord)> {
        Box::pin(async move {
            let find = statement!("SELECT * FROM sessions WHERE token_hash = $1", token_hash);
            let session = self.one("session", find, record::session).await?;
            // A second query, not a join: if the admin goes in between, the session has gone with them.
            let find = statement!("SELECT * FROM admins WHERE id = $1", session.admin);
            let admin = self.one("session", find, record::admin).await?;
            Ok((session, admin))
        })
    }

    fn sessions(&self, admin: AdminId) -> StoreFuture<'_, Vec<SessionRecord>> {
        let statement = statement!("SELECT * FROM sessions WHERE admin_id = $1 ORDER BY id", admin);
        Box::pin(self.all(statement, record::session))
    }

    fn touch_session(&self, id: SessionId, at: i64) -> StoreFuture<'_, ()> {
        let sql = "UPDATE sessions SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2";
        Box::pin(async move { self.run(statement!(sql, id, at)).await.map(drop) })
    }

    fn delete_session(&self, admin: AdminId, id: SessionId) -> StoreFuture<'_, ()> {
        let delete = statement!("DELETE FROM sessions WHERE admin_id = $1 AND id = $2", admin, id);
        Box::pin(async {
            match self.run(delete).await? {
                0 => Err(StoreError::NotFound { what: "session" }),
                _ => Ok(()),
            }
        })
    }

    fn delete_sessions(&self, admin: AdminId, keep: Option<SessionId>) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut db = self.backend.begin().await?;
            let ended = admins::end_sessions(&mut db, admin, keep).await?;
            self.backend.finish(db).await?;
            Ok(ended)
        })
    }

    fn prune_sessions(&self, idle_before: i64, created_before: i64) -> StoreFuture<'_, u64> {
        let sql = "DELETE FROM sessions WHERE last_used_at < $1 OR created_at < $2";
        Box::pin(self.run(statement!(sql, idle_before, created_before)))
    }

    fn settings(&self) -> StoreFuture<'_, Vec<SettingRecord>> {
        Box::pin(self.all(statement!("SELECT * FROM settings ORDER BY key"), record::setting))
    }
}
