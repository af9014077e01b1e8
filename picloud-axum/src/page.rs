//! Lists in pages: `?limit=&cursor=` → `{"items": […], "next_cursor": null|"…"}`.

use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use picloud::{FieldError, manager::OpenSession, store};
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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<I = Uuid> {
    limit: usize,
    /// What names the last item of the page before.
    cursor: Option<I>,
}

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub(crate) struct Page<T> {
    items: Vec<T>,
    /// Ask for the next page with this as `cursor`; null on the last page.
    next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// Completes the items.
    pub(crate) fn each(&mut self, change: impl FnMut(&mut T)) {
        self.items.iter_mut().for_each(change);
    }

    /// A list that is short enough for one page.
    pub(crate) fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }
}

impl<I> Default for Wanted<I> {
    fn default() -> Self {
        Self { limit: DEFAULT, cursor: None }
    }
}

impl<I: FromStr + ToString> Wanted<I> {
    /// What to read of the store where items are named by what the cursor holds.
    pub(crate) fn rows(self) -> store::Page<I> {
        store::Page { after: self.cursor, limit: self.limit + 1 }
    }

    /// Cuts a page out of `rows`, which begin after the cursor and are named by `name`.
    pub(crate) fn cut<R, T: From<R>>(self, mut rows: Vec<R>, name: impl Fn(&R) -> I) -> Page<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = rows.last().filter(|_| more).map(|row| name(row).to_string());
        Page { items: rows.into_iter().map(T::from).collect(), next_cursor }
    }

    /// Takes a parameter of a query; says whether it is one of pages.
    ///
    /// # Errors
    /// It is, and has no good value.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<bool, FieldError> {
        match name {
            "limit" => self.limit = parse_limit(value)?,
            "cursor" => self.cursor = Some(parse_cursor(value)?),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn parse(query: &str) -> Result<Self, FieldError> {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !wanted.take(&name, &value)? {
                let detail = "a list has the parameters `limit` and `cursor`";
                return Err(FieldError::new(name, "unknown_field", detail));
            }
        }
        Ok(wanted)
    }
}

/// Something in a list, named by its id.
pub(crate) trait Listed {
    fn id(&self) -> Uuid;
}

impl<T: Thing> Listed for T {
    fn id(&self) -> Uuid {
        Thing::id(self)
    }
}

impl Listed for OpenSession {
    fn id(&self) -> Uuid {
        self.id.into()
    }
}

impl Wanted {
    /// What to read of the store: one more than is shown, which tells whether there are more.
    pub(crate) fn page<I: From<Uuid>>(&self) -> store::Page<I> {
        store::Page { after: self.cursor.map(I::from), limit: self.limit + 1 }
    }

    /// Cuts a page out of `rows`, which are ordered by id.
    pub(crate) fn of<R: Listed, T: From<R>>(&self, rows: Vec<R>) -> Page<T> {
        let after = rows.into_iter().filter(|row| self.cursor.is_none_or(|cursor| row.id() > cursor));
        self.cut(after.take(self.limit + 1).collect(), Listed::id)
    }
}

impl<I: FromStr + ToString, S: Sync> FromRequestParts<S> for Wanted<I> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::parse(parts.uri.query().unwrap_or_default()).map_err(ApiError::field)
    }
}

impl<I> Describe for Wanted<I> {
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

fn parse_cursor<I: FromStr>(text: &str) -> Result<I, FieldError> {
    text.parse().map_err(|_| {
        FieldError::new("cursor", "invalid_cursor", "`cursor` is the `next_cursor` of the page before")
    })
}
