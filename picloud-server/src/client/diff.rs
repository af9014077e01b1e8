//! `picloud diff`: how a folder and an app on the server differ.

use picloud::manager::Step;
use serde::Deserialize;
use serde_json::json;
use similar::TextDiff;

use super::{
    api::{Api, Failure, Mistake, segment},
    apply::{deployment, mistakes},
    folder::Folder,
    remote::Remote,
    report,
};
use crate::{Exit, cli::DiffArgs};

#[derive(Deserialize)]
struct Checked {
    steps: Vec<Step>,
    errors: Vec<Mistake>,
}

/// Ends with 1 where there are differences, as `diff` does.
pub(crate) fn diff(args: &DiffArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let folder = Folder::read(&args.folder, args.app.as_deref())?;
    let remote = Remote::read(&api, &folder.slug)?;
    let path = format!("/apps/{}/deploy/check", segment(&folder.slug));
    let Checked { steps, errors } = api.call("POST", &path, Some(&deployment(&folder, true)))?;
    if args.json {
        report::json(&json!({ "app": folder.slug, "steps": steps }))?;
    } else {
        for step in &steps {
            report::line(&step.to_string());
            if let Step::UpdateScript { name } = step {
                show(&api, &folder, remote.as_ref(), name)?;
            }
        }
        if !errors.is_empty() {
            report::line(&format!("this cannot be pushed:\n\n{}", mistakes(&folder, &errors)));
        }
    }
    if steps.is_empty() && errors.is_empty() { Ok(()) } else { Err(Exit { text: String::new(), code: 1 }) }
}

/// The lines in which a script differs: `-` is the server's, `+` the folder's.
fn show(api: &Api, folder: &Folder, remote: Option<&Remote>, name: &str) -> Result<(), Failure> {
    let Some(script) = remote.and_then(|remote| remote.scripts.get(name)) else { return Ok(()) };
    let (old, new) = (Remote::source(api, script)?, &folder.scripts[name]);
    let (from, to) = (format!("{name} version {}", script.version), format!("{name}.rhai"));
    let diff = TextDiff::from_lines(old.as_str(), new);
    report::line(diff.unified_diff().header(&from, &to).to_string().trim_end());
    Ok(())
}
