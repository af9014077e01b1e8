//! Applying changes to admins and settings.

use picloud::{
    AdminId, SessionId,
    store::{AdminRecord, Change, Role, StoreError},
};

use super::{change::create, record};
use crate::sql::{Transaction, statement};

type Done = Result<(), StoreError>;

/// Applies a change that concerns no app.
pub(super) async fn apply(db: &mut Transaction, change: Change) -> Done {
    match change {
        Change::CreateAdmin(admin) => create_admin(db, admin).await,
        Change::UpdateAdmin { id, expected, username, password_hash, role, active, keep } => {
            update(db, id, expected, Update { username, password_hash, role, active, keep }).await
        }
        Change::DeleteAdmin { id, expected } => delete(db, id, expected).await,
        Change::SetSetting { key, value: Some(value), at } => {
            let sql = "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at";
            db.run(statement!(sql, key, value, at)).await.map(drop)
        }
        Change::SetSetting { key, value: None, .. } => {
            db.run(statement!("DELETE FROM settings WHERE key = $1", key)).await.map(drop)
        }
        app => unreachable!("a change to an app is applied elsewhere: {app:?}"),
    }
}

async fn create_admin(db: &mut Transaction, admin: AdminRecord) -> Done {
    check_username(db, admin.id, &admin.username).await?;
    db.run(statement!("UPDATE meta SET had_admin = TRUE")).await?;
    insert(db, admin).await
}

/// Keeps an admin whose user name is free.
pub(super) async fn insert(db: &mut Transaction, admin: AdminRecord) -> Done {
    let AdminRecord { id, username, password_hash, role, active, created_at, version } = admin;
    let sql = "INSERT INTO admins (id, username, password_hash, role, active, created_at, version)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let insert = statement!(sql, id, username, password_hash, role.as_str(), active, created_at, version);
    create(db, insert, id).await
}

/// What becomes of an admin.
struct Update {
    username: Option<String>,
    password_hash: Option<String>,
    role: Option<Role>,
    active: Option<bool>,
    keep: Option<SessionId>,
}

async fn update(db: &mut Transaction, id: AdminId, expected: Option<u64>, update: Update) -> Done {
    let old = find(db, id, expected).await?;
    let ends_sessions = update.password_hash.is_some()
        || update.role.is_some_and(|role| role != old.role)
        || update.active == Some(false);
    let new = AdminRecord {
        username: update.username.unwrap_or_else(|| old.username.clone()),
        password_hash: update.password_hash.unwrap_or_else(|| old.password_hash.clone()),
        role: update.role.unwrap_or(old.role),
        active: update.active.unwrap_or(old.active),
        ..old.clone()
    };
    if !is_owner(&new) {
        check_owner_stays(db, &old).await?;
    }
    check_username(db, id, &new.username).await?;
    let sql =
        "UPDATE admins SET username = $2, password_hash = $3, role = $4, active = $5, version = version + 1
        WHERE id = $1";
    let (role, active) = (new.role.as_str(), new.active);
    db.run(statement!(sql, id, new.username, new.password_hash, role, active)).await?;
    if ends_sessions {
        end_sessions(db, id, update.keep).await?;
    }
    Ok(())
}

async fn delete(db: &mut Transaction, id: AdminId, expected: Option<u64>) -> Done {
    let old = find(db, id, expected).await?;
    check_owner_stays(db, &old).await?;
    db.run(statement!("DELETE FROM admins WHERE id = $1", id)).await.map(drop)
}

/// Ends the sessions of an admin but one; says how many.
pub(super) async fn end_sessions(
    db: &mut Transaction,
    admin: AdminId,
    keep: Option<SessionId>,
) -> Result<u64, StoreError> {
    match keep {
        Some(keep) => {
            db.run(statement!("DELETE FROM sessions WHERE admin_id = $1 AND id <> $2", admin, keep)).await
        }
        None => db.run(statement!("DELETE FROM sessions WHERE admin_id = $1", admin)).await,
    }
}

async fn find(db: &mut Transaction, id: AdminId, expected: Option<u64>) -> Result<AdminRecord, StoreError> {
    let found = db.find(statement!("SELECT * FROM admins WHERE id = $1", id)).await?;
    let admin = record::admin(&found.ok_or(StoreError::NotFound { what: "admin" })?)?;
    StoreError::check_version("admin", expected, admin.version)?;
    Ok(admin)
}

/// Whether this is one of those of whom there must be one.
fn is_owner(admin: &AdminRecord) -> bool {
    admin.active && admin.role == Role::Owner
}

/// Refuses to take `leaving` away if nobody else could stand in.
async fn check_owner_stays(db: &mut Transaction, leaving: &AdminRecord) -> Done {
    if !is_owner(leaving) {
        return Ok(());
    }
    let sql = "SELECT id FROM admins WHERE active AND role = $1 AND id <> $2 LIMIT 1";
    match db.find(statement!(sql, Role::Owner.as_str(), leaving.id)).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::LastAdmin),
    }
}

async fn check_username(db: &mut Transaction, own: AdminId, username: &str) -> Done {
    let held = statement!("SELECT id FROM admins WHERE username = $1 AND id <> $2", username, own);
    match db.find(held).await? {
        Some(_) => Err(StoreError::Conflict { what: "username", value: username.to_owned(), holder: None }),
        None => Ok(()),
    }
}
