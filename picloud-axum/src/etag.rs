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
    manager::{Account, ManagerError},
    store::{AppRecord, DomainRecord, RouteRecord, ScriptRecord},
};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::ApiError,
    openapi::{Describe, Operation},
};

/// A row that the API shows as one thing.
pub(crate) trait Thing {
    fn id(&self) -> Uuid;

    fn version(&self) -> u64;

    /// The id is in it because a slug can name another app later on.
    fn etag(&self) -> String {
        format!("\"{}-{}\"", self.id().simple(), self.version())
    }
}

impl Thing for AppRecord {
    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Thing for DomainRecord {
    fn id(&self) -> Uuid {
        self.id.into()
    }

    /// A claim never changes.
    fn version(&self) -> u64 {
        1
    }
}

impl Thing for ScriptRecord {
    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Thing for RouteRecord {
    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

impl Thing for Account {
    fn id(&self) -> Uuid {
        self.id.into()
    }

    fn version(&self) -> u64 {
        self.version
    }
}

/// The answer with one thing.
pub(crate) struct Found<T> {
    etag: HeaderValue,
    thing: T,
}

/// The answer that a thing was made.
pub(crate) struct Created<T> {
    location: Option<HeaderValue>,
    found: Found<T>,
}

/// The answer that something was done, and there is no more to say.
pub(crate) struct Done;

/// Answers with one thing as a `T`.
pub(crate) fn found<R: Thing, T: From<R>>(row: R) -> Found<T> {
    let etag = HeaderValue::from_str(&row.etag()).expect("an id and a version are visible ASCII");
    Found { etag, thing: T::from(row) }
}

/// Answers that a thing was made, and that it is below `collection` from now on.
pub(crate) fn created<R: Thing, T: From<R>>(base: &Base, collection: &'static str, row: R) -> Created<T> {
    let location = format!("{}/api/v1/admin/{collection}/{}", base.0, row.id());
    // A path that the API is nested in may be more than a header can say.
    Created { location: HeaderValue::from_str(&location).ok(), found: found(row) }
}

impl<T: Serialize> IntoResponse for Found<T> {
    fn into_response(self) -> Response {
        ([(ETAG, self.etag)], Json(self.thing)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, self.found).into_response();
        response.headers_mut().extend(self.location.map(|value| (LOCATION, value)));
        response
    }
}

impl IntoResponse for Done {
    fn into_response(self) -> Response {
        StatusCode::NO_CONTENT.into_response()
    }
}

const ETAG_IS: (&str, &str) = ("etag", "Names this state of the thing, for `If-Match`.");

impl<T: JsonSchema> Describe for Found<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<T>(StatusCode::OK, &[ETAG_IS]);
    }
}

impl<T: JsonSchema> Describe for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation
            .answer::<T>(StatusCode::CREATED, &[ETAG_IS, ("location", "Where the thing is from now on.")]);
    }
}

impl Describe for Done {
    fn describe(operation: &mut Operation<'_>) {
        operation.empty_answer(StatusCode::NO_CONTENT);
    }
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
    /// The version that a change of what was read is for; none if it is for any. What is not as the client has read
    /// it, or is gone, gives a version that nothing has: it is the manager that refuses, and keeps a record of that.
    ///
    /// # Errors
    /// If the reading failed.
    pub(crate) fn expected<R: Thing>(
        &self,
        reading: Result<R, ManagerError>,
    ) -> Result<Option<u64>, ApiError> {
        match (reading, &self.0) {
            (Ok(_), None) => Ok(None),
            (Ok(row), Some(tags)) if tags.contains(&row.etag()) => Ok(Some(row.version())),
            (Ok(_) | Err(ManagerError::NotFound { .. }), _) => Ok(Some(0)),
            (Err(error), _) => Err(error.into()),
        }
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

impl Describe for Base {
    fn describe(_: &mut Operation<'_>) {}
}

impl Describe for IfMatch {
    fn describe(operation: &mut Operation<'_>) {
        let about = "Only if the thing is as it was when its `etag` was this.";
        operation.parameter::<String>("header", "if-match", about);
        operation.problems(&[Code::PreconditionFailed]);
    }
}
