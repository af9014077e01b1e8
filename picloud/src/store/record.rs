//! The rows of a store, and the changes to them.

use serde::{Deserialize, Serialize};

use crate::{AdminId, AppId, DomainId, InvalidName, LimitOverrides, RouteId, ScriptId, SessionId, Slug};

/// An app: what owns everything else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRecord {
    /// Never changes.
    pub id: AppId,
    /// Unique; may be renamed.
    pub slug: Slug,
    /// Limits that all its scripts inherit.
    pub limits: LimitOverrides,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Grows with every change to this row, from 1.
    pub version: u64,
}

/// How an app is named in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppKey {
    /// By id.
    Id(AppId),
    /// By its current slug.
    Slug(Slug),
}

impl AppKey {
    /// Reads what a client wrote: an id if it looks like one, else a slug.
    ///
    /// # Errors
    /// If it is neither.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        text.parse().map(Self::Id).or_else(|_| text.parse().map(Self::Slug))
    }
}

impl From<AppId> for AppKey {
    fn from(id: AppId) -> Self {
        Self::Id(id)
    }
}

/// An app's claim on host names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainRecord {
    /// Never changes.
    pub id: DomainId,
    /// The claiming app.
    pub app: AppId,
    /// Canonical pattern: `a.test`, `*.a.test`, `{x}.a.test` or `*`.
    pub pattern: String,
    /// What collides: the pattern with every capture written as `*`. Unique over all apps.
    pub shape: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
}

/// The newest version of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptRecord {
    /// Never changes.
    pub id: ScriptId,
    /// The owning app.
    pub app: AppId,
    /// Unique in its app.
    pub name: String,
    /// Rhai source.
    pub source: String,
    /// SHA-256 of the source.
    pub hash: [u8; 32],
    /// Limits of this script only.
    pub limits: LimitOverrides,
    /// Grows by one with every save, from 1.
    pub version: u64,
    /// Microseconds since 1970 UTC: when version 1 was saved.
    pub created_at: i64,
    /// Microseconds since 1970 UTC: when this version was saved.
    pub updated_at: i64,
    /// Who saved this version; `None` for the platform itself.
    pub updated_by: Option<AdminId>,
}

impl ScriptRecord {
    /// Whether the source is still what was saved.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        crate::content_hash(&self.source) == self.hash
    }
}

/// A route of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRecord {
    /// Never changes.
    pub id: RouteId,
    /// The owning app.
    pub app: AppId,
    /// The script it leads to; of the same app.
    pub script: ScriptId,
    /// `GET`, `POST`, … or `ANY`.
    pub method: String,
    /// Canonical path pattern, such as `/users/:id`.
    pub path: String,
    /// What collides: the path with every capture's name left out. Unique with the method in its app.
    pub shape: String,
    /// Whether it answers.
    pub enabled: bool,
    /// Grows with every change to this row, from 1.
    pub version: u64,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
}

/// Everything the data plane needs, at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct World {
    /// The revision this was read at.
    pub revision: u64,
    /// All apps.
    pub apps: Vec<AppRecord>,
    /// All claims.
    pub domains: Vec<DomainRecord>,
    /// The newest version of every script.
    pub scripts: Vec<ScriptRecord>,
    /// All routes.
    pub routes: Vec<RouteRecord>,
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
    /// Another method, path or state for a route; its version grows by one.
    UpdateRoute {
        /// The owning app.
        app: AppId,
        /// Which route.
        id: RouteId,
        /// Only if it still has this version.
        expected: Option<u64>,
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
}

/// An administrator.
#[derive(Clone, PartialEq, Eq)]
pub struct AdminRecord {
    /// Never changes.
    pub id: AdminId,
    /// Unique, lower-case.
    pub username: String,
    /// PHC string of the password.
    pub password_hash: String,
    /// Whether they may log in.
    pub active: bool,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
}

impl std::fmt::Debug for AdminRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Leaves the hash out: records end up in logs and panics.
        f.debug_struct("AdminRecord")
            .field("id", &self.id)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// A logged-in client.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// Public name of the session.
    pub id: SessionId,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// Who logged in.
    pub admin: AdminId,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Microseconds since 1970 UTC.
    pub last_used_at: i64,
    /// The client's address at login, if known.
    pub ip: Option<String>,
}

impl std::fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRecord")
            .field("id", &self.id)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}
