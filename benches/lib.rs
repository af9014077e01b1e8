//! Compares things with each other within one run, so that a noisy machine matters little.
//!
//! Run all with `cargo bench -p picloud-benches`, one with `--bench http_hello`. Each program prints its figures beside
//! the goals. Times are the smallest and the median of many short rounds, in which the subjects take turns.

pub mod crowd;
pub mod http;
pub mod process;
pub mod server;

use std::{
    fmt,
    time::{Duration, Instant},
};

use mimalloc::MiMalloc;
use picloud::MeteredAlloc;

/// As in the server, so that the figures are the server's.
#[global_allocator]
static ALLOC: MeteredAlloc<MiMalloc> = MeteredAlloc(MiMalloc);

/// Something to measure: a name, and a function that does a round of work and gives the time that each piece took.
pub struct Subject<'a> {
    name: &'static str,
    round: Box<dyn FnMut() -> Duration + 'a>,
    samples: Vec<Duration>,
}

impl<'a> Subject<'a> {
    /// A subject whose `round` does `pieces` of work on what `prepare` has made outside of the measured time.
    pub fn new<T>(
        name: &'static str,
        pieces: u32,
        mut prepare: impl FnMut() -> T + 'a,
        mut round: impl FnMut(Vec<T>) + 'a,
    ) -> Self {
        let timed = move || {
            let prepared = (0..pieces).map(|_| prepare()).collect();
            let start = Instant::now();
            round(prepared);
            start.elapsed() / pieces
        };
        Self { name, round: Box::new(timed), samples: Vec::new() }
    }
}

/// Smallest and median time of a subject.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// What was measured.
    pub name: &'static str,
    /// The smallest time: what the work costs undisturbed.
    pub min: Duration,
    /// The time that half of the rounds stayed below.
    pub median: Duration,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, min, median } = self;
        write!(f, "{name:<44} min {min:>10.2?}   median {median:>10.2?}")
    }
}

/// Lets the subjects take turns for `rounds` rounds after a tenth as many to warm up; prints and gives their figures.
pub fn take_turns<const N: usize>(rounds: usize, mut subjects: [Subject<'_>; N]) -> [Figures; N] {
    for round in 0..rounds + rounds / 10 {
        for subject in &mut subjects {
            let sample = (subject.round)();
            if round >= rounds / 10 {
                subject.samples.push(sample);
            }
        }
    }
    subjects.map(|Subject { name, round: _, mut samples }| {
        let figures = Figures { name, min: quantile(&mut samples, 0.0), median: quantile(&mut samples, 0.5) };
        println!("{figures}");
        figures
    })
}

/// The sample that a share of `q` of all samples is below.
///
/// # Panics
/// Without samples.
pub fn quantile<T: PartialOrd + Copy>(samples: &mut [T], q: f64) -> T {
    samples.sort_by(|a, b| a.partial_cmp(b).expect("samples can be compared"));
    let index = (samples.len() as f64 * q) as usize;
    samples[index.min(samples.len() - 1)]
}

/// Prints a figure beside its goal.
pub fn verdict(what: &str, figure: f64, unit: &str, goal: Goal) {
    let (sign, bound, reached) = match goal {
        Goal::AtMost(bound) => ("≤", bound, figure <= bound),
        Goal::AtLeast(bound) => ("≥", bound, figure >= bound),
    };
    let word = if reached { "reached" } else { "MISSED" };
    println!("{what:<44} {figure:>14.2}{unit}   goal {sign} {bound}{unit}: {word}");
}

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// Small is good.
    AtMost(f64),
    /// Large is good.
    AtLeast(f64),
}
