//! What the system tells of a process (Linux: from `/proc`).

use std::{env, fs, path::PathBuf, time::Duration};

/// The release build of the server beside this program, `target/release/picloud`; says how to make it where it is not there.
#[must_use]
pub fn built_binary() -> Option<PathBuf> {
    let here = env::current_exe().ok()?;
    let binary = here.ancestors().nth(2)?.join("picloud");
    if !binary.exists() {
        println!(
            "left out: there is no release build of picloud; run `cargo build --release -p picloud-server` first"
        );
        return None;
    }
    Some(binary)
}

/// Processor time of all threads that a process has now, in user and kernel mode.
///
/// # Panics
/// Where `/proc` does not tell.
#[must_use]
pub fn cpu_time(pid: u32) -> Duration {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let times = threads.filter_map(|thread| schedstat(thread.ok()?.path()));
    Duration::from_nanos(times.sum())
}

/// Nanoseconds that a thread was on a processor.
fn schedstat(thread: PathBuf) -> Option<u64> {
    let text = fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split(' ').next()?.parse().ok()
}

/// KiB of memory that this process has in the machine's memory.
#[must_use]
pub fn resident_kib() -> u64 {
    status("self", "VmRSS:")
}

/// KiB of memory that another process has in the machine's memory.
///
/// # Panics
/// Where `/proc` does not tell.
#[must_use]
pub fn resident_kib_of(pid: u32) -> u64 {
    status(&pid.to_string(), "VmRSS:")
}

/// Threads of this process.
#[must_use]
pub fn threads() -> u64 {
    status("self", "Threads:")
}

fn status(process: &str, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{process}/status")).expect("/proc is mounted");
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.expect("the field is there and is a number")
}
