//! Who sends a request: the session of its bearer token or its cookie, and of nothing else.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE, USER_AGENT},
    request::Parts,
};
use picloud::{
    Client, Code, Scheme,
    manager::{Actor, Session, Visitor},
};

use crate::{
    api::Ctx,
    attempt::Attempt,
    authenticate::Identity,
    error::ApiError,
    openapi::{Describe, Operation},
    origin,
};

/// Proof that a request comes from an admin. Only [`require`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    actor: Actor,
    /// The session, where they have an account here.
    pub(crate) session: Option<Session>,
}

impl Admin {
    /// As whom the manager acts.
    pub(crate) fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

/// Proof that a request comes from somebody with an account here, who is logged in. Only [`require`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct LoggedIn {
    pub(crate) session: Session,
    /// Whether a browser sent the session, in its cookie.
    pub(crate) by_cookie: bool,
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        proof(parts)
    }
}

impl<S: Sync> FromRequestParts<S> for LoggedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        proof(parts)
    }
}

fn proof<T: Clone + Send + Sync + 'static>(parts: &Parts) -> Result<T, ApiError> {
    let found = parts.extensions.get::<T>().cloned();
    found.ok_or_else(|| ApiError::new(Code::Internal, "This route has no session check before it."))
}

impl Describe for LoggedIn {
    fn describe(operation: &mut Operation<'_>) {
        operation.needs_session();
    }
}

impl Describe for Admin {
    fn describe(operation: &mut Operation<'_>) {
        operation.needs_session();
    }
}

/// Lets only requests of admins pass, and says whose they are.
///
/// # Errors
/// 401 without a valid session, 400 with two credentials, 403 for a write that another site may have caused.
pub(crate) async fn require(
    State(api): State<Ctx>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    match &api.options.authenticate {
        None => admit(&api, &mut parts).await?,
        Some(own) => {
            // Whatever it looks at: a browser may have sent it without being asked.
            if !parts.headers.contains_key(AUTHORIZATION) && parts.headers.contains_key(COOKIE) {
                origin::check(&parts)?;
            }
            let found = own.authenticate(&parts).await;
            let Identity { name } = found.ok_or_else(|| {
                ApiError::new(Code::Unauthorized, "This needs an authentication that the server accepts.")
            })?;
            let actor = Actor { username: name, ip: ip(&parts), ..Actor::platform() };
            parts.extensions.insert(Admin { actor, session: None });
        }
    }
    let attempt = Attempt::of(&mut parts, &api).await;
    let response = next.run(Request::from_parts(parts, body)).await;
    if let Some((actor, refusal)) = attempt.and_then(|attempt| attempt.refusal(&response)) {
        api.manager.note_refusal(&actor, refusal).await;
    }
    Ok(response)
}

/// Lets requests of those pass who have an account here and are logged in.
async fn admit(api: &Ctx, parts: &mut Parts) -> Result<(), ApiError> {
    let (token, by_cookie) = match credential(parts)? {
        Some(Credential::Bearer(token)) => (token, false),
        Some(Credential::Cookie(token)) => {
            origin::check(parts)?;
            (token, true)
        }
        None => return Err(ApiError::new(Code::Unauthorized, "A valid session is needed. Log in.")),
    };
    let session = api.manager.auth().authenticate(&token).await?;
    let Session { id, admin, username, .. } = &session;
    let (admin, username) = (Some(*admin), username.clone());
    let actor = Actor { admin, username, ip: ip(parts), session: Some(*id) };
    parts.extensions.insert(Admin { actor, session: Some(session.clone()) });
    parts.extensions.insert(LoggedIn { session, by_cookie });
    Ok(())
}

fn ip(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<Client>().map(|client| client.ip)
}

/// What the manager is told of whoever logs in.
pub(crate) fn visitor(parts: &Parts) -> Visitor {
    let user_agent = parts.headers.get(USER_AGENT).and_then(|name| name.to_str().ok());
    Visitor { ip: ip(parts), user_agent: user_agent.map(str::to_owned) }
}

/// What a client shows to be let in. Not `Debug`: it is a secret.
enum Credential {
    Bearer(String),
    Cookie(String),
}

fn credential(parts: &Parts) -> Result<Option<Credential>, ApiError> {
    match (bearer(&parts.headers)?, cookie(parts)?) {
        (Some(_), Some(_)) => {
            let detail = "Send either an `Authorization` header or a session cookie, not both.";
            Err(ApiError::new(Code::Malformed, detail))
        }
        (Some(token), None) => Ok(Some(Credential::Bearer(token.to_owned()))),
        (None, Some(token)) => Ok(Some(Credential::Cookie(token.to_owned()))),
        (None, None) => Ok(None),
    }
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1); other schemes are for others.
///
/// # Errors
/// 400 for more than one header.
pub(crate) fn bearer(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::new(Code::Malformed, "Send one `Authorization` header."));
    }
    let text = first.and_then(|value| value.to_str().ok());
    let pair = text.and_then(|text| text.split_once(' '));
    Ok(pair.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim()))
}

/// The token of the session cookie.
///
/// # Errors
/// 400 for more than one: another site on a sibling name may have set the other.
pub(crate) fn cookie(parts: &Parts) -> Result<Option<&str>, ApiError> {
    let wanted = cookie_name(scheme(parts));
    let lines = parts.headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut found = pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(ApiError::new(Code::Malformed, "There are two session cookies.")),
        (found, None) => Ok(found),
    }
}

/// How the client reached us, as far as the server around knows.
pub(crate) fn scheme(parts: &Parts) -> Scheme {
    parts.extensions.get::<Client>().map_or(Scheme::Http, |client| client.scheme)
}

/// The cookie that keeps `token` in a browser; one that ends at once for none.
pub(crate) fn set_cookie(scheme: Scheme, token: Option<&str>) -> Option<HeaderValue> {
    let name = cookie_name(scheme);
    let secure = if scheme == Scheme::Https { "; Secure" } else { "" };
    let age = if token.is_none() { "; Max-Age=0" } else { "" };
    let token = token.unwrap_or_default();
    HeaderValue::from_str(&format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")).ok()
}

/// With the prefix no sibling name and no plain connection can set it (RFC 6265bis §4.1.3).
fn cookie_name(scheme: Scheme) -> &'static str {
    match scheme {
        Scheme::Http => "picloud_session",
        Scheme::Https => "__Host-picloud_session",
    }
}
