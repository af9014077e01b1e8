//! What may be changed.

use super::{AdminRecord, AppRecord, AuditRecord, DomainRecord, Role, RouteRecord, ScriptRecord};
use crate::{AdminId, AppId, DomainId, LimitOverrides, RouteId, ScriptId, SessionId, Slug};

/// Changes that are made together or not at all, and the record of who made them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Applied in this order.
    pub changes: Vec<Change>,
    /// Kept with them.
    pub audit: Vec<AuditRecord>,
}

impl From<Vec<Change>> for Commit {
    /// Changes without a record, for tests and for what needs none.
    fn from(changes: Vec<Change>) -> Self {
        Self { changes, audit: Vec::new() }
    }
}

/// One change to what apps own. Several may be committed together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new app.
    CreateApp(AppRecord),
    /// New slug and limits for an app; its version grows by one.
    UpdateApp {
        /// Which app.
        id: AppId,
        /// Only if it still has this version.
        expected: Option<u64>,
        /// The slug from now on.
        slug: Slug,
        /// The limits from now on.
        limits: LimitOverrides,
    },
    /// Removes an app and all that it owns.
    DeleteApp {
        /// Which app.
        id: AppId,
        /// Only if it still has this version.
        expected: Option<u64>,
    },
    /// A new claim.
    ClaimDomain(DomainRecord),
    /// Gives up a claim.
    ReleaseDomain {
        /// The claiming app.
        app: AppId,
        /// Which claim.
        id: DomainId,
    },
    /// Version 1 of a new script.
    CreateScript(ScriptRecord),
    /// The next version of a script; the store sets the number.
    UpdateScript {
        /// The owning app.
        app: AppId,
        /// Which script.
        id: ScriptId,
        /// Only if it still has this version.
        expected: Option<u64>,
        /// The name from now on.
        name: String,
        /// The source from now on.
        source: String,
        /// SHA-256 of the source.
        hash: [u8; 32],
        /// The limits from now on.
        limits: LimitOverrides,
        /// When.
        at: i64,
        /// By whom.
        by: Option<AdminId>,
    },
    /// Removes a script and the routes that lead to it.
    DeleteScript {
        /// The owning app.
        app: AppId,
        /// Which script.
        id: ScriptId,
        /// Only if it still has this version.
        expected: Option<u64>,
    },
    /// A new route. `NotFound` if its script is not one of its app.
    CreateRoute(RouteRecord),
    /// Another script, method, path or state for a route; its version grows by one. `NotFound` if the script is not one
    /// of its app.
    UpdateRoute {
        /// The owning app.
        app: AppId,
        /// Which route.
        id: RouteId,
        /// Only if it still has this version.
        expected: Option<u64>,
        /// The script that it leads to from now on.
        script: ScriptId,
        /// The method from now on.
        method: String,
        /// The path from now on.
        path: String,
        /// The shape of that path.
        shape: String,
        /// Whether it answers from now on.
        enabled: bool,
    },
    /// Removes a route.
    DeleteRoute {
        /// The owning app.
        app: AppId,
        /// Which route.
        id: RouteId,
        /// Only if it still has this version.
        expected: Option<u64>,
    },
    /// A new admin.
    CreateAdmin(AdminRecord),
    /// Another user name, password, role or state for an admin; what is `None` stays, its version grows by one. Ends the
    /// sessions of an admin who gets a new password, a new role or is disabled, but for `keep`.
    UpdateAdmin {
        /// Which admin.
        id: AdminId,
        /// Only if it still has this version.
        expected: Option<u64>,
        /// The user name from now on.
        username: Option<String>,
        /// PHC string of the password from now on.
        password_hash: Option<String>,
        /// The role from now on.
        role: Option<Role>,
        /// Whether they may log in from now on.
        active: Option<bool>,
        /// A session that goes on.
        keep: Option<SessionId>,
    },
    /// Removes an admin and their sessions.
    DeleteAdmin {
        /// Which admin.
        id: AdminId,
        /// Only if it still has this version.
        expected: Option<u64>,
    },
    /// Sets a setting; `None` removes it, back to its default.
    SetSetting {
        /// Its name.
        key: String,
        /// JSON.
        value: Option<String>,
        /// When.
        at: i64,
    },
}
