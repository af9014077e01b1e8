//! `time`: the wall clock, in milliseconds since 1970 UTC.

use jiff::{Timestamp, fmt::strtime};
use rhai::{Dynamic, ImmutableString};

use super::{Answer, Library, failure, string};
use crate::rhai::budget;

/// Longer patterns are refused.
const MAX_PATTERN: usize = 256;
/// Longer texts are no point in time.
const MAX_TEXT: usize = 128;

pub(in crate::rhai) fn time() -> Library {
    Library::new("time", "The clock. Times are integers: milliseconds since 1970 UTC.")
        .add("now() -> integer", "Milliseconds since 1970 UTC.", now)
        .add(
            "format(ms: integer) -> string",
            "RFC 3339 in UTC to the millisecond, like `2026-11-23T20:45:00.123Z`.",
            |ms: i64| Ok(format!("{:.3}", timestamp(ms)?)),
        )
        .add(
            "format(ms: integer, pattern: string) -> string",
            "As the pattern says, in UTC: `%Y-%m-%d %H:%M:%S` and so on as in `strftime`.",
            format_as,
        )
        .add(
            "parse(text: string) -> integer",
            "Milliseconds of an RFC 3339 time with zone; finer parts are cut off.",
            parse,
        )
}

fn now() -> Answer<i64> {
    Ok(budget::surroundings().now_ms())
}

fn timestamp(ms: i64) -> Answer<Timestamp> {
    Timestamp::from_millisecond(ms)
        .map_err(|_| failure("time::format", format_args!("{ms} ms is not within the years -9999 to 9999")))
}

fn format_as(ms: i64, pattern: ImmutableString) -> Answer<ImmutableString> {
    if pattern.len() > MAX_PATTERN {
        return Err(failure("time::format", format_args!("the pattern is longer than {MAX_PATTERN} bytes")));
    }
    let time = timestamp(ms)?;
    let text = strtime::format(pattern.as_str(), time).map_err(|error| failure("time::format", error))?;
    Ok(text.into())
}

fn parse(text: Dynamic) -> Answer<i64> {
    let text = string(text, "time::parse")?;
    if text.len() > MAX_TEXT {
        return Err(failure("time::parse", "the text is too long to be a point in time"));
    }
    let time: Timestamp = text.trim().parse().map_err(|_| {
        let example = "2026-11-23T20:45:00Z or 2026-11-23T22:45:00.123+02:00";
        failure("time::parse", format_args!("{text:?} is not an RFC 3339 time like {example}"))
    })?;
    Ok(time.as_millisecond())
}
