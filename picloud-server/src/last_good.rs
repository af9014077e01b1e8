//! What was last served, kept in a file, so that a server starts and serves while its database is away.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use picloud::{
    Snapshot, content_hash,
    store::{Store, World},
};
use tokio::sync::watch;

/// Changes that come close after one another are written once.
const PAUSE: Duration = Duration::from_secs(2);
/// After each time, this many times as long passes until the next: all is read and written, which takes a while with
/// very many apps.
const REST: u32 = 20;

/// Keeps what the store holds in `file`, now and after each change, for ever.
pub(crate) async fn keep(store: Arc<dyn Store>, mut published: watch::Receiver<Snapshot>, file: PathBuf) {
    let mut kept = None;
    loop {
        published.mark_unchanged();
        let begun = Instant::now();
        match store.world(0).await {
            Ok(world) if kept != Some(world.revision) => {
                let revision = world.revision;
                match write_aside(file.clone(), world).await {
                    Ok(()) => kept = Some(revision),
                    Err(error) => {
                        tracing::warn!(%error, file = %file.display(), "what is served could not be kept")
                    }
                }
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "what is served could not be read to be kept"),
        }
        tokio::time::sleep(PAUSE.max(begun.elapsed() * REST)).await;
        if published.changed().await.is_err() {
            return;
        }
    }
}

/// Not on a thread that answers requests.
async fn write_aside(file: PathBuf, world: World) -> io::Result<()> {
    tokio::task::spawn_blocking(move || write(&file, &world)).await.map_err(io::Error::other)?
}

/// What was kept, if there is a file and it is whole.
pub(crate) fn read(file: &Path) -> Option<World> {
    let text = fs::read_to_string(file).ok()?;
    let (sum, text) = text.split_once('\n')?;
    if sum != sum_of(text) {
        tracing::error!(file = %file.display(), "what was kept is damaged, and left alone");
        return None;
    }
    serde_json::from_str(text).ok()
}

/// The file is whole at every moment: it is written beside, and then given its name.
fn write(file: &Path, world: &World) -> io::Result<()> {
    let text = serde_json::to_string(world)?;
    let beside = file.with_extension("new");
    let mut out = private().open(&beside)?;
    writeln!(out, "{}", sum_of(&text))?;
    out.write_all(text.as_bytes())?;
    out.sync_all()?;
    fs::rename(&beside, file)?;
    File::open(file.parent().unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all())
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn sum_of(text: &str) -> String {
    content_hash(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_damage_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("last-good.json");
        assert_eq!(read(&file), None);
        let world = World { revision: 7, ..World::default() };
        write(&file, &world).unwrap();
        assert_eq!(read(&file), Some(world));
        let damaged = fs::read_to_string(&file).unwrap().replace(":7", ":8");
        fs::write(&file, damaged).unwrap();
        assert_eq!(read(&file), None);
    }
}
