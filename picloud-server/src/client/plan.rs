//! What has to be done so that an app on the server is what a folder says.

use std::{collections::BTreeMap, fmt};

use picloud::{LimitOverrides, content_hash};
use serde::Serialize;

use super::{folder::Folder, remote::Remote};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum Step {
    CreateApp {
        slug: String,
    },
    SetLimits {
        limits: LimitOverrides,
    },
    CreateScript {
        name: String,
    },
    UpdateScript {
        name: String,
    },
    CreateRoute {
        route: String,
        script: String,
    },
    /// Another script answers.
    MoveRoute {
        route: String,
        script: String,
        was: String,
    },
    EnableRoute {
        route: String,
    },
    ClaimDomain {
        pattern: String,
    },
    DeleteRoute {
        route: String,
    },
    DeleteScript {
        name: String,
    },
    ReleaseDomain {
        pattern: String,
    },
}

impl Step {
    /// Whether it takes away something that only the server has.
    pub(super) fn removes(&self) -> bool {
        matches!(self, Self::DeleteRoute { .. } | Self::DeleteScript { .. } | Self::ReleaseDomain { .. })
    }
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
            Self::EnableRoute { route } => write!(f, "~ route {route} is switched on"),
            Self::ClaimDomain { pattern } => write!(f, "+ domain {pattern}"),
            Self::DeleteRoute { route } => write!(f, "- route {route}"),
            Self::DeleteScript { name } => write!(f, "- script {name}"),
            Self::ReleaseDomain { pattern } => write!(f, "- domain {pattern}"),
        }
    }
}

/// All steps, in an order in which each finds what it needs.
pub(super) fn plan(folder: &Folder, remote: Option<&Remote>) -> Vec<Step> {
    let mut steps = Vec::new();
    if remote.is_none() {
        steps.push(Step::CreateApp { slug: folder.slug.clone() });
    }
    let limits = remote.map_or_else(LimitOverrides::default, |remote| remote.app.limits);
    if folder.limits != limits {
        steps.push(Step::SetLimits { limits: folder.limits });
    }
    scripts(folder, remote, &mut steps);
    routes(folder, remote, &mut steps);
    domains(folder, remote, &mut steps);
    removals(folder, remote, &mut steps);
    steps
}

fn scripts(folder: &Folder, remote: Option<&Remote>, steps: &mut Vec<Step>) {
    for (name, source) in &folder.scripts {
        let name = name.clone();
        match remote.and_then(|remote| remote.scripts.get(&name)) {
            None => steps.push(Step::CreateScript { name }),
            Some(script) if script.sha256 != hash(source) => steps.push(Step::UpdateScript { name }),
            Some(_) => {}
        }
    }
}

fn routes(folder: &Folder, remote: Option<&Remote>, steps: &mut Vec<Step>) {
    for (route, script) in &folder.routes {
        let (route, script) = (route.clone(), script.clone());
        let Some((remote, known)) = remote.and_then(|remote| Some((remote, remote.routes.get(&route)?)))
        else {
            steps.push(Step::CreateRoute { route, script });
            continue;
        };
        let was = remote.name_of(&known.script_id).to_owned();
        if was != script {
            steps.push(Step::MoveRoute { route, script, was });
        } else if !known.enabled {
            steps.push(Step::EnableRoute { route });
        }
    }
}

fn domains(folder: &Folder, remote: Option<&Remote>, steps: &mut Vec<Step>) {
    for pattern in folder.domains.iter().flatten() {
        if !remote.is_some_and(|remote| remote.domains.iter().any(|domain| domain.pattern == *pattern)) {
            steps.push(Step::ClaimDomain { pattern: pattern.clone() });
        }
    }
}

/// What only the server has. Routes that are switched off there are no part of a folder.
fn removals(folder: &Folder, remote: Option<&Remote>, steps: &mut Vec<Step>) {
    let Some(remote) = remote else { return };
    for (route, known) in remote.routes.iter().filter(|(_, known)| known.enabled) {
        // Those of a script that goes, go with it.
        if !folder.routes.contains_key(route) && folder.scripts.contains_key(remote.name_of(&known.script_id))
        {
            steps.push(Step::DeleteRoute { route: route.clone() });
        }
    }
    for name in remote.scripts.keys().filter(|name| !folder.scripts.contains_key(*name)) {
        steps.push(Step::DeleteScript { name: name.clone() });
    }
    let Some(claims) = &folder.domains else { return };
    for domain in remote.domains.iter().filter(|domain| !claims.contains(&domain.pattern)) {
        steps.push(Step::ReleaseDomain { pattern: domain.pattern.clone() });
    }
}

fn hash(source: &str) -> String {
    content_hash(source).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many of each kind of step, for a summary.
pub(super) fn count(steps: &[Step]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for step in steps {
        *counts.entry(kind(step)).or_default() += 1;
    }
    let parts: Vec<_> = counts.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
}

fn kind(step: &Step) -> &'static str {
    match step {
        Step::CreateApp { .. } => "app new",
        Step::SetLimits { .. } => "limits changed",
        Step::CreateScript { .. } => "scripts new",
        Step::UpdateScript { .. } => "scripts changed",
        Step::DeleteScript { .. } => "scripts removed",
        Step::CreateRoute { .. } => "routes new",
        Step::MoveRoute { .. } | Step::EnableRoute { .. } => "routes changed",
        Step::DeleteRoute { .. } => "routes removed",
        Step::ClaimDomain { .. } => "domains new",
        Step::ReleaseDomain { .. } => "domains removed",
    }
}
