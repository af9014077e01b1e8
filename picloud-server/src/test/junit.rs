//! A report in the form of JUnit, which continuous integration reads.

use picloud::testing::{Report, TestCase};

/// The report as XML: a suite for each file.
pub(super) fn xml(report: &Report) -> String {
    let mut files: Vec<&str> = report.cases.iter().map(|case| case.file.as_str()).collect();
    files.dedup();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (all, failed) = (report.cases.len(), report.failed().count());
    text.push_str(&format!("<testsuites tests=\"{all}\" failures=\"{failed}\" errors=\"0\">\n"));
    for file in files {
        let cases: Vec<_> = report.cases.iter().filter(|case| case.file == file).collect();
        text.push_str(&suite(file, &cases));
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(file: &str, cases: &[&TestCase]) -> String {
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    let time: f64 = cases.iter().map(|case| case.time.as_secs_f64()).sum();
    let mut text = format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\" time=\"{time:.4}\">\n",
        escaped(file),
        cases.len()
    );
    for case in cases {
        text.push_str(&self::case(case));
    }
    text.push_str("  </testsuite>\n");
    text
}

fn case(case: &TestCase) -> String {
    let class = case.file.strip_suffix(".rhai").unwrap_or(&case.file);
    let name = if case.name.is_empty() { "file" } else { &case.name };
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{:.4}\"",
        escaped(class),
        escaped(name),
        case.time.as_secs_f64()
    );
    match &case.failure {
        None => format!("{head}/>\n"),
        Some(failure) => format!(
            "{head}>\n      <failure message=\"{}\">{}</failure>\n    </testcase>\n",
            escaped(&failure.message),
            escaped(&case.to_string())
        ),
    }
}

/// Text for content and attributes. Characters that XML 1.0 (§2.2) does not have are replaced.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_does_not_have_is_escaped_or_replaced() {
        assert_eq!(escaped("a<b>&\"c\"\n\u{1}ä"), "a&lt;b&gt;&amp;&quot;c&quot;\n\u{fffd}ä");
    }
}
