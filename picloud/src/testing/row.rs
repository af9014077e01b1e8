//! Rows of a store with sensible contents, for tests that care about one field of them.

use crate::{
    AdminId, AppId, AuditId, DomainId, LimitOverrides, RequestId, RouteId, ScriptId, SessionId, content_hash,
    store::{
        AdminRecord, AppRecord, AuditRecord, Change, DomainRecord, ExecutionRecord, MinuteRecord, Quantiles,
        Role, RouteRecord, ScriptRecord, SessionRecord,
    },
};

/// When all rows here were made: 2026-01-01T00:00:00Z in microseconds.
pub const CREATED_AT: i64 = 1_767_225_600_000_000;

/// An app without limits of its own.
///
/// # Panics
/// If `slug` is not a valid slug.
#[must_use]
pub fn app(slug: &str) -> AppRecord {
    let slug = slug.parse().expect("the test gives a valid slug");
    AppRecord {
        id: AppId::new(),
        slug,
        limits: LimitOverrides::default(),
        created_at: CREATED_AT,
        version: 1,
    }
}

/// A claim whose shape is its pattern, as it is where nothing is captured.
#[must_use]
pub fn domain(app: AppId, pattern: &str) -> DomainRecord {
    let (pattern, shape) = (pattern.to_owned(), pattern.to_owned());
    DomainRecord { id: DomainId::new(), app, pattern, shape, created_at: CREATED_AT }
}

/// Version 1 of a script, saved by nobody.
#[must_use]
pub fn script(app: AppId, name: &str, source: &str) -> ScriptRecord {
    ScriptRecord {
        id: ScriptId::new(),
        app,
        name: name.to_owned(),
        source: source.to_owned(),
        hash: content_hash(source),
        limits: LimitOverrides::default(),
        version: 1,
        created_at: CREATED_AT,
        updated_at: CREATED_AT,
        updated_by: None,
    }
}

/// An enabled route whose shape is its path, as it is where nothing is captured.
#[must_use]
pub fn route(script: &ScriptRecord, method: &str, path: &str) -> RouteRecord {
    RouteRecord {
        id: RouteId::new(),
        app: script.app,
        script: script.id,
        method: method.to_owned(),
        path: path.to_owned(),
        shape: path.to_owned(),
        enabled: true,
        version: 1,
        created_at: CREATED_AT,
    }
}

/// The change that saves `source` as the next version of `script`, whatever its version is.
#[must_use]
pub fn save(script: &ScriptRecord, source: &str) -> Change {
    Change::UpdateScript {
        app: script.app,
        id: script.id,
        expected: None,
        name: script.name.clone(),
        source: source.to_owned(),
        hash: content_hash(source),
        limits: script.limits,
        at: CREATED_AT + 1,
        by: None,
    }
}

/// An active admin with a text that is no hash of any password.
#[must_use]
pub fn admin(username: &str) -> AdminRecord {
    AdminRecord {
        id: AdminId::new(),
        username: username.to_owned(),
        password_hash: "$argon2id$none".to_owned(),
        role: Role::Owner,
        active: true,
        created_at: CREATED_AT,
        version: 1,
    }
}

/// A session whose token hash is `token` repeated.
#[must_use]
pub fn session(admin: AdminId, token: u8) -> SessionRecord {
    SessionRecord {
        id: SessionId::new(),
        token_hash: [token; 32],
        admin,
        created_at: CREATED_AT,
        last_used_at: CREATED_AT,
        ip: Some("2001:db8::1".to_owned()),
        user_agent: Some("curl/8.5.0".to_owned()),
    }
}

/// The record of something that the platform did.
#[must_use]
pub fn audit(action: &str) -> AuditRecord {
    AuditRecord {
        id: AuditId::new(),
        at: CREATED_AT,
        admin: None,
        username: String::new(),
        ip: None,
        action: action.to_owned(),
        refused: None,
        app: None,
        target: String::new(),
        name: String::new(),
        before: None,
        after: None,
    }
}

/// A run over HTTP that went well and logged nothing.
#[must_use]
pub fn execution(script: &ScriptRecord) -> ExecutionRecord {
    ExecutionRecord {
        id: RequestId::new(),
        app: script.app,
        script: script.id,
        script_name: script.name.clone(),
        version: script.version,
        trigger: "http".to_owned(),
        at: CREATED_AT,
        method: "GET".to_owned(),
        path: "/".to_owned(),
        route: "/".to_owned(),
        status: 200,
        code: None,
        message: None,
        position: None,
        trace: Vec::new(),
        lines: Vec::new(),
        lines_dropped: 0,
        wall_us: 100,
        cpu_us: 90,
        operations: 10,
        peak_memory: 1024,
        ip: None,
    }
}

/// One successful run in a minute, which took 100 µs and 10 operations.
#[must_use]
pub fn minute(app: AppId, script: ScriptId, minute: i64) -> MinuteRecord {
    let (mut wall_us, mut operations) = (Quantiles::default(), Quantiles::default());
    wall_us.record(100);
    operations.record(10);
    MinuteRecord { app, script, minute, count: 1, errors: 0, unsampled: 0, dropped: 0, wall_us, operations }
}
