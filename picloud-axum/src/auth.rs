//! Sessions: log in, log out, who am I.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::SET_COOKIE, request::Parts};
use picloud::{
    AdminId, Client, SessionId,
    manager::{Login, Session},
};
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::{self, Admin},
    error::ApiError,
    input,
    time::Time,
};

/// Bytes of a login. Hashing is dear, so what leads to it is small.
const MAX_LOGIN: usize = 4 * 1024;

/// What logs an admin in. Not `Debug`: it is a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoginInput {
    username: String,
    password: String,
}

/// What a login gives.
#[derive(Serialize)]
struct LoggedIn {
    token: String,
    expires_at: Time,
    admin: AdminView,
}

/// Who uses the API.
#[derive(Debug, Serialize)]
pub(crate) struct Me {
    admin: AdminView,
    session: SessionView,
}

/// An account.
#[derive(Debug, Serialize)]
struct AdminView {
    id: AdminId,
    username: String,
}

/// A session, without its token.
#[derive(Debug, Serialize)]
struct SessionView {
    id: SessionId,
    created_at: Time,
    expires_at: Time,
}

pub(crate) async fn login(State(api): State<Ctx>, request: Request) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let LoginInput { username, password } = input::json(&parts.headers, body, MAX_LOGIN).await?;
    let ip = parts.extensions.get::<Client>().map(|client| client.ip);
    let login = api.manager.auth().login(&username, &password, ip).await?;
    end_replaced(&api, &parts).await;
    Ok(logged_in(&parts, login))
}

/// Ends the session that a browser has had until now: its cookie is about to be replaced.
async fn end_replaced(api: &Ctx, parts: &Parts) {
    let Ok(Some(old)) = credential::cookie(parts) else { return };
    let auth = api.manager.auth();
    if let Ok(session) = auth.authenticate(old).await
        && let Err(error) = auth.logout(session.id).await
    {
        tracing::warn!(%error, session = %session.id, "a replaced session was not ended");
    }
}

fn logged_in(parts: &Parts, Login { token, session }: Login) -> Response {
    let cookie = credential::set_cookie(credential::scheme(parts), Some(token.reveal()));
    let body = LoggedIn {
        token: token.reveal().to_owned(),
        expires_at: Time(session.expires_at),
        admin: AdminView { id: session.admin, username: session.username },
    };
    let mut response = Json(body).into_response();
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    response
}

pub(crate) async fn logout(
    State(api): State<Ctx>,
    Admin(session): Admin,
    request: Request,
) -> Result<Response, ApiError> {
    api.manager.auth().logout(session.id).await?;
    let (parts, _) = request.into_parts();
    let cookie = credential::set_cookie(credential::scheme(&parts), None);
    let mut response = StatusCode::NO_CONTENT.into_response();
    response.headers_mut().extend(cookie.map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

pub(crate) async fn me(Admin(session): Admin) -> Json<Me> {
    let Session { id, admin, username, created_at, expires_at } = session;
    let session = SessionView { id, created_at: Time(created_at), expires_at: Time(expires_at) };
    Json(Me { admin: AdminView { id: admin, username }, session })
}
