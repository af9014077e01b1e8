//! The execution log and the counts by minute.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{assert_missing, cases, commit};
use crate::{
    AppId, Frame, Level, LogLine, Position, RequestId, ScriptId,
    store::{Change, ExecutionFilter, ExecutionRecord, MinuteRecord, Page, Retention, ScriptRecord, Store},
    testing::row::{self, CREATED_AT},
};

cases![
    executions_are_read_back_as_written,
    executions_are_filtered,
    texts_are_found_as_they_are,
    executions_of_one_app_are_not_those_of_another,
    rows_of_apps_that_are_gone_are_left_out,
    the_log_outlives_the_script_but_not_the_app,
    counts_of_one_minute_are_added,
    counts_that_race_are_all_added,
    counts_are_read_by_time_and_script,
    the_log_is_pruned_by_age,
    the_log_is_pruned_by_number_app_by_app,
];

async fn script(store: &dyn Store, slug: &str) -> ScriptRecord {
    let app = row::app(slug);
    let script = row::script(app.id, "main", "1");
    commit(store, [Change::CreateApp(app), Change::CreateScript(script.clone())]).await;
    script
}

fn line(level: Level, message: &str) -> LogLine {
    LogLine { at_ms: 1, level, message: message.to_owned(), fields: serde_json::Map::new(), position: None }
}

async fn keep(store: &dyn Store, runs: &[ExecutionRecord]) {
    store.append_log(runs.to_vec(), Vec::new()).await.expect("the log is kept");
}

async fn read(store: &dyn Store, app: AppId, filter: ExecutionFilter) -> Vec<ExecutionRecord> {
    store.executions(app, filter, Page::all()).await.expect("executions")
}

async fn executions_are_read_back_as_written(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let fields = serde_json::json!({"big": 9_007_199_254_740_993_i64, "nested": {"x": [null, true, "ü"]}});
    let position = Some(Position { line: 3, column: 7 });
    let mut full_line = line(Level::Warn, "of 世界 'quoted'");
    (full_line.position, full_line.at_ms) = (position, u64::from(u32::MAX) * 1000);
    full_line.fields = fields.as_object().cloned().unwrap_or_default();
    let full = ExecutionRecord {
        status: 599,
        code: Some("script_error".to_owned()),
        message: Some("no such thing: \u{1F980}".to_owned()),
        position,
        trace: vec![
            Frame { function: "f".to_owned(), position },
            Frame { function: String::new(), position: None },
        ],
        lines: vec![full_line, line(Level::Debug, "")],
        lines_dropped: 3,
        version: 12,
        wall_us: 1 << 40,
        ip: Some("192.0.2.7".to_owned()),
        path: "/ü?x".to_owned(),
        ..row::execution(&script)
    };
    let event = ExecutionRecord {
        trigger: "cron".to_owned(),
        method: String::new(),
        path: String::new(),
        route: String::new(),
        status: 0,
        at: 0,
        ..row::execution(&script)
    };
    keep(&*store, &[full.clone(), event.clone()]).await;
    assert_eq!(store.execution(script.app, full.id).await.expect("execution"), full);
    assert_eq!(store.execution(script.app, event.id).await.expect("execution"), event);
    assert_missing(store.execution(script.app, RequestId::new()).await, "execution");
    assert_eq!(store.revision().await.expect("revision"), 1, "a log is no commit");
}

async fn executions_are_filtered(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let other = row::script(script.app, "other", "");
    let at = |n: i64| CREATED_AT + n;
    let run = || row::execution(&script);
    let code = |code: &str| Some(code.to_owned());
    let runs = [
        ExecutionRecord { at: at(0), ..run() },
        ExecutionRecord {
            at: at(1),
            lines: vec![line(Level::Info, "one"), line(Level::Warn, "TWO")],
            ..run()
        },
        ExecutionRecord { at: at(2), status: 500, code: code("script_error"), message: code("Two"), ..run() },
        ExecutionRecord {
            at: at(3),
            status: 504,
            code: code("limit_wall_time"),
            path: "/two".to_owned(),
            ..run()
        },
        ExecutionRecord { at: at(4), lines: vec![line(Level::Error, "three")], ..row::execution(&other) },
    ];
    keep(&*store, &runs).await;
    let all = ExecutionFilter::default;
    let filters = [
        (all(), vec![0, 1, 2, 3, 4]),
        (ExecutionFilter { script: Some(other.id), ..all() }, vec![4]),
        (ExecutionFilter { script: Some(ScriptId::new()), ..all() }, vec![]),
        (ExecutionFilter { level: Some(Level::Debug), ..all() }, vec![1, 4]),
        (ExecutionFilter { level: Some(Level::Warn), ..all() }, vec![1, 4]),
        (ExecutionFilter { level: Some(Level::Error), ..all() }, vec![4]),
        (ExecutionFilter { failed: Some(true), ..all() }, vec![2, 3]),
        (ExecutionFilter { failed: Some(false), ..all() }, vec![0, 1, 4]),
        (ExecutionFilter { code: code("script_error"), ..all() }, vec![2]),
        (ExecutionFilter { status: Some(504..=504), ..all() }, vec![3]),
        (ExecutionFilter { status: Some(500..=599), ..all() }, vec![2, 3]),
        (ExecutionFilter { since: Some(at(3)), ..all() }, vec![3, 4]),
        (ExecutionFilter { until: Some(at(1)), ..all() }, vec![0]),
        (ExecutionFilter { text: code("two"), ..all() }, vec![1, 2, 3]),
        (ExecutionFilter { text: code("tWo"), failed: Some(true), since: Some(at(3)), ..all() }, vec![3]),
        (ExecutionFilter { text: code("four"), ..all() }, vec![]),
    ];
    for (filter, expected) in filters {
        let mut expected: Vec<_> = expected.iter().map(|n: &usize| runs[*n].clone()).collect();
        expected.sort_by_key(|run| std::cmp::Reverse(run.id));
        assert_eq!(read(&*store, script.app, filter.clone()).await, expected, "{filter:?}");
        assert!(runs.iter().all(|run| filter.lets_through(run) == expected.contains(run)), "{filter:?}");
    }
}

async fn texts_are_found_as_they_are(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let texts = ["100%", "a_b", "axb", "back\\slash", "'quote\"", "[x]", "日本"];
    let runs =
        texts.map(|text| ExecutionRecord { lines: vec![line(Level::Info, text)], ..row::execution(&script) });
    keep(&*store, &runs).await;
    for (text, run) in texts.iter().zip(&runs) {
        let filter = ExecutionFilter { text: Some((*text).to_owned()), ..ExecutionFilter::default() };
        assert_eq!(read(&*store, script.app, filter).await, std::slice::from_ref(run), "{text}");
    }
    for (text, count) in [("%", 1), ("_", 1), ("\\", 1), ("", texts.len()), ("message", 0), ("\"", 1)] {
        let filter = ExecutionFilter { text: Some(text.to_owned()), ..ExecutionFilter::default() };
        assert_eq!(read(&*store, script.app, filter).await.len(), count, "{text}");
    }
}

async fn executions_of_one_app_are_not_those_of_another(store: Arc<dyn Store>) {
    let (a, b) = (script(&*store, "a").await, script(&*store, "b").await);
    let (run_a, run_b) = (row::execution(&a), row::execution(&b));
    keep(&*store, &[run_a.clone(), run_b.clone()]).await;
    assert_missing(store.execution(b.app, run_a.id).await, "execution");
    assert_eq!(read(&*store, b.app, ExecutionFilter::default()).await, [run_b]);
    let of_a = ExecutionFilter { script: Some(a.id), ..ExecutionFilter::default() };
    assert_eq!(read(&*store, b.app, of_a).await, []);
}

async fn rows_of_apps_that_are_gone_are_left_out(store: Arc<dyn Store>) {
    let (here, gone) = (script(&*store, "here").await, script(&*store, "gone").await);
    commit(&*store, [Change::DeleteApp { id: gone.app, expected: None }]).await;
    let (kept, lost) = (row::execution(&here), row::execution(&gone));
    let minutes = vec![row::minute(gone.app, gone.id, 1), row::minute(here.app, here.id, 1)];
    store.append_log(vec![lost.clone(), kept.clone()], minutes).await.expect("no error");
    assert_missing(store.execution(gone.app, lost.id).await, "execution");
    assert_eq!(store.minutes(gone.app, None, 0, 9).await.expect("minutes"), []);
    store.execution(here.app, kept.id).await.expect("the others are kept");
    assert_eq!(store.minutes(here.app, None, 0, 9).await.expect("minutes").len(), 1);
}

async fn the_log_outlives_the_script_but_not_the_app(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let (app, run) = (script.app, row::execution(&script));
    store.append_log(vec![run.clone()], vec![row::minute(app, script.id, 1)]).await.expect("kept");
    commit(&*store, [Change::DeleteScript { app, id: script.id, expected: None }]).await;
    assert_eq!(store.execution(app, run.id).await.expect("execution"), run);
    assert_eq!(store.minutes(app, None, 0, 9).await.expect("minutes").len(), 1);
    commit(&*store, [Change::DeleteApp { id: app, expected: None }]).await;
    assert_missing(store.execution(app, run.id).await, "execution");
    assert_eq!(store.minutes(app, None, 0, 9).await.expect("minutes"), []);
}

async fn counts_of_one_minute_are_added(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let first = row::minute(script.app, script.id, 7);
    let mut second = MinuteRecord { count: 5, errors: 2, unsampled: 3, dropped: 1, ..first.clone() };
    second.wall_us.record(1_000_000);
    second.operations.record(0);
    store.append_log(Vec::new(), vec![first.clone(), second.clone()]).await.expect("kept");
    store.append_log(Vec::new(), vec![second.clone()]).await.expect("kept");
    let [sum] = store.minutes(script.app, None, 7, 8).await.expect("minutes").try_into().expect("one row");
    assert_eq!((sum.count, sum.errors, sum.unsampled, sum.dropped), (11, 4, 6, 2));
    let (mut wall, mut operations) = (first.wall_us, first.operations);
    for _ in 0..2 {
        wall.merge(&second.wall_us);
        operations.merge(&second.operations);
    }
    assert_eq!((sum.wall_us, sum.operations), (wall, operations));
}

async fn counts_that_race_are_all_added(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let mut writers = JoinSet::new();
    for _ in 0..20 {
        let (store, row) = (store.clone(), row::minute(script.app, script.id, 1));
        writers.spawn(async move { store.append_log(Vec::new(), vec![row]).await.expect("kept") });
    }
    writers.join_all().await;
    let [sum] = store.minutes(script.app, None, 1, 2).await.expect("minutes").try_into().expect("one row");
    assert_eq!((sum.count, sum.wall_us.count()), (20, 20));
}

async fn counts_are_read_by_time_and_script(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let other = row::script(script.app, "other", "");
    let mut rows = Vec::new();
    for minute in [3, 1, 2, 4] {
        rows.push(row::minute(script.app, script.id, minute));
        rows.push(row::minute(script.app, other.id, minute));
    }
    store.append_log(Vec::new(), rows.clone()).await.expect("kept");
    rows.retain(|row| (2..4).contains(&row.minute));
    rows.sort_by_key(|row| (row.minute, row.script));
    assert_eq!(store.minutes(script.app, None, 2, 4).await.expect("minutes"), rows);
    rows.retain(|row| row.script == other.id);
    assert_eq!(store.minutes(script.app, Some(other.id), 2, 4).await.expect("minutes"), rows);
    assert_eq!(store.minutes(script.app, None, 4, 4).await.expect("minutes"), []);
}

async fn the_log_is_pruned_by_age(store: Arc<dyn Store>) {
    let script = script(&*store, "a").await;
    let runs: Vec<_> = (1..=4).map(|at| ExecutionRecord { at, ..row::execution(&script) }).collect();
    let minutes = (1..=4).map(|minute| row::minute(script.app, script.id, minute)).collect();
    store.append_log(runs, minutes).await.expect("kept");
    let keep_all = Retention { executions_before: 1, minutes_before: 1, executions_per_app: 4 };
    assert_eq!(store.prune_log(keep_all).await.expect("a count"), 0, "the bounds are kept");
    let retention = Retention { executions_before: 3, minutes_before: 4, executions_per_app: u64::MAX };
    assert_eq!(store.prune_log(retention).await.expect("a count"), 2);
    let left = read(&*store, script.app, ExecutionFilter::default()).await;
    assert!(left.len() == 2 && left.iter().all(|run| run.at >= 3));
    assert_eq!(store.minutes(script.app, None, 0, 9).await.expect("minutes").len(), 1);
}

async fn the_log_is_pruned_by_number_app_by_app(store: Arc<dyn Store>) {
    let (a, b) = (script(&*store, "a").await, script(&*store, "b").await);
    let mut runs: Vec<_> = (0..5).map(|_| row::execution(&a)).collect();
    keep(&*store, &runs).await;
    let few = [row::execution(&b), row::execution(&b)];
    keep(&*store, &few).await;
    let retention = Retention { executions_before: 0, minutes_before: 0, executions_per_app: 3 };
    assert_eq!(store.prune_log(retention).await.expect("a count"), 2);
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    assert_eq!(read(&*store, a.app, ExecutionFilter::default()).await, runs[..3]);
    assert_eq!(read(&*store, b.app, ExecutionFilter::default()).await.len(), 2);
    let none = Retention { executions_per_app: 0, ..retention };
    assert_eq!(store.prune_log(none).await.expect("a count"), 5);
}
