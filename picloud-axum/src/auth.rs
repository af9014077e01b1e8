//! Getting in and out: set up, log in, log out, who am I, where else am I logged in.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header::SET_COOKIE, request::Parts};
use picloud::{
    AdminId, SessionId,
    manager::{Login, ManagerError, OpenSession, Session},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    api::Ctx,
    credential::{self, Admin, LoggedIn},
    error::ApiError,
    etag::Done,
    input::{IdPath, Small},
    openapi::{Describe, Operation},
    page::{Page, Wanted},
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

// Not `Debug`: it is a secret.
/// What makes the first admin.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SetUp")]
pub(crate) struct SetUpInput {
    /// The one-time token that the server printed when it started.
    token: String,
    /// 1 to 64 letters, digits and characters of `._-+@`.
    username: String,
    /// At least 15 characters, 5 of them different.
    password: String,
}

/// What a login gives.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LoggedIn")]
pub(crate) struct LoginAnswer {
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

/// The answer that there is an admin now, who is logged in.
pub(crate) struct SetUpDone(LoginAnswer);

impl IntoResponse for SetUpDone {
    fn into_response(self) -> Response {
        (StatusCode::CREATED, Json(self.0)).into_response()
    }
}

impl Describe for SetUpDone {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<LoginAnswer>(StatusCode::CREATED, &[]);
    }
}

/// Who uses the API.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Me {
    admin: AdminView,
    session: SessionView,
}

/// Who has an account.
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

/// A session in a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionInfo")]
pub(crate) struct SessionItem {
    id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    created_at: Time,
    /// To a few minutes.
    last_used_at: Time,
    /// When it ends if it is not used again.
    expires_at: Time,
    /// The client's address at login.
    ip: Option<String>,
    /// The client program at login, as it named itself.
    user_agent: Option<String>,
}

impl From<OpenSession> for SessionItem {
    fn from(session: OpenSession) -> Self {
        let OpenSession { id, created_at, last_used_at, expires_at, ip, user_agent } = session;
        Self {
            id,
            current: false,
            created_at: Time(created_at),
            last_used_at: Time(last_used_at),
            expires_at: Time(expires_at),
            ip,
            user_agent,
        }
    }
}

pub(crate) async fn setup(
    State(api): State<Ctx>,
    parts: Parts,
    Small(SetUpInput { token, username, password }): Small<SetUpInput, MAX_LOGIN>,
) -> Result<WithCookie<SetUpDone>, ApiError> {
    let visitor = credential::visitor(&parts);
    let login = api.manager.auth().set_up(&token, &username, &password, visitor).await?;
    let WithCookie { cookie, answer: Json(answer) } = logged_in(&parts, login);
    Ok(WithCookie { cookie, answer: SetUpDone(answer) })
}

pub(crate) async fn login(
    State(api): State<Ctx>,
    parts: Parts,
    Small(LoginInput { username, password }): Small<LoginInput, MAX_LOGIN>,
) -> Result<WithCookie<Json<LoginAnswer>>, ApiError> {
    let login = api.manager.auth().login(&username, &password, credential::visitor(&parts)).await?;
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

fn logged_in(parts: &Parts, Login { token, session }: Login) -> WithCookie<Json<LoginAnswer>> {
    let cookie = credential::set_cookie(credential::scheme(parts), Some(token.reveal()));
    let body = LoginAnswer {
        token: token.reveal().to_owned(),
        expires_at: Time(session.expires_at),
        admin: AdminView { id: session.admin, username: session.username },
    };
    WithCookie { cookie, answer: Json(body) }
}

pub(crate) async fn logout(
    State(api): State<Ctx>,
    admin: Admin,
    LoggedIn { session, .. }: LoggedIn,
    parts: Parts,
) -> Result<WithCookie<Done>, ApiError> {
    match api.manager.auth().end_session(&admin.actor(), session.admin, session.id).await {
        // It has ended meanwhile.
        Ok(()) | Err(ManagerError::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let cookie = credential::set_cookie(credential::scheme(&parts), None);
    Ok(WithCookie { cookie, answer: Done })
}

pub(crate) async fn me(LoggedIn { session, .. }: LoggedIn) -> Json<Me> {
    let Session { id, admin, username, created_at, expires_at } = session;
    let session = SessionView { id, created_at: Time(created_at), expires_at: Time(expires_at) };
    Json(Me { admin: AdminView { id: admin, username }, session })
}

pub(crate) async fn sessions(
    State(api): State<Ctx>,
    LoggedIn { session, .. }: LoggedIn,
    wanted: Wanted,
) -> Result<Json<Page<SessionItem>>, ApiError> {
    let mut page: Page<SessionItem> = wanted.of(api.manager.auth().sessions(session.admin).await?);
    page.each(|item| item.current = item.id == session.id);
    Ok(Json(page))
}

pub(crate) async fn end_session(
    State(api): State<Ctx>,
    admin: Admin,
    LoggedIn { session, .. }: LoggedIn,
    IdPath(id): IdPath<SessionId>,
) -> Result<Done, ApiError> {
    api.manager.auth().end_session(&admin.actor(), session.admin, id).await?;
    Ok(Done)
}

pub(crate) async fn end_other_sessions(
    State(api): State<Ctx>,
    admin: Admin,
    LoggedIn { session, .. }: LoggedIn,
) -> Result<Done, ApiError> {
    api.manager.auth().end_other_sessions(&admin.actor(), session.admin).await?;
    Ok(Done)
}
