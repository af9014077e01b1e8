//! Settings that may change while the program runs. They are kept in the store, so that all servers on it follow.

use std::{collections::BTreeMap, fmt, ops::RangeInclusive, sync::Arc, time::Duration};

use super::{Actor, FieldError, Manager, ManagerError, error::Findings, writer::Deed};
use crate::store::{Change, SettingRecord};

/// A setting that may change while the program runs: a whole number.
#[derive(Clone)]
pub struct Tunable {
    /// Its name, such as `max_running`.
    pub name: &'static str,
    /// What it may be.
    pub range: RangeInclusive<u64>,
    /// What it is as long as nobody has set it.
    pub default: u64,
    /// Puts a value into effect.
    pub apply: Arc<dyn Fn(u64) + Send + Sync>,
}

/// A setting as it is in effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuned {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub value: u64,
    /// Whether somebody has set it; otherwise this is its default.
    pub is_set: bool,
}

impl Manager {
    /// The same manager with these settings that may change while the program runs. Default: none.
    #[must_use]
    pub fn with_tunables(self, tunables: Vec<Tunable>) -> Self {
        Self { tunables: tunables.into(), ..self }
    }

    /// The settings that may change while the program runs.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn settings(&self) -> Result<Vec<Tuned>, ManagerError> {
        let stored = self.read(self.store.settings()).await?;
        Ok(self.tunables.iter().map(|tunable| tunable.tuned(&stored)).collect())
    }

    /// Sets settings, all of them or none; `None` takes one back to its default. They are in effect here when this
    /// returns, and on other servers a little later.
    ///
    /// # Errors
    /// `Invalid` for a setting that there is not or that cannot change, and for a value out of range; or if the store
    /// does not answer.
    pub async fn set_settings(
        &self,
        actor: &Actor,
        changes: BTreeMap<String, Option<u64>>,
    ) -> Result<Vec<Tuned>, ManagerError> {
        let names: Vec<_> = changes.keys().map(String::as_str).collect();
        let deed = Deed::new(actor, "config.update").name(&names.join(" "));
        let result = self.try_set_settings(&deed, changes).await;
        self.writer.end(deed, result).await
    }

    async fn try_set_settings(
        &self,
        deed: &Deed,
        changes: BTreeMap<String, Option<u64>>,
    ) -> Result<Vec<Tuned>, ManagerError> {
        let mut findings = Findings::default();
        for (name, value) in &changes {
            findings.take(self.check_setting(name, *value));
        }
        findings.end()?;
        let at = self.now();
        let change = |(key, value): (String, Option<u64>)| Change::SetSetting {
            key,
            value: value.map(|value| value.to_string()),
            at,
        };
        self.writer.commit(deed, changes.into_iter().map(change).collect()).await?;
        self.apply_settings().await
    }

    fn check_setting(&self, name: &str, value: Option<u64>) -> Result<(), FieldError> {
        let Some(tunable) = self.tunables.iter().find(|tunable| tunable.name == name) else {
            let names: Vec<_> = self.tunables.iter().map(|tunable| tunable.name).collect();
            let detail = format!("this cannot change while the server runs; what can: {}", names.join(", "));
            return Err(FieldError::new(name, "unknown_field", detail));
        };
        if value.is_some_and(|value| !tunable.range.contains(&value)) {
            let (start, end) = (tunable.range.start(), tunable.range.end());
            let detail = format!("`{name}` is a number from {start} to {end}");
            return Err(FieldError::new(name, "out_of_range", detail));
        }
        Ok(())
    }

    /// Puts what is stored into effect, and says what that is.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn apply_settings(&self) -> Result<Vec<Tuned>, ManagerError> {
        let tuned = self.settings().await?;
        for (tunable, tuned) in self.tunables.iter().zip(&tuned) {
            (tunable.apply)(tuned.value);
        }
        Ok(tuned)
    }

    /// Puts into effect what other servers set, for ever; looks every `interval`.
    pub async fn follow_settings(&self, interval: Duration) {
        loop {
            if let Err(error) = self.apply_settings().await {
                tracing::debug!(%error, "the settings cannot be read; they stay as they are");
            }
            tokio::time::sleep(interval).await;
        }
    }
}

impl Tunable {
    /// What is in effect with these rows. One that nobody could have set is no reason to do without a limit.
    fn tuned(&self, stored: &[SettingRecord]) -> Tuned {
        let row = stored.iter().find(|row| row.key == self.name);
        let value = row.and_then(|row| row.value.parse().ok()).filter(|value| self.range.contains(value));
        Tuned { name: self.name, value: value.unwrap_or(self.default), is_set: value.is_some() }
    }
}

impl fmt::Debug for Tunable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tunable")
            .field("name", &self.name)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}
