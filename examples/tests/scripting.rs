//! The guide for authors of scripts: every piece of code in it does what it says, and every function is in it.
//!
//! A comment before a block of `rhai` says how it is tried, a line each:
//!
//! * `route GET /cups/:id`: behind which route; `ANY /*path` where nothing is said,
//! * `header name: value`: a header of the requests that follow,
//! * `PUT /cups/1 {"size":3} -> 200 "size":3`: a request, with JSON, a form (`a=b`) or text as its body, the status, and a
//!   part of the answer,
//! * `emit dusk {"room":"hall"} -> 200`: an event in place of a request.
//!
//! A block with a title, `rhai title="light.rhai"`, is a file: of an app, or of tests for it.

use std::fs;

use http::Method;
use picloud::{
    App, AppBuilder, DefinitionKind, Executor, RhaiExecutor,
    testing::{Suite, TestApp, TestResponse},
};
use serde_json::Value;

const GUIDE: &str = include_str!("../../docs/scripting.md");

/// A block of code, and how it is tried.
struct Block {
    line: usize,
    title: Option<String>,
    comment: String,
    source: String,
}

fn blocks() -> Vec<Block> {
    let (mut blocks, mut comment, mut open) = (Vec::new(), String::new(), None);
    for (index, text) in GUIDE.lines().enumerate() {
        if let Some(Block { source, .. }) = &mut open {
            if text == "```" {
                blocks.extend(open.take());
            } else {
                source.push_str(&format!("{text}\n"));
            }
        } else if let Some(info) = text.strip_prefix("```rhai") {
            let title = info.trim().strip_prefix("title=\"").and_then(|title| title.strip_suffix('"'));
            let (title, comment) = (title.map(str::to_owned), std::mem::take(&mut comment));
            open = Some(Block { line: index + 1, title, comment, source: String::new() });
        } else if let Some(text) = text.strip_prefix("<!-- ") {
            comment = text.trim_end_matches("-->").trim().to_owned() + "\n";
        } else if !comment.is_empty() && !text.is_empty() {
            comment.push_str(&format!("{}\n", text.trim_end_matches("-->").trim()));
        }
    }
    blocks
}

/// One thing to try.
fn attempt(app: &TestApp, headers: &[(String, String)], line: &str) -> (TestResponse, String) {
    let (asked, expected) = line.split_once(" -> ").unwrap_or_else(|| panic!("no ` -> ` in {line:?}"));
    let mut words = asked.splitn(3, ' ');
    let mut word = || words.next().unwrap_or_default().trim();
    let (method, path, body) = (word(), word(), word());
    if method == "emit" {
        let payload: Value = serde_json::from_str(body).unwrap();
        return (app.emit(path, &payload).pop().expect("somebody listens"), expected.to_owned());
    }
    let mut request = app.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let request = match body {
        "" => request,
        json if json.starts_with(['{', '[']) => request.json(&serde_json::from_str::<Value>(json).unwrap()),
        form if form.contains('=') => {
            request.header("content-type", "application/x-www-form-urlencoded").body(form.to_owned())
        }
        text => request.header("content-type", "text/plain").body(text.to_owned()),
    };
    (request.send(), expected.to_owned())
}

/// Tries a block as its comment says; gives what is wrong.
fn wrong_with(block: &Block) -> Vec<String> {
    let (mut route, mut headers, mut wrong, mut tried) = ("ANY /*path", Vec::new(), Vec::new(), 0);
    for line in block.comment.lines().filter(|line| !line.is_empty()) {
        if let Some(other) = line.strip_prefix("route ") {
            route = other;
        } else if let Some((name, value)) =
            line.strip_prefix("header ").and_then(|rest| rest.split_once(": "))
        {
            headers.push((name.to_owned(), value.to_owned()));
        } else {
            tried += 1;
            let builder: AppBuilder = App::builder().script("script", &block.source).route(route, "script");
            let event = line.strip_prefix("emit ").and_then(|rest| rest.split(' ').next());
            let app = TestApp::new(event.into_iter().fold(builder, |app, event| app.on(event, "script")));
            let (answer, expected) = attempt(&app, &headers, line);
            let (status, part) = expected.split_once(' ').unwrap_or((&expected, ""));
            if answer.status().as_str() != status || !answer.text().contains(part) {
                wrong.push(format!("docs/scripting.md:{}: {line}\n{answer:?}", block.line));
            }
        }
    }
    if tried == 0 {
        wrong.push(format!("docs/scripting.md:{}: nothing says how this block is tried", block.line));
    }
    wrong
}

#[test]
fn every_piece_of_code_in_the_guide_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (mut wrong, mut tests) = (Vec::new(), 0);
    for block in blocks() {
        match &block.title {
            None => wrong.extend(wrong_with(&block)),
            Some(name) => {
                tests += usize::from(name.ends_with("_test.rhai"));
                fs::write(folder.path().join(name), &block.source).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(tests > 0, "the guide shows tests");
    let app = App::builder().folder(folder.path()).route("PUT /rooms/:room/light", "light");
    Suite::folder(app, folder.path()).unwrap().run().assert_passed();
}

#[test]
fn everything_that_scripts_can_use_is_in_the_guide() {
    let definitions = RhaiExecutor::default().definitions();
    assert!(definitions.len() > 50);
    let named = |definition: &picloud::Definition| {
        let name = definition.name.as_str();
        let last = name.rsplit([':', '.']).next().unwrap_or(name);
        let whole = name.replace("Response.", ".").replace("Error.", ".");
        match definition.kind {
            DefinitionKind::Type => true,
            DefinitionKind::Property => GUIDE.contains(&format!("`{last}`")) || GUIDE.contains(&whole),
            _ => GUIDE.contains(&whole),
        }
    };
    let missing: Vec<_> = definitions.iter().filter(|one| !named(one)).map(|one| &one.name).collect();
    assert!(missing.is_empty(), "not in docs/scripting.md: {missing:?}");
}
