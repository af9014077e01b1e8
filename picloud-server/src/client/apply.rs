//! `picloud push`: makes an app on the server what a folder says.

use std::collections::BTreeMap;

use picloud::{Position, point_at};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    api::{Api, Failure, segment},
    folder::Folder,
    plan::{Step, count, plan},
    remote::{Remote, Script},
    report,
};
use crate::{Exit, cli::PushArgs};

#[derive(Deserialize)]
struct Checked {
    diagnostics: Vec<Found>,
}

/// What is wrong in a source.
#[derive(Deserialize)]
struct Found {
    line: u32,
    column: u32,
    severity: String,
    message: String,
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

pub(crate) fn push(args: &PushArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let folder = Folder::read(&args.folder, args.app.as_deref())?;
    let remote = Remote::read(&api, &folder.slug)?;
    let (mut steps, mut kept) = (plan(&folder, remote.as_ref()), Vec::new());
    if !args.prune {
        (kept, steps) = steps.into_iter().partition(Step::removes);
    }
    check(&api, &folder, &steps)?;
    let mut work =
        Work { api: &api, folder: &folder, known: scripts(remote.as_ref()), remote: remote.as_ref() };
    for (done, step) in steps.iter().enumerate() {
        if let Err(failure) = work.step(step) {
            let told = format!(
                "{step}\n{failure}\n{done} of {} steps were done before; push again when this is mended",
                steps.len()
            );
            return Err(told.into());
        }
        if !args.json {
            report::line(&step.to_string());
        }
    }
    tell(args, &folder, &steps, &kept)
}

fn tell(args: &PushArgs, folder: &Folder, steps: &[Step], kept: &[Step]) -> Result<(), Exit> {
    if args.json {
        return Ok(report::json(&json!({ "app": folder.slug, "steps": steps, "only_on_server": kept }))?);
    }
    report::line(&format!("pushed {}: {}", folder.slug, count(steps)));
    for step in kept {
        report::line(&format!("only on the server: {}", step.to_string().trim_start_matches("- ")));
    }
    if !kept.is_empty() {
        report::line("Remove what is only on the server with --prune.");
    }
    Ok(())
}

fn scripts(remote: Option<&Remote>) -> BTreeMap<String, String> {
    let all = remote.into_iter().flat_map(|remote| remote.scripts.values());
    all.map(|script| (script.name.clone(), script.id.clone())).collect()
}

/// Has the server look at every source that is to be saved, so that nothing is saved if one of them is wrong.
fn check(api: &Api, folder: &Folder, steps: &[Step]) -> Result<(), Exit> {
    let mut wrong = Vec::new();
    for step in steps {
        let (Step::CreateScript { name } | Step::UpdateScript { name }) = step else { continue };
        let source = &folder.scripts[name];
        let checked: Checked = api.call("POST", "/scripts/check", Some(&json!({ "source": source })))?;
        let errors = checked.diagnostics.into_iter().filter(|found| found.severity == "error");
        wrong.extend(errors.map(|found| {
            point_at(name, source, &found.message, Position { line: found.line, column: found.column })
        }));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("nothing was pushed\n\n{}", wrong.join("\n\n")).into())
}

/// What is needed to do the steps.
struct Work<'a> {
    api: &'a Api,
    folder: &'a Folder,
    remote: Option<&'a Remote>,
    /// Ids of scripts by name, those that are made on the way too.
    known: BTreeMap<String, String>,
}

impl Work<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Failure> {
        let app = format!("/apps/{}", segment(&self.folder.slug));
        match step {
            Step::CreateApp { slug } => self.send("POST", "/apps", &json!({ "slug": slug })),
            Step::SetLimits { limits } => self.send("PATCH", &app, &json!({ "limits": limits })),
            Step::CreateScript { name } => {
                let body = json!({ "name": name, "source": self.folder.scripts[name] });
                let made: Made = self.api.call("POST", &format!("{app}/scripts"), Some(&body))?;
                self.known.insert(name.clone(), made.id);
                Ok(())
            }
            Step::UpdateScript { name } => {
                let Script { id, limits, .. } = self.there()?.script(name)?;
                let body = json!({ "name": name, "source": self.folder.scripts[name], "limits": limits });
                self.send("PUT", &format!("/scripts/{id}"), &body)
            }
            Step::CreateRoute { route, script } => self.create_route(route, script),
            Step::MoveRoute { route, script, .. } => {
                self.delete_route(route)?;
                self.create_route(route, script)
            }
            Step::EnableRoute { route } => {
                let id = &self.there()?.routes[route].id;
                self.send("PATCH", &format!("/routes/{id}"), &json!({ "enabled": true }))
            }
            Step::ClaimDomain { pattern } => {
                self.send("POST", &format!("{app}/domains"), &json!({ "pattern": pattern }))
            }
            Step::DeleteRoute { route } => self.delete_route(route),
            Step::DeleteScript { name } => self.delete(&format!("/scripts/{}", self.known[name])),
            Step::ReleaseDomain { pattern } => {
                let claims = &self.there()?.domains;
                let id = claims.iter().find(|domain| domain.pattern == *pattern).map(|domain| &domain.id);
                id.map_or(Ok(()), |id| self.delete(&format!("/domains/{id}")))
            }
        }
    }

    /// The app, for steps on what is there already.
    fn there(&self) -> Result<&Remote, Failure> {
        self.remote.ok_or_else(|| Failure::Other(format!("there is no app `{}` yet", self.folder.slug)))
    }

    fn create_route(&self, route: &str, script: &str) -> Result<(), Failure> {
        let (method, path) = route.split_once(' ').unwrap_or(("ANY", route));
        let body = json!({ "method": method, "path": path });
        self.send("POST", &format!("/scripts/{}/routes", self.known[script]), &body)
    }

    fn delete_route(&self, route: &str) -> Result<(), Failure> {
        self.delete(&format!("/routes/{}", self.there()?.routes[route].id))
    }

    fn send(&self, method: &str, path: &str, body: &Value) -> Result<(), Failure> {
        self.api.call::<Value>(method, path, Some(body)).map(drop)
    }

    fn delete(&self, path: &str) -> Result<(), Failure> {
        self.api.call::<Value>("DELETE", path, None).map(drop)
    }
}
