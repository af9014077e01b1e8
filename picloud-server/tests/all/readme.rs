//! The walk-throughs of the README and of docs/cli.md run as they are written.
//!
//! Between the lines `<!-- walkthrough -->` and `<!-- /walkthrough -->`, every `sh` block is run, all as one `sh -eu`,
//! against a server of its own; a `text` or `json` block right after one is what it prints, with `…` for whatever
//! differs from run to run. User name and password are those that the README sets for the server. Ports become the
//! test's own.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::tempdir;

use crate::process::{PASSWORD, Server, USERNAME, command};

const END_OF_BLOCK: &str = "@@ end of block @@";

#[derive(Debug, PartialEq)]
struct Step {
    run: String,
    prints: Option<String>,
}

#[test]
fn the_readme_does_what_it_says() {
    walk("README.md");
}

#[test]
fn the_page_of_the_command_line_does_what_it_says() {
    walk("docs/cli.md");
}

fn walk(page: &str) {
    let path = repository().join(page);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let steps = steps(&text);
    assert!(!steps.is_empty(), "{page} has a walk-through between its two marks");
    check(&text, &steps);
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn check(readme: &str, steps: &[Step]) {
    let folder = tempdir().unwrap();
    let username = assigned(readme, "PICLOUD_ADMIN_USERNAME").unwrap_or_else(|| USERNAME.to_owned());
    let password = assigned(readme, "PICLOUD_ADMIN_PASSWORD").unwrap_or_else(|| PASSWORD.to_owned());
    let mut start = command(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    start.env("PICLOUD_ADMIN_USERNAME", &username).env("PICLOUD_ADMIN_PASSWORD", &password);
    let server = Server::spawn(&mut start);
    let address = server.address.to_string();
    let here = |text: &str| text.replace("127.0.0.1:8080", &address).replace("localhost:8080", &address);

    let blocks: Vec<String> = steps
        .iter()
        .map(|step| format!("{}\nprintf '\\n%s\\n' '{END_OF_BLOCK}'\n", here(&step.run)))
        .collect();
    // As in a clone, with the program installed.
    std::os::unix::fs::symlink(repository().join("examples"), folder.path().join("examples")).unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_picloud")).parent().unwrap();
    let ran = Command::new("sh")
        .args(["-eu", "-c", &blocks.concat()])
        .current_dir(folder.path())
        .env("PICLOUD_ADMIN_USERNAME", &username)
        .env("PICLOUD_ADMIN_PASSWORD", &password)
        .env("PICLOUD_URL", format!("http://{address}"))
        .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default()))
        .env("HOME", folder.path())
        .env_remove("XDG_CONFIG_HOME")
        .output()
        .unwrap();
    let printed = String::from_utf8(ran.stdout).unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{}\n{printed}\n{errors}", ran.status);
    for (step, printed) in steps.iter().zip(printed.split(END_OF_BLOCK)) {
        if let Some(expected) = &step.prints {
            let expected = here(expected);
            let (expected, printed) = (expected.trim(), printed.trim());
            assert!(matches(expected, printed), "{}\nprints\n{printed}\nnot\n{expected}", step.run);
        }
    }
}

/// What a Markdown text says between its marks.
fn steps(markdown: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for part in markdown.split("<!-- walkthrough -->").skip(1) {
        let part = part.split("<!-- /walkthrough -->").next().unwrap_or_default();
        for block in part.split("\n```").skip(1).step_by(2) {
            let (kind, text) = block.split_once('\n').unwrap_or((block, ""));
            match (kind.trim(), steps.last_mut()) {
                ("sh", _) => steps.push(Step { run: text.to_owned(), prints: None }),
                ("text" | "json", Some(step)) if step.prints.is_none() => step.prints = Some(text.to_owned()),
                _ => {}
            }
        }
    }
    steps
}

/// The first value that a shell line in `text` gives a variable.
fn assigned(text: &str, name: &str) -> Option<String> {
    let value = text.split_once(&format!("{name}="))?.1;
    let value = match value.chars().next()? {
        quote @ ('\'' | '"') => value[1..].split(quote).next()?,
        _ => value.split(|c: char| c.is_whitespace() || c == '`').next()?,
    };
    Some(value.to_owned()).filter(|value| !value.is_empty())
}

/// Whether `text` is `pattern`, in which each `…` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('…');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

#[test]
fn a_walk_through_is_read_and_run() {
    let markdown = "```sh\nexit 1\n```\n<!-- walkthrough -->\nSay:\n\n```sh\nurl=http://127.0.0.1:8080\ncurl -fsS $url/hello/Ada\n```\n\n```text\nHello, Ada!\n```\n\nAnd:\n\n```sh\ntoken=$(curl -fsS $url/api/v1/admin/auth/login -H 'content-type: application/json' \\\n  -d \"{\\\"username\\\":\\\"$PICLOUD_ADMIN_USERNAME\\\",\\\"password\\\":\\\"$PICLOUD_ADMIN_PASSWORD\\\"}\" |\n  sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/')\ncurl -fsS $url/api/v1/admin/apps -H \"authorization: Bearer $token\"\n```\n\n```json\n{\"items\":[{…\"slug\":\"hello\"…}],\"next_cursor\":null}\n```\n<!-- /walkthrough -->\n```sh\nexit 1\n```\n";
    let steps = steps(markdown);
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0].prints.as_deref(), Some("Hello, Ada!"));
    check(markdown, &steps);
}

#[test]
fn dots_stand_for_anything() {
    for (pattern, text, same) in [
        ("a…c", "abc", true),
        ("a…c", "ac", true),
        ("a…c", "abd", false),
        ("…b…", "abc", true),
        ("a", "ab", false),
        ("a…a", "a", false),
    ] {
        assert_eq!(matches(pattern, text), same, "{pattern} {text}");
    }
    assert_eq!(assigned("X='a b' y", "X").as_deref(), Some("a b"));
    assert_eq!(assigned("X=a b", "X").as_deref(), Some("a"));
}
