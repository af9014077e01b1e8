//! Accounts and sessions: who may use the control plane.

mod accounts;
mod live;
mod password;
mod seen;
mod sessions;
mod setup;
mod throttle;
mod token;

pub use accounts::{Account, AdminChanges, NewAdmin};
pub use sessions::{OpenSession, Session};
pub use token::Token;

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex},
};

use super::{
    Actor, ManagerError,
    writer::{Deed, Writer},
};
use crate::{
    SessionId,
    store::{AdminRecord, SessionRecord, Store, StoreError},
};
use password::{Hasher, Verdict};
use seen::{Seen, Times};
use sessions::{AGE, IDLE};
use throttle::Throttle;

/// Says the same whether the user is unknown, disabled, or gave another password.
const WRONG: ManagerError = ManagerError::Unauthorized("The user name or the password is wrong.");
/// Bytes kept of what a client program calls itself.
const MAX_USER_AGENT: usize = 256;

/// Accounts and sessions. Clones share everything.
#[derive(Clone)]
pub struct Auth {
    store: Arc<dyn Store>,
    writer: Writer,
    hasher: Hasher,
    throttle: Arc<Throttle>,
    seen: Arc<Seen>,
    /// SHA-256 of the one-time set-up token, while there is one.
    setup: Arc<Mutex<Option<[u8; 32]>>>,
}

/// Who is at the door, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// What the client program calls itself; kept with the session, cut to 256 bytes.
    pub user_agent: Option<String>,
}

impl From<Option<IpAddr>> for Visitor {
    fn from(ip: Option<IpAddr>) -> Self {
        Self { ip, user_agent: None }
    }
}

/// What a successful login gives.
#[derive(Debug, Clone)]
pub struct Login {
    /// The secret for all later requests; shown this once.
    pub token: Token,
    /// The session it stands for.
    pub session: Session,
}

impl Auth {
    pub(super) fn new(writer: Writer) -> Self {
        let store = writer.store.clone();
        let (throttle, seen, setup) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, writer, hasher: Hasher::new(), throttle, seen, setup }
    }

    fn times(&self) -> Times {
        Times { wall: self.writer.now(), steady: (self.writer.steady)() }
    }

    /// Logs an admin in.
    ///
    /// # Errors
    /// * `Unauthorized` for an unknown user, a wrong password and a disabled user alike, after the same time.
    /// * `TooManyAttempts` where this account or address has tried too often: then even the right password is not
    ///   looked at. The wait is never longer than 15 minutes.
    /// * `Overloaded` when too many log in at once, `Invalid` for a password of more than 1,024 bytes, or if the store
    ///   does not answer.
    pub async fn login(
        &self,
        username: &str,
        password: &str,
        visitor: impl Into<Visitor>,
    ) -> Result<Login, ManagerError> {
        let visitor = visitor.into();
        password::check_length(password)?;
        let account = fold(username);
        let attempt = self.throttle.attempt(&account, visitor.ip, self.writer.now());
        attempt.map_err(|retry_after| ManagerError::TooManyAttempts { retry_after })?;
        let known = self.known(&account).await?;
        let active = known.as_ref().filter(|admin| admin.active);
        let stored_hash = active.map(|admin| admin.password_hash.clone());
        let verdict = self.hasher.verify(password.to_owned(), stored_hash).await?;
        match (active, verdict) {
            (Some(admin), Verdict::Right) => self.open_session(admin, visitor).await,
            (Some(admin), Verdict::Outdated(newer)) => {
                let old = admin.password_hash.clone();
                self.store.rehash_password(admin.id, old, newer).await.map_err(stored)?;
                self.open_session(admin, visitor).await
            }
            _ => self.refuse_login(known, visitor.ip).await,
        }
    }

    async fn known(&self, account: &str) -> Result<Option<AdminRecord>, ManagerError> {
        match self.store.admin_by_name(account).await {
            Ok(admin) => Ok(Some(admin)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(stored(error)),
        }
    }

    /// Writes a failed login down. Not the name as given, where it names nobody: people type passwords into the wrong
    /// field.
    async fn refuse_login(
        &self,
        known: Option<AdminRecord>,
        ip: Option<IpAddr>,
    ) -> Result<Login, ManagerError> {
        tracing::warn!(?ip, admin = ?known.as_ref().map(|admin| admin.id), "failed login");
        let username = known.map(|admin| admin.username).unwrap_or_default();
        let actor = Actor { username, ip, ..Actor::platform() };
        self.writer.end(Deed::new(&actor, "session.login"), Err(WRONG)).await
    }

    async fn open_session(&self, admin: &AdminRecord, visitor: Visitor) -> Result<Login, ManagerError> {
        self.throttle.succeeded(&admin.username);
        let (now, token) = (self.writer.now(), Token::random());
        // Logins are rare, and what they leave behind goes with the next one; but not what only a clock that was set
        // ahead takes for old.
        let surely = self.writer.surely();
        self.store
            .prune_sessions(surely.saturating_sub(IDLE), surely.saturating_sub(AGE))
            .await
            .map_err(stored)?;
        let Visitor { ip, user_agent } = visitor;
        let session = SessionRecord {
            id: SessionId::new(),
            token_hash: token.hash(),
            admin: admin.id,
            created_at: now,
            last_used_at: now,
            ip: ip.map(|ip| ip.to_string()),
            user_agent: user_agent.map(cut),
        };
        let username = admin.username.clone();
        let actor = Actor { admin: Some(admin.id), username, ip, session: Some(session.id) };
        // First the record: nobody is let in unseen.
        let record = self.writer.record(&Deed::new(&actor, "session.login").target(session.id));
        self.store.append_audit(record).await.map_err(stored)?;
        self.store.create_session(session.clone()).await.map_err(stored)?;
        self.seen.note(&session, self.times());
        tracing::info!(admin = %admin.id, session = %session.id, ?ip, "login");
        Ok(Login { token, session: Session::of(&session, admin) })
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

fn stored(error: StoreError) -> ManagerError {
    ManagerError::from_store(error, None)
}

/// The account that a typed user name means. Cut, so that long ones cost no memory; no account has such a name.
fn fold(username: &str) -> String {
    username.trim().to_lowercase().chars().take(65).filter(|c| *c != '\0').collect()
}

/// The start of a name that a client program gave itself.
fn cut(mut user_agent: String) -> String {
    user_agent.retain(|c| !c.is_control());
    user_agent.truncate(user_agent.floor_char_boundary(MAX_USER_AGENT));
    user_agent
}

#[cfg(test)]
mod tests;
