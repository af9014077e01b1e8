//! From a host to the claim that stands for it.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use super::AppRoutes;
use crate::{AppId, DomainPattern, Params, domain::Label, shared_map::SharedMap};

/// An app's claim, with what answers for it.
#[derive(Clone)]
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
#[derive(Clone, Default)]
pub(super) struct Hosts {
    exact: SharedMap<Arc<str>, Claim>,
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
            if self.exact.get(&*name).is_some() {
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

impl Hosts {
    /// Takes out a claim if it leads to this app.
    pub(super) fn remove(&mut self, app: AppId, pattern: &DomainPattern) {
        let is_its = |claim: &Claim| claim.routes.app == app;
        if pattern.is_exact() {
            if self.exact.get(pattern.as_str()).is_some_and(is_its) {
                self.exact.remove(pattern.as_str());
            }
        } else if pattern.is_any_host() {
            self.any.take_if(|claim| is_its(claim));
        } else {
            let labels: Vec<&Label> = pattern.labels().iter().rev().collect();
            self.patterns.remove(&labels, &is_its);
        }
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

/// What follows after the labels that lead here, read from the right. Branches are shared by tables.
#[derive(Clone, Default)]
struct Node {
    literals: BTreeMap<Arc<str>, Arc<Node>>,
    capture: Option<Arc<Node>>,
    claim: Option<Claim>,
}

impl Node {
    fn is_empty(&self) -> bool {
        self.literals.is_empty() && self.capture.is_none()
    }

    fn child(&mut self, label: &Label) -> &mut Self {
        match label {
            Label::Literal(text) => Arc::make_mut(self.literals.entry(text.clone()).or_default()),
            Label::Any | Label::Capture(_) => Arc::make_mut(self.capture.get_or_insert_default()),
        }
    }

    /// Takes out the claim at the end of these labels if it `is_its`, and branches that lead nowhere then.
    fn remove(&mut self, labels: &[&Label], is_its: &impl Fn(&Claim) -> bool) {
        let Some((label, rest)) = labels.split_first() else {
            self.claim.take_if(|claim| is_its(claim));
            return;
        };
        let node = match label {
            Label::Literal(text) => self.literals.get_mut(text),
            Label::Any | Label::Capture(_) => self.capture.as_mut(),
        };
        let Some(node) = node.map(Arc::make_mut) else { return };
        node.remove(rest, is_its);
        if node.is_empty() && node.claim.is_none() {
            match label {
                Label::Literal(text) => drop(self.literals.remove(text)),
                Label::Any | Label::Capture(_) => self.capture = None,
            }
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
