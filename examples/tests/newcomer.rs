//! The guide's first steps, done as they are written: in an empty folder, with what the guide says.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use picloud::testing::parts::{REQUIRE_ALL, left_out};

use crate::curl::curl;

#[allow(dead_code, reason = "an example is a program, and here only its test is wanted")]
#[path = "../first.rs"]
mod first;

const GUIDE: &str = include_str!("../../docs/embedding.md");

/// The chapter of the guide.
fn chapter() -> &'static str {
    GUIDE.split("## From an empty folder").nth(1).unwrap().split("\n## ").next().unwrap()
}

fn program() -> &'static str {
    chapter().split_once("```rust,ignore\n").unwrap().1.split_once("```").unwrap().0
}

/// What is typed, in order.
fn commands() -> Vec<&'static str> {
    chapter().lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn the_guide_shows_the_program_that_is_tested_here() {
    let tested = fs::read_to_string(root().join("examples/first.rs")).unwrap();
    let (title, code) = tested.split_once("\n\n").unwrap();
    assert!(title.starts_with("//! "));
    assert_eq!(program(), code);
    assert!(program().lines().count() < 30);
}

const TARGET: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/newcomer");

/// Runs a command of the guide, with the library taken from here; gives what it printed.
fn run(line: &str, folder: &Path) -> String {
    let here = format!("--path={}", root().join("picloud").display());
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap());
    command.args(words.map(|word| if word == "picloud" { here.as_str() } else { word }));
    command.env("CARGO_TARGET_DIR", TARGET).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Compiles the library once more, so it is left out unless everything is wanted.
#[tokio::test]
async fn the_guides_first_steps_work_as_they_are_written() {
    if std::env::var_os(REQUIRE_ALL).is_none() {
        return left_out("the first steps of docs/embedding.md", "they compile the library once more");
    }
    let folder = tempfile::tempdir().unwrap();
    let mut home = folder.path().to_owned();
    for line in commands() {
        match line {
            "cd house" => {
                home.push("house");
                // The versions that are tested here, which are on this machine.
                fs::copy(root().join("Cargo.lock"), home.join("Cargo.lock")).unwrap();
            }
            "cargo test" => {
                fs::write(home.join("src/main.rs"), program().replace(":3000", ":0")).unwrap();
                let said = run(line, &home);
                assert!(said.contains("test the_light_goes_on ... ok"), "{said}");
            }
            "cargo run" => drop(run("cargo build", &home)),
            line if line.starts_with("curl") => asks(line).await,
            line => drop(run(line, &home)),
        }
    }
}

/// Starts the program that the guide makes, and asks it.
async fn asks(line: &str) {
    let mut server = Command::new(format!("{TARGET}/debug/house")).stdout(Stdio::piped()).spawn().unwrap();
    let mut url = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let line = line.replace("http://127.0.0.1:3000", url.trim());
    let arguments: Vec<_> = line.split_whitespace().skip(1).collect();
    let answer = curl(&[&["-s"], &arguments[..]].concat()).await;
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!(answer, "{\"on\":true}");
    assert!(chapter().contains(&answer));
}
