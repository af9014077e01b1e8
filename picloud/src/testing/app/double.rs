//! Doubles of host functions, as a test in Rust sets them up and looks at them.

use std::sync::Arc;

use serde_json::Value;

use super::diff::differences;
use crate::rhai::kit::Doubles;

/// Stands in for a host function, and keeps what it was called with.
pub struct Double {
    doubles: Doubles,
    function: String,
}

impl Double {
    #[track_caller]
    pub(super) fn new(doubles: Doubles, function: &str) -> Self {
        assert!(
            function.split("::").filter(|part| !part.is_empty()).count() == 2,
            "a host function is named `module::function`, not `{function}`"
        );
        doubles.set(function, Arc::new(|_| Ok(Value::Null)));
        Self { doubles, function: function.to_owned() }
    }

    /// Answers every call with `value`.
    #[must_use]
    pub fn returns(self, value: Value) -> Self {
        self.answers(move |_| Ok(value.clone()))
    }

    /// Fails every call, as a host function that gives an `Err` with this text.
    #[must_use]
    pub fn fails(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.answers(move |_| Err(text.clone()))
    }

    /// Answers each call with what `answer` makes of its arguments.
    #[must_use]
    pub fn answers(self, answer: impl Fn(&[Value]) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        self.doubles.set(&self.function, Arc::new(answer));
        self
    }

    /// The calls so far, oldest first, each an array of its arguments.
    #[must_use]
    pub fn calls(&self) -> Vec<Value> {
        self.doubles.calls(&self.function)
    }

    /// Compares all calls so far with an array of arrays of arguments: `json!([["hall", true]])`.
    ///
    /// # Panics
    /// If there were others.
    #[track_caller]
    pub fn assert_calls(&self, expected: Value) {
        let actual = Value::Array(self.calls());
        assert!(
            actual == expected,
            "calls of {}\n{}",
            self.function,
            differences(&expected, &actual).join("\n")
        );
    }
}
