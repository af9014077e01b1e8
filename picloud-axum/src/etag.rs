//! Single things: their strong `ETag`, and changes only `If-Match` (RFC 9110 §13.1.1).

use axum::{
    Json,
    extract::{FromRequestParts, OriginalUri},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, StatusCode,
    header::{ETAG, IF_MATCH, LOCATION},
    request::Parts,
};
use picloud::{
    Code,
    store::{AppRecord, DomainRecord, RouteRecord, ScriptRecord},
};
use serde::Serialize;
use uuid::Uuid;

use crate::error::ApiError;

/// A row that the API shows as one thing.
pub(crate) trait Thing {
    /// What it is called.
    const WHAT: &'static str;

    fn id(&self) -> Uuid;

    fn version(&self) -> u64;

    /// The id is in it because a slug can name another app later on.
    fn etag(&self) -> String {
        format!("\"{}-{}\"", self.id().simple(), self.version())
    }
}

impl Thing for AppRecord {
    const WHAT: &'static str = "app";

    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Thing for DomainRecord {
    const WHAT: &'static str = "domain";

    fn id(&self) -> Uuid {
        self.id.into()
    }

    /// A claim never changes.
    fn version(&self) -> u64 {
        1
    }
}

impl Thing for ScriptRecord {
    const WHAT: &'static str = "script";

    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Thing for RouteRecord {
    const WHAT: &'static str = "route";

    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// Answers with one thing as a `T`.
pub(crate) fn found<R: Thing, T: From<R> + Serialize>(row: R) -> Response {
    let etag = HeaderValue::from_str(&row.etag()).expect("an id and a version are visible ASCII");
    ([(ETAG, etag)], Json(T::from(row))).into_response()
}

/// Answers that a thing was made, and that it is below `collection` from now on.
pub(crate) fn created<R: Thing, T: From<R> + Serialize>(
    base: &Base,
    collection: &'static str,
    row: R,
) -> Response {
    let location = format!("{}/api/v1/admin/{collection}/{}", base.0, row.id());
    let mut response = (StatusCode::CREATED, found::<R, T>(row)).into_response();
    // A path that the API is nested in may be more than a header can say.
    response.headers_mut().extend(HeaderValue::from_str(&location).ok().map(|value| (LOCATION, value)));
    response
}

/// The path that the API is nested in; empty at the root.
pub(crate) struct Base(String);

impl<S: Send + Sync> FromRequestParts<S> for Base {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let original = parts.extensions.get::<OriginalUri>().map_or(parts.uri.path(), |uri| uri.0.path());
        Ok(Self(original.strip_suffix(parts.uri.path()).unwrap_or_default().to_owned()))
    }
}

/// The condition of a change.
pub(crate) struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    /// The version that the change is for; none if it is for any.
    ///
    /// # Errors
    /// 412 if `row` is not what the client has read.
    pub(crate) fn expected<R: Thing>(&self, row: &R) -> Result<Option<u64>, ApiError> {
        let Some(tags) = &self.0 else { return Ok(None) };
        if tags.contains(&row.etag()) {
            return Ok(Some(row.version()));
        }
        let (what, version) = (R::WHAT, row.version());
        let detail =
            format!("The {what} is not what you have read: it is at version {version}. Read it again.");
        Err(ApiError::new(Code::PreconditionFailed, detail))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut tags = Vec::new();
        for value in parts.headers.get_all(IF_MATCH) {
            // What is not text is a tag of nothing here.
            let list = value.to_str().unwrap_or_default().split(',');
            tags.extend(list.map(|tag| tag.trim().to_owned()));
        }
        let any = tags.is_empty() || tags.iter().any(|tag| tag == "*");
        Ok(Self((!any).then_some(tags)))
    }
}
