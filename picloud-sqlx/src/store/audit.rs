//! The audit trail.

use picloud::{
    AppId, AuditId,
    store::{AuditRecord, AuditStore, Page, StoreError, StoreFuture},
};

use super::{Backend, SqlStore, before, change::create, record};
use crate::sql::{Transaction, statement};

impl<B: Backend> AuditStore for SqlStore<B> {
    fn append_audit(&self, audited: AuditRecord) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let mut db = self.backend.begin().await?;
            append(&mut db, audited).await?;
            self.backend.finish(db).await
        })
    }

    fn audit(&self, app: Option<AppId>, page: Page<AuditId>) -> StoreFuture<'_, Vec<AuditRecord>> {
        let (before, limit) = before(page);
        let statement = match app {
            Some(app) => {
                let sql = "SELECT * FROM audit WHERE app_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
                statement!(sql, app, before, limit)
            }
            None => {
                statement!("SELECT * FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2", before, limit)
            }
        };
        Box::pin(self.all(statement, record::audit))
    }

    fn prune_audit(&self, before: i64) -> StoreFuture<'_, u64> {
        Box::pin(self.run(statement!("DELETE FROM audit WHERE at < $1", before)))
    }
}

/// Keeps a record, in the transaction of what it tells of.
pub(super) async fn append(db: &mut Transaction, audited: AuditRecord) -> Result<(), StoreError> {
    let AuditRecord { id, at, admin, username, ip, action, refused, app, target, name, before, after } =
        audited;
    let sql = "INSERT INTO audit
        (id, at, admin_id, username, ip, action, refused, app_id, target, name, hash_before, hash_after)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
    let insert =
        statement!(sql, id, at, admin, username, ip, action, refused, app, target, name, before, after);
    create(db, insert, id).await
}
