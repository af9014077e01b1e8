//! Where two JSON values differ.

use serde_json::Value;

/// Differences that are told one by one; of more only the number is told.
const MOST: usize = 12;

/// One line for each place where `actual` is not what was expected, as JSON pointers (RFC 6901).
pub(in crate::testing) fn differences(expected: &Value, actual: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", expected, actual, &mut found);
    if found.len() > MOST {
        let more = found.len() - MOST;
        found.truncate(MOST);
        found.push(format!("and {more} more"));
    }
    found
}

fn compare(at: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => {
            for (name, value) in expected {
                let at = format!("{at}/{}", escaped(name));
                match actual.get(name) {
                    Some(other) => compare(&at, value, other, found),
                    None => found.push(format!("{at}: expected {value}, and it is missing")),
                }
            }
            for (name, value) in actual.iter().filter(|(name, _)| !expected.contains_key(*name)) {
                found.push(format!("{at}/{}: not expected: {value}", escaped(name)));
            }
        }
        (Value::Array(expected), Value::Array(actual)) => {
            for (index, pair) in expected.iter().zip(actual).enumerate() {
                compare(&format!("{at}/{index}"), pair.0, pair.1, found);
            }
            for (index, value) in expected.iter().enumerate().skip(actual.len()) {
                found.push(format!("{at}/{index}: expected {value}, and it is missing"));
            }
            for (index, value) in actual.iter().enumerate().skip(expected.len()) {
                found.push(format!("{at}/{index}: not expected: {value}"));
            }
        }
        _ if expected == actual => {}
        (Value::String(expected), Value::String(actual))
            if expected.contains('\n') || actual.contains('\n') =>
        {
            lines(at, expected, actual, found);
        }
        _ => found.push(format!("{}expected {expected}\n{}     got {actual}", place(at), place(at))),
    }
}

/// Text of several lines: the first line that differs.
fn lines(at: &str, expected: &str, actual: &str, found: &mut Vec<String>) {
    let (mut left, mut right, mut number) = (expected.lines(), actual.lines(), 1);
    loop {
        match (left.next(), right.next()) {
            (None, None) => return found.push(format!("{}the ends of the texts differ", place(at))),
            (a, b) if a == b => number += 1,
            (a, b) => {
                let shown =
                    |line: Option<&str>| line.map_or("no such line".to_owned(), |line| format!("{line:?}"));
                let at = place(at);
                let (a, b) = (shown(a), shown(b));
                return found
                    .push(format!("{at}line {number}: expected {a}\n{at}line {number}:      got {b}"));
            }
        }
    }
}

fn place(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!("{at}: ") }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_place_that_differs_is_told_with_its_pointer() {
        for (expected, actual, told) in [
            (json!({"a": [1, 2]}), json!({"a": [1, 2]}), ""),
            (json!(1), json!("1"), "expected 1\n     got \"1\""),
            (json!({"a": [1, 2]}), json!({"a": [1, 3]}), "/a/1: expected 2\n/a/1:      got 3"),
            (json!({"a/b": 1}), json!({"c": 2}), "/a~1b: expected 1, and it is missing\n/c: not expected: 2"),
            (json!([1]), json!([1, 2]), "/1: not expected: 2"),
            (json!("a\nb"), json!("a\nc"), "line 2: expected \"b\"\nline 2:      got \"c\""),
            (json!("a\n"), json!("a"), "the ends of the texts differ"),
        ] {
            assert_eq!(differences(&expected, &actual).join("\n"), told);
        }
        let many = differences(&Value::Array(vec![json!(1); 20]), &json!([]));
        assert_eq!((many.len(), many[12].as_str()), (13, "and 8 more"));
    }
}
