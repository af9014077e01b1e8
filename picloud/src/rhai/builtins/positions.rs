//! Rhai's rules for positions and ranges: negative counts from the end, what is outside is cut off.

use std::ops::{Range, RangeInclusive};

/// Start and length that an exclusive range stands for.
pub(super) fn exclusive(range: &Range<i64>) -> (i64, i64) {
    let start = range.start.max(0);
    let end = range.end.max(start);
    (start, end - start)
}

/// Start and length that an inclusive range stands for.
pub(super) fn inclusive(range: &RangeInclusive<i64>) -> (i64, i64) {
    let start = (*range.start()).max(0);
    let end = (*range.end()).max(start).min(i64::MAX - 1);
    (start, end - start + 1)
}

/// An index of an array of `len` elements; `len` for what lies beyond its end.
pub(super) fn element(len: usize, index: i64) -> usize {
    if index < 0 {
        len.saturating_sub(clamp(index.unsigned_abs()))
    } else {
        clamp(index.unsigned_abs()).min(len)
    }
}

/// Where in `text` the character `start` begins; none beyond the last character.
pub(super) fn character(text: &str, start: i64) -> Option<usize> {
    let index = if start < 0 {
        text.chars().count().saturating_sub(clamp(start.unsigned_abs()))
    } else {
        clamp(start.unsigned_abs())
    };
    if index == 0 { Some(0) } else { text.char_indices().nth(index).map(|(at, _)| at) }
}

/// The part of `text` of `len` characters from the character `start` on.
pub(super) fn part(text: &str, start: i64, len: i64) -> &str {
    let Ok(len @ 1..) = usize::try_from(len) else { return "" };
    let Some(tail) = character(text, start).map(|at| &text[at..]) else { return "" };
    tail.char_indices().nth(len).map_or(tail, |(end, _)| &tail[..end])
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
