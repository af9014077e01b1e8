//! What the server counts, as text for Prometheus.
//!
//! Labels are bounded: slugs, route patterns, known methods, classes of status, codes. No path, host or address that a
//! caller chooses becomes one.

mod counts;
mod process;
mod text;

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use picloud::{
    Code, Finished, Observer, Orchestrator, Problem, Refused,
    manager::Manager,
    recorder::{LogCounts, Recorder},
};
use picloud_axum::enveloped;
use picloud_server::front::Connections;

use self::{counts::Counts, text::Text};
use crate::logging;

/// Counts what happens to requests. Clones count together.
#[derive(Clone, Default)]
pub(crate) struct Metrics(Arc<Counts>);

impl Observer for Metrics {
    fn finished(&self, run: &Finished<'_>) {
        self.0.finished(run);
    }

    fn refused(&self, refused: &Refused<'_>) {
        self.0.refused(refused.script.map(|script| script.app_slug.as_str()), refused.code);
    }
}

/// What can be measured at any time.
#[derive(Clone)]
pub(crate) struct Gauges {
    pub(crate) scripts: Orchestrator,
    /// Open connections of each listener, by name.
    pub(crate) listeners: Vec<(&'static str, Connections)>,
    pub(crate) recorder: Recorder,
}

impl Metrics {
    /// `GET /metrics`, for everyone who reaches it.
    pub(crate) fn router(&self, gauges: Gauges) -> Router {
        enveloped(Router::new().route("/metrics", get(metrics)).with_state((self.clone(), Arc::new(gauges))))
    }

    /// `GET /metrics`, for those with a session.
    pub(crate) fn guarded_router(&self, gauges: Gauges, manager: Manager) -> Router {
        enveloped(self.router(gauges).route_layer(from_fn_with_state(manager, require)))
    }

    fn text(&self, gauges: &Gauges) -> String {
        let mut text = Text::default();
        self.0.write(&mut text);
        text.gauge("picloud_running_scripts", "Scripts that run now.", gauges.scripts.running() as f64);
        text.start("picloud_open_connections", "gauge", "Connections that are open now, by listener.");
        for (listener, connections) in &gauges.listeners {
            text.sample("picloud_open_connections", &[("listener", listener)], connections.count() as f64);
        }
        let dropped = logging::dropped_lines() as f64;
        text.counter(
            "picloud_log_lines_dropped_total",
            "Log lines of the server that nobody read in time.",
            dropped,
        );
        write_log(&mut text, gauges.recorder.counts());
        text.start("picloud_build_info", "gauge", "The release.");
        text.sample("picloud_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
        process::write(&mut text);
        text.finish()
    }
}

async fn metrics(State((metrics, gauges)): State<(Metrics, Arc<Gauges>)>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.text(&gauges)).into_response()
}

/// Lets only those pass who show a session's token as a bearer, as Prometheus can.
async fn require(State(manager): State<Manager>, request: Request, next: Next) -> Response {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|text| text.split_once(' '));
    let token =
        token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let problem = match token {
        None => Problem::new(Code::Unauthorized, "A bearer token is needed here; on `admin_listen` none is."),
        Some(token) => match manager.auth().authenticate(token).await {
            Ok(_) => return next.run(request).await,
            Err(error) => Problem::new(error.code(), error.detail()),
        },
    };
    let mut response = problem.to_response().map(Body::from);
    response.extensions_mut().insert(problem);
    response
}

/// What has become of the records of runs.
fn write_log(text: &mut Text, counts: LogCounts) {
    let LogCounts { runs: _, stored, dropped, unsampled, lost, failed_writes, waiting, waiting_bytes: _ } =
        counts;
    text.start(
        "picloud_log_records_total",
        "counter",
        "Runs, by what has become of their record in the execution log.",
    );
    for (fate, count) in [("stored", stored), ("unsampled", unsampled), ("dropped", dropped)] {
        text.sample("picloud_log_records_total", &[("fate", fate)], count as f64);
    }
    let about = "Runs that are not even counted in the statistics, because the database was away for long.";
    text.counter("picloud_log_runs_lost_total", about, lost as f64);
    text.counter(
        "picloud_log_failed_writes_total",
        "Writes of the execution log that failed.",
        failed_writes as f64,
    );
    text.gauge("picloud_log_records_waiting", "Records that wait to be written.", waiting as f64);
}
