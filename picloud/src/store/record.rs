//! The rows of a store, and the changes to them.

use std::fmt;

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

impl fmt::Display for AppKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Slug(slug) => slug.fmt(f),
        }
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

/// One version of a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionRecord {
    /// The owning app.
    pub app: AppId,
    /// The script.
    pub script: ScriptId,
    /// From 1.
    pub version: u64,
    /// Rhai source.
    pub source: String,
    /// SHA-256 of the source.
    pub hash: [u8; 32],
    /// Microseconds since 1970 UTC.
    pub saved_at: i64,
    /// Who saved it; `None` for the platform itself. That admin may be gone.
    pub saved_by: Option<AdminId>,
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

/// What the data plane needs of some apps or all, at one revision.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct World {
    /// The revision this was read at.
    pub revision: u64,
    /// Apps with all that they own, ordered by id.
    pub apps: Vec<AppWorld>,
    /// Apps that went since the revision that was asked for; may name some that went before it.
    pub gone: Vec<AppId>,
}

/// One app with all that it owns, each ordered by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppWorld {
    /// The app.
    pub app: AppRecord,
    /// Its claims.
    pub domains: Vec<DomainRecord>,
    /// The newest versions of its scripts.
    pub scripts: Vec<ScriptRecord>,
    /// Its routes.
    pub routes: Vec<RouteRecord>,
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
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    pub active: bool,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Grows with every change to this row, from 1.
    pub version: u64,
}

/// What an admin may do. More roles may come; one that is not known grants nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Role {
    /// Everything.
    Owner,
}

impl Role {
    /// The name, as stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
        }
    }
}

/// A setting that may change at run time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingRecord {
    /// Its name, such as `log.sample`.
    pub key: String,
    /// JSON.
    pub value: String,
    /// Microseconds since 1970 UTC.
    pub updated_at: i64,
}

impl fmt::Debug for AdminRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
    /// The client program at login, as it named itself, cut to 256 bytes.
    pub user_agent: Option<String>,
}

impl fmt::Debug for SessionRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRecord")
            .field("id", &self.id)
            .field("admin", &self.admin)
            .finish_non_exhaustive()
    }
}
