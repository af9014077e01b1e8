//! From what a request has come to, to a map that a test file looks at.

use http::{HeaderMap, header};
use rhai::{Array, Blob, Dynamic, Map};

use super::{Reply, Run};
use crate::{
    Position,
    rhai::{builtins::Answer, json},
};

/// `status`, `headers`, `cookies`, `body`, `text`, and of the run `script`, `logs`, `error`, `ops`, `memory`, `wall_ms`.
pub(super) fn to_map(reply: &Reply) -> Answer<Map> {
    let (headers, body) = (reply.response.headers(), reply.response.body());
    let mut map = Map::new();
    map.insert("status".into(), i64::from(reply.response.status().as_u16()).into());
    map.insert("headers".into(), header_map(headers).into());
    map.insert("cookies".into(), cookies(headers).into());
    map.insert("body".into(), read(headers, body)?);
    let text = std::str::from_utf8(body);
    map.insert("text".into(), text.map_or(Dynamic::UNIT, Into::into));
    match &reply.run {
        Some(run) => add_run(&mut map, run),
        None => {
            map.insert("error".into(), Dynamic::UNIT);
            map.insert("logs".into(), Array::new().into());
        }
    }
    Ok(map)
}

fn add_run(map: &mut Map, run: &Run) {
    let whole = |number: u64| Dynamic::from(i64::try_from(number).unwrap_or(i64::MAX));
    map.insert("script".into(), run.script.as_str().into());
    let logs = run.logs.iter().map(|line| {
        let mut entry = Map::new();
        entry.insert("level".into(), line.level.as_str().into());
        entry.insert("message".into(), line.message.as_str().into());
        entry.insert("fields".into(), json::from_value(&line.fields.clone().into()));
        add_place(&mut entry, line.position);
        Dynamic::from(entry)
    });
    map.insert("logs".into(), logs.collect::<Array>().into());
    map.insert("ops".into(), whole(run.stats.operations));
    map.insert("memory".into(), whole(run.stats.peak_memory));
    map.insert("wall_ms".into(), whole(run.stats.wall.as_millis().try_into().unwrap_or(u64::MAX)));
    let error = run.failure.as_ref().map_or(Dynamic::UNIT, |failure| {
        let mut entry = Map::new();
        let log = failure.log.as_deref();
        entry.insert("code".into(), failure.code.as_str().into());
        entry.insert("message".into(), log.map_or(&failure.detail, |log| &log.message).as_str().into());
        add_place(&mut entry, log.and_then(|log| log.position));
        Dynamic::from(entry)
    });
    map.insert("error".into(), error);
}

fn add_place(entry: &mut Map, place: Option<Position>) {
    let number = |n: u32| Dynamic::from(i64::from(n));
    entry.insert("line".into(), place.map_or(Dynamic::UNIT, |at| number(at.line)));
    entry.insert("column".into(), place.map_or(Dynamic::UNIT, |at| number(at.column)));
}

fn header_map(headers: &HeaderMap) -> Map {
    let joined = |name| {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        values.join(", ")
    };
    headers.keys().map(|name| (name.as_str().into(), joined(name).into())).collect()
}

/// Names and values of the cookies that the answer sets.
fn cookies(headers: &HeaderMap) -> Map {
    let lines = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.filter_map(|line| line.split(';').next()?.trim().split_once('='));
    pairs.map(|(name, value)| (name.into(), value.into())).collect()
}

/// The body by its type: JSON as its value, text as a string, else a blob; `()` where there is none.
fn read(headers: &HeaderMap, body: &[u8]) -> Answer<Dynamic> {
    if body.is_empty() {
        return Ok(Dynamic::UNIT);
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") || kind.starts_with("application/problem+json") {
        let depth = usize::try_from(crate::Limits::MAX.data_depth).unwrap_or(usize::MAX);
        return json::parse(body, depth).map_err(|error| error.in_function("the answer's body"));
    }
    match std::str::from_utf8(body) {
        Ok(text) if kind.starts_with("text/") => Ok(text.into()),
        _ => Ok(Dynamic::from_blob(Blob::from(body))),
    }
}
