//! The control plane: checks what admins want, and is the only writer of the store.
//!
//! Every change goes one way: checked here, committed as one transaction together with its audit record, then published.
//! A change that is committed is live when the call returns, and is published even if the caller has gone away meanwhile.
//! One that is refused leaves an audit record, too.

mod apps;
mod auth;
mod deploy;
mod error;
mod logs;
mod routes;
mod scripts;
mod seed;
mod settings;
mod trail;
mod versions;
mod writer;

pub use apps::{AppChanges, NewApp};
pub use auth::{Account, AdminChanges, Auth, Login, NewAdmin, OpenSession, Session, Token, Visitor};
pub use deploy::{DeployCheck, Deployed, DeployedRoute, DeployedScript, Deployment, Step};
pub use error::ManagerError;
pub use logs::StatisticsQuery;
pub use routes::{NewRoute, RouteChanges, RouteCheck};
pub use scripts::{Draft, ScriptInput};
pub use settings::{Tunable, Tuned};
pub use trail::Refusal;
pub use writer::Actor;

use std::{
    fmt,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crate::{BoxFuture, Executor, FieldError, Host, LimitOverrides, Limits, store::Store};
use writer::Writer;

/// Told the new revision after each commit; the commit's call returns when this is done.
pub type Publish = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// Says what time it is, in microseconds since 1970 UTC.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// The control plane. Clones share everything.
#[derive(Clone)]
pub struct Manager {
    store: Arc<dyn Store>,
    writer: Writer,
    executor: Arc<dyn Executor>,
    limits: Limits,
    auth: Auth,
    tunables: Arc<[Tunable]>,
    reserved_hosts: Arc<[Host]>,
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
        let publish: Publish = Arc::new(|_| Box::pin(std::future::ready(())));
        let writer = Writer::new(store.clone(), publish, Arc::new(system_clock), steady_clock());
        Self {
            auth: Auth::new(writer.clone()),
            store,
            writer,
            executor,
            limits: Limits::default(),
            tunables: Arc::new([]),
            reserved_hosts: Arc::new([]),
        }
    }

    /// The same manager that tells `publish` of every commit, and waits for it.
    #[must_use]
    pub fn with_publish(self, publish: Publish) -> Self {
        self.with_writer(|writer| Writer { publish, ..writer })
    }

    /// The same manager for a server with these limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same manager that lets no app claim these hosts, because something else answers on them. Patterns may cover
    /// them: that those do not answer there is for the router in front to see to. Default: none.
    #[must_use]
    pub fn with_reserved_hosts(self, hosts: Vec<Host>) -> Self {
        Self { reserved_hosts: hosts.into(), ..self }
    }

    /// Whether no app can claim this host, nor answer there.
    #[must_use]
    pub fn is_reserved_host(&self, host: &Host) -> bool {
        self.reserved_hosts.contains(host)
    }

    /// The same manager with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        self.with_writer(|Writer { store, publish, .. }| Writer::new(store, publish, clock.clone(), clock))
    }

    fn with_writer(self, change: impl FnOnce(Writer) -> Writer) -> Self {
        let writer = change(self.writer);
        Self { auth: Auth::new(writer.clone()), writer, ..self }
    }

    /// Accounts and sessions.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    fn now(&self) -> i64 {
        self.writer.now()
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

fn system_clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds since now, whatever the system's clock is set to.
fn steady_clock() -> Clock {
    let start = Instant::now();
    Arc::new(move || i64::try_from(start.elapsed().as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
