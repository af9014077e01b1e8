//! The one way in which the control plane writes: what is to change and the record of who wanted it, in one
//! transaction, and then published. What is refused leaves a record, too.

use std::{net::IpAddr, sync::Arc};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Clock, ManagerError, Publish};
use crate::{
    AdminId, AppId, AuditId, Code, SessionId, Slug,
    store::{AppKey, AuditRecord, Change, Commit, Store, StoreError},
};

/// Who wants a change, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// A logged-in admin; `None` for the program itself: what it seeds, what an embedder sets up.
    pub admin: Option<AdminId>,
    /// Their user name; empty for the program itself.
    pub username: String,
    /// The client's address, if known.
    pub ip: Option<IpAddr>,
    /// The session they work in, if any.
    pub session: Option<SessionId>,
}

impl Actor {
    /// The program itself.
    #[must_use]
    pub fn platform() -> Self {
        Self::default()
    }
}

/// Commits, and keeps the audit trail. Clones share everything.
#[derive(Clone)]
pub(super) struct Writer {
    pub(super) store: Arc<dyn Store>,
    pub(super) publish: Publish,
    pub(super) clock: Clock,
    /// Microseconds since some moment, by a clock that nobody sets.
    pub(super) steady: Clock,
    /// What `clock` and `steady` said at the start.
    pub(super) started: (i64, i64),
}

/// What somebody does or tries, for the audit trail. Filled in as it becomes known.
#[derive(Debug, Clone)]
pub(super) struct Deed {
    actor: Actor,
    action: &'static str,
    app: Option<AppId>,
    target: String,
    name: String,
    before: Option<[u8; 32]>,
    after: Option<[u8; 32]>,
}

impl Deed {
    /// Something that `actor` wants: a kind of thing and a verb, such as `script.update`.
    pub(super) fn new(actor: &Actor, action: &'static str) -> Self {
        let (target, name) = (String::new(), String::new());
        Self { actor: actor.clone(), action, app: None, target, name, before: None, after: None }
    }

    /// Says what it is done to: the id.
    pub(super) fn target(mut self, id: impl ToString) -> Self {
        self.target = id.to_string();
        self
    }

    /// Says what that is called. What a client sent is cut to what names may have.
    pub(super) fn name(mut self, name: &str) -> Self {
        self.set_name(name);
        self
    }

    pub(super) fn set_target(&mut self, id: impl ToString) {
        self.target = id.to_string();
    }

    pub(super) fn set_name(&mut self, name: &str) {
        self.name = cut(name);
    }

    /// The same for a target that a client sent.
    pub(super) fn set_named_target(&mut self, target: &str) {
        self.target = cut(target);
    }

    pub(super) fn set_app(&mut self, app: AppId) {
        self.app = Some(app);
    }

    pub(super) fn set_before(&mut self, state: &impl Serialize) {
        self.before = Some(state_hash(state));
    }

    pub(super) fn set_after(&mut self, state: &impl Serialize) {
        self.after = Some(state_hash(state));
    }

    /// The same for a script, whose state is its source.
    pub(super) fn set_sources(&mut self, before: Option<[u8; 32]>, after: Option<[u8; 32]>) {
        (self.before, self.after) = (before, after);
    }

    fn record(&self, at: i64, refused: Option<&str>) -> AuditRecord {
        let Self { actor, action, app, target, name, before, after } = self.clone();
        AuditRecord {
            id: AuditId::new(),
            at,
            admin: actor.admin,
            username: actor.username,
            ip: actor.ip.map(|ip| ip.to_string()),
            action: action.to_owned(),
            refused: refused.map(str::to_owned),
            app,
            target,
            name,
            before,
            after: after.filter(|_| refused.is_none()),
        }
    }
}

/// What a client sent, cut to what names may have.
fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(256).collect()
}

/// SHA-256 of a record as JSON.
fn state_hash(state: &impl Serialize) -> [u8; 32] {
    let json = serde_json::to_vec(state).expect("records have text keys and finite numbers");
    Sha256::digest(json).into()
}

impl Writer {
    pub(super) fn new(store: Arc<dyn Store>, publish: Publish, clock: Clock, steady: Clock) -> Self {
        let started = (clock(), steady());
        Self { store, publish, clock, steady, started }
    }

    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// The time that it is at least, even if the clock was set ahead since the start.
    pub(super) fn surely(&self) -> i64 {
        let (wall, steady) = self.started;
        self.now().min(wall.saturating_add((self.steady)().saturating_sub(steady)))
    }

    /// The record of a deed that is done, for writes that are no commit.
    pub(super) fn record(&self, deed: &Deed) -> AuditRecord {
        deed.record(self.now(), None)
    }

    /// Commits changes with the record of the deed, and publishes them.
    pub(super) async fn commit(&self, deed: &Deed, changes: Vec<Change>) -> Result<u64, ManagerError> {
        self.commit_all(std::slice::from_ref(deed), changes).await
    }

    /// Commits what is one deed in several parts: the whole comes first.
    pub(super) async fn commit_all(&self, deeds: &[Deed], changes: Vec<Change>) -> Result<u64, ManagerError> {
        let commit = Commit { changes, audit: deeds.iter().map(|deed| self.record(deed)).collect() };
        let (store, publish) = (self.store.clone(), self.publish.clone());
        let deed = deeds.first().expect("somebody does something");
        let (action, admin, target) = (deed.action, deed.actor.admin, deed.target.clone());
        // In a task of its own: between the commit and its publication nobody can drop it.
        let task = tokio::spawn(async move {
            let revision = store.commit(commit).await?;
            tracing::info!(revision, action, target, admin = admin.map(tracing::field::display), "committed");
            publish(revision).await;
            Ok::<_, StoreError>(revision)
        });
        match task.await {
            Ok(Ok(revision)) => Ok(revision),
            Ok(Err(error)) => Err(self.explain(error).await),
            Err(error) => Err(ManagerError::Internal(format!("the commit ended early: {error}"))),
        }
    }

    /// Ends a deed: passes its result on, and keeps a record if it was refused.
    pub(super) async fn end<T>(
        &self,
        deed: Deed,
        result: Result<T, ManagerError>,
    ) -> Result<T, ManagerError> {
        if let Err(error) = &result
            && error.is_refusal()
        {
            self.note(&deed, error.code()).await;
        }
        result
    }

    /// Keeps a record of a deed that was refused.
    pub(super) async fn note(&self, deed: &Deed, code: Code) {
        let record = deed.record(self.now(), Some(code.as_str()));
        if let Err(lost) = self.store.append_audit(record).await {
            tracing::warn!(%lost, action = deed.action, %code, "a refusal was not written down");
        }
    }

    /// An error of the store with the name of the app that holds what was wanted.
    pub(super) async fn explain(&self, error: StoreError) -> ManagerError {
        let holder: Option<Slug> = match &error {
            StoreError::Conflict { holder: Some(id), .. } => {
                self.store.app(AppKey::Id(*id)).await.ok().map(|app| app.slug)
            }
            _ => None,
        };
        ManagerError::from_store(error, holder)
    }
}
