//! What a deployment does, thing by thing, for those who ask for it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::LimitOverrides;

/// One thing that a deployment does or would do. Routes are written as in `GET /users/:id`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Step {
    /// The app is new.
    CreateApp {
        /// Its slug.
        slug: String,
    },
    /// The app gets other limits.
    SetLimits {
        /// All of them.
        limits: LimitOverrides,
    },
    /// A script is new.
    CreateScript {
        /// Its name.
        name: String,
    },
    /// A script gets its next version.
    UpdateScript {
        /// Its name.
        name: String,
    },
    /// A route is new.
    CreateRoute {
        /// Method and path.
        route: String,
        /// The name of the script that answers.
        script: String,
    },
    /// Another script answers.
    MoveRoute {
        /// Method and path.
        route: String,
        /// The name of the script that answers from now on.
        script: String,
        /// The name of the one that did.
        was: String,
    },
    /// The captures of a route get other names.
    RenameRoute {
        /// Method and path from now on.
        route: String,
        /// Method and path so far.
        was: String,
    },
    /// A route is switched on.
    EnableRoute {
        /// Method and path.
        route: String,
    },
    /// Host names are claimed.
    ClaimDomain {
        /// Which.
        pattern: String,
    },
    /// A route is removed.
    DeleteRoute {
        /// Method and path.
        route: String,
    },
    /// A script is removed, and the routes that lead to it.
    DeleteScript {
        /// Its name.
        name: String,
    },
    /// A claim is given up.
    ReleaseDomain {
        /// Which.
        pattern: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateApp { slug } => write!(f, "+ app {slug}"),
            Self::SetLimits { limits } => {
                write!(f, "~ limits {}", serde_json::to_string(limits).unwrap_or_default())
            }
            Self::CreateScript { name } => write!(f, "+ script {name}"),
            Self::UpdateScript { name } => write!(f, "~ script {name}"),
            Self::CreateRoute { route, script } => write!(f, "+ route {route} → {script}"),
            Self::MoveRoute { route, script, was } => write!(f, "~ route {route} → {script} (was {was})"),
            Self::RenameRoute { route, was } => write!(f, "~ route {route} (was {was})"),
            Self::EnableRoute { route } => write!(f, "~ route {route} is switched on"),
            Self::ClaimDomain { pattern } => write!(f, "+ domain {pattern}"),
            Self::DeleteRoute { route } => write!(f, "- route {route}"),
            Self::DeleteScript { name } => write!(f, "- script {name}"),
            Self::ReleaseDomain { pattern } => write!(f, "- domain {pattern}"),
        }
    }
}
