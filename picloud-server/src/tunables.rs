//! The settings that may change while the server runs, and what each of them sets.

use std::sync::Arc;

use picloud::{Orchestrator, manager::Tunable, recorder::Recorder};

use crate::config::{self, LogNumber, Settings};

/// All of them, as flag, environment and file say until somebody sets them.
pub(crate) fn all(settings: &Settings, scripts: &Orchestrator, recorder: &Recorder) -> Vec<Tunable> {
    let mut all = runs(settings, scripts);
    all.extend(config::LOG_NUMBERS.iter().map(|number| of_log(settings, recorder, number)));
    all
}

fn runs(settings: &Settings, scripts: &Orchestrator) -> Vec<Tunable> {
    let tunable = |name, value: usize, set: fn(&Orchestrator, usize)| {
        let scripts = scripts.clone();
        let apply = move |value| set(&scripts, usize::try_from(value).unwrap_or(usize::MAX));
        Tunable { name, range: config::RUNS, default: value as u64, apply: Arc::new(apply) }
    };
    vec![
        tunable("max_running", settings.max_running, Orchestrator::set_max_running),
        tunable("max_running_per_app", settings.max_running_per_app, Orchestrator::set_max_running_per_app),
    ]
}

fn of_log(settings: &Settings, recorder: &Recorder, number: &LogNumber) -> Tunable {
    let (recorder, set) = (recorder.clone(), number.set);
    let apply = move |value| recorder.change(|settings| set(settings, value));
    let default = (number.get)(&settings.log);
    Tunable { name: number.name, range: number.range.clone(), default, apply: Arc::new(apply) }
}
