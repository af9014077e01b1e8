//! Runs a script by its id, whatever its routes.
//!
//! The answer comes from the same host as the admin API and the dashboard. So it is confined: what a script sends may
//! not act with an admin's session, and what lets an admin in is not shown to the script.

use axum::{
    body::Body,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header::AUTHORIZATION};
use picloud::{ScriptId, manager::Token};

use crate::{
    api::Ctx,
    credential,
    error::ApiError,
    input::IdPath,
    openapi::{Describe, Operation},
};

pub(crate) async fn execute(
    State(api): State<Ctx>,
    IdPath(id): IdPath<ScriptId>,
    mut request: Request,
) -> Result<Answered, ApiError> {
    hide_token(request.headers_mut())?;
    let mut orchestrator = api.orchestrator.clone();
    let answer = orchestrator.execute(id, request).ok_or_else(|| ApiError::not_found("script"))?;
    let Ok(response) = answer.await;
    Ok(Answered(response.map(Body::new)))
}

/// What the script answered.
pub(crate) struct Answered(Response);

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        self.0
    }
}

impl Describe for Answered {
    fn describe(operation: &mut Operation<'_>) {
        operation.needs_session();
        operation.answer_of_script();
    }
}

/// Takes the platform's own token out of what the script will see. The orchestrator does so with the cookie.
fn hide_token(headers: &mut HeaderMap) -> Result<(), ApiError> {
    if credential::bearer(headers)?.is_some_and(|token| Token::parse(token).is_some()) {
        headers.remove(AUTHORIZATION);
    }
    Ok(())
}
