//! Prometheus' text format, version 0.0.4.

use std::fmt::Write;

/// Text in the making.
#[derive(Default)]
pub(super) struct Text(String);

impl Text {
    /// Begins a metric. All its samples follow.
    pub(super) fn start(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string does not fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        self.0.push_str(name);
        for (index, (label, text)) in labels.iter().enumerate() {
            let _ = write!(self.0, "{}{label}=\"", if index == 0 { '{' } else { ',' });
            for c in text.chars() {
                match c {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    c => self.0.push(c),
                }
            }
            self.0.push('"');
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }

    /// A metric of one sample.
    pub(super) fn gauge(&mut self, name: &str, help: &str, value: f64) {
        self.start(name, "gauge", help);
        self.sample(name, &[], value);
    }

    /// A metric of one sample that only grows.
    pub(super) fn counter(&mut self, name: &str, help: &str, value: f64) {
        self.start(name, "counter", help);
        self.sample(name, &[], value);
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = Text::default();
        text.sample("a", &[("b", "x\\y\"z\n"), ("c", "ü")], 1.5);
        text.gauge("d", "Help.", 2.0);
        let expected = "a{b=\"x\\\\y\\\"z\\n\",c=\"ü\"} 1.5\n# HELP d Help.\n# TYPE d gauge\nd 2\n";
        assert_eq!(text.finish(), expected);
    }
}
