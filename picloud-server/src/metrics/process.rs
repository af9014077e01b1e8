//! What the system tells of this process, under the names that every client of Prometheus uses. Linux only.

use std::fs;

use super::text::Text;

/// Linux counts processor time for programs in hundredths of a second.
const TICKS: f64 = 100.0;

/// Writes what can be found out; nothing where `/proc` is not.
pub(super) fn write(text: &mut Text) {
    if let Some(bytes) = status("VmRSS:").map(|kib| kib * 1024.0) {
        text.gauge("process_resident_memory_bytes", "Memory in use.", bytes);
    }
    if let Some(threads) = status("Threads:") {
        text.gauge("process_threads", "Threads.", threads);
    }
    if let Some(seconds) = cpu_seconds() {
        text.counter("process_cpu_seconds_total", "Processor time of all threads.", seconds);
    }
    if let Ok(files) = fs::read_dir("/proc/self/fd") {
        text.gauge("process_open_fds", "Open file descriptors.", files.count() as f64);
    }
}

/// A number of `/proc/self/status`.
fn status(field: &str) -> Option<f64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Time on a processor, in user and kernel mode.
fn cpu_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    Some(ticks.sum::<f64>() / TICKS)
}
