//! From a host to the claim that stands for it.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::Arc,
};

use super::AppRoutes;
use crate::{DomainPattern, Params, domain::Label};

/// An app's claim, with what answers for it.
pub(super) struct Claim {
    pub(super) pattern: DomainPattern,
    pub(super) routes: Arc<AppRoutes>,
}

impl Claim {
    pub(super) fn captures(&self, host: Option<&str>) -> Params {
        host.map_or_else(Params::new, |host| self.pattern.captures(host))
    }
}

/// All claims, no two of one shape.
#[derive(Default)]
pub(super) struct Hosts {
    exact: HashMap<Arc<str>, Claim>,
    patterns: Node,
    any: Option<Claim>,
}

impl Hosts {
    /// The most specific claim on `host`. An exact claim is more specific than every pattern, so it is found first.
    pub(super) fn find(&self, host: Option<&str>) -> Option<&Claim> {
        let named = host.and_then(|host| self.exact.get(host).or_else(|| self.find_pattern(host)));
        named.or(self.any.as_ref())
    }

    fn find_pattern(&self, host: &str) -> Option<&Claim> {
        if self.patterns.is_empty() || is_address(host) {
            return None;
        }
        self.patterns.find(Some(host))
    }

    /// Adds a claim, or gives it back if there is one of its shape.
    pub(super) fn insert(&mut self, claim: Claim) -> Result<(), Claim> {
        if claim.pattern.is_exact() {
            let name = claim.pattern.as_shared();
            if self.exact.contains_key(&name) {
                return Err(claim);
            }
            self.exact.insert(name, claim);
            return Ok(());
        }
        let place = if claim.pattern.is_any_host() {
            &mut self.any
        } else {
            let labels = claim.pattern.labels().iter().rev();
            &mut labels.fold(&mut self.patterns, Node::child).claim
        };
        if place.is_some() {
            return Err(claim);
        }
        *place = Some(claim);
        Ok(())
    }
}

/// Whether a canonical host is an IP address, whose parts are no labels.
fn is_address(host: &str) -> bool {
    match host.as_bytes().last() {
        Some(b']') => true,
        Some(b'0'..=b'9') => host.parse::<Ipv4Addr>().is_ok(),
        _ => false,
    }
}

/// What follows after the labels that lead here, read from the right.
#[derive(Default)]
struct Node {
    literals: BTreeMap<Arc<str>, Node>,
    capture: Option<Box<Node>>,
    claim: Option<Claim>,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.literals.is_empty() && self.capture.is_none()
    }

    fn child(&mut self, label: &Label) -> &mut Self {
        match label {
            Label::Literal(text) => self.literals.entry(text.clone()).or_default(),
            Label::Any | Label::Capture(_) => self.capture.get_or_insert_default(),
        }
    }

    /// `rest` is what is left of the host; `None` after its last label.
    fn find(&self, rest: Option<&str>) -> Option<&Claim> {
        let Some(rest) = rest else { return self.claim.as_ref() };
        let (before, label) =
            rest.rsplit_once('.').map_or((None, rest), |(before, label)| (Some(before), label));
        let literal = self.literals.get(label).and_then(|node| node.find(before));
        literal.or_else(|| self.capture.as_ref()?.find(before))
    }
}
