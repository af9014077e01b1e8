//! Query strings: each parameter at most once, and none that means nothing.

use http::request::Parts;
use jiff::Timestamp;
use picloud::FieldError;

/// Reads a query parameter by parameter.
///
/// # Errors
/// What `take` finds wrong, and a parameter that comes twice.
pub(crate) fn read(
    parts: &Parts,
    mut take: impl FnMut(&str, &str) -> Result<(), FieldError>,
) -> Result<(), FieldError> {
    let mut seen = Vec::new();
    for (name, value) in form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        if seen.contains(&name) {
            return Err(FieldError::new(name, "duplicate", "a parameter may be given once"));
        }
        take(&name, &value)?;
        seen.push(name);
    }
    Ok(())
}

/// A parameter that there is not.
pub(crate) fn unknown(name: &str, known: &str) -> FieldError {
    FieldError::new(name, "unknown_field", format!("there is no such parameter; known are {known}"))
}

/// A point in time in microseconds since 1970 UTC.
pub(crate) fn time(name: &'static str, text: &str) -> Result<i64, FieldError> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_microsecond).map_err(|_| {
        let detail = "a time is written as in RFC 3339, such as 2026-01-02T03:04:05Z";
        FieldError::new(name, "invalid_time", detail)
    })
}
