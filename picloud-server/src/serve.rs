//! `picloud serve`: puts store, manager, executor and front together.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
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
use tokio::sync::watch;

use crate::{
    Exit,
    cli::ServeArgs,
    config::{self, Settings},
    dashboard,
    database::{Database, Opened, private_folder},
    doors::{Inside, Listeners},
    last_good,
    metrics::Metrics,
    run, tunables,
};

/// How long the end of the execution log may take to be written.
const FLUSH: Duration = Duration::from_secs(5);
/// How often the store is asked for what other processes wrote.
const POLL: Duration = Duration::from_secs(2);
/// How often the store is asked for settings that other processes set.
const SETTINGS_POLL: Duration = Duration::from_secs(5);

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
    let Opened { store, away } = settings.database.open().await?;
    let executor: Arc<dyn Executor> = Arc::new(RhaiExecutor::default());
    let publisher = Arc::new(Publisher::new(store.clone(), settings.limits));
    let recorder = Recorder::start(store.clone(), settings.log);
    let manager = manager(&settings, store.clone(), executor.clone(), publisher.clone());
    let is_away = Arc::new(AtomicBool::new(false));
    begin(&settings, away, (&manager, &publisher, &is_away), first_admin).await?;

    let metrics = Metrics::default();
    let scripts = Orchestrator::builder(publisher.subscribe(), executor)
        .max_running(settings.max_running, settings.max_running_per_app)
        .control_host(settings.is_shared())
        .observer(Arc::new((metrics.clone(), (recorder.clone(), Tracing))))
        .build();
    let manager = manager.with_tunables(tunables::all(&settings, &scripts, &recorder));
    let (stop, stopping) = watch::channel(false);
    let health = health(&settings, stopping.clone(), is_away, publisher.clone());
    let log = Log { recorder: recorder.clone(), stopping };
    let control = control(&settings, manager.clone(), publisher.clone(), scripts.clone(), log);
    // A file is where its database is; another server may be away when this one starts.
    if matches!(settings.database, Database::Postgres(_)) {
        private_folder(&settings.last_good())?;
        tokio::spawn(last_good::keep(store, publisher.subscribe(), settings.last_good()));
    }
    let following = tokio::spawn(async move { publisher.follow(POLL).await });
    let followed = manager.clone();
    let settings_following = tokio::spawn(async move { followed.follow_settings(SETTINGS_POLL).await });
    greet(&listeners, &settings, &manager).await?;
    let doors = listeners
        .doors(&settings, Inside { health, control, scripts, metrics, manager, recorder: recorder.clone() });
    run::until_stopped(doors, settings.shutdown_delay, || {
        stop.send_replace(true);
    })
    .await;
    following.abort();
    settings_following.abort();
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

/// Publishes what the database holds, after the first start of a fresh one. Where the database is away: what was kept
/// of it, and the rest once it is back.
async fn begin(
    settings: &Settings,
    away: Option<StoreError>,
    parts: (&Manager, &Arc<Publisher>, &Arc<AtomicBool>),
    first_admin: Option<(String, String)>,
) -> Result<(), Exit> {
    let (manager, publisher, is_away) = parts;
    let Some(error) = away else {
        first_start(manager, first_admin).await?;
        return Ok(publisher.refresh().await?);
    };
    let Some(world) = last_good::read(&settings.last_good()) else {
        return Err(settings.database.failed(&error));
    };
    tracing::error!(%error, revision = world.revision, "the database is away; scripts are served as last kept");
    publisher.publish_kept(world).await;
    is_away.store(true, Ordering::Relaxed);
    let (manager, publisher, is_away) = (manager.clone(), publisher.clone(), is_away.clone());
    tokio::spawn(async move {
        while publisher.refresh().await.is_err() {
            tokio::time::sleep(POLL).await;
        }
        is_away.store(false, Ordering::Relaxed);
        if let Err(failed) = first_start(&manager, first_admin).await {
            tracing::error!("{}", failed.text);
        }
    });
    Ok(())
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
    Manager::new(store, executor)
        .with_publish(Arc::new(publish))
        .with_limits(settings.limits)
        .with_reserved_hosts(settings.admin_hosts.clone())
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

/// An error in one line.
pub(crate) fn explain(error: &picloud::manager::ManagerError) -> String {
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
    let shown = settings.shown.iter().map(config::Shown::to_setting).collect();
    let options = Options { execute, settings: shown, recorder, stopping, ..Options::default() };
    Router::new()
        .merge(Api::new(manager, publisher, scripts, options).router())
        .merge(dashboard::router())
        .merge(nothing_else())
}

/// What load balancers ask.
fn health(
    settings: &Settings,
    stopping: watch::Receiver<bool>,
    is_away: Arc<AtomicBool>,
    publisher: Arc<Publisher>,
) -> Router {
    let version = Version::new(picloud_sqlx::SCHEMA, settings.public_base_url.clone());
    let ready: Ready = Arc::new(move || {
        let why = if *stopping.borrow() {
            Some("The server is stopping.")
        } else if is_away.load(Ordering::Relaxed) || !publisher.is_current() {
            Some("The database does not answer; scripts are served as last known.")
        } else {
            None
        };
        Box::pin(async move {
            match why {
                Some(why) => Err(Problem::new(Code::NotReady, why)),
                None => Ok(()),
            }
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
    tracing::info!("data is kept in {}", settings.database);
    warn_of_plain_text(address);
    let mut control = url;
    if let Some(address) = listeners.admin_address()? {
        control = format!("http://{address}");
        tracing::info!("admin API, dashboard and metrics are on {control}");
        warn_of_plain_text(address);
    }
    // Behind `#`, so that it is in no proxy's log.
    // While the database is away nobody can tell.
    if let Ok(Some(token)) = manager.auth().issue_setup_token().await {
        tracing::warn!(
            "there is no admin yet: make the first one at {control}/admin/setup#token={token} (or start again with PICLOUD_ADMIN_USERNAME and PICLOUD_ADMIN_PASSWORD)"
        );
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
