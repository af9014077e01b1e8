//! Sessions: what a token stands for, and when it ends.

use subtle::ConstantTimeEq;

use super::{
    super::{Actor, ManagerError, writer::Deed},
    Auth, Token, stored,
};
use crate::{
    AdminId, SessionId,
    store::{AdminRecord, SessionRecord, StoreError},
};

pub(super) const MINUTE: i64 = 60 * 1_000_000;
/// A session ends when it has not been used for this long.
pub(super) const IDLE: i64 = 24 * 60 * MINUTE;
/// A session ends when it is this old, however much it is used.
pub(super) const AGE: i64 = 30 * 24 * 60 * MINUTE;
/// Its use is written down at most this often.
pub(super) const TOUCH: i64 = 5 * MINUTE;

const NO_SESSION: ManagerError = ManagerError::Unauthorized("A valid session is needed. Log in.");

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

/// A session in a list, with what tells its owner which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenSession {
    /// Its public name.
    pub id: SessionId,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// When it was last used, to a few minutes: microseconds since 1970 UTC.
    pub last_used_at: i64,
    /// When it ends if it is not used again: microseconds since 1970 UTC.
    pub expires_at: i64,
    /// The client's address at login, if known.
    pub ip: Option<String>,
    /// The client program at login, as it named itself.
    pub user_agent: Option<String>,
}

impl Auth {
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
        let now = self.times();
        let is_right = bool::from(session.token_hash.ct_eq(&hash)) && admin.active;
        if !is_right || !self.seen.is_live(&session, now) {
            return Err(NO_SESSION);
        }
        self.seen.note(&session, now);
        // A clock that was set back takes no use back.
        let at = now.wall.max(session.last_used_at);
        let session = self.used(session, at).await;
        Ok(Session::of(&session, &admin))
    }

    /// Ends the session that an admin works in. One that has ended already is no error.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn logout(&self, session: &Session) -> Result<(), ManagerError> {
        let Session { id, admin, username, .. } = session;
        let actor = Actor { admin: Some(*admin), username: username.clone(), ..Actor::platform() };
        match self.end_session(&actor, *admin, *id).await {
            Ok(()) | Err(ManagerError::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The sessions of an admin that have not ended, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sessions(&self, admin: AdminId) -> Result<Vec<OpenSession>, ManagerError> {
        let now = self.times();
        let mut rows = self.store.sessions(admin).await.map_err(stored)?;
        rows.retain(|row| self.seen.is_live(row, now));
        rows.sort_by_key(|row| row.id);
        Ok(rows.into_iter().map(OpenSession::from).collect())
    }

    /// Ends a session of an admin.
    ///
    /// # Errors
    /// `NotFound` if the admin has no such session, or if the store does not answer.
    pub async fn end_session(
        &self,
        actor: &Actor,
        admin: AdminId,
        id: SessionId,
    ) -> Result<(), ManagerError> {
        let deed = Deed::new(actor, "session.end").target(id);
        let result = self.store.delete_session(admin, id).await.map_err(stored);
        self.done(deed, result).await
    }

    /// Ends all sessions of an admin but the one that `actor` works in; says how many.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_other_sessions(&self, actor: &Actor, admin: AdminId) -> Result<u64, ManagerError> {
        let deed = Deed::new(actor, "session.end_others").target(admin);
        let result = self.store.delete_sessions(admin, actor.session).await.map_err(stored);
        self.done(deed, result).await
    }

    /// Ends a deed that is no commit, with its record.
    async fn done<T>(&self, deed: Deed, result: Result<T, ManagerError>) -> Result<T, ManagerError> {
        if result.is_ok() {
            self.store.append_audit(self.writer.record(&deed)).await.map_err(stored)?;
        }
        self.writer.end(deed, result).await
    }

    /// Writes down that a session is used, if that has not been done lately.
    pub(super) async fn used(&self, session: SessionRecord, now: i64) -> SessionRecord {
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
    pub(super) fn of(session: &SessionRecord, admin: &AdminRecord) -> Self {
        let expires_at = expires_at(session);
        let username = admin.username.clone();
        Self { id: session.id, admin: admin.id, username, created_at: session.created_at, expires_at }
    }
}

impl From<SessionRecord> for OpenSession {
    fn from(row: SessionRecord) -> Self {
        let expires_at = expires_at(&row);
        let SessionRecord { id, token_hash: _, admin: _, created_at, last_used_at, ip, user_agent } = row;
        Self { id, created_at, last_used_at, expires_at, ip, user_agent }
    }
}

/// A session is valid before this moment, and not at it.
fn expires_at(session: &SessionRecord) -> i64 {
    session.last_used_at.saturating_add(IDLE).min(session.created_at.saturating_add(AGE))
}
