//! `picloud dev`: serves a folder, and takes every save over at once.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use notify::Watcher as _;
use picloud::{App, Code, FieldError, Finished, Hosts, Observer, Orchestrator, Problem, Refused};
use picloud_server::front::{ConnectionLimits, Connections, FrontSettings};
use tokio::sync::{mpsc, watch};
use tower::Service;

use crate::{
    Exit,
    cli::DevArgs,
    manifest,
    run::{self, Door},
};

/// Editors write a file in several steps; what follows within this time belongs to one save.
const SETTLE: Duration = Duration::from_millis(30);

/// A folder that is served. Wrong definitions are answered with what is wrong, until the next save.
#[derive(Clone)]
pub(crate) struct Dev {
    scripts: Orchestrator,
    wrong: watch::Receiver<Option<Arc<str>>>,
}

impl Dev {
    /// Reads `folder`, and reads it again whenever a file in it changes.
    ///
    /// # Errors
    /// The folder cannot be read or watched.
    pub(crate) fn start(folder: PathBuf) -> Result<Self, String> {
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        let app = App::builder().build().map_err(|error| error.to_string())?;
        let (saves, watcher) = watch_folder(&folder)?;
        let (tell, wrong) = watch::channel(None);
        reload(&app, &folder, &tell, "serving");
        let scripts = app
            .orchestrator()
            .hosts(Hosts::Required)
            .reveal_errors(true)
            .observer(Arc::new(Terminal))
            .build();
        tokio::spawn(follow(app, folder, saves, watcher, tell));
        Ok(Self { scripts, wrong })
    }
}

/// Changes in a folder, and what must live for them to be told.
fn watch_folder(folder: &Path) -> Result<(mpsc::Receiver<()>, notify::RecommendedWatcher), String> {
    let (tell, saves) = mpsc::channel(1);
    let on_event = move |event: notify::Result<notify::Event>| {
        let matters = |path: &PathBuf| {
            path.extension().is_some_and(|ending| ending == "rhai")
                || path.file_name().is_some_and(|name| name == manifest::FILE)
        };
        if event.is_ok_and(|event| !event.kind.is_access() && event.paths.iter().any(matters)) {
            // Full means that a reload is already due.
            let _ = tell.try_send(());
        }
    };
    let watched = notify::recommended_watcher(on_event).and_then(|mut watcher| {
        watcher.watch(folder, notify::RecursiveMode::NonRecursive)?;
        Ok(watcher)
    });
    watched
        .map(|watcher| (saves, watcher))
        .map_err(|error| format!("{} cannot be watched: {error}", folder.display()))
}

async fn follow(
    app: App,
    folder: PathBuf,
    mut saves: mpsc::Receiver<()>,
    _watcher: notify::RecommendedWatcher,
    tell: watch::Sender<Option<Arc<str>>>,
) {
    while saves.recv().await.is_some() {
        tokio::time::sleep(SETTLE).await;
        while saves.try_recv().is_ok() {}
        reload(&app, &folder, &tell, "reloaded");
    }
}

/// Takes the folder over as it is now, or keeps what is wrong with it.
fn reload(app: &App, folder: &Path, tell: &watch::Sender<Option<Arc<str>>>, done: &str) {
    let read =
        manifest::read(folder).and_then(|builder| app.reload(builder).map_err(|error| error.to_string()));
    match read {
        Ok(()) => {
            eprintln!("{done} {}", folder.display());
            tell.send_replace(None);
        }
        Err(error) => {
            eprintln!("\n{error}\n");
            tell.send_replace(Some(error.into()));
        }
    }
}

impl<B> Service<Request<B>> for Dev
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = picloud::Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let wrong = self.wrong.borrow().clone();
        match wrong {
            None => self.scripts.call(request),
            Some(wrong) => Box::pin(std::future::ready(Ok(refuse(&wrong)))),
        }
    }
}

fn refuse(wrong: &str) -> Response<Full<Bytes>> {
    let problem =
        Problem::new(Code::ScriptError, "The folder has a mistake; nothing is served until it is mended.");
    problem.with_errors(vec![FieldError::new("folder", "invalid", wrong)]).to_response().map(Full::new)
}

/// Shows what scripts say and how they fail.
struct Terminal;

impl Observer for Terminal {
    fn finished(&self, run: &Finished<'_>) {
        let Finished { script, request: _, outcome } = run;
        for line in &outcome.logs {
            let fields = if line.fields.is_empty() {
                String::new()
            } else {
                format!(" {}", serde_json::Value::Object(line.fields.clone()))
            };
            eprintln!("{:>5}  {}: {}{fields}", line.level.as_str(), script.name, line.message);
        }
        if let Err(failure) = &outcome.result {
            let log = failure.log.as_deref();
            let message = log.map_or(failure.detail.as_str(), |log| &log.message);
            eprintln!("\n{}: {}", failure.code, at_place(script, message, log.and_then(|log| log.position)));
        }
    }

    fn refused(&self, _: &Refused<'_>) {}
}

/// A message with the source line and a caret below the place.
fn at_place(script: &picloud::Script, message: &str, position: Option<picloud::Position>) -> String {
    match position {
        Some(at) => picloud::point_at(&script.name, &script.source, message, at),
        None => format!("script `{}`: {message}\n", script.name),
    }
}

/// `picloud dev`.
pub(crate) fn main(args: DevArgs) -> Result<(), Exit> {
    run::runtime(None)?.block_on(async {
        let listener = run::bind(args.listen)?;
        let dev = Dev::start(args.folder)?;
        eprintln!("http://{}  (Ctrl-C ends)", listener.local_addr()?);
        let door =
            Door::new(listener, dev, FrontSettings::default(), Connections::new(ConnectionLimits::default()));
        run::until_stopped([door], Duration::ZERO, || {}).await;
        Ok(())
    })
}
