//! Which apps may use which modules of the host.

use std::collections::{HashMap, HashSet};

use super::host::HostModule;

/// What stands for every app.
pub(super) const EVERY_APP: &str = "*";

/// Capabilities by the slug of the app that was granted them.
#[derive(Clone, Default)]
pub(super) struct Grants(HashMap<String, HashSet<String>>);

impl Grants {
    pub(super) fn add(&mut self, app: &str, capability: &str) {
        self.0.entry(app.to_owned()).or_default().insert(capability.to_owned());
    }

    /// Whether an app may use each of `modules`.
    pub(super) fn open(&self, app: &str, modules: &[HostModule]) -> Vec<bool> {
        modules.iter().map(|module| module.needs().is_none_or(|needed| self.has(app, needed))).collect()
    }

    pub(super) fn has(&self, app: &str, capability: &str) -> bool {
        [EVERY_APP, app]
            .iter()
            .any(|app| self.0.get(*app).is_some_and(|granted| granted.contains(capability)))
    }
}
