//! The audit trail: who changed what, when and from where.

use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use picloud::{
    AdminId, AppId, AuditId, FieldError,
    store::{AppKey, AuditRecord},
};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    openapi::{Describe, Operation},
    page::{Page, Wanted},
    query,
    scripts::hex,
    time::Time,
};

/// Something that somebody did or tried to do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditEntry {
    id: AuditId,
    at: Time,
    /// Null for the platform itself, for somebody who was not logged in, and for whom the program around knows.
    admin_id: Option<AdminId>,
    /// The user name at that time; empty for the platform itself, and for one that nobody has.
    username: String,
    /// The client's address, if known.
    ip: Option<String>,
    /// A kind of thing and a verb, such as `script.update`.
    action: String,
    /// Null if it was done; otherwise the code of the problem.
    refused: Option<String>,
    /// The app that it concerns, which may be gone.
    app_id: Option<AppId>,
    /// The id of what it was done to, as text; empty if there is none.
    target: String,
    /// What that was called at that time.
    name: String,
    /// SHA-256 of the state before, in hexadecimal digits.
    before: Option<String>,
    /// SHA-256 of the state after.
    after: Option<String>,
}

impl From<AuditRecord> for AuditEntry {
    fn from(row: AuditRecord) -> Self {
        let AuditRecord {
            id,
            at,
            admin: admin_id,
            username,
            ip,
            action,
            refused,
            app: app_id,
            target,
            name,
            before,
            after,
        } = row;
        let [before, after] = [before, after].map(|hash| hash.map(|hash| hex(&hash)));
        Self {
            id,
            at: Time(at),
            admin_id,
            username,
            ip,
            action,
            refused,
            app_id,
            target,
            name,
            before,
            after,
        }
    }
}

/// Which part of the audit trail is wanted.
pub(crate) struct Filter {
    wanted: Wanted,
    app: Option<AppKey>,
}

impl<S: Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let (mut wanted, mut app) = (Wanted::default(), None);
        let read = query::read(parts, |name, value| {
            if name == "app" {
                app = Some(parse_app(value)?);
            } else if !wanted.take(name, value)? {
                return Err(query::unknown(name, "`limit`, `cursor` and `app`"));
            }
            Ok(())
        });
        read.map(|()| Self { wanted, app }).map_err(ApiError::field)
    }
}

impl Describe for Filter {
    fn describe(operation: &mut Operation<'_>) {
        Wanted::<Uuid>::describe(operation);
        operation.query::<Parameters>();
    }
}

/// What [`Filter`] reads beside, for the document.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Parameters {
    /// Only what concerns this app: a slug, or an id, which may be one of an app that is gone.
    app: String,
}

fn parse_app(text: &str) -> Result<AppKey, FieldError> {
    AppKey::parse(text).map_err(|_| FieldError::new("app", "invalid_app", "an app's slug or id"))
}

/// Newest first.
pub(crate) async fn list(
    State(api): State<Ctx>,
    _: Admin,
    Filter { wanted, app }: Filter,
) -> Result<axum::Json<Page<AuditEntry>>, ApiError> {
    let app = match app {
        Some(AppKey::Id(id)) => Some(id),
        Some(key) => Some(api.manager.app(&key).await?.id),
        None => None,
    };
    Ok(axum::Json(wanted.cut(api.manager.audit(app, wanted.page()).await?, |row| row.id.into())))
}
