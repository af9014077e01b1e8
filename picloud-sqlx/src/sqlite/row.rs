//! Rows of the database as rows of the store, and back.

use picloud::{
    LimitOverrides,
    store::{AdminRecord, AppRecord, DomainRecord, RouteRecord, ScriptRecord, SessionRecord, StoreError},
};
use sqlx::{ColumnIndex, Decode, Row as _, Sqlite, Type, sqlite::SqliteRow};
use uuid::Uuid;

use super::error::store_error;

/// Reads one column.
pub(super) fn get<'r, T>(row: &'r SqliteRow, column: &'static str) -> Result<T, StoreError>
where
    T: Decode<'r, Sqlite> + Type<Sqlite>,
    &'static str: ColumnIndex<SqliteRow>,
{
    row.try_get(column).map_err(store_error)
}

/// Reads an id of any kind.
pub(super) fn id<T: From<Uuid>>(row: &SqliteRow, column: &'static str) -> Result<T, StoreError> {
    get::<Uuid>(row, column).map(T::from)
}

/// Reads a number that counts something.
pub(super) fn count(row: &SqliteRow, column: &'static str) -> Result<u64, StoreError> {
    let count = get::<i64>(row, column)?;
    u64::try_from(count).map_err(|_| StoreError::Corrupt(format!("{column} is {count}")))
}

fn hash(row: &SqliteRow, column: &'static str) -> Result<[u8; 32], StoreError> {
    let bytes = get::<&[u8]>(row, column)?;
    bytes.try_into().map_err(|_| StoreError::Corrupt(format!("{column} has {} bytes", bytes.len())))
}

fn limits(row: &SqliteRow) -> Result<LimitOverrides, StoreError> {
    let text = get::<&str>(row, "limits")?;
    serde_json::from_str(text).map_err(|error| StoreError::Corrupt(format!("limits: {error}")))
}

/// Limits as they are kept: JSON.
pub(super) fn limits_text(limits: &LimitOverrides) -> String {
    serde_json::to_string(limits).expect("limits are a map of names to numbers")
}

pub(super) fn app(row: &SqliteRow) -> Result<AppRecord, StoreError> {
    let slug = get::<&str>(row, "slug")?;
    Ok(AppRecord {
        id: id(row, "id")?,
        slug: slug.parse().map_err(|error| StoreError::Corrupt(format!("slug: {error}")))?,
        limits: limits(row)?,
        created_at: get(row, "created_at")?,
        version: count(row, "version")?,
    })
}

pub(super) fn domain(row: &SqliteRow) -> Result<DomainRecord, StoreError> {
    Ok(DomainRecord {
        id: id(row, "id")?,
        app: id(row, "app_id")?,
        pattern: get(row, "pattern")?,
        shape: get(row, "shape")?,
        created_at: get(row, "created_at")?,
    })
}

/// Of a row that joins a script with one of its versions.
pub(super) fn script(row: &SqliteRow) -> Result<ScriptRecord, StoreError> {
    Ok(ScriptRecord {
        id: id(row, "id")?,
        app: id(row, "app_id")?,
        name: get(row, "name")?,
        source: get(row, "source")?,
        hash: hash(row, "hash")?,
        limits: limits(row)?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "saved_at")?,
        updated_by: get::<Option<Uuid>>(row, "saved_by")?.map(Into::into),
    })
}

pub(super) fn route(row: &SqliteRow) -> Result<RouteRecord, StoreError> {
    Ok(RouteRecord {
        id: id(row, "id")?,
        app: id(row, "app_id")?,
        script: id(row, "script_id")?,
        method: get(row, "method")?,
        path: get(row, "path")?,
        shape: get(row, "shape")?,
        enabled: get(row, "enabled")?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
    })
}

pub(super) fn admin(row: &SqliteRow) -> Result<AdminRecord, StoreError> {
    Ok(AdminRecord {
        id: id(row, "id")?,
        username: get(row, "username")?,
        password_hash: get(row, "password_hash")?,
        active: get(row, "active")?,
        created_at: get(row, "created_at")?,
    })
}

pub(super) fn session(row: &SqliteRow) -> Result<SessionRecord, StoreError> {
    Ok(SessionRecord {
        id: id(row, "id")?,
        token_hash: hash(row, "token_hash")?,
        admin: id(row, "admin_id")?,
        created_at: get(row, "created_at")?,
        last_used_at: get(row, "last_used_at")?,
        ip: get(row, "ip")?,
    })
}
