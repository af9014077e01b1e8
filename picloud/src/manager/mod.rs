//! The control plane: checks what admins want, and is the only writer of the store.
//!
//! Every change goes one way: checked here, committed as one transaction, then published. A change that is committed
//! is live when the call returns, and is published even if the caller has gone away meanwhile.

mod apps;
mod auth;
mod error;
mod routes;
mod scripts;
mod seed;

pub use apps::{AppChanges, NewApp};
pub use auth::{Auth, Login, Session, Token};
pub use error::ManagerError;
pub use routes::{NewRoute, RouteChanges, RouteCheck};
pub use scripts::ScriptInput;

use std::{
    fmt,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    AdminId, BoxFuture, Executor, FieldError, LimitOverrides, Limits,
    store::{AppKey, Change, Store, StoreError},
};

/// Told the new revision after each commit; the commit's call returns when this is done.
pub type Publish = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// Says what time it is, in microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Who wants a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The program itself: what it seeds, what an embedder sets up.
    Platform,
    /// A logged-in admin.
    Admin(AdminId),
}

/// The control plane. Clones share everything.
#[derive(Clone)]
pub struct Manager {
    store: Arc<dyn Store>,
    executor: Arc<dyn Executor>,
    publish: Publish,
    limits: Limits,
    clock: Clock,
    auth: Auth,
}

impl Manager {
    /// A manager that writes to `store` and has scripts checked by `executor`. It publishes to nobody, holds scripts
    /// to the default limits and uses the system's clock.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # fn with(executor: Arc<dyn picloud::Executor>) {
    /// use picloud::{manager::Manager, store::MemoryStore};
    /// let manager = Manager::new(Arc::new(MemoryStore::new()), executor);
    /// # }
    /// ```
    #[must_use]
    pub fn new(store: Arc<dyn Store>, executor: Arc<dyn Executor>) -> Self {
        let clock: Clock = Arc::new(system_clock);
        Self {
            auth: Auth::new(store.clone(), clock.clone()),
            store,
            executor,
            publish: Arc::new(|_| Box::pin(std::future::ready(()))),
            limits: Limits::default(),
            clock,
        }
    }

    /// The same manager that tells `publish` of every commit, and waits for it.
    #[must_use]
    pub fn with_publish(self, publish: Publish) -> Self {
        Self { publish, ..self }
    }

    /// The same manager for a server with these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same manager with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        let auth = Auth::new(self.store.clone(), clock.clone());
        Self { clock, auth, ..self }
    }

    /// Accounts and sessions.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// Commits changes and publishes them.
    async fn commit(&self, actor: Actor, changes: Vec<Change>) -> Result<u64, ManagerError> {
        let (store, publish) = (self.store.clone(), self.publish.clone());
        // In a task of its own: between the commit and its publication nobody can drop it.
        let task = tokio::spawn(async move {
            let revision = store.commit(changes).await?;
            tracing::info!(revision, ?actor, "committed");
            publish(revision).await;
            Ok::<_, StoreError>(revision)
        });
        match task.await {
            Ok(Ok(revision)) => Ok(revision),
            Ok(Err(error)) => Err(self.explain(error).await),
            Err(error) => Err(ManagerError::Internal(format!("the commit ended early: {error}"))),
        }
    }

    /// An error of the store with the name of the app that holds what was wanted.
    async fn explain(&self, error: StoreError) -> ManagerError {
        let holder = match &error {
            StoreError::Conflict { holder: Some(id), .. } => self.store.app(AppKey::Id(*id)).await.ok(),
            _ => None,
        };
        ManagerError::from_store(error, holder.map(|app| app.slug))
    }

    fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The limits of an app or a script, which must all be in range.
    fn check_limits(&self, base: Limits, own: &LimitOverrides) -> Result<Limits, FieldError> {
        own.apply(base).map_err(|error| {
            FieldError::new(format!("limits.{}", error.name), "out_of_range", error.to_string())
        })
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager").field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl Actor {
    fn admin(self) -> Option<AdminId> {
        match self {
            Self::Platform => None,
            Self::Admin(id) => Some(id),
        }
    }
}

fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
