//! Accounts.

use axum::extract::State;
use picloud::{
    AdminId, FieldError,
    manager::{Account, AdminChanges, NewAdmin},
    store::Role,
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::Ctx,
    credential::{Admin, LoggedIn},
    error::ApiError,
    etag::{Base, Created, Done, Found, IfMatch, created, found},
    input::{IdPath, Small},
    page::{Page, Wanted},
    time::Time,
};

/// Bytes of an account. Hashing is dear, so what leads to it is small.
const MAX: usize = 8 * 1024;

/// An account, as clients see it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AdminAccount {
    id: AdminId,
    username: String,
    role: Role,
    /// Whether they may log in.
    active: bool,
    version: u64,
    created_at: Time,
}

impl From<Account> for AdminAccount {
    fn from(account: Account) -> Self {
        let Account { id, username, role, active, created_at, version } = account;
        Self { id, username, role, active, version, created_at: Time(created_at) }
    }
}

pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    wanted: Wanted,
) -> Result<axum::Json<Page<AdminAccount>>, ApiError> {
    Ok(axum::Json(wanted.of(api.manager.auth().admins(wanted.page()).await?)))
}

pub(crate) async fn create(
    State(api): State<Ctx>,
    admin: Admin,
    base: Base,
    Small(input): Small<NewAdmin, MAX>,
) -> Result<Created<AdminAccount>, ApiError> {
    let row = api.manager.auth().create_admin(&admin.actor(), input).await?;
    Ok(created(&base, "admins", row))
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    IdPath(id): IdPath<AdminId>,
) -> Result<Found<AdminAccount>, ApiError> {
    Ok(found(api.manager.auth().admin(id).await?))
}

pub(crate) async fn update(
    State(api): State<Ctx>,
    admin: Admin,
    LoggedIn { session, by_cookie }: LoggedIn,
    IdPath(id): IdPath<AdminId>,
    condition: IfMatch,
    Small(changes): Small<AdminChanges, MAX>,
) -> Result<Found<AdminAccount>, ApiError> {
    // A browser may stand open. A token can do as much without this, and whoever has it need not know the password.
    let is_own = session.admin == id && changes.password.is_some();
    if is_own && by_cookie && changes.current_password.is_none() {
        let detail = "give your password until now, too";
        return Err(ApiError::field(FieldError::new("current_password", "missing", detail)));
    }
    let expected = condition.expected(api.manager.auth().admin(id).await)?;
    Ok(found(api.manager.auth().update_admin(&admin.actor(), id, expected, changes).await?))
}

pub(crate) async fn remove(
    State(api): State<Ctx>,
    admin: Admin,
    IdPath(id): IdPath<AdminId>,
    condition: IfMatch,
) -> Result<Done, ApiError> {
    let expected = condition.expected(api.manager.auth().admin(id).await)?;
    api.manager.auth().delete_admin(&admin.actor(), id, expected).await?;
    Ok(Done)
}
