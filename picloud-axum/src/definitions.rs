//! What scripts can use, for completion and help in editors.

use axum::extract::State;
use picloud::Definition;

use crate::{api::Ctx, credential::Admin, page::Page};

pub(crate) async fn list(State(api): State<Ctx>, _: Admin) -> axum::Json<Page<Definition>> {
    axum::Json(Page::whole(api.manager.definitions()))
}
