//! Runs a script by its id, whatever its routes.
//!
//! The answer comes from the same host as the admin API and the dashboard. So it is confined: what a script sends may
//! not act with an admin's session, and what lets an admin in is not shown to the script.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, header::AUTHORIZATION};
use picloud::{ScriptId, manager::Token};

use crate::{api::Ctx, credential, error::ApiError, input::IdPath};

pub(crate) async fn execute(
    State(api): State<Ctx>,
    IdPath(id): IdPath<ScriptId>,
    mut request: Request,
) -> Result<Response, ApiError> {
    hide_token(request.headers_mut())?;
    let mut orchestrator = api.orchestrator.clone();
    let answer = orchestrator.execute(id, request).ok_or_else(|| ApiError::not_found("script"))?;
    let Ok(response) = answer.await;
    Ok(response.map(Body::new))
}

/// Takes the platform's own token out of what the script will see. The orchestrator does so with the cookie.
fn hide_token(headers: &mut HeaderMap) -> Result<(), ApiError> {
    if credential::bearer(headers)?.is_some_and(|token| Token::parse(token).is_some()) {
        headers.remove(AUTHORIZATION);
    }
    Ok(())
}
