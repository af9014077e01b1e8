//! Assertions on answers. Each shows the whole answer, the script's place and its log when it fails.

use std::time::Duration;

use serde_json::Value;

use super::{TestResponse, diff::differences};
use crate::{Code, Level};

/// # Panics
/// Each assertion panics if it does not hold.
impl TestResponse {
    /// The status is this one.
    #[track_caller]
    pub fn assert_status(&self, expected: u16) -> &Self {
        let actual = self.status().as_u16();
        self.check(actual == expected, || format!("status\nexpected {expected}\n     got {actual}"))
    }

    /// The header is there and has this value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, expected: &str) -> &Self {
        let actual = self.header(name);
        let shown = actual.map_or_else(|| "no such header".to_owned(), |value| format!("{value:?}"));
        self.check(actual == Some(expected), || {
            format!("header `{name}`\nexpected {expected:?}\n     got {shown}")
        })
    }

    /// The body is exactly this text.
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        let (expected, actual) = (Value::from(expected), Value::from(self.text()));
        self.check(expected == actual, || format!("body\n{}", differences(&expected, &actual).join("\n")))
    }

    /// The body is text that has `part` in it.
    #[track_caller]
    pub fn assert_contains(&self, part: &str) -> &Self {
        self.check(self.text().contains(part), || format!("the body does not contain {part:?}"))
    }

    /// The body is JSON, and what a JSON pointer (RFC 6901) leads to is this: `/rooms/0/name`; `""` is the whole body.
    #[track_caller]
    pub fn assert_json(&self, pointer: &str, expected: Value) -> &Self {
        let body = self.json();
        match body.pointer(pointer) {
            None => self.check(false, || format!("the body has nothing at {pointer:?}\nexpected {expected}")),
            Some(actual) => self.check(*actual == expected, || {
                format!("body at {pointer:?}\n{}", differences(&expected, actual).join("\n"))
            }),
        }
    }

    /// A line was logged that has `part` in it.
    #[track_caller]
    pub fn assert_logged(&self, part: &str) -> &Self {
        let found = self.logs().iter().any(|line| line.message.contains(part));
        self.check(found, || format!("no log line contains {part:?}"))
    }

    /// A line of this level was logged that has `part` in it.
    #[track_caller]
    pub fn assert_logged_at(&self, level: Level, part: &str) -> &Self {
        let found = self.logs().iter().any(|line| line.level == level && line.message.contains(part));
        self.check(found, || format!("no log line at {} contains {part:?}", level.as_str()))
    }

    /// The run failed with this code, and the log's message has `part` in it.
    #[track_caller]
    pub fn assert_failed(&self, code: Code, part: &str) -> &Self {
        let fits = self.failure().is_some_and(|(actual, message)| actual == code && message.contains(part));
        self.check(fits, || format!("the run did not fail with `{code}` and {part:?}"))
    }

    /// The run took fewer operations than this.
    #[track_caller]
    pub fn assert_ops_below(&self, most: u64) -> &Self {
        let used = self.ops();
        self.check(used < most, || format!("operations\nexpected fewer than {most}\n     got {used}"))
    }

    /// The run held fewer bytes than this at once.
    #[track_caller]
    pub fn assert_memory_below(&self, most: u64) -> &Self {
        let used = self.memory();
        let counted = used > 0 || self.reply.run.is_none();
        self.check(counted, || {
            "memory is not counted: the test's program has to install picloud::MeteredAlloc as its global allocator"
                .to_owned()
        });
        self.check(used < most, || format!("memory\nexpected fewer bytes than {most}\n     got {used}"))
    }

    /// The run took less time than this, virtual waiting included.
    #[track_caller]
    pub fn assert_wall_below(&self, most: Duration) -> &Self {
        let used = self.wall();
        self.check(used < most, || format!("wall time\nexpected less than {most:?}\n     got {used:?}"))
    }

    #[track_caller]
    fn check(&self, holds: bool, what: impl FnOnce() -> String) -> &Self {
        assert!(holds, "{}\n\n{}", what(), self.told());
        self
    }
}
