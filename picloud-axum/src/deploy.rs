//! Deployments: a whole app at once.

use axum::extract::State;
use picloud::{
    FieldError,
    manager::{DeployCheck, Deployed, Deployment, Step},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::Ctx,
    apps::App,
    credential::Admin,
    error::ApiError,
    input::{AppPath, Small},
};

/// Room for an app of many scripts.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// What a deployment has done.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deployed")]
pub(crate) struct Done {
    app: App,
    /// What was done, in this order; nothing if the app was like that already.
    steps: Vec<Step>,
    /// What `prune` would have done as well.
    kept: Vec<Step>,
}

/// What a deployment would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DeployCheck")]
pub(crate) struct Checked {
    ok: bool,
    /// What would be done, in this order.
    steps: Vec<Step>,
    /// What `prune` would do as well.
    kept: Vec<Step>,
    /// Why nothing of it would be done.
    errors: Vec<FieldError>,
}

pub(crate) async fn deploy(
    State(api): State<Ctx>,
    admin: Admin,
    AppPath(key): AppPath,
    Small(deployment): Small<Deployment, MAX_BODY>,
) -> Result<axum::Json<Done>, ApiError> {
    let Deployed { app, steps, kept } = api.manager.deploy(&admin.actor(), &key, &deployment).await?;
    Ok(axum::Json(Done { app: app.into(), steps, kept }))
}

pub(crate) async fn check(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    Small(deployment): Small<Deployment, MAX_BODY>,
) -> Result<axum::Json<Checked>, ApiError> {
    let DeployCheck { steps, kept, errors } = api.manager.check_deployment(&key, &deployment).await?;
    Ok(axum::Json(Checked { ok: errors.is_empty(), steps, kept, errors }))
}
