//! `picloud logs`: what scripts did, up to now or as it happens.

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    time::Duration,
};

use serde::Deserialize;
use serde_json::{Map, Value};
use ureq::{Body, http};

use super::{
    api::{Api, Failure, read, segment},
    report,
};
use crate::{Exit, cli::LogsArgs};

/// How long to wait before the server is asked again after it has gone.
const RETRY: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Execution {
    script: String,
    version: u64,
    trigger: String,
    at: String,
    method: String,
    path: String,
    status: u16,
    outcome: String,
    error: Option<Failed>,
    lines: Vec<Line>,
    stats: Stats,
}

#[derive(Deserialize)]
struct Failed {
    message: String,
    line: Option<u32>,
    column: Option<u32>,
}

#[derive(Deserialize)]
struct Line {
    level: String,
    message: String,
    fields: Map<String, Value>,
}

#[derive(Deserialize)]
struct Stats {
    wall_us: u64,
}

pub(crate) fn logs(args: &LogsArgs) -> Result<(), Exit> {
    let api = Api::new(&args.server)?;
    let path = format!("/apps/{}/logs", segment(&args.app));
    if args.follow {
        return Ok(follow(&api, &format!("/api/v1/admin{path}/stream?{}", query(args)), args.json)?);
    }
    let page: Value = api.get(&format!("{path}?limit={}&{}", args.limit, query(args)))?;
    // The newest come first; people read the other way round.
    for item in page["items"].as_array().into_iter().flatten().rev() {
        show(item, args.json)?;
    }
    Ok(())
}

fn query(args: &LogsArgs) -> String {
    let LogsArgs { script, level, outcome, text, .. } = args;
    let given = [("script", script), ("level", level), ("outcome", outcome), ("q", text)];
    let pairs = given.iter().filter_map(|(name, value)| Some(format!("{name}={}", segment(value.as_ref()?))));
    pairs.collect::<Vec<_>>().join("&")
}

/// Shows what comes, for ever; after a break it goes on where it was.
fn follow(api: &Api, path: &str, json: bool) -> Result<(), Failure> {
    let mut last = None::<String>;
    let mut was_there = false;
    loop {
        let mut headers = vec![("accept".to_owned(), "text/event-stream".to_owned())];
        headers.extend(last.clone().map(|id| ("last-event-id".to_owned(), id)));
        match api.send("GET", path, &headers, Vec::new()) {
            Ok(response) if response.status().is_success() => {
                if !was_there {
                    eprintln!("listening; end with Ctrl-C");
                }
                was_there = true;
                events(response, json, &mut last)?;
            }
            Ok(response) => {
                let status = response.status();
                return Err(api.problem(status, &read(response)?));
            }
            Err(failure) if !was_there => return Err(failure),
            Err(_) => {}
        }
        std::thread::sleep(RETRY);
    }
}

/// Reads Server-Sent Events until they end.
fn events(response: http::Response<Body>, json: bool, last: &mut Option<String>) -> Result<(), Failure> {
    let (mut kind, mut data) = (String::new(), String::new());
    for line in BufReader::new(response.into_body().into_reader()).lines() {
        let Ok(line) = line else { return Ok(()) };
        match line.split_once(':').map(|(field, value)| (field, value.strip_prefix(' ').unwrap_or(value))) {
            None if line.is_empty() => {
                if kind == "lost" {
                    eprintln!("some runs were too many to show: {data}");
                } else if let Ok(item) = serde_json::from_str(&data) {
                    show(&item, json)?;
                }
                kind.clear();
                data.clear();
            }
            Some(("event", value)) => value.clone_into(&mut kind),
            Some(("data", value)) => data.push_str(value),
            Some(("id", value)) => *last = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok(())
}

fn show(item: &Value, json: bool) -> Result<(), Failure> {
    if json {
        return Ok(report::json(item)?);
    }
    let run = Execution::deserialize(item)
        .map_err(|error| Failure::Other(format!("the server tells of a run in another form: {error}")))?;
    report::line(&text(&run));
    Ok(())
}

fn text(run: &Execution) -> String {
    let Execution { script, version, trigger, at, method, path, status, outcome, error, lines, stats } = run;
    let what = if trigger == "http" { format!("{method} {path} {status}") } else { trigger.clone() };
    let time = stats.wall_us as f64 / 1000.0;
    let mut text = format!("{at}  {what} {outcome}  {script} v{version}  {time:.1} ms");
    for Line { level, message, fields } in lines {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n    {level:<5} {message}");
        if !fields.is_empty() {
            let _ = write!(text, " {}", Value::Object(fields.clone()));
        }
    }
    if let Some(Failed { message, line, column }) = error {
        let place =
            line.map(|line| format!(" at {script}.rhai:{line}:{}", column.unwrap_or(1))).unwrap_or_default();
        let _ = write!(text, "\n    {outcome}: {message}{place}");
    }
    text
}
