//! Word of what other servers commit, through `LISTEN` and `NOTIFY`.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::watch, task::JoinHandle};

/// Tells everyone who listens once the transaction is committed.
pub(super) const SEND: &str = "SELECT 1 FROM pg_notify('picloud_changes', '')";
const CHANNEL: &str = "picloud_changes";
/// How long to wait before connecting again.
const RETRY: Duration = Duration::from_millis(250);

/// The task that listens, once it is started. Dropping this ends it.
#[derive(Debug, Default)]
pub(super) struct Listening(Mutex<Option<JoinHandle<()>>>);

impl Listening {
    /// Starts to listen, unless that is so already.
    pub(super) fn start(&self, pool: &PgPool, notices: &Arc<watch::Sender<()>>) {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.is_none() {
            *task = Some(tokio::spawn(listen(pool.clone(), Arc::clone(notices))));
        }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(task) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner) {
            task.abort();
        }
    }
}

async fn listen(pool: PgPool, notices: Arc<watch::Sender<()>>) {
    while !pool.is_closed() {
        match while_connected(&pool, &notices).await {
            Ok(()) => tracing::info!("the connection on which the database tells of changes is lost"),
            Err(error) => tracing::debug!(%error, "the database does not tell of changes"),
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// Passes notices on until the connection is lost.
async fn while_connected(pool: &PgPool, notices: &watch::Sender<()>) -> sqlx::Result<()> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    // What was committed while nobody listened.
    notices.send_replace(());
    while listener.try_recv().await?.is_some() {
        notices.send_replace(());
    }
    Ok(())
}
