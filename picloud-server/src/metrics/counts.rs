//! Counters of requests and runs.
//!
//! Counting takes no lock that requests share: each thread keeps the table of counters as it last saw it, and looks with
//! one atomic read whether there is a newer one. Only what is counted for the first time takes the lock.

use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicU64, AtomicUsize,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
    time::Duration,
};

use http::Method;
use picloud::{Code, Finished};

use super::text::Text;

/// Routes and apps that are told apart. Those beyond are counted together, so that memory is bounded.
const SERIES: usize = 10_000;
/// The app and the route of those beyond.
const OTHER: &str = "(other)";

const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
/// Upper bounds of the buckets of durations, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// Everything that is counted.
pub(super) struct Counts {
    /// Tells tables apart, of whichever `Counts`.
    version: AtomicU64,
    table: Mutex<Arc<Table>>,
    series: AtomicUsize,
    /// Requests that found no script.
    lost: PerCode,
}

/// The counters of each app and route. A new one makes a new table.
#[derive(Default, Clone)]
struct Table(HashMap<Arc<str>, App>);

#[derive(Clone, Default)]
struct App {
    runs: Arc<Runs>,
    routes: Arc<HashMap<Arc<str>, Arc<Route>>>,
}

/// What is counted for an app.
#[derive(Default)]
struct Runs {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    wall_nanos: AtomicU64,
    cpu_nanos: AtomicU64,
    operations: AtomicU64,
    lines_dropped: AtomicU64,
    failed: PerCode,
    refused: PerCode,
}

/// Ends of runs by method and class of status.
#[derive(Default)]
struct Route([[AtomicU64; CLASSES.len()]; METHODS.len()]);

/// One counter for each code.
struct PerCode(Vec<AtomicU64>);

impl Default for PerCode {
    fn default() -> Self {
        Self(Code::ALL.iter().map(|_| AtomicU64::new(0)).collect())
    }
}

impl PerCode {
    fn add(&self, code: Code) {
        if let Some(index) = Code::ALL.iter().position(|other| *other == code) {
            self.0[index].fetch_add(1, Relaxed);
        }
    }

    fn counted(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = Code::ALL.iter().zip(&self.0).map(|(code, count)| (code.as_str(), count.load(Relaxed)));
        counts.filter(|(_, count)| *count > 0)
    }
}

/// No two tables of a process have the same version.
static VERSIONS: AtomicU64 = AtomicU64::new(1);

fn next_version() -> u64 {
    VERSIONS.fetch_add(1, Relaxed)
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            version: AtomicU64::new(next_version()),
            table: Mutex::default(),
            series: AtomicUsize::new(0),
            lost: PerCode::default(),
        }
    }
}

thread_local! {
    /// The newest table that this thread has seen, and its version.
    static SEEN: RefCell<(u64, Arc<Table>)> = RefCell::default();
}

impl Counts {
    pub(super) fn finished(&self, run: &Finished<'_>) {
        let stats = &run.outcome.stats;
        let (method, status) = (method(run.request.method), run.status().as_u16());
        self.with(run.script.app_slug.as_str(), run.request.route, |app, route| {
            route.0[method][usize::from(status / 100).clamp(2, 5) - 2].fetch_add(1, Relaxed);
            app.buckets[bucket(stats.wall)].fetch_add(1, Relaxed);
            app.wall_nanos.fetch_add(nanos(stats.wall), Relaxed);
            app.cpu_nanos.fetch_add(nanos(stats.cpu), Relaxed);
            app.operations.fetch_add(stats.operations, Relaxed);
            if run.outcome.logs_dropped > 0 {
                app.lines_dropped.fetch_add(run.outcome.logs_dropped, Relaxed);
            }
            if let Err(failure) = &run.outcome.result {
                app.failed.add(failure.code);
            }
        });
    }

    pub(super) fn refused(&self, app: Option<&str>, code: Code) {
        match app {
            Some(app) => self.with(app, "", |app, _| app.refused.add(code)),
            None => self.lost.add(code),
        }
    }

    /// Counts with the counters of an app and a route, which are made at the first time.
    fn with(&self, app: &str, route: &str, count: impl FnOnce(&Runs, &Route)) {
        SEEN.with_borrow_mut(|(version, table)| {
            if *version != self.version.load(Acquire) {
                (*version, *table) = self.newest();
            }
            if table.get(app, route).is_none() {
                (*version, *table) = self.add(app, route);
            }
            let (runs, route) =
                table.get(app, route).or_else(|| table.get(OTHER, OTHER)).expect("one was added");
            count(runs, route);
        });
    }

    fn newest(&self) -> (u64, Arc<Table>) {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        (self.version.load(Relaxed), table.clone())
    }

    fn add(&self, app: &str, route: &str) -> (u64, Arc<Table>) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let full = self.series.load(Relaxed) >= SERIES;
        let (app, route) = if full { (OTHER, OTHER) } else { (app, route) };
        if table.get(app, route).is_none() {
            let mut new = Table::clone(&table);
            new.insert(app, route);
            *table = Arc::new(new);
            self.series.fetch_add(1, Relaxed);
            self.version.store(next_version(), Release);
        }
        (self.version.load(Relaxed), table.clone())
    }

    pub(super) fn write(&self, text: &mut Text) {
        let (_, table) = self.newest();
        let mut apps: Vec<(&str, &App)> = table.0.iter().map(|(slug, app)| (&**slug, app)).collect();
        apps.sort_unstable_by_key(|(slug, _)| *slug);
        write_requests(&apps, text);
        write_durations(&apps, text);
        let each = |text: &mut Text, name, help, value: fn(&Runs) -> f64| {
            text.start(name, "counter", help);
            for (slug, app) in &apps {
                text.sample(name, &[("app", slug)], value(&app.runs));
            }
        };
        each(text, "picloud_run_cpu_seconds_total", "Processor time of runs.", |runs| {
            seconds(&runs.cpu_nanos)
        });
        each(text, "picloud_run_operations_total", "Steps of the interpreter.", |runs| {
            runs.operations.load(Relaxed) as f64
        });
        each(
            text,
            "picloud_script_log_lines_dropped_total",
            "Lines that scripts logged beyond their limits.",
            |runs| runs.lines_dropped.load(Relaxed) as f64,
        );
        write_codes(&apps, &self.lost, text);
    }
}

fn write_requests(apps: &[(&str, &App)], text: &mut Text) {
    let name = "picloud_requests_total";
    text.start(name, "counter", "Runs that ended, by route, method and class of the answer's status.");
    for (slug, app) in apps {
        let mut routes: Vec<_> = app.routes.iter().collect();
        routes.sort_unstable_by_key(|(pattern, _)| *pattern);
        for (pattern, route) in routes {
            for (method, classes) in METHODS.iter().zip(&route.0) {
                for (class, count) in CLASSES.iter().zip(classes) {
                    let labels = [("app", *slug), ("route", pattern), ("method", method), ("status", class)];
                    let count = count.load(Relaxed);
                    if count > 0 {
                        text.sample(name, &labels, count as f64);
                    }
                }
            }
        }
    }
}

fn write_durations(apps: &[(&str, &App)], text: &mut Text) {
    text.start("picloud_run_duration_seconds", "histogram", "Time from start to answer, waiting included.");
    for (slug, app) in apps {
        let mut sum = 0;
        let bounds = BUCKETS.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, count) in bounds.zip(&app.runs.buckets) {
            sum += count.load(Relaxed);
            text.sample("picloud_run_duration_seconds_bucket", &[("app", slug), ("le", &bound)], sum as f64);
        }
        text.sample("picloud_run_duration_seconds_sum", &[("app", slug)], seconds(&app.runs.wall_nanos));
        text.sample("picloud_run_duration_seconds_count", &[("app", slug)], sum as f64);
    }
}

fn write_codes(apps: &[(&str, &App)], lost: &PerCode, text: &mut Text) {
    text.start("picloud_failures_total", "counter", "Runs that failed, by code.");
    for (slug, app) in apps {
        for (code, count) in app.runs.failed.counted() {
            text.sample("picloud_failures_total", &[("app", slug), ("code", code)], count as f64);
        }
    }
    let name = "picloud_refused_total";
    text.start(
        name,
        "counter",
        "Requests that were answered without a run, by code; `app` is empty where none was found.",
    );
    let refused = apps.iter().map(|(slug, app)| (*slug, &app.runs.refused)).chain([("", lost)]);
    for (slug, codes) in refused {
        for (code, count) in codes.counted() {
            text.sample(name, &[("app", slug), ("code", code)], count as f64);
        }
    }
}

impl Table {
    fn get(&self, app: &str, route: &str) -> Option<(&Runs, &Route)> {
        let app = self.0.get(app)?;
        Some((&app.runs, app.routes.get(route)?))
    }

    fn insert(&mut self, app: &str, route: &str) {
        let entry = self.0.entry(app.into()).or_default();
        let mut routes = HashMap::clone(&entry.routes);
        routes.insert(route.into(), Arc::default());
        entry.routes = Arc::new(routes);
    }
}

fn method(method: &Method) -> usize {
    METHODS.iter().position(|name| *name == method.as_str()).unwrap_or(METHODS.len() - 1)
}

fn bucket(wall: Duration) -> usize {
    let seconds = wall.as_secs_f64();
    BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len())
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn seconds(nanos: &AtomicU64) -> f64 {
    nanos.load(Relaxed) as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn text(counts: &Counts) -> String {
        let mut text = Text::default();
        counts.write(&mut text);
        text.finish()
    }

    #[test]
    fn threads_count_together_and_two_counts_apart() {
        let (counts, other) = (Counts::default(), Counts::default());
        thread::scope(|scope| {
            for n in 0..8 {
                let (counts, other) = (&counts, &other);
                scope.spawn(move || {
                    for round in 0..1000 {
                        let route = format!("/{}", (n + round) % 10);
                        counts.with("a", &route, |_, route| _ = route.0[0][0].fetch_add(1, Relaxed));
                        other.with("a", "/", |runs, _| _ = runs.operations.fetch_add(1, Relaxed));
                    }
                });
            }
        });
        let all = text(&counts);
        let sum: f64 = all
            .lines()
            .filter_map(|line| {
                line.strip_prefix("picloud_requests_total{")?.rsplit_once(' ')?.1.parse::<f64>().ok()
            })
            .sum();
        assert_eq!(sum, 8000.0, "{all}");
        assert!(text(&other).contains("picloud_run_operations_total{app=\"a\"} 8000\n"));
    }

    #[test]
    fn series_are_bounded() {
        let counts = Counts::default();
        counts.series.store(SERIES - 1, Relaxed);
        for route in ["/1", "/2", "/3", "/2"] {
            counts.with("a", route, |_, route| _ = route.0[2][3].fetch_add(1, Relaxed));
        }
        let all = text(&counts);
        let line = |app, route, n| {
            format!(
                "picloud_requests_total{{app=\"{app}\",route=\"{route}\",method=\"POST\",status=\"5xx\"}} {n}\n"
            )
        };
        assert!(all.contains(&line("a", "/1", 1)) && all.contains(&line(OTHER, OTHER, 3)), "{all}");
    }

    #[test]
    fn refusals_are_counted_by_code() {
        let counts = Counts::default();
        counts.refused(Some("a"), Code::Overloaded);
        counts.refused(None, Code::NoRoute);
        counts.refused(None, Code::NoRoute);
        let all = text(&counts);
        assert!(all.contains("picloud_refused_total{app=\"a\",code=\"overloaded\"} 1\n"), "{all}");
        assert!(all.contains("picloud_refused_total{app=\"\",code=\"no_route\"} 2\n"), "{all}");
    }
}
