//! Accounts: who there is, and what may be different about them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    super::{Actor, FieldError, ManagerError, error::Findings, writer::Deed},
    Auth, Verdict, fold, password, stored,
};
use crate::{
    AdminId,
    store::{AdminRecord, Change, Page, Role},
};

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Never changes.
    pub id: AdminId,
    /// Unique, lower-case.
    pub username: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may log in.
    pub active: bool,
    /// Microseconds since 1970 UTC.
    pub created_at: i64,
    /// Grows with every change, from 1.
    pub version: u64,
}

/// What a new account is made of.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewAdmin {
    /// Unique: 1 to 64 letters, digits and characters of `._-+@`. Kept in lower case.
    pub username: String,
    /// At least 12 characters, 5 of them different, and at most 1,024 bytes.
    pub password: String,
}

/// What is to be different about an account; what is not set stays.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AdminChanges {
    /// Another user name.
    #[serde(default)]
    pub username: Option<String>,
    /// Another password. It ends all sessions of the account but the one that asks for it.
    #[serde(default)]
    pub password: Option<String>,
    /// The password until now. Whoever changes their own password in a browser must give it; where it is given, it must
    /// be right.
    #[serde(default)]
    pub current_password: Option<String>,
    /// Whether they may log in. Ends their sessions when it becomes false.
    #[serde(default)]
    pub active: Option<bool>,
}

impl Auth {
    /// Accounts.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn admins(&self, page: Page<AdminId>) -> Result<Vec<Account>, ManagerError> {
        let rows = self.store.admins(page).await.map_err(stored)?;
        Ok(rows.iter().map(Account::from).collect())
    }

    /// One account.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn admin(&self, id: AdminId) -> Result<Account, ManagerError> {
        self.store.admin(id).await.map(|row| Account::from(&row)).map_err(stored)
    }

    /// One account by its user name.
    ///
    /// # Errors
    /// `NotFound`, or if the store does not answer.
    pub async fn admin_by_name(&self, username: &str) -> Result<Account, ManagerError> {
        self.store.admin_by_name(&fold(username)).await.map(|row| Account::from(&row)).map_err(stored)
    }

    /// Makes an account.
    ///
    /// # Errors
    /// `Invalid` for a bad user name or a weak password, `Conflict` over the name, `Overloaded`, or if the store does
    /// not answer.
    pub async fn create_admin(&self, actor: &Actor, input: NewAdmin) -> Result<Account, ManagerError> {
        let id = AdminId::new();
        let mut deed = Deed::new(actor, "admin.create").target(id).name(&fold(&input.username));
        let result = self.try_create_admin(&mut deed, id, input).await;
        self.writer.end(deed, result).await
    }

    async fn try_create_admin(
        &self,
        deed: &mut Deed,
        id: AdminId,
        input: NewAdmin,
    ) -> Result<Account, ManagerError> {
        let NewAdmin { username, password } = input;
        let mut findings = Findings::default();
        findings.take(check_username(&username));
        let username = fold(&username);
        findings.take(password::check_new(&username, &password));
        findings.end()?;
        let password_hash = self.hasher.hash(password).await?;
        let (role, active, version) = (Role::Owner, true, 1);
        let created_at = self.writer.now();
        let admin = AdminRecord { id, username, password_hash, role, active, created_at, version };
        let account = Account::from(&admin);
        deed.set_after(&account);
        self.writer.commit(deed, vec![Change::CreateAdmin(admin)]).await?;
        Ok(account)
    }

    /// Changes an account; only if it is at version `expected`, where that is given. A new password and a deactivation
    /// end all its sessions but the one that `actor` works in.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `Invalid`, `Conflict` over the name, `LastAdmin` if nobody could log in any more,
    /// `Overloaded`, or if the store does not answer.
    pub async fn update_admin(
        &self,
        actor: &Actor,
        id: AdminId,
        expected: Option<u64>,
        changes: AdminChanges,
    ) -> Result<Account, ManagerError> {
        let mut deed = Deed::new(actor, "admin.update").target(id);
        let result = self.try_update_admin(&mut deed, actor, id, expected, changes).await;
        self.writer.end(deed, result).await
    }

    async fn try_update_admin(
        &self,
        deed: &mut Deed,
        actor: &Actor,
        id: AdminId,
        expected: Option<u64>,
        changes: AdminChanges,
    ) -> Result<Account, ManagerError> {
        let old = self.store.admin(id).await.map_err(stored)?;
        deed.set_name(&old.username);
        deed.set_before(&Account::from(&old));
        let AdminChanges { username, password, current_password, active } = changes;
        if let Some(current) = current_password {
            self.check_current(&old, current).await?;
        }
        let (username, password_hash) = self.checked(&old, username, password).await?;
        let next = AdminRecord {
            username: username.clone().unwrap_or(old.username),
            active: active.unwrap_or(old.active),
            // Also where it is for any version: another change at the same time is one more.
            version: old.version + 1,
            ..old
        };
        deed.set_after(&Account::from(&next));
        let keep = actor.session.filter(|_| actor.admin == Some(id));
        let change = Change::UpdateAdmin { id, expected, username, password_hash, role: None, active, keep };
        self.writer.commit(deed, vec![change]).await?;
        self.admin(id).await
    }

    /// The new user name, and the hash of the new password.
    async fn checked(
        &self,
        old: &AdminRecord,
        username: Option<String>,
        password: Option<String>,
    ) -> Result<(Option<String>, Option<String>), ManagerError> {
        let mut findings = Findings::default();
        let username = username.and_then(|name| findings.take(check_username(&name)));
        if let Some(password) = &password {
            findings.take(password::check_new(username.as_ref().unwrap_or(&old.username), password));
        }
        findings.end()?;
        match password {
            Some(password) => Ok((username, Some(self.hasher.hash(password).await?))),
            None => Ok((username, None)),
        }
    }

    async fn check_current(&self, admin: &AdminRecord, current: String) -> Result<(), ManagerError> {
        let field = |code, detail: &str| FieldError::new("current_password", code, detail);
        password::check_length(&current).map_err(|_| field("wrong", "this is not the password"))?;
        // A session that was left open is no licence to guess.
        let attempt = self.throttle.attempt(&admin.username, None, self.writer.now());
        attempt.map_err(|retry_after| ManagerError::TooManyAttempts { retry_after })?;
        match self.hasher.verify(current, Some(admin.password_hash.clone())).await? {
            Verdict::Wrong => Err(field("wrong", "this is not the password").into()),
            Verdict::Right | Verdict::Outdated(_) => {
                self.throttle.succeeded(&admin.username);
                Ok(())
            }
        }
    }

    /// Removes an account and its sessions; only if it is at version `expected`, where that is given.
    ///
    /// # Errors
    /// `NotFound`, `Precondition`, `LastAdmin` if nobody could log in any more, or if the store does not answer.
    pub async fn delete_admin(
        &self,
        actor: &Actor,
        id: AdminId,
        expected: Option<u64>,
    ) -> Result<(), ManagerError> {
        let mut deed = Deed::new(actor, "admin.delete").target(id);
        let result = async {
            let old = self.admin(id).await?;
            deed.set_name(&old.username);
            deed.set_before(&old);
            self.writer.commit(&deed, vec![Change::DeleteAdmin { id, expected }]).await.map(drop)
        };
        let result = result.await;
        self.writer.end(deed, result).await
    }
}

impl From<&AdminRecord> for Account {
    fn from(row: &AdminRecord) -> Self {
        let AdminRecord { id, username, password_hash: _, role, active, created_at, version } = row.clone();
        Self { id, username, role, active, created_at, version }
    }
}

impl fmt::Debug for NewAdmin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewAdmin").field("username", &self.username).finish_non_exhaustive()
    }
}

impl fmt::Debug for AdminChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { username, active, .. } = self;
        f.debug_struct("AdminChanges")
            .field("username", username)
            .field("active", active)
            .finish_non_exhaustive()
    }
}

pub(super) fn check_username(username: &str) -> Result<String, FieldError> {
    let folded = fold(username);
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
    if (1..=64).contains(&folded.len()) && folded.chars().all(inside) {
        return Ok(folded);
    }
    let detail = "a user name has 1 to 64 letters, digits and characters of `._-+@`";
    Err(FieldError::new("username", "invalid_name", detail))
}
