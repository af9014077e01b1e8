//! An app as a folder: `picloud.toml` and `*.rhai`.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

use picloud::{DomainPattern, LimitOverrides, RouteMethod, RoutePattern};
use serde_json::json;

use super::{
    api::{Api, Failure},
    remote::Remote,
    report,
};
use crate::{Exit, cli::PullArgs, manifest};

/// What a folder says.
#[derive(Debug, PartialEq)]
pub(super) struct Folder {
    pub(super) slug: String,
    /// None where the folder says nothing of domains.
    pub(super) domains: Option<Vec<String>>,
    pub(super) limits: LimitOverrides,
    /// Names and sources.
    pub(super) scripts: BTreeMap<String, String>,
    /// Canonical method and path to script.
    pub(super) routes: BTreeMap<String, String>,
}

impl Folder {
    /// Reads a folder.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn read(folder: &Path, app: Option<&str>) -> Result<Self, String> {
        let manifest::Manifest { slug, domains, routes, limits } = manifest::load(folder)?;
        let slug = app.map(str::to_owned).or(slug);
        let slug = slug.ok_or_else(|| {
            let file = folder.join(manifest::FILE);
            format!("which app is it? Write `slug = \"…\"` into {}, or give --app", file.display())
        })?;
        let scripts = read_scripts(folder)?;
        let given = routes.map_or_else(|| manifest::routes_by_name(folder), Ok)?;
        let mut routes = BTreeMap::new();
        for (text, script) in given {
            if !scripts.contains_key(&script) {
                return Err(format!(
                    "route `{text}`: there is no {}",
                    folder.join(format!("{script}.rhai")).display()
                ));
            }
            routes.insert(canonical_route(&text)?, script);
        }
        let domains = domains.map(|domains| domains.iter().map(|text| canonical_domain(text)).collect());
        Ok(Self { slug, domains: domains.transpose()?, limits, scripts, routes })
    }
}

fn read_scripts(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let unreadable = |path: &Path, error: io::Error| format!("{} cannot be read: {error}", path.display());
    let mut scripts = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let path = entry.map_err(|error| unreadable(folder, error))?.path();
        if let Some(name) = picloud::script_name(&path) {
            let source = fs::read_to_string(&path).map_err(|error| unreadable(&path, error))?;
            scripts.insert(name.to_owned(), source);
        }
    }
    Ok(scripts)
}

fn canonical_route(text: &str) -> Result<String, String> {
    let (method, path) = text.split_once(' ').unwrap_or(("ANY", text));
    let method = method.parse::<RouteMethod>().map_err(|error| format!("route `{text}`: {error}"))?;
    let path =
        path.trim_start().parse::<RoutePattern>().map_err(|error| format!("route `{text}`: {error}"))?;
    Ok(format!("{method} {path}"))
}

fn canonical_domain(text: &str) -> Result<String, String> {
    text.parse::<DomainPattern>()
        .map(|pattern| pattern.to_string())
        .map_err(|error| format!("domain `{text}`: {error}"))
}

/// `picloud pull`: writes an app into a folder.
pub(crate) fn pull(args: &PullArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let slug = match &args.app {
        Some(app) => app.clone(),
        None => manifest::load(&args.folder)?.slug.ok_or("which app? Give it with --app")?,
    };
    let remote = Remote::expect(&api, &slug)?;
    let files = files(&api, &remote, &args.folder)?;
    let changed = conflicts(&files)?;
    if !args.force && !changed.is_empty() {
        let list: String = changed.iter().map(|path| format!("\n  {}", path.display())).collect();
        return Err(format!("these files differ from what is on the server, and stay:{list}\nLook with `picloud diff`, or overwrite them with --force.").into());
    }
    fs::create_dir_all(&args.folder).map_err(|error| format!("{}: {error}", args.folder.display()))?;
    let mut written = Vec::new();
    for (path, text) in files {
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            continue;
        }
        fs::write(&path, text).map_err(|error| format!("{} cannot be written: {error}", path.display()))?;
        if !args.json {
            report::line(&format!("wrote {}", path.display()));
        }
        written.push(path.display().to_string());
    }
    if args.json {
        report::json(&json!({ "app": remote.app.slug, "written": written }))?;
    } else {
        report::line(&format!("pulled {}: {} files written", remote.app.slug, written.len()));
    }
    Ok(())
}

/// What the files of an app hold. A manifest that says the same already stays as it is, with its comments.
fn files(api: &Api, remote: &Remote, folder: &Path) -> Result<Vec<(PathBuf, String)>, Failure> {
    let mut files = Vec::new();
    for script in remote.scripts.values() {
        files.push((folder.join(format!("{}.rhai", script.name)), Remote::source(api, script)?));
    }
    let (path, text) = (folder.join(manifest::FILE), manifest_of(remote));
    let says_the_same = manifest::load(folder)
        .is_ok_and(|mine| toml::from_str::<manifest::Manifest>(&text).is_ok_and(|theirs| mine == theirs));
    if !says_the_same {
        files.push((path, text));
    }
    Ok(files)
}

/// Files that are there with other contents.
fn conflicts(files: &[(PathBuf, String)]) -> Result<Vec<PathBuf>, String> {
    let mut changed = Vec::new();
    for (path, text) in files {
        match fs::read_to_string(path) {
            Ok(old) if old != *text => changed.push(path.clone()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        }
    }
    Ok(changed)
}

/// The manifest of an app.
pub(super) fn manifest_of(remote: &Remote) -> String {
    let text = |text: &str| toml::Value::from(text).to_string();
    let mut toml = format!("slug = {}\n", text(&remote.app.slug));
    let domains: Vec<_> = remote.domains.iter().map(|domain| text(&domain.pattern)).collect();
    // Writing to a string cannot fail.
    let _ = writeln!(toml, "domains = [{}]\n\n[routes]", domains.join(", "));
    for (route, known) in &remote.routes {
        let off = if known.enabled { "" } else { "# switched off: " };
        let _ = writeln!(toml, "{off}{} = {}", text(route), text(remote.name_of(&known.script_id)));
    }
    if let Ok(serde_json::Value::Object(limits)) = serde_json::to_value(remote.app.limits)
        && !limits.is_empty()
    {
        toml.push_str("\n[limits]\n");
        for (name, value) in limits {
            let _ = writeln!(toml, "{name} = {value}");
        }
    }
    toml
}
