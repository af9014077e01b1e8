//! How two routes of one app stand to each other: which collide, and which takes requests from which.

use std::cmp::Ordering;

use crate::{RouteMethod, RoutePattern, route::Segment};

/// How two routes of one app stand to each other, if there are requests that both would answer alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// Same method and same shape: there can be only one of them.
    Conflict,
    /// The first is the more specific and answers the requests that both could.
    ShadowsOther,
    /// The second is the more specific and answers the requests that both could.
    ShadowedByOther,
}

/// How a new route stands to a list of routes, as indices into that list.
///
/// A route that is shadowed still has requests of its own: no other route alone takes all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlaps {
    /// Same method and same shape: the new route can not be added.
    pub conflicts: Vec<usize>,
    /// More specific than the new one: they keep some requests that the new one matches.
    pub shadowed_by: Vec<usize>,
    /// Less specific than the new one: it takes some of their requests.
    pub shadows: Vec<usize>,
}

/// How a new route stands to each of the `existing` ones of its app.
///
/// ```
/// use picloud::{RouteMethod::{Any, Get}, overlaps};
/// let new = (Get, &"/users/:id".parse()?);
/// let found = overlaps(new, [(Any, &"/*rest".parse()?), (Get, &"/users/me".parse()?), (Get, &"/users/:name".parse()?)]);
/// assert_eq!((found.shadows, found.shadowed_by, found.conflicts), (vec![0], vec![1], vec![2]));
/// # Ok::<(), picloud::InvalidPattern>(())
/// ```
#[must_use]
pub fn overlaps<'a>(
    new: (RouteMethod, &RoutePattern),
    existing: impl IntoIterator<Item = (RouteMethod, &'a RoutePattern)>,
) -> Overlaps {
    let mut found = Overlaps::default();
    for (index, other) in existing.into_iter().enumerate() {
        match overlap(new, other) {
            Some(Overlap::Conflict) => found.conflicts.push(index),
            Some(Overlap::ShadowedByOther) => found.shadowed_by.push(index),
            Some(Overlap::ShadowsOther) => found.shadows.push(index),
            None => {}
        }
    }
    found
}

/// How the route `a` stands to the route `b`; `None` if no request could be answered by both.
#[must_use]
pub fn overlap(a: (RouteMethod, &RoutePattern), b: (RouteMethod, &RoutePattern)) -> Option<Overlap> {
    let by_path = compare_paths(a.1.segments(), b.1.segments())?;
    let by_method = compare_methods(a.0, b.0)?;
    Some(match by_path.then(by_method) {
        Ordering::Less => Overlap::ShadowsOther,
        Ordering::Equal => Overlap::Conflict,
        Ordering::Greater => Overlap::ShadowedByOther,
    })
}

/// `Less` if `a` wins on the paths that both match; `None` if there are no such paths.
fn compare_paths(a: &[Segment], b: &[Segment]) -> Option<Ordering> {
    use Segment::{CatchAll, Literal, Param};
    let mut order = Ordering::Equal;
    for index in 0.. {
        let step = match (a.get(index), b.get(index)) {
            (None, None) => return Some(order),
            (None, Some(_)) | (Some(_), None) => return None,
            (Some(CatchAll(_)), Some(CatchAll(_))) => return Some(order),
            (Some(_), Some(CatchAll(_))) => return Some(order.then(Ordering::Less)),
            (Some(CatchAll(_)), Some(_)) => return Some(order.then(Ordering::Greater)),
            (Some(Param(_)), Some(Param(_))) => Ordering::Equal,
            (Some(Literal(a)), Some(Literal(b))) if a == b => Ordering::Equal,
            (Some(Literal(text)), Some(Param(_))) if !text.is_empty() => Ordering::Less,
            (Some(Param(_)), Some(Literal(text))) if !text.is_empty() => Ordering::Greater,
            (Some(Literal(_)), Some(_)) | (Some(Param(_)), Some(Literal(_))) => return None,
        };
        order = order.then(step);
    }
    None
}

/// `Less` if `a` wins on the request methods that both accept; `None` if there are no such methods.
fn compare_methods(a: RouteMethod, b: RouteMethod) -> Option<Ordering> {
    use RouteMethod::{Any, Get, Head};
    match (a, b) {
        (a, b) if a == b => Some(Ordering::Equal),
        (_, Any) | (Head, Get) => Some(Ordering::Less),
        (Any, _) | (Get, Head) => Some(Ordering::Greater),
        _ => None,
    }
}
