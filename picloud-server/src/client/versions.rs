//! `picloud versions` and `picloud rollback`: the history of a script.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{api::Api, remote::Remote, report};
use crate::{
    Exit,
    cli::{RollbackArgs, VersionsArgs},
};

#[derive(Serialize, Deserialize)]
struct Version {
    version: u64,
    sha256: String,
    saved_at: String,
    saved_by: Option<String>,
}

#[derive(Deserialize)]
struct Saved {
    version: u64,
}

pub(crate) fn versions(args: &VersionsArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let remote = Remote::expect(&api, &args.app)?;
    let id = &remote.script(&args.script)?.id;
    let versions: Vec<Version> = api.list(&format!("/scripts/{id}/versions"))?;
    if args.json {
        return Ok(report::json(&versions)?);
    }
    for Version { version, sha256, saved_at, .. } in versions {
        report::line(&format!("{version:>5}  {saved_at}  {}", sha256.get(..12).unwrap_or(&sha256)));
    }
    Ok(())
}

/// The source of an earlier version becomes the newest one.
pub(crate) fn rollback(args: &RollbackArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let remote = Remote::expect(&api, &args.app)?;
    let id = &remote.script(&args.script)?.id;
    let body = json!({ "version": args.version });
    let saved: Saved = api.call("POST", &format!("/scripts/{id}/rollback"), Some(&body))?;
    let RollbackArgs { app, script, version, .. } = args;
    if args.json {
        return Ok(report::json(
            &json!({ "app": app, "script": script, "from": version, "version": saved.version }),
        )?);
    }
    report::line(&format!("{app}/{script}: version {version} is live again, as version {}", saved.version));
    Ok(())
}
