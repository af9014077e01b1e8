//! One setting from the places that may hold it, and where it was found.

use std::{collections::BTreeMap, env, fmt::Display, ops::RangeInclusive, str::FromStr};

use clap::{ArgMatches, Args, Command, FromArgMatches, parser::ValueSource};
use picloud_axum::Setting;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::ConfigError;

/// Where a setting was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    Flag,
    Environment,
    File,
    Default,
}

/// A setting as it may be shown: without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Shown {
    /// As in the settings file, such as `limits.memory`.
    pub(crate) name: String,
    /// As it is in effect; null where nothing is set.
    pub(crate) value: Value,
    pub(crate) source: Source,
}

impl Shown {
    /// The same for the API.
    pub(crate) fn to_setting(&self) -> Setting {
        let Self { name, value, source } = self.clone();
        let source = match source {
            Source::Flag => "flag",
            Source::Environment => "environment",
            Source::File => "file",
            Source::Default => "default",
        };
        Setting { name, value, source: source.to_owned() }
    }
}

/// Which arguments were given, and whether on the command line or in the environment. Flatten it first into the struct
/// of the arguments: clap takes values out as it goes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Given(BTreeMap<String, Source>);

impl Args for Given {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}

impl FromArgMatches for Given {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let source = |id: &str| match matches.value_source(id)? {
            ValueSource::CommandLine => Some(Source::Flag),
            ValueSource::EnvVariable => Some(Source::Environment),
            _ => None,
        };
        let ids = matches.ids().map(clap::Id::as_str);
        Ok(Self(ids.filter_map(|id| Some((id.to_owned(), source(id)?))).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Chooses settings one by one: flag before environment before file before default.
pub(super) struct Choice {
    given: Given,
    variable: fn(&str) -> Option<String>,
    shown: Vec<Shown>,
}

impl Choice {
    pub(super) fn new(given: Given) -> Self {
        Self { given, variable: |name| env::var(name).ok(), shown: Vec::new() }
    }

    #[cfg(test)]
    pub(super) fn with_variables(given: Given, variable: fn(&str) -> Option<String>) -> Self {
        Self { given, variable, shown: Vec::new() }
    }

    /// What `argument` says, or else the environment, or else the file.
    ///
    /// # Errors
    /// The variable is set and not readable.
    pub(super) fn find<T>(
        &self,
        name: &str,
        argument: Option<T>,
        file: Option<T>,
    ) -> Result<Option<(T, Source)>, ConfigError>
    where
        T: FromStr<Err: Display>,
    {
        if let Some(value) = argument {
            return Ok(Some((value, self.given.0.get(name).copied().unwrap_or(Source::Flag))));
        }
        let variable = format!("PICLOUD_{}", name.replace('.', "_").to_uppercase());
        if let Some(text) = (self.variable)(&variable) {
            let wrong = |error: T::Err| ConfigError::Variable { name: variable, error: error.to_string() };
            return text.trim().parse().map(|value| Some((value, Source::Environment))).map_err(wrong);
        }
        Ok(file.map(|value| (value, Source::File)))
    }

    /// A setting that may be absent.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        argument: Option<T>,
        file: Option<T>,
    ) -> Result<Option<T>, ConfigError>
    where
        T: FromStr<Err: Display> + Serialize,
    {
        let (value, source) = match self.find(name, argument, file)? {
            Some((value, source)) => (Some(value), source),
            None => (None, Source::Default),
        };
        self.show(name, &value, source);
        Ok(value)
    }

    /// A setting that has a default.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(super) fn or<T>(
        &mut self,
        name: &str,
        argument: Option<T>,
        file: Option<T>,
        default: T,
    ) -> Result<T, ConfigError>
    where
        T: FromStr<Err: Display> + Serialize,
    {
        let (value, source) = self.find(name, argument, file)?.unwrap_or((default, Source::Default));
        self.show(name, &value, source);
        Ok(value)
    }

    /// A number of the file or the environment within its range.
    ///
    /// # Errors
    /// It is out of range, or as [`find`](Self::find).
    pub(super) fn number(
        &mut self,
        name: &'static str,
        file: Option<u64>,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> Result<u64, ConfigError> {
        let value = self.or(name, None, file, default)?;
        if range.contains(&value) { Ok(value) } else { Err(ConfigError::Range { name, value, range }) }
    }

    /// Notes a setting that was chosen elsewhere.
    pub(super) fn show(&mut self, name: &str, value: &impl Serialize, source: Source) {
        let value = serde_json::to_value(value).unwrap_or(Value::Null);
        self.shown.push(Shown { name: name.to_owned(), value, source });
    }

    pub(super) fn shown(self) -> Vec<Shown> {
        self.shown
    }
}

/// Several values: an array in the file, separated by commas in the environment. Each is a text that `T` can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl<T: Display> Serialize for List<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(T::to_string))
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let values = texts.iter().map(|text| text.parse()).collect::<Result<_, _>>();
        values.map(Self).map_err(|error: T::Err| serde::de::Error::custom(error))
    }
}
