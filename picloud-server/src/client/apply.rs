//! `picloud push`: makes an app on the server what a folder says, all of it or nothing.

use std::collections::BTreeMap;

use picloud::{Position, manager::Step, point_at};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    api::{Api, Failure, Mistake, segment},
    folder::Folder,
    report,
};
use crate::{Exit, cli::PushArgs};

#[derive(Deserialize)]
struct Pushed {
    app: App,
    steps: Vec<Step>,
    kept: Vec<Step>,
}

#[derive(Deserialize)]
struct App {
    slug: String,
}

pub(crate) fn push(args: &PushArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let folder = Folder::read(&args.folder, args.app.as_deref())?;
    let path = format!("/apps/{}/deploy", segment(&folder.slug));
    let pushed = api.call("POST", &path, Some(&deployment(&folder, args.prune)));
    match pushed {
        Ok(pushed) => tell(args, &folder, &pushed),
        Err(Failure::Problem(problem)) if !problem.errors.is_empty() => {
            Err(format!("nothing was pushed\n\n{}", mistakes(&folder, &problem.errors)).into())
        }
        Err(failure) => Err(format!("nothing was pushed\n\n{failure}").into()),
    }
}

/// A folder as the server takes it.
pub(super) fn deployment(folder: &Folder, prune: bool) -> Value {
    let scripts = folder.scripts.iter().map(|(name, source)| json!({ "name": name, "source": source }));
    let routes = folder.routes.iter().map(|(route, script)| {
        let (method, path) = route.split_once(' ').unwrap_or(("ANY", route));
        json!({ "method": method, "path": path, "script": script })
    });
    json!({
        "limits": folder.limits,
        "scripts": scripts.collect::<Vec<_>>(),
        "routes": routes.collect::<Vec<_>>(),
        "domains": folder.domains,
        "prune": prune,
    })
}

/// What is wrong with the folder, in its own words: those in sources with line and caret.
pub(super) fn mistakes(folder: &Folder, errors: &[Mistake]) -> String {
    let told = |mistake: &Mistake| {
        let Mistake { field, detail, line, column } = mistake;
        let (part, at, rest) = split(field).unwrap_or_default();
        let script = folder.scripts.iter().nth(at).filter(|_| part == "scripts");
        match (script, line.zip(*column)) {
            (Some((name, source)), Some((line, column))) => {
                point_at(name, source, detail, Position { line, column })
            }
            (Some((name, _)), None) => format!("script {name}, {rest}: {detail}"),
            (None, _) => match (part, folder.routes.keys().nth(at)) {
                ("routes", Some(route)) => format!("route {route}: {detail}"),
                _ => format!("{field}: {detail}"),
            },
        }
    };
    errors.iter().map(told).collect::<Vec<_>>().join("\n\n")
}

/// The parts of `scripts[2].source`.
fn split(field: &str) -> Option<(&str, usize, &str)> {
    let (part, rest) = field.split_once('[')?;
    let (at, rest) = rest.split_once(']')?;
    Some((part, at.parse().ok()?, rest.trim_start_matches('.')))
}

fn tell(args: &PushArgs, folder: &Folder, pushed: &Pushed) -> Result<(), Exit> {
    let Pushed { app: App { slug }, steps, kept } = pushed;
    if args.json {
        return Ok(report::json(&json!({ "app": slug, "steps": steps, "only_on_server": kept }))?);
    }
    for step in steps {
        report::line(&step.to_string());
    }
    let renamed = if *slug == folder.slug { String::new() } else { format!(" (was {})", folder.slug) };
    report::line(&format!("pushed {slug}{renamed}: {}", count(steps)));
    for step in kept {
        report::line(&format!("only on the server: {}", step.to_string().trim_start_matches("- ")));
    }
    if !kept.is_empty() {
        report::line("Remove what is only on the server with --prune.");
    }
    Ok(())
}

/// How many of each kind of step, for a summary.
fn count(steps: &[Step]) -> String {
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
        Step::MoveRoute { .. } | Step::RenameRoute { .. } | Step::EnableRoute { .. } => "routes changed",
        Step::DeleteRoute { .. } => "routes removed",
        Step::ClaimDomain { .. } => "domains new",
        Step::ReleaseDomain { .. } => "domains removed",
    }
}
