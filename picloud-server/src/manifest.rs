//! `picloud.toml`: an app as a folder of scripts.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use picloud::{App, AppBuilder, LimitOverrides, Limits};
use serde::Deserialize;

/// The file's name.
pub(crate) const FILE: &str = "picloud.toml";

/// What the file says.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    pub(crate) slug: Option<String>,
    /// Host names that the app claims on a server; `dev` answers for all.
    pub(crate) domains: Option<Vec<String>>,
    /// Method and path to script: `"GET /hello/:name" = "hello"`.
    pub(crate) routes: Option<BTreeMap<String, String>>,
    #[serde(default)]
    pub(crate) limits: LimitOverrides,
}

/// What the file of a folder says; nothing if there is none.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn load(folder: &Path) -> Result<Manifest, String> {
    let path = folder.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            toml::from_str(&text).map_err(|error| format!("{} is not valid:\n{error}", path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

/// Reads a folder.
///
/// Without routes in the file, or without a file, each script answers at its name, and `index` at `/`.
///
/// # Errors
/// What is wrong, and in which file.
pub(crate) fn read(folder: &Path) -> Result<AppBuilder, String> {
    let (path, manifest) = (folder.join(FILE), load(folder)?);
    let limits =
        manifest.limits.apply(Limits::default()).map_err(|error| format!("{}: {error}", path.display()))?;
    let slug = manifest.slug.unwrap_or_else(|| "dev".to_owned());
    let routes = manifest.routes.map_or_else(|| routes_by_name(folder), Ok)?;
    let builder = App::builder().slug(slug).limits(limits).folder(folder);
    Ok(routes.into_iter().fold(builder, |builder, (route, script)| builder.route(route, script)))
}

/// Each script at its name, and `index` at `/`.
pub(crate) fn routes_by_name(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    let unreadable = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
    let entries = fs::read_dir(folder).map_err(unreadable)?;
    let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let paths = paths.map_err(unreadable)?;
    let names = paths.iter().filter_map(|path| picloud::script_name(path));
    Ok(names
        .map(|name| (if name == "index" { "/".to_owned() } else { format!("/{name}") }, name.to_owned()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_without_a_manifest_serves_each_script_at_its_name() {
        let folder = folder(&[("index.rhai", "1"), ("a.rhai", "2"), ("a_test.rhai", "("), ("notes.txt", "")]);
        let routes = routes_by_name(folder.path()).unwrap();
        let expected = [("/", "index"), ("/a", "a")].map(|(r, s)| (r.to_owned(), s.to_owned()));
        assert_eq!(routes, BTreeMap::from(expected));
        assert!(read(folder.path()).unwrap().build().is_ok());
    }

    #[test]
    fn mistakes_in_the_manifest_name_the_file_and_the_line() {
        let wrong = folder(&[(FILE, "slug = \"x\"\nroute = 1\n")]);
        let error = read(wrong.path()).err().unwrap();
        assert!(error.contains("picloud.toml") && error.contains("line 2"), "{error}");
        let limits = folder(&[(FILE, "[limits]\noperations = 0\n")]);
        assert!(read(limits.path()).err().unwrap().contains("operations"));
    }
}
