//! Parts of a test suite that need more than Rust: a proxy, a database server, a browser.

use std::{
    env,
    io::{self, Write},
    path::PathBuf,
};

/// Set to `1`, it makes leaving out a failure. `make test` and CI set it.
pub const REQUIRE_ALL: &str = "PICLOUD_REQUIRE_ALL";

/// Says that a part of the tests is left out, and why. Whoever runs `cargo test` sees it, whether the test passes or
/// not.
///
/// # Panics
/// Where [`REQUIRE_ALL`] is set: there nothing may be left out.
#[track_caller]
pub fn left_out(what: &str, why: &str) {
    let text = format!("{what}: {why}. `make test-deps` installs what tests need");
    assert!(env::var_os(REQUIRE_ALL).is_none_or(|value| value != "1"), "{text} ({REQUIRE_ALL} is set)");
    // Not `eprintln!`, which the test harness keeps to itself while tests pass.
    let _ = writeln!(io::stderr(), "LEFT OUT: {text}.");
}

/// Where an installed program is. Without it the part `what` of the tests is [`left_out`].
///
/// # Panics
/// Without the program, where [`REQUIRE_ALL`] is set.
#[track_caller]
pub fn program(name: &str, what: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    // Servers stand in folders that are not on everyone's path.
    let folders = env::split_paths(&folders).chain(["/usr/sbin".into(), "/usr/local/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        left_out(what, &format!("there is no `{name}` here"));
    }
    found
}
