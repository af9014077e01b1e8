//! Changes that admins ask for in vain: what is refused before the manager hears of it is in the audit trail, too.
//!
//! The manager keeps a record of what it does and of what it refuses itself. A body that is not as it should be, or an id
//! that is none, never gets there.

use axum::{
    extract::{FromRequestParts, MatchedPath, RawPathParams},
    response::Response,
};
use http::request::Parts;
use picloud::manager::{Actor, Refusal};

use crate::{
    api::{Api, Ctx},
    credential::Admin,
    error::Early,
};

/// A change that somebody who is let in asks for.
pub(crate) struct Attempt {
    actor: Actor,
    action: &'static str,
    /// What it is about, as the path says it.
    target: String,
}

impl Attempt {
    /// `None` for what changes nothing.
    pub(crate) async fn of(parts: &mut Parts, api: &Ctx) -> Option<Self> {
        let action = Api::action(&parts.method, parts.extensions.get::<MatchedPath>()?.as_str())?;
        let actor = parts.extensions.get::<Admin>()?.actor();
        let target = RawPathParams::from_request_parts(parts, api).await.ok()?;
        let target = target.iter().last().map(|(_, value)| value.to_owned()).unwrap_or_default();
        Some(Self { actor, action, target })
    }

    /// The refusal, if that is what the answer is and the manager has no record of it.
    pub(crate) fn refusal(self, response: &Response) -> Option<(Actor, Refusal)> {
        let Early(code) = response.extensions().get().copied()?;
        let Self { actor, action, target } = self;
        response.status().is_client_error().then_some((actor, Refusal { action, target, code }))
    }
}
