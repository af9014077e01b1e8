//! Lists in pages: `?limit=&cursor=` → `{"items": […], "next_cursor": null|"…"}`.

use axum::extract::FromRequestParts;
use http::request::Parts;
use picloud::{FieldError, store};
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    error::ApiError,
    etag::Thing,
    openapi::{Describe, Operation},
};

const DEFAULT: usize = 50;
const MAX: usize = 200;

/// Which part of a list is wanted.
pub(crate) struct Wanted {
    limit: usize,
    /// The id of the last item of the page before.
    cursor: Option<Uuid>,
}

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// Ask for the next page with this as `cursor`; null on the last page.
    next_cursor: Option<String>,
}

impl Wanted {
    /// What to read of the store: one more than is shown, which tells whether there are more.
    pub(crate) fn page<I: From<Uuid>>(&self) -> store::Page<I> {
        store::Page { after: self.cursor.map(I::from), limit: self.limit + 1 }
    }

    /// Cuts a page out of `rows`, which are ordered by id.
    pub(crate) fn of<R: Thing, T: From<R>>(&self, rows: Vec<R>) -> Page<T> {
        let after = rows.into_iter().filter(|row| self.cursor.is_none_or(|cursor| row.id() > cursor));
        let mut rows: Vec<R> = after.take(self.limit + 1).collect();
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| row.id().to_string());
        Page { items: rows.into_iter().map(T::from).collect(), next_cursor }
    }

    fn parse(query: &str) -> Result<Self, FieldError> {
        let mut wanted = Self { limit: DEFAULT, cursor: None };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => wanted.limit = parse_limit(&value)?,
                "cursor" => wanted.cursor = Some(parse_cursor(&value)?),
                _ => {
                    let detail = "a list has the parameters `limit` and `cursor`";
                    return Err(FieldError::new(name, "unknown_field", detail));
                }
            }
        }
        Ok(wanted)
    }
}

impl<S: Sync> FromRequestParts<S> for Wanted {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default()).map_err(ApiError::field)
    }
}

impl Describe for Wanted {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<Parameters>();
    }
}

/// What [`Wanted`] reads, for the document.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Parameters {
    /// Most items of the answer.
    #[schemars(range(min = 1, max = MAX), extend("default" = DEFAULT))]
    limit: u32,
    /// The `next_cursor` of the page before.
    cursor: String,
}

fn parse_limit(text: &str) -> Result<usize, FieldError> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX).contains(limit));
    limit.ok_or_else(|| {
        FieldError::new("limit", "out_of_range", format!("`limit` is a number from 1 to {MAX}"))
    })
}

fn parse_cursor(text: &str) -> Result<Uuid, FieldError> {
    text.parse().map_err(|_| {
        FieldError::new("cursor", "invalid_cursor", "`cursor` is the `next_cursor` of the page before")
    })
}
