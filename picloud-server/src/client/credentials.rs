//! Where tokens are kept between commands: a file that only its owner can read.

use std::{
    collections::BTreeMap,
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

/// Tokens by the URL of their server.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Credentials {
    /// The server that was logged in to last.
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) tokens: BTreeMap<String, String>,
}

impl Credentials {
    /// What is kept; nothing if there is no file yet.
    pub(super) fn load() -> Result<Self, String> {
        let path = path()?;
        match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                format!("{} is damaged ({error}); remove it and log in again", path.display())
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        }
    }

    /// Keeps them, whole or not at all; says where.
    pub(super) fn save(&self) -> Result<PathBuf, String> {
        let path = path()?;
        let written = serde_json::to_vec_pretty(self).map_err(io::Error::from);
        written.and_then(|bytes| write_private(&path, &bytes)).map_or_else(
            |error| Err(format!("{} cannot be written: {error}", path.display())),
            |()| Ok(path.clone()),
        )
    }
}

/// `picloud/credentials.json` in the folder for settings (XDG Base Directory).
fn path() -> Result<PathBuf, String> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    let folder = folder.ok_or("neither HOME nor XDG_CONFIG_HOME is set; give the token in PICLOUD_TOKEN")?;
    Ok(folder.join("picloud").join("credentials.json"))
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let (mut make, mut open) = (fs::DirBuilder::new(), fs::OpenOptions::new());
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    }
    make.recursive(true).create(folder)?;
    // A file of its own name, so that no other process can have prepared it.
    let new = folder.join(format!("credentials.json.{}", std::process::id()));
    let mut file = open.write(true).create_new(true).open(&new)?;
    let done = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&new, path));
    if done.is_err() {
        // What is left behind would hold a secret.
        let _ = fs::remove_file(&new);
    }
    done
}
