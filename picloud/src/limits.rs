//! What one run may use: the numbers, their defaults, and the hard maxima that no setting exceeds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Declares every limit once: field, default, hard maximum and meaning.
macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident: $default:expr, max $max:expr;)*) => {
        /// The limits of one run. Every field has a finite default and a finite maximum: there is no "unlimited".
        ///
        /// ```
        /// use picloud::Limits;
        /// let limits = Limits { operations: 100_000, ..Limits::default() };
        /// assert!(limits.checked().is_ok());
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub struct Limits {
            $($(#[$doc])* pub $field: u64,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl Limits {
            /// The hard maxima. A setting above one is refused.
            pub const MAX: Self = Self { $($field: $max,)* };

            /// These limits if each is at least 1 and at most its hard maximum.
            ///
            /// # Errors
            /// The first limit that is out of range, with the range.
            pub fn checked(self) -> Result<Self, InvalidLimit> {
                $(if self.$field == 0 || self.$field > Self::MAX.$field {
                    return Err(InvalidLimit {
                        name: stringify!($field), value: self.$field, max: Self::MAX.$field,
                    });
                })*
                Ok(self)
            }
        }

        /// Limits that a server, an app or a script sets for itself; what is not set is inherited.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(deny_unknown_fields)]
        pub struct LimitOverrides {
            $($(#[$doc])*
            #[cfg_attr(feature = "schema", schemars(range(min = 1, max = $max)))]
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $field: Option<u64>,)*
        }

        impl LimitOverrides {
            /// `base` with what is set here in its place.
            ///
            /// # Errors
            /// The first limit that is out of range, with the range.
            pub fn apply(&self, base: Limits) -> Result<Limits, InvalidLimit> {
                Limits { $($field: self.$field.unwrap_or(base.$field),)* }.checked()
            }

            /// Whether nothing is set.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    };
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

limits! {
    /// Time from the start of the run to its answer, waiting included, in milliseconds.
    wall_time_ms: 10_000, max 300_000;
    /// Time on a processor, in milliseconds.
    cpu_time_ms: 1_000, max 60_000;
    /// Steps of the interpreter: roughly one for each statement, expression and call.
    operations: 5_000_000, max 1_000_000_000;
    /// Bytes that the run holds at once.
    memory: 16 * MIB, max 256 * MIB;
    /// Script functions that may be active inside one another.
    call_depth: 64, max 128;
    /// Bytes of script text.
    script_bytes: 128 * KIB, max 1024 * KIB;
    /// Bytes of a request body.
    request_body: MIB, max 64 * MIB;
    /// Bytes of a response body.
    response_body: 8 * MIB, max 64 * MIB;
    /// Headers in a response.
    response_headers: 64, max 256;
    /// Bytes of all response headers together, names and values.
    response_header_bytes: 16 * KIB, max 64 * KIB;
    /// Log lines kept of one run.
    log_lines: 100, max 10_000;
    /// Bytes kept of one log line.
    log_line_bytes: 8 * KIB, max 256 * KIB;
    /// Bytes kept of all log lines of one run.
    log_bytes: 256 * KIB, max 16 * MIB;
    /// How deep data may be nested that crosses to the host: JSON, answers, log fields.
    data_depth: 100, max 128;
}

impl Limits {
    /// [`wall_time_ms`](Self::wall_time_ms) as a duration.
    #[must_use]
    pub fn wall_time(&self) -> Duration {
        Duration::from_millis(self.wall_time_ms)
    }

    /// [`cpu_time_ms`](Self::cpu_time_ms) as a duration.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        Duration::from_millis(self.cpu_time_ms)
    }
}

/// A limit that is zero or above its hard maximum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("limit `{name}` is {value}; it must be between 1 and {max}")]
pub struct InvalidLimit {
    /// The limit's name, as in [`Limits`].
    pub name: &'static str,
    /// The refused value.
    pub value: u64,
    /// The hard maximum.
    pub max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_maxima_are_themselves_valid() {
        assert!(Limits::default().checked().is_ok());
        assert!(Limits::MAX.checked().is_ok());
    }

    #[test]
    fn overrides_replace_only_what_they_set_and_never_pass_the_maximum() {
        let base = Limits::default();
        let set = LimitOverrides { operations: Some(7), ..Default::default() };
        assert_eq!(set.apply(base).unwrap(), Limits { operations: 7, ..base });
        let above = LimitOverrides { memory: Some(Limits::MAX.memory + 1), ..Default::default() };
        assert_eq!(above.apply(base).unwrap_err().name, "memory");
        let zero = LimitOverrides { operations: Some(0), ..Default::default() };
        assert!(zero.apply(base).is_err());
    }
}
