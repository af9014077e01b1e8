//! Sessions: log in, log out, who am I.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header::SET_COOKIE, request::Parts};
use picloud::{
    AdminId, Client, SessionId,
    manager::{Login, Session},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::{self, Admin},
    error::ApiError,
    etag::Done,
    input::Small,
    openapi::{Describe, Operation},
    time::Time,
};

/// Bytes of a login. Hashing is dear, so what leads to it is small.
const MAX_LOGIN: usize = 4 * 1024;

// Not `Debug`: it is a secret.
/// What logs an admin in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Login")]
pub(crate) struct LoginInput {
    username: String,
    password: String,
}

/// What a login gives.
#[derive(Serialize, JsonSchema)]
pub(crate) struct LoggedIn {
    token: String,
    expires_at: Time,
    admin: AdminView,
}

/// An answer that changes what cookie the browser has.
pub(crate) struct WithCookie<T> {
    cookie: Option<HeaderValue>,
    answer: T,
}

impl<T: IntoResponse> IntoResponse for WithCookie<T> {
    fn into_response(self) -> Response {
        let mut response = self.answer.into_response();
        response.headers_mut().extend(self.cookie.map(|cookie| (SET_COOKIE, cookie)));
        response
    }
}

impl<T: Describe> Describe for WithCookie<T> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
    }
}

/// Who uses the API.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Me {
    admin: AdminView,
    session: SessionView,
}

/// An account.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Admin")]
struct AdminView {
    id: AdminId,
    username: String,
}

/// A session, without its token.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
struct SessionView {
    id: SessionId,
    created_at: Time,
    expires_at: Time,
}

pub(crate) async fn login(
    State(api): State<Ctx>,
    parts: Parts,
    Small(LoginInput { username, password }): Small<LoginInput, MAX_LOGIN>,
) -> Result<WithCookie<Json<LoggedIn>>, ApiError> {
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
        && let Err(error) = auth.logout(&session).await
    {
        tracing::warn!(%error, session = %session.id, "a replaced session was not ended");
    }
}

fn logged_in(parts: &Parts, Login { token, session }: Login) -> WithCookie<Json<LoggedIn>> {
    let cookie = credential::set_cookie(credential::scheme(parts), Some(token.reveal()));
    let body = LoggedIn {
        token: token.reveal().to_owned(),
        expires_at: Time(session.expires_at),
        admin: AdminView { id: session.admin, username: session.username },
    };
    WithCookie { cookie, answer: Json(body) }
}

pub(crate) async fn logout(
    State(api): State<Ctx>,
    Admin { session, .. }: Admin,
    parts: Parts,
) -> Result<WithCookie<Done>, ApiError> {
    api.manager.auth().logout(&session).await?;
    let cookie = credential::set_cookie(credential::scheme(&parts), None);
    Ok(WithCookie { cookie, answer: Done })
}

pub(crate) async fn me(Admin { session, .. }: Admin) -> Json<Me> {
    let Session { id, admin, username, created_at, expires_at } = session;
    let session = SessionView { id, created_at: Time(created_at), expires_at: Time(expires_at) };
    Json(Me { admin: AdminView { id: admin, username }, session })
}
