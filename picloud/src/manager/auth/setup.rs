//! The first admin: by the environment, or by whoever has the one-time token of the set-up. Both end for good once there
//! is one.

use std::sync::PoisonError;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{
    super::{Actor, ManagerError, writer::Deed},
    Auth, Login, Token, Visitor,
    accounts::check_username,
    password, stored,
};
use crate::{
    AdminId,
    store::{AdminRecord, Role},
};

const WRONG_TOKEN: ManagerError =
    ManagerError::Unauthorized("This is not the set-up token that the server printed when it started.");

impl Auth {
    /// Creates the first admin, and says whether it did: `false` if there has ever been one. Of callers that race,
    /// on any number of servers, exactly one gets `true`.
    ///
    /// # Errors
    /// `Invalid` for a bad user name or a weak password (fewer than 15 characters, or easily guessed), or if the store
    /// does not answer.
    pub async fn bootstrap(&self, username: &str, password: &str) -> Result<bool, ManagerError> {
        self.first_admin(username, password, &Actor::platform()).await.map(|created| created.is_some())
    }

    /// Whether there has ever been an admin: then the set-up is over for good.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn has_had_admin(&self) -> Result<bool, ManagerError> {
        self.store.has_had_admin().await.map_err(stored)
    }

    /// A token with which [`set_up`](Self::set_up) makes the first admin; `None` if there has ever been one. Good for
    /// this process and until the next one is issued; only its hash is kept.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn issue_setup_token(&self) -> Result<Option<String>, ManagerError> {
        if self.has_had_admin().await? {
            return Ok(None);
        }
        let token = Token::random().reveal().replacen("pcs_", "setup_", 1);
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = Some(hash(&token));
        Ok(Some(token))
    }

    /// Creates the first admin for whoever has the set-up token, and logs them in.
    ///
    /// # Errors
    /// `Gone` if there has ever been an admin, `Unauthorized` for another token, or as [`bootstrap`](Self::bootstrap)
    /// and [`login`](Self::login).
    pub async fn set_up(
        &self,
        token: &str,
        username: &str,
        password: &str,
        visitor: impl Into<Visitor>,
    ) -> Result<Login, ManagerError> {
        let visitor = visitor.into();
        if self.has_had_admin().await? {
            return Err(ManagerError::SetUp);
        }
        let expected = *self.setup.lock().unwrap_or_else(PoisonError::into_inner);
        if !expected.is_some_and(|expected| bool::from(expected.ct_eq(&hash(token)))) {
            tracing::warn!(ip = ?visitor.ip, "a set-up with a wrong token");
            return Err(WRONG_TOKEN);
        }
        let actor = Actor { ip: visitor.ip, ..Actor::platform() };
        let admin = self.first_admin(username, password, &actor).await?.ok_or(ManagerError::SetUp)?;
        *self.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.open_session(&admin, visitor).await
    }

    async fn first_admin(
        &self,
        username: &str,
        password: &str,
        actor: &Actor,
    ) -> Result<Option<AdminRecord>, ManagerError> {
        if self.has_had_admin().await? {
            return Ok(None);
        }
        let username = check_username(username)?;
        password::check_first(&username, password)?;
        let password_hash = self.hasher.hash(password.to_owned()).await?;
        let (id, created_at) = (AdminId::new(), self.writer.now());
        let deed = Deed::new(actor, "admin.create").target(id).name(&username);
        let (role, active, version) = (Role::Owner, true, 1);
        let admin = AdminRecord { id, username, password_hash, role, active, created_at, version };
        let audit = self.writer.record(&deed);
        let created = self.store.create_first_admin(admin.clone(), audit).await.map_err(stored)?;
        tracing::info!(admin = %id, created, "first admin");
        Ok(created.then_some(admin))
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
