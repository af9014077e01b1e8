//! Who sends a request: the session of its bearer token or its cookie, and of nothing else.

use std::net::IpAddr;

use axum::{
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
    request::Parts,
};
use picloud::{
    Client, Code, Scheme,
    manager::{Actor, Session},
};

use crate::{
    api::Ctx,
    error::ApiError,
    openapi::{Describe, Operation},
    origin,
};

/// Proof that a request comes from an admin. Only [`require`] makes one.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) session: Session,
    /// The client's address, if known.
    pub(crate) ip: Option<IpAddr>,
}

impl Admin {
    /// As whom the manager acts.
    pub(crate) fn actor(&self) -> Actor {
        let Session { id, admin, username, .. } = &self.session;
        Actor { admin: Some(*admin), username: username.clone(), ip: self.ip, session: Some(*id) }
    }
}

impl<S: Sync> FromRequestParts<S> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let admin = parts.extensions.get::<Self>().cloned();
        admin.ok_or_else(|| ApiError::new(Code::Internal, "This route has no session check before it."))
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
    let token = match credential(&parts)? {
        Some(Credential::Bearer(token)) => token,
        Some(Credential::Cookie(token)) => {
            origin::check(&parts)?;
            token
        }
        None => return Err(ApiError::new(Code::Unauthorized, "A valid session is needed. Log in.")),
    };
    let session = api.manager.auth().authenticate(&token).await?;
    let ip = parts.extensions.get::<Client>().map(|client| client.ip);
    parts.extensions.insert(Admin { session, ip });
    Ok(next.run(Request::from_parts(parts, body)).await)
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
