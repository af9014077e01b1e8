//! What a request to an app under test has come to.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::rhai::kit::Reply;
use crate::{Code, LogLine, Stats};

/// An answer of an app under test, with what the run logged, how it failed and what it used.
///
/// The assertions give the answer back, so that they can stand in a row, and show all of it when they fail.
#[derive(Clone)]
pub struct TestResponse {
    /// Method and path.
    pub(super) asked: String,
    pub(super) reply: Reply,
}

impl TestResponse {
    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.reply.response.status()
    }

    /// All headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.reply.response.headers()
    }

    /// The header `name`, the first if there are several.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The value of a cookie that the answer sets.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let lines = self.headers().get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let mut pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The body.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.reply.response.body()
    }

    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[must_use]
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.bytes()).unwrap_or_else(|error| panic!("the body is no text: {error}"))
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(self.bytes())
            .unwrap_or_else(|error| panic!("the body is not JSON: {error}\n\n{}", self.told()))
    }

    /// What the script logged, oldest first.
    #[must_use]
    pub fn logs(&self) -> &[LogLine] {
        self.reply.run.as_ref().map_or(&[], |run| &run.logs)
    }

    /// Why the run failed, for the log, if it did.
    #[must_use]
    pub fn failure(&self) -> Option<(Code, &str)> {
        let failure = self.reply.run.as_ref()?.failure.as_ref()?;
        Some((failure.code, failure.log.as_ref().map_or(&failure.detail, |log| &log.message)))
    }

    /// What the run used. All zero where no script ran.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.reply.run.as_ref().map(|run| run.stats).unwrap_or_default()
    }

    /// Steps of the interpreter.
    #[must_use]
    pub fn ops(&self) -> u64 {
        self.stats().operations
    }

    /// The most bytes held at once; 0 where the test's program has no [`MeteredAlloc`](crate::MeteredAlloc).
    #[must_use]
    pub fn memory(&self) -> u64 {
        self.stats().peak_memory
    }

    /// From start to answer, virtual waiting included.
    #[must_use]
    pub fn wall(&self) -> Duration {
        self.stats().wall
    }
}
