//! The routes of one app as a tree of path segments.

use std::sync::Arc;

use http::Method;

use super::Route;
use crate::{RouteMethod, route::Segment};

/// What follows after the segments that lead here.
///
/// Kept as small as it can be: a server has a tree for each of its apps, most of them with a handful of routes.
#[derive(Default)]
pub(super) struct Node {
    /// In the order of their texts.
    literals: Vec<(Arc<str>, Node)>,
    param: Option<Box<Node>>,
    /// Routes whose last segment is a catch-all that starts here.
    rest: Endpoints,
    /// Routes that end here.
    end: Endpoints,
}

impl Node {
    pub(super) fn insert(&mut self, route: Route) {
        let pattern = route.pattern.clone();
        let mut node = self;
        for segment in pattern.segments() {
            node = match segment {
                Segment::Literal(text) => node.literal_or_new(text),
                Segment::Param(_) => node.param.get_or_insert_default(),
                Segment::CatchAll(_) => return node.rest.insert(route),
            };
        }
        node.end.insert(route);
    }

    fn literal_or_new(&mut self, text: &Arc<str>) -> &mut Self {
        let at = self.position(text).unwrap_or_else(|at| {
            self.literals.insert(at, (text.clone(), Self::default()));
            at
        });
        &mut self.literals[at].1
    }

    fn literal(&self, text: &str) -> Option<&Self> {
        self.position(text).ok().map(|at| &self.literals[at].1)
    }

    /// Where the node of a literal is, or belongs.
    fn position(&self, text: &str) -> Result<usize, usize> {
        self.literals.binary_search_by(|(own, _)| (**own).cmp(text))
    }

    /// Gives back what lists have grown too far.
    pub(super) fn shrink(&mut self) {
        self.literals.shrink_to_fit();
        self.rest.0.shrink_to_fit();
        self.end.0.shrink_to_fit();
        let children = self.literals.iter_mut().map(|(_, node)| node).chain(self.param.as_deref_mut());
        children.for_each(Self::shrink);
    }

    /// The best route for a raw path, or the methods that routes for the path have.
    pub(super) fn find(&self, method: &Method, path: &str) -> Result<&Route, Allowed> {
        let mut search = Search { wanted: RouteMethod::preferences(method), allowed: Allowed::default() };
        let found = path.strip_prefix('/').and_then(|rest| self.walk(Some(rest), &mut search));
        found.ok_or(search.allowed)
    }

    /// `rest` is the path after the slash that follows this node; `None` if there is no such slash.
    ///
    /// A path without a fitting method is no match: the walk goes on to the less specific ones.
    fn walk(&self, rest: Option<&str>, search: &mut Search) -> Option<&Route> {
        let Some(rest) = rest else { return search.pick(&self.end) };
        let (segment, after) =
            rest.split_once('/').map_or((rest, None), |(segment, after)| (segment, Some(after)));
        if let Some(found) = self.literal(segment).and_then(|node| node.walk(after, search)) {
            return Some(found);
        }
        if !segment.is_empty()
            && let Some(found) = self.param.as_ref().and_then(|node| node.walk(after, search))
        {
            return Some(found);
        }
        search.pick(&self.rest)
    }
}

/// The routes of one path shape: few, and at most one per method.
#[derive(Default)]
struct Endpoints(Vec<Route>);

impl Endpoints {
    fn insert(&mut self, route: Route) {
        if self.get(route.method).is_none() {
            self.0.push(route);
        }
    }

    fn get(&self, method: RouteMethod) -> Option<&Route> {
        self.0.iter().find(|route| route.method == method)
    }
}

/// What a walk looks for, and which methods it has met on the way.
struct Search {
    wanted: [Option<RouteMethod>; 3],
    allowed: Allowed,
}

impl Search {
    fn pick<'t>(&mut self, endpoints: &'t Endpoints) -> Option<&'t Route> {
        let found = self.wanted.iter().flatten().find_map(|method| endpoints.get(*method));
        if found.is_none() {
            endpoints.0.iter().for_each(|route| self.allowed.add(route.method));
        }
        found
    }
}

/// A set of route methods.
#[derive(Default)]
pub(super) struct Allowed(u8);

impl Allowed {
    fn add(&mut self, method: RouteMethod) {
        self.0 |= 1 << method as u8;
    }

    /// The request methods that these accept, in alphabetical order.
    pub(super) fn methods(&self) -> Vec<Method> {
        use Method as M;
        let standard = [M::DELETE, M::GET, M::HEAD, M::OPTIONS, M::PATCH, M::POST, M::PUT];
        let has = |method: RouteMethod| self.0 & 1 << method as u8 != 0;
        let accepted = |method: &M| RouteMethod::ALL.into_iter().any(|m| has(m) && m.accepts(method));
        if self.0 == 0 { Vec::new() } else { standard.into_iter().filter(accepted).collect() }
    }
}
