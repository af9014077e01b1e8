//! Accounts and sessions: who may use the control plane.

mod live;
mod password;
mod throttle;
mod token;

pub use token::Token;

use std::{fmt, net::IpAddr, sync::Arc};

use subtle::ConstantTimeEq;

use super::{
    Actor, FieldError, ManagerError,
    writer::{Deed, Writer},
};
use crate::{
    AdminId, SessionId,
    store::{AdminRecord, Role, SessionRecord, Store, StoreError},
};
use password::{Hasher, Verdict};
use throttle::Throttle;

const MINUTE: i64 = 60 * 1_000_000;
/// A session ends when it has not been used for this long.
const IDLE: i64 = 24 * 60 * MINUTE;
/// A session ends when it is this old, however much it is used.
const AGE: i64 = 30 * 24 * 60 * MINUTE;
/// Its use is written down at most this often.
const TOUCH: i64 = 5 * MINUTE;

/// Says the same whether the user is unknown, disabled, or gave another password.
const WRONG: ManagerError = ManagerError::Unauthorized("The user name or the password is wrong.");
const NO_SESSION: ManagerError = ManagerError::Unauthorized("A valid session is needed. Log in.");

/// Accounts and sessions. Clones share everything.
#[derive(Clone)]
pub struct Auth {
    store: Arc<dyn Store>,
    writer: Writer,
    hasher: Hasher,
    throttle: Arc<Throttle>,
}

/// What a successful login gives.
#[derive(Debug, Clone)]
pub struct Login {
    /// The secret for all later requests; shown this once.
    pub token: Token,
    /// The session it stands for.
    pub session: Session,
}

/// A session that is valid now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its public name.
    pub id: SessionId,
    /// Whose it is.
    pub admin: AdminId,
    /// Their user name.
    pub username: String,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// When it ends if it is not used again: microseconds since 1970 UTC.
    pub expires_at: i64,
}

impl Auth {
    pub(super) fn new(writer: Writer) -> Self {
        Self { store: writer.store.clone(), writer, hasher: Hasher::new(), throttle: Arc::default() }
    }

    /// Creates the first admin, and says whether it did: `false` if there has ever been one. Of callers that race,
    /// on any number of servers, exactly one gets `true`.
    ///
    /// # Errors
    /// `Invalid` for a bad user name or a weak password (fewer than 12 characters, or easily guessed), or if the store
    /// does not answer.
    pub async fn bootstrap(&self, username: &str, password: &str) -> Result<bool, ManagerError> {
        if self.has_had_admin().await? {
            return Ok(false);
        }
        let username = check_username(username)?;
        password::check_new(&username, password)?;
        let password_hash = self.hasher.hash(password.to_owned()).await?;
        let (id, created_at) = (AdminId::new(), self.writer.now());
        let deed = Deed::new(&Actor::platform(), "admin.create").target(id).name(&username);
        let (role, active, version) = (Role::Owner, true, 1);
        let admin = AdminRecord { id, username, password_hash, role, active, created_at, version };
        let audit = self.writer.record(&deed);
        let created = self.store.create_first_admin(admin, audit).await.map_err(stored)?;
        tracing::info!(admin = %id, created, "first admin");
        Ok(created)
    }

    /// Whether there has ever been an admin: then the set-up is over for good.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn has_had_admin(&self) -> Result<bool, ManagerError> {
        self.store.has_had_admin().await.map_err(stored)
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
        ip: Option<IpAddr>,
    ) -> Result<Login, ManagerError> {
        password::check_length(password)?;
        let account = fold(username);
        let attempt = self.throttle.attempt(&account, ip, self.writer.now());
        attempt.map_err(|retry_after| ManagerError::TooManyAttempts { retry_after })?;
        let admin = self.active_admin(&account).await?;
        let stored_hash = admin.as_ref().map(|admin| admin.password_hash.clone());
        let verdict = self.hasher.verify(password.to_owned(), stored_hash).await?;
        match (admin, verdict) {
            (Some(admin), Verdict::Right) => self.open_session(admin, &account, ip).await,
            (Some(admin), Verdict::Outdated(newer)) => {
                let old = admin.password_hash.clone();
                self.store.rehash_password(admin.id, old, newer).await.map_err(stored)?;
                self.open_session(admin, &account, ip).await
            }
            (admin, _) => {
                // Not the name as given: people type passwords into the wrong field.
                tracing::warn!(?ip, admin = ?admin.map(|admin| admin.id), "failed login");
                Err(WRONG)
            }
        }
    }

    /// The session of a token, which is used by this call.
    ///
    /// # Errors
    /// `Unauthorized` if there is none, it has ended or its admin is disabled; or if the store does not answer.
    pub async fn authenticate(&self, token: &str) -> Result<Session, ManagerError> {
        let hash = Token::parse(token).ok_or(NO_SESSION)?.hash();
        let (session, admin) = match self.store.session(hash).await {
            Ok(found) => found,
            Err(StoreError::NotFound { .. }) => return Err(NO_SESSION),
            Err(error) => return Err(stored(error)),
        };
        let now = self.writer.now();
        if !bool::from(session.token_hash.ct_eq(&hash)) || !admin.active || now >= expires_at(&session) {
            return Err(NO_SESSION);
        }
        let session = self.used(session, now).await;
        Ok(Session::of(&session, &admin))
    }

    /// Ends a session. One that has ended already is no error.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn logout(&self, session: &Session) -> Result<(), ManagerError> {
        match self.store.delete_session(session.admin, session.id).await {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(stored(error)),
        }
    }

    async fn active_admin(&self, account: &str) -> Result<Option<AdminRecord>, ManagerError> {
        match self.store.admin_by_name(account).await {
            Ok(admin) => Ok(Some(admin).filter(|admin| admin.active)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(stored(error)),
        }
    }

    async fn open_session(
        &self,
        admin: AdminRecord,
        account: &str,
        ip: Option<IpAddr>,
    ) -> Result<Login, ManagerError> {
        self.throttle.succeeded(account);
        let (now, token) = (self.writer.now(), Token::random());
        // Logins are rare, and what they leave behind goes with the next one.
        self.store.prune_sessions(now.saturating_sub(IDLE), now.saturating_sub(AGE)).await.map_err(stored)?;
        let session = SessionRecord {
            id: SessionId::new(),
            token_hash: token.hash(),
            admin: admin.id,
            created_at: now,
            last_used_at: now,
            ip: ip.map(|ip| ip.to_string()),
            user_agent: None,
        };
        self.store.create_session(session.clone()).await.map_err(stored)?;
        tracing::info!(admin = %admin.id, session = %session.id, ?ip, "login");
        Ok(Login { token, session: Session::of(&session, &admin) })
    }

    /// Writes down that a session is used, if that has not been done lately.
    async fn used(&self, session: SessionRecord, now: i64) -> SessionRecord {
        if now.saturating_sub(session.last_used_at) < TOUCH {
            return session;
        }
        match self.store.touch_session(session.id, now).await {
            Ok(()) => SessionRecord { last_used_at: now, ..session },
            Err(error) => {
                // A store that cannot write now is no reason to turn an admin away.
                tracing::warn!(%error, "the use of a session was not written down");
                session
            }
        }
    }
}

impl Session {
    fn of(session: &SessionRecord, admin: &AdminRecord) -> Self {
        let expires_at = expires_at(session);
        let username = admin.username.clone();
        Self { id: session.id, admin: admin.id, username, created_at: session.created_at, expires_at }
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth")
    }
}

/// A session is valid before this moment, and not at it.
fn expires_at(session: &SessionRecord) -> i64 {
    session.last_used_at.saturating_add(IDLE).min(session.created_at.saturating_add(AGE))
}

fn stored(error: StoreError) -> ManagerError {
    ManagerError::from_store(error, None)
}

/// The account that a typed user name means. Cut, so that long ones cost no memory; no account has such a name.
fn fold(username: &str) -> String {
    username.trim().to_lowercase().chars().take(65).collect()
}

fn check_username(username: &str) -> Result<String, FieldError> {
    let folded = fold(username);
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
    if (1..=64).contains(&folded.len()) && folded.chars().all(inside) {
        return Ok(folded);
    }
    let detail = "a user name has 1 to 64 letters, digits and characters of `._-+@`";
    Err(FieldError::new("username", "invalid_name", detail))
}

#[cfg(test)]
mod tests;
