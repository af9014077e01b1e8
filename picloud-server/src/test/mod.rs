//! `picloud test`: runs the tests of a folder, and tells how they went.

mod junit;

use std::{
    fs,
    time::{Duration, Instant},
};

use picloud::testing::{Report, Suite, TestCase};
use serde_json::{Value, json};

use crate::{Exit, cli::TestArgs, manifest};

/// `picloud test`.
///
/// # Errors
/// The folder is wrong, or a test failed.
pub(crate) fn main(args: &TestArgs) -> Result<(), Exit> {
    let TestArgs { folder, filter, junit, json } = args;
    let app = manifest::read(folder)?;
    let suite = Suite::folder(app, folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let suite = match filter {
        Some(filter) => suite.filter(filter),
        None => suite,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let started = Instant::now();
    let report = runtime.block_on(suite.run_async(|case| {
        if !json {
            println!("{}", line(case));
        }
    }));
    let time = started.elapsed();
    if *json {
        println!("{:#}", as_json(&report, time));
    } else {
        print!("{}", summary(&report, time));
    }
    if let Some(file) = junit {
        fs::write(file, junit::xml(&report)).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    verdict(&report, args)
}

fn verdict(report: &Report, args: &TestArgs) -> Result<(), Exit> {
    let (failed, all) = (report.failed().count(), report.cases.len());
    match (all, &args.filter) {
        (0, Some(filter)) => Err(format!("no test has `{filter}` in its name, file::function").into()),
        (0, None) => Err(format!(
            "there are no tests in {}: a test is a function `test_…()` in a file `*_test.rhai`",
            args.folder.display()
        )
        .into()),
        _ if failed > 0 => Err(format!("{failed} of {all} tests failed").into()),
        _ => Ok(()),
    }
}

/// A test that has just run.
fn line(case: &TestCase) -> String {
    let (word, time) = (if case.failure.is_none() { "ok  " } else { "FAIL" }, milliseconds(case.time));
    let name = if case.name.is_empty() { String::new() } else { format!("::{}", case.name) };
    format!("{word} {}{name} ({time:.1} ms)", case.file)
}

/// What failed, in full, and how many did not.
fn summary(report: &Report, time: Duration) -> String {
    let mut text = String::new();
    for case in report.failed() {
        text.push_str(&format!("\n{case}"));
    }
    let failed = report.failed().count();
    let (passed, time) = (report.cases.len() - failed, milliseconds(time));
    text.push_str(&format!("\n{passed} passed, {failed} failed in {time:.0} ms\n"));
    text
}

fn as_json(report: &Report, time: Duration) -> Value {
    let tests = report.cases.iter().map(|case| {
        let failure = case.failure.as_ref().map(|failure| {
            json!({
                "message": failure.message,
                "line": failure.place.map(|at| at.line),
                "column": failure.place.map(|at| at.column),
                "differences": failure.differences,
                "text": case.to_string(),
            })
        });
        json!({
            "file": case.file, "name": case.name, "passed": failure.is_none(), "ms": milliseconds(case.time),
            "logs": case.logs, "failure": failure,
        })
    });
    let tests: Vec<Value> = tests.collect();
    let failed = report.failed().count();
    json!({
        "passed": report.cases.len() - failed, "failed": failed, "ms": milliseconds(time), "tests": tests,
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
