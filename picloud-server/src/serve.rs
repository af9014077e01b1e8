//! `picloud serve`: puts store, manager, executor and front together.

use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use axum::Router;
use picloud::{
    Code, Executor, Orchestrator, Problem, Publisher, RhaiExecutor, Tracing,
    manager::Manager,
    recorder::Recorder,
    store::{Store, StoreError},
};
use picloud_axum::{Api, Execute, Options, Ready, Version, health_router, nothing_else};
use picloud_sqlx::SqliteStore;
use tokio::sync::watch;

use crate::{
    Exit,
    cli::ServeArgs,
    config::{self, Settings},
    dashboard,
    doors::{Inside, Listeners},
    metrics::Metrics,
    run,
};

/// How long the end of the execution log may take to be written.
const FLUSH: Duration = Duration::from_secs(5);
/// How often the store is asked for what other processes wrote.
const POLL: Duration = Duration::from_secs(2);
/// Exit code for a database that a newer release has written.
const NEWER_SCHEMA: u8 = 3;

pub(crate) fn main(args: ServeArgs) -> Result<(), Exit> {
    let print = args.print_config;
    let settings = Settings::load(args)?;
    if print {
        return print_config(&settings);
    }
    let first_admin = config::first_admin()?;
    run::runtime(settings.workers)?.block_on(serve(settings, first_admin))
}

fn print_config(settings: &Settings) -> Result<(), Exit> {
    let mut output = io::stdout().lock();
    serde_json::to_writer_pretty(&mut output, &settings.shown)?;
    writeln!(output)?;
    Ok(())
}

async fn serve(settings: Settings, first_admin: Option<(String, String)>) -> Result<(), Exit> {
    if let Some(file) = &settings.file {
        tracing::info!(file = %file.display(), "settings read");
    }
    let listeners = Listeners::bind(&settings)?;
    let store = open(&settings).await?;
    let executor: Arc<dyn Executor> = Arc::new(RhaiExecutor::default());
    let publisher = Arc::new(Publisher::new(store.clone(), settings.limits));
    let recorder = Recorder::start(store.clone(), settings.log);
    let manager = manager(&settings, store, executor.clone(), publisher.clone());
    first_start(&manager, first_admin).await?;
    publisher.refresh().await?;

    let metrics = Metrics::default();
    let scripts = Orchestrator::builder(publisher.subscribe(), executor)
        .max_running(settings.max_running, settings.max_running_per_app)
        .control_host(settings.is_shared())
        .observer(Arc::new((metrics.clone(), (recorder.clone(), Tracing))))
        .build();
    let (stop, stopping) = watch::channel(false);
    let health = health(&settings, stopping.clone());
    let log = Log { recorder: recorder.clone(), stopping };
    let control = control(&settings, manager.clone(), publisher.clone(), scripts.clone(), log);
    let following = tokio::spawn(async move { publisher.follow(POLL).await });
    greet(&listeners, &settings, &manager).await?;
    let doors = listeners
        .doors(&settings, Inside { health, control, scripts, metrics, manager, recorder: recorder.clone() });
    run::until_stopped(doors, settings.shutdown_delay, || {
        stop.send_replace(true);
    })
    .await;
    following.abort();
    write_rest(&recorder).await;
    Ok(())
}

/// The execution log, and when to end what follows it.
struct Log {
    recorder: Recorder,
    stopping: watch::Receiver<bool>,
}

/// Writes what the execution log still has, if the database takes it.
async fn write_rest(recorder: &Recorder) {
    let written = tokio::time::timeout(FLUSH, recorder.flush()).await;
    if !written.unwrap_or(false) {
        let waiting = recorder.counts().waiting;
        tracing::warn!(waiting, "the end of the execution log could not be written");
    }
}

/// Opens the database, and makes its folder.
async fn open(settings: &Settings) -> Result<Arc<dyn Store>, Exit> {
    if let Some(folder) = settings.database.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder)
            .map_err(|error| format!("the folder {} cannot be made: {error}", folder.display()))?;
    }
    match SqliteStore::open(&settings.database).await {
        Ok(store) => Ok(Arc::new(store)),
        Err(error @ StoreError::NewerSchema { .. }) => {
            let text = format!("{}: {error}", settings.database.display());
            Err(Exit { text, code: NEWER_SCHEMA })
        }
        Err(error) => Err(format!("{}: {error}", settings.database.display()).into()),
    }
}

/// A folder that only its owner can look into.
fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

fn manager(
    settings: &Settings,
    store: Arc<dyn Store>,
    executor: Arc<dyn Executor>,
    publisher: Arc<Publisher>,
) -> Manager {
    let publish = move |_revision| -> picloud::BoxFuture<'static, ()> {
        let publisher = publisher.clone();
        Box::pin(async move {
            // The save is committed; the next poll tries again.
            if let Err(error) = publisher.refresh().await {
                tracing::error!(%error, "a change is saved, but could not be published yet");
            }
        })
    };
    Manager::new(store, executor).with_publish(Arc::new(publish)).with_limits(settings.limits)
}

/// On a fresh database: the app `hello`, and the first admin where the environment names one.
async fn first_start(manager: &Manager, first_admin: Option<(String, String)>) -> Result<(), Exit> {
    if manager.seed_hello().await? {
        tracing::info!("fresh database: made the app `hello`");
    }
    let Some((username, password)) = first_admin else { return Ok(()) };
    match manager.auth().bootstrap(&username, &password).await {
        Ok(true) => tracing::info!(username, "made the first admin"),
        Ok(false) => tracing::info!("PICLOUD_ADMIN_USERNAME is ignored: there has been an admin before"),
        Err(error) => return Err(format!("PICLOUD_ADMIN_USERNAME/PASSWORD: {}", explain(&error)).into()),
    }
    Ok(())
}

fn explain(error: &picloud::manager::ManagerError) -> String {
    let fields: Vec<_> = error.errors().iter().map(|e| format!("{}: {}", e.field, e.detail)).collect();
    if fields.is_empty() { error.detail() } else { fields.join("; ") }
}

/// Admin API and dashboard. Answers all other paths with 404.
fn control(
    settings: &Settings,
    manager: Manager,
    publisher: Arc<Publisher>,
    scripts: Orchestrator,
    Log { recorder, stopping }: Log,
) -> Router {
    let execute = if settings.execute_public { Execute::Public } else { Execute::Session };
    let (recorder, stopping) = (Some(recorder), Some(stopping));
    let options = Options { execute, recorder, stopping, ..Options::default() };
    Router::new()
        .merge(Api::new(manager, publisher, scripts, options).router())
        .merge(dashboard::router())
        .merge(nothing_else())
}

/// What load balancers ask.
fn health(settings: &Settings, stopping: watch::Receiver<bool>) -> Router {
    let version = Version::new(SqliteStore::SCHEMA, settings.public_base_url.clone());
    let ready: Ready = Arc::new(move || {
        let stopping = *stopping.borrow();
        Box::pin(async move {
            if stopping { Err(Problem::new(Code::NotReady, "The server is stopping.")) } else { Ok(()) }
        })
    });
    health_router(version, ready)
}

/// The lines that a newcomer needs.
async fn greet(listeners: &Listeners, settings: &Settings, manager: &Manager) -> Result<(), Exit> {
    let address = listeners.address()?;
    let url = settings.public_base_url.clone().unwrap_or_else(|| format!("http://{address}"));
    tracing::info!("PiCloud {} is listening on {url}", env!("CARGO_PKG_VERSION"));
    tracing::info!("try it: curl {url}/hello/Ada");
    tracing::info!("data is kept in {}", settings.database.display());
    if !manager.auth().has_had_admin().await? {
        tracing::warn!(
            "there is no admin yet: set PICLOUD_ADMIN_USERNAME and PICLOUD_ADMIN_PASSWORD (12 characters or more) and start again"
        );
    }
    warn_of_plain_text(address);
    if let Some(address) = listeners.admin_address()? {
        tracing::info!("admin API, dashboard and metrics are on http://{address}");
        warn_of_plain_text(address);
    }
    Ok(())
}

fn warn_of_plain_text(address: SocketAddr) {
    if !address.ip().is_loopback() {
        tracing::warn!(
            "listening on {address}, beyond this machine and without TLS: put a reverse proxy with HTTPS in front (docs/operating.md)"
        );
    }
}
