//! Rows as the records of the store.

use picloud::{
    LimitOverrides,
    store::{
        AdminRecord, AppRecord, AuditRecord, DomainRecord, ExecutionRecord, MinuteRecord, Role, RouteRecord,
        ScriptRecord, SessionRecord, SettingRecord, StoreError, VersionRecord,
    },
};

use crate::sql::Row;

type Result<T> = std::result::Result<T, StoreError>;

/// What is kept as JSON, as its text. NUL, which PostgreSQL cannot keep, is escaped in it.
pub(super) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("records have text keys and finite numbers")
}

pub(super) fn limits(limits: &LimitOverrides) -> String {
    json(limits)
}

pub(super) fn app(row: &Row) -> Result<AppRecord> {
    let slug = row.get::<String>("slug")?;
    Ok(AppRecord {
        id: row.id("id")?,
        slug: slug.parse().map_err(|error| StoreError::Corrupt(format!("slug: {error}")))?,
        limits: row.json("limits")?,
        created_at: row.get("created_at")?,
        version: row.count("version")?,
    })
}

pub(super) fn domain(row: &Row) -> Result<DomainRecord> {
    Ok(DomainRecord {
        id: row.id("id")?,
        app: row.id("app_id")?,
        pattern: row.get("pattern")?,
        shape: row.get("shape")?,
        created_at: row.get("created_at")?,
    })
}

/// Of a row that joins a script with one of its versions.
pub(super) fn script(row: &Row) -> Result<ScriptRecord> {
    Ok(ScriptRecord {
        id: row.id("id")?,
        app: row.id("app_id")?,
        name: row.get("name")?,
        source: row.get("source")?,
        hash: row.hash("hash")?,
        limits: row.json("limits")?,
        version: row.count("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("saved_at")?,
        updated_by: row.optional_id("saved_by")?,
    })
}

pub(super) fn version(row: &Row) -> Result<VersionRecord> {
    Ok(VersionRecord {
        app: row.id("app_id")?,
        script: row.id("script_id")?,
        version: row.count("version")?,
        source: row.get("source")?,
        hash: row.hash("hash")?,
        saved_at: row.get("saved_at")?,
        saved_by: row.optional_id("saved_by")?,
    })
}

pub(super) fn route(row: &Row) -> Result<RouteRecord> {
    Ok(RouteRecord {
        id: row.id("id")?,
        app: row.id("app_id")?,
        script: row.id("script_id")?,
        method: row.get("method")?,
        path: row.get("path")?,
        shape: row.get("shape")?,
        enabled: row.get("enabled")?,
        version: row.count("version")?,
        created_at: row.get("created_at")?,
    })
}

pub(super) fn admin(row: &Row) -> Result<AdminRecord> {
    Ok(AdminRecord {
        id: row.id("id")?,
        username: row.get("username")?,
        password_hash: row.get("password_hash")?,
        role: role(&row.get::<String>("role")?)?,
        active: row.get("active")?,
        created_at: row.get("created_at")?,
        version: row.count("version")?,
    })
}

fn role(name: &str) -> Result<Role> {
    // As it is written in JSON, so that a new role needs no change here.
    let role = serde_json::from_value(name.into());
    role.map_err(|_| StoreError::Corrupt(format!("the role `{name}` is not known to this version")))
}

pub(super) fn session(row: &Row) -> Result<SessionRecord> {
    Ok(SessionRecord {
        id: row.id("id")?,
        token_hash: row.hash("token_hash")?,
        admin: row.id("admin_id")?,
        created_at: row.get("created_at")?,
        last_used_at: row.get("last_used_at")?,
        ip: row.get("ip")?,
        user_agent: row.get("user_agent")?,
    })
}

pub(super) fn setting(row: &Row) -> Result<SettingRecord> {
    Ok(SettingRecord { key: row.get("key")?, value: row.get("value")?, updated_at: row.get("updated_at")? })
}

pub(super) fn audit(row: &Row) -> Result<AuditRecord> {
    Ok(AuditRecord {
        id: row.id("id")?,
        at: row.get("at")?,
        admin: row.optional_id("admin_id")?,
        username: row.get("username")?,
        ip: row.get("ip")?,
        action: row.get("action")?,
        refused: row.get("refused")?,
        app: row.optional_id("app_id")?,
        target: row.get("target")?,
        name: row.get("name")?,
        before: row.optional_hash("hash_before")?,
        after: row.optional_hash("hash_after")?,
    })
}

pub(super) fn execution(row: &Row) -> Result<ExecutionRecord> {
    let status = row.get::<i64>("status")?;
    Ok(ExecutionRecord {
        id: row.id("id")?,
        app: row.id("app_id")?,
        script: row.id("script_id")?,
        script_name: row.get("script_name")?,
        version: row.count("version")?,
        trigger: row.get("cause")?,
        at: row.get("at")?,
        method: row.get("method")?,
        path: row.get("path")?,
        route: row.get("route")?,
        status: u16::try_from(status).map_err(|_| StoreError::Corrupt(format!("status is {status}")))?,
        code: row.get("code")?,
        message: row.get("message")?,
        position: row.optional_json("place")?,
        trace: row.json("trace")?,
        lines: row.json("lines")?,
        lines_dropped: row.count("lines_dropped")?,
        wall_us: row.count("wall_us")?,
        cpu_us: row.count("cpu_us")?,
        operations: row.count("operations")?,
        peak_memory: row.count("peak_memory")?,
        ip: row.get("ip")?,
    })
}

pub(super) fn minute(row: &Row) -> Result<MinuteRecord> {
    Ok(MinuteRecord {
        app: row.id("app_id")?,
        script: row.id("script_id")?,
        minute: row.get("minute")?,
        count: row.count("count")?,
        errors: row.count("errors")?,
        unsampled: row.count("unsampled")?,
        dropped: row.count("dropped")?,
        wall_us: row.json("wall_us")?,
        operations: row.json("operations")?,
    })
}
