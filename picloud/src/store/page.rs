//! Which part of a list is wanted.

/// A part of a list that is ordered by id: the items after `after`, at most `limit` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<I> {
    /// The id of the last item of the page before; `None` for the first page.
    pub after: Option<I>,
    /// Most items.
    pub limit: usize,
}

impl<I> Page<I> {
    /// The whole list.
    #[must_use]
    pub fn all() -> Self {
        Self { after: None, limit: usize::MAX }
    }

    /// The first items.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { after: None, limit }
    }

    /// The items after one.
    #[must_use]
    pub fn after(id: I, limit: usize) -> Self {
        Self { after: Some(id), limit }
    }
}
