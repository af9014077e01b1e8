//! Files of tests beside scripts: `*_test.rhai`, whose functions `test_…()` are the tests.

mod run;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::runtime::Builder;

use super::app::lines;
use crate::{AppBuilder, LogLine, Position, point_at};

/// The ending of the names of test files.
const ENDING: &str = "_test.rhai";

/// Test files, and the app that they test.
///
/// Each test has the app, a clock and doubles for itself. What stands outside of functions runs before each test of its
/// file. What test files can call is in `docs/scripting.md`.
///
/// ```no_run
/// use picloud::{App, testing::Suite};
///
/// // In a test: every `scripts/*_test.rhai`.
/// let app = App::builder().folder("scripts").route("GET /hello/:name", "hello");
/// Suite::folder(app, "scripts").unwrap().run().assert_passed();
/// ```
#[derive(Clone)]
pub struct Suite {
    builder: AppBuilder,
    files: Vec<PathBuf>,
    filter: Option<String>,
}

/// How the tests of a suite ended.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Report {
    /// Every test that ran, in order of files and of places in them.
    pub cases: Vec<TestCase>,
}

/// How one test ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestCase {
    /// The file, without its folder: `lights_test.rhai`.
    pub file: String,
    /// The function: `test_lights_go_on`; empty for a file that does not compile or has no tests.
    pub name: String,
    /// Real time that it took.
    pub time: Duration,
    /// What the test itself logged, with `print` and `log::…`.
    pub logs: Vec<LogLine>,
    /// Why it failed; `None` where it passed.
    pub failure: Option<TestFailure>,
}

/// Why a test failed.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestFailure {
    /// What does not hold, on one line.
    pub message: String,
    /// Where in the test file.
    pub place: Option<Position>,
    /// The test file's text.
    source: String,
    /// Where two values that were compared differ.
    pub differences: Vec<String>,
    /// The last request of the test, as text: the answer, and of the script its place, its log and what it used.
    pub last_request: Option<String>,
}

impl Suite {
    /// Every `*_test.rhai` of a folder.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn folder(builder: AppBuilder, folder: impl AsRef<Path>) -> io::Result<Self> {
        let mut files = Vec::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            if name.is_some_and(|name| name.ends_with(ENDING)) {
                files.push(path);
            }
        }
        files.sort();
        Ok(Self { builder, files, filter: None })
    }

    /// Runs only tests that have `text` in `file::function`.
    #[must_use]
    pub fn filter(mut self, text: impl Into<String>) -> Self {
        self.filter = Some(text.into());
        self
    }

    /// Runs the tests, one after the other. For code that is not async.
    ///
    /// # Panics
    /// Inside of a runtime, where [`run_async`](Self::run_async) is for.
    #[must_use]
    pub fn run(&self) -> Report {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime can be made");
        runtime.block_on(self.run_async(|_| {}))
    }

    /// Runs the tests, one after the other, and calls `told` after each.
    pub async fn run_async(&self, mut told: impl FnMut(&TestCase)) -> Report {
        let mut report = Report::default();
        for file in &self.files {
            self.run_file(file, &mut |case| {
                told(&case);
                report.cases.push(case);
            })
            .await;
        }
        report
    }
}

impl Report {
    /// The tests that failed.
    pub fn failed(&self) -> impl Iterator<Item = &TestCase> {
        self.cases.iter().filter(|case| case.failure.is_some())
    }

    /// Whether there were tests, and each of them passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.cases.is_empty() && self.failed().next().is_none()
    }

    /// # Panics
    /// If a test failed, with why, or if there was none.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(!self.cases.is_empty(), "there are no tests");
        let failed: Vec<_> = self.failed().map(ToString::to_string).collect();
        assert!(
            failed.is_empty(),
            "{} of {} tests failed\n\n{}",
            failed.len(),
            self.cases.len(),
            failed.join("\n")
        );
    }
}

/// The test's name, and why it failed, if it did.
impl fmt::Display for TestCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, name, failure, logs, .. } = self;
        writeln!(f, "{file} {name}")?;
        let Some(failure) = failure else { return Ok(()) };
        let script = file.strip_suffix(".rhai").unwrap_or(file);
        let TestFailure { message, place, source, differences, last_request } = failure;
        match place {
            Some(at) => writeln!(f, "{}", point_at(script, source, message, *at))?,
            None => writeln!(f, "{message}")?,
        }
        for difference in differences {
            writeln!(f, "{difference}")?;
        }
        if !logs.is_empty() {
            writeln!(f, "\nlogged by the test\n{}", indented(&lines(script, logs)))?;
        }
        if let Some(request) = last_request {
            write!(f, "\nlast request\n{}\n", indented(request))?;
        }
        Ok(())
    }
}

fn indented(text: &str) -> String {
    text.trim_end().lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
