//! Apps and what they own: looking up, listing, and the transaction that changes them.

use picloud::{
    AppId, BoxFuture, DomainId, RouteId, ScriptId, Slug,
    store::{
        AppKey, AppRecord, AppStore, Commit, DomainRecord, Page, RouteRecord, ScriptRecord, StoreFuture,
        VersionRecord, World,
    },
};

use super::{Backend, SqlStore, after, audit, change, record, world};
use crate::sql::statement;

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
pub(super) use scripts;

impl<B: Backend> AppStore for SqlStore<B> {
    fn revision(&self) -> StoreFuture<'_, u64> {
        let statement = statement!("SELECT revision FROM meta");
        Box::pin(self.one("revision", statement, |row| row.count("revision")))
    }

    fn changed(&self, seen: u64) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.backend.listen(&self.notices);
            // Before looking, so that nothing is missed in between.
            let mut notices = self.notices.subscribe();
            if self.revision().await.is_ok_and(|revision| revision != seen) {
                return;
            }
            // The sender lives in `self`.
            let _ = notices.changed().await;
        })
    }

    fn world(&self, since: u64) -> StoreFuture<'_, World> {
        Box::pin(async move { world::read(&mut self.backend.snapshot().await?, since).await })
    }

    fn apps(&self, page: Page<AppId>) -> StoreFuture<'_, Vec<AppRecord>> {
        let (after, limit) = after(page);
        let sql = "SELECT * FROM apps WHERE id > $1 ORDER BY id LIMIT $2";
        Box::pin(self.all(statement!(sql, after, limit), record::app))
    }

    fn app(&self, key: AppKey) -> StoreFuture<'_, AppRecord> {
        let statement = match key {
            AppKey::Id(id) => statement!("SELECT * FROM apps WHERE id = $1", id),
            AppKey::Slug(slug) => statement!("SELECT * FROM apps WHERE slug = $1", slug),
        };
        Box::pin(self.one("app", statement, record::app))
    }

    fn former(&self, slug: Slug) -> StoreFuture<'_, AppRecord> {
        let sql = "SELECT a.* FROM former_slugs f JOIN apps a ON a.id = f.app_id WHERE f.slug = $1";
        Box::pin(self.one("app", statement!(sql, slug), record::app))
    }

    fn domains(&self, app: AppId, page: Page<DomainId>) -> StoreFuture<'_, Vec<DomainRecord>> {
        let (after, limit) = after(page);
        let sql = "SELECT * FROM domains WHERE app_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        Box::pin(self.all(statement!(sql, app, after, limit), record::domain))
    }

    fn domain(&self, app: AppId, id: DomainId) -> StoreFuture<'_, DomainRecord> {
        let statement = statement!("SELECT * FROM domains WHERE app_id = $1 AND id = $2", app, id);
        Box::pin(self.one("domain", statement, record::domain))
    }

    fn scripts(&self, app: AppId, page: Page<ScriptId>) -> StoreFuture<'_, Vec<ScriptRecord>> {
        let (after, limit) = after(page);
        let sql = scripts!("WHERE s.app_id = $1 AND s.id > $2 ORDER BY s.id LIMIT $3");
        Box::pin(self.all(statement!(sql, app, after, limit), record::script))
    }

    fn script(&self, app: AppId, id: ScriptId) -> StoreFuture<'_, ScriptRecord> {
        let statement = statement!(scripts!("WHERE s.app_id = $1 AND s.id = $2"), app, id);
        Box::pin(self.one("script", statement, record::script))
    }

    fn versions(&self, app: AppId, script: ScriptId, page: Page<u64>) -> StoreFuture<'_, Vec<VersionRecord>> {
        let sql = "SELECT * FROM script_versions WHERE app_id = $1 AND script_id = $2 AND version < $3
            ORDER BY version DESC LIMIT $4";
        let statement = statement!(sql, app, script, page.after.unwrap_or(u64::MAX), page.limit);
        Box::pin(self.all(statement, record::version))
    }

    fn version(&self, app: AppId, script: ScriptId, version: u64) -> StoreFuture<'_, VersionRecord> {
        let sql = "SELECT * FROM script_versions WHERE app_id = $1 AND script_id = $2 AND version = $3";
        Box::pin(self.one("version", statement!(sql, app, script, version), record::version))
    }

    fn routes(&self, app: AppId, page: Page<RouteId>) -> StoreFuture<'_, Vec<RouteRecord>> {
        let (after, limit) = after(page);
        let sql = "SELECT * FROM routes WHERE app_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        Box::pin(self.all(statement!(sql, app, after, limit), record::route))
    }

    fn route(&self, app: AppId, id: RouteId) -> StoreFuture<'_, RouteRecord> {
        let statement = statement!("SELECT * FROM routes WHERE app_id = $1 AND id = $2", app, id);
        Box::pin(self.one("route", statement, record::route))
    }

    fn app_of_script(&self, id: ScriptId) -> StoreFuture<'_, AppId> {
        let statement = statement!("SELECT app_id FROM scripts WHERE id = $1", id);
        Box::pin(self.one("script", statement, |row| row.id("app_id")))
    }

    fn app_of_route(&self, id: RouteId) -> StoreFuture<'_, AppId> {
        let statement = statement!("SELECT app_id FROM routes WHERE id = $1", id);
        Box::pin(self.one("route", statement, |row| row.id("app_id")))
    }

    fn app_of_domain(&self, id: DomainId) -> StoreFuture<'_, AppId> {
        let statement = statement!("SELECT app_id FROM domains WHERE id = $1", id);
        Box::pin(self.one("domain", statement, |row| row.id("app_id")))
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, u64> {
        Box::pin(async {
            let mut db = self.backend.begin().await?;
            let revision = change::next_revision(&mut db).await?;
            for change in commit.changes {
                change::apply(&mut db, revision, change).await?;
            }
            for audited in commit.audit {
                audit::append(&mut db, audited).await?;
            }
            self.backend.announce(&mut db).await?;
            self.backend.finish(db).await?;
            self.notices.send_replace(());
            Ok(revision)
        })
    }
}
