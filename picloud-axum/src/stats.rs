//! How often scripts ran and failed, and how long they took.

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use axum::extract::{FromRequestParts, State};
use http::request::Parts;
use picloud::{
    AppId, FieldError, ScriptId,
    manager::StatisticsQuery,
    store::{AppKey, MinuteRecord, Page, Quantiles},
};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    api::Ctx,
    credential::Admin,
    error::ApiError,
    executions::find_script,
    input::AppPath,
    openapi::{Describe, Operation},
    query,
    time::Time,
};

const MICROS: i64 = 60_000_000;
/// Minutes that are answered where no others are asked for.
const DEFAULT: i64 = 60;
/// Most buckets of an answer.
const MAX_BUCKETS: i64 = 2000;
/// Most minutes in a bucket.
const MAX_BUCKET: i64 = 24 * 60;
/// Names of so many scripts are read at once.
const SCRIPTS: usize = 200;

/// Counts by script and time, and their sums.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Statistics {
    since: Time,
    until: Time,
    /// Minutes that are counted as one.
    bucket: i64,
    /// Ordered by time; without those in which nothing ran.
    items: Vec<Bucket>,
    /// Each script over the whole time.
    scripts: Vec<ScriptTotal>,
    /// All together.
    totals: Counts,
}

/// What is counted of one script in one bucket.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatisticsBucket")]
struct Bucket {
    /// When the bucket begins.
    minute: Time,
    script_id: ScriptId,
    /// The script's name now; null if it is gone.
    script: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

/// What is counted of one script.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatisticsOfScript")]
struct ScriptTotal {
    script_id: ScriptId,
    /// The script's name now; null if it is gone.
    script: Option<String>,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatisticsCounts")]
struct Counts {
    /// Runs, and requests that were refused before the script ran.
    count: u64,
    /// Failures among them.
    errors: u64,
    /// Counted here, but left out of the log: silent successes that were not sampled.
    unsampled: u64,
    /// Left out of the log because it could not keep up.
    dropped: u64,
    /// From start to answer, in microseconds, estimated.
    latency_us: QuantilesView,
    /// Steps of the interpreter, estimated.
    operations: QuantilesView,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Quantiles")]
struct QuantilesView {
    p50: u64,
    p90: u64,
    p99: u64,
}

impl From<&Quantiles> for QuantilesView {
    fn from(all: &Quantiles) -> Self {
        Self { p50: all.quantile(0.5), p90: all.quantile(0.9), p99: all.quantile(0.99) }
    }
}

impl From<&MinuteRecord> for Counts {
    fn from(row: &MinuteRecord) -> Self {
        Self {
            count: row.count,
            errors: row.errors,
            unsampled: row.unsampled,
            dropped: row.dropped,
            latency_us: (&row.wall_us).into(),
            operations: (&row.operations).into(),
        }
    }
}

pub(crate) async fn read(
    State(api): State<Ctx>,
    _: Admin,
    AppPath(key): AppPath,
    span: Span,
) -> Result<axum::Json<Statistics>, ApiError> {
    let app = api.manager.app(&key).await?.id;
    let script = match &span.script {
        Some(text) => Some(find_script(&api, app, text).await?),
        None => None,
    };
    let Span { since, until, bucket, script: _ } = span;
    let rows =
        api.manager.statistics(&AppKey::Id(app), StatisticsQuery { since, until, bucket, script }).await?;
    Ok(axum::Json(view(&rows, &names(&api, app).await?, since, until, bucket)))
}

/// The names that the scripts of an app have now.
async fn names(api: &Ctx, app: AppId) -> Result<BTreeMap<ScriptId, String>, ApiError> {
    let (mut names, mut page) = (BTreeMap::new(), Page::first(SCRIPTS));
    loop {
        let rows = api.manager.scripts(&AppKey::Id(app), page).await?;
        page.after = rows.last().map(|row| row.id);
        let last = rows.len() < SCRIPTS;
        names.extend(rows.into_iter().map(|row| (row.id, row.name)));
        if last {
            return Ok(names);
        }
    }
}

fn view(
    rows: &[MinuteRecord],
    names: &BTreeMap<ScriptId, String>,
    since: i64,
    until: i64,
    bucket: i64,
) -> Statistics {
    let mut scripts: BTreeMap<ScriptId, MinuteRecord> = BTreeMap::new();
    let mut totals: Option<MinuteRecord> = None;
    for row in rows {
        let empty = || MinuteRecord::new(row.app, row.script, since);
        scripts.entry(row.script).or_insert_with(empty).merge(row);
        totals.get_or_insert_with(empty).merge(row);
    }
    let name = |id| names.get(&id).cloned();
    let items = rows.iter().map(|row| Bucket {
        minute: Time(row.minute.saturating_mul(MICROS)),
        script_id: row.script,
        script: name(row.script),
        counts: row.into(),
    });
    let of_script = |(id, row): (&ScriptId, &MinuteRecord)| ScriptTotal {
        script_id: *id,
        script: name(*id),
        counts: row.into(),
    };
    let totals = totals.unwrap_or_else(|| MinuteRecord::new(AppId::new(), ScriptId::new(), since));
    Statistics {
        since: Time(since.saturating_mul(MICROS)),
        until: Time(until.saturating_mul(MICROS)),
        bucket,
        items: items.collect(),
        scripts: scripts.iter().map(of_script).collect(),
        totals: (&totals).into(),
    }
}

/// Which time is wanted, in minutes since 1970 UTC, and of which script.
pub(crate) struct Span {
    since: i64,
    until: i64,
    bucket: i64,
    script: Option<String>,
}

impl Span {
    fn parse(parts: &Parts, now: i64) -> Result<Self, FieldError> {
        let (mut since, mut until, mut bucket, mut script) = (None, None, 1, None);
        query::read(parts, |name, value| {
            match name {
                "since" => since = Some(query::time("since", value)?.div_euclid(MICROS)),
                // A minute that has begun is counted, too.
                "until" => until = Some((query::time("until", value)? + MICROS - 1).div_euclid(MICROS)),
                "bucket" => bucket = parse_bucket(value)?,
                "script" => script = Some(value.to_owned()),
                _ => return Err(query::unknown(name, "`since`, `until`, `bucket` and `script`")),
            }
            Ok(())
        })?;
        let until = until.unwrap_or(now.div_euclid(MICROS) + 1);
        let since = since.unwrap_or(until - DEFAULT);
        if since >= until {
            return Err(FieldError::new("since", "out_of_range", "`since` is before `until`"));
        }
        if (until - since) / bucket >= MAX_BUCKETS {
            let detail =
                format!("this is more than {MAX_BUCKETS} buckets; make `bucket` larger or the time shorter");
            return Err(FieldError::new("bucket", "out_of_range", detail));
        }
        Ok(Self { since, until, bucket, script })
    }
}

fn parse_bucket(text: &str) -> Result<i64, FieldError> {
    let bucket = text.parse().ok().filter(|bucket| (1..=MAX_BUCKET).contains(bucket));
    bucket.ok_or_else(|| {
        let detail = format!("`bucket` is a number of minutes from 1 to {MAX_BUCKET}");
        FieldError::new("bucket", "out_of_range", detail)
    })
}

impl<S: Sync> FromRequestParts<S> for Span {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        Self::parse(parts, now).map_err(ApiError::field)
    }
}

/// What [`Span`] reads, for the document.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "only its schema is used")]
struct Parameters {
    /// From the minute of this time on; an hour before `until` if left out.
    #[schemars(extend("format" = "date-time"))]
    since: String,
    /// To before this time; now if left out.
    #[schemars(extend("format" = "date-time"))]
    until: String,
    /// So many minutes are counted as one.
    #[schemars(range(min = 1, max = MAX_BUCKET), extend("default" = 1))]
    bucket: i64,
    /// Of this script only: its name or id.
    script: String,
}

impl Describe for Span {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<Parameters>();
    }
}
