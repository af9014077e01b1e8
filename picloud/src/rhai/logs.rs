//! What a run logs, cut to its limits as it comes; and the natives that log.

use rhai::{Dynamic, EvalAltResult, ImmutableString, Map, NativeCallContext};

use super::{
    budget, json,
    library::{Catalog, Library},
    place,
};
use crate::{DefinitionKind, Level, Limits, LogLine, Position};

/// Lines of one run, oldest first.
pub(super) struct Logs {
    lines: Vec<LogLine>,
    bytes: u64,
    dropped: u64,
    limits: Limits,
}

impl Logs {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { lines: Vec::new(), bytes: 0, dropped: 0, limits: *limits }
    }

    /// Keeps a line, as far as the limits allow; counts it as dropped otherwise.
    pub(super) fn push(
        &mut self,
        at_ms: i64,
        level: Level,
        message: &str,
        fields: Fields,
        position: Option<Position>,
    ) {
        let room = self.limits.log_bytes.saturating_sub(self.bytes).min(self.limits.log_line_bytes);
        if self.lines.len() as u64 >= self.limits.log_lines || room == 0 {
            self.dropped += 1;
            return;
        }
        let (message, cut) = cut(message, room);
        let (fields, fields_size) = within(fields, room.saturating_sub(message.len() as u64));
        self.bytes += message.len() as u64 + fields_size;
        self.dropped += u64::from(cut);
        let at_ms = u64::try_from(at_ms).unwrap_or(0);
        self.lines.push(LogLine { at_ms, level, message, fields, position });
    }

    /// The lines, and how many were dropped or cut.
    pub(super) fn take(&mut self) -> (Vec<LogLine>, u64) {
        (std::mem::take(&mut self.lines), std::mem::take(&mut self.dropped))
    }
}

type Fields = serde_json::Map<String, serde_json::Value>;

/// `text` cut to `room` bytes at a character, with a mark, and whether it was cut.
fn cut(text: &str, room: u64) -> (String, bool) {
    let room = usize::try_from(room).unwrap_or(usize::MAX);
    if text.len() <= room {
        return (text.to_owned(), false);
    }
    let mark = "…";
    let end = text.floor_char_boundary(room.saturating_sub(mark.len()));
    (format!("{}{mark}", &text[..end]), true)
}

/// The fields if they fit into `room` bytes, or a note in their place; and their size.
fn within(fields: Fields, room: u64) -> (Fields, u64) {
    if fields.is_empty() {
        return (fields, 0);
    }
    let size = serde_json::to_string(&fields).map_or(u64::MAX, |text| text.len() as u64);
    if size <= room {
        return (fields, size);
    }
    let note = serde_json::Value::String(format!("{size} bytes of fields left out: over the log limit"));
    (Fields::from_iter([("…".to_owned(), note)]), 0)
}

/// The module `log`; and Rhai's own `print`, which logs at info, and `debug`, which logs at debug with its position.
pub(super) fn register(catalog: &mut Catalog<'_>) {
    catalog.engine.on_print(|text| push(Level::Info, text, Fields::new(), None));
    catalog.engine.on_debug(|text, _, at| push(Level::Debug, text, Fields::new(), place(at)));
    let function = DefinitionKind::Function;
    catalog.tell(function, "print", "print(value: any)", "Logs at info.");
    catalog.tell(function, "debug", "debug(value: any)", "Logs at debug, with its position.");
    module().register(catalog);
}

fn module() -> Library {
    let levels = [("info", Level::Info), ("warn", Level::Warn), ("error", Level::Error)];
    let library = Library::new("log", "Lines for the log of this run.");
    levels.into_iter().fold(library, |library, (name, level)| {
        library
            .add(
                &format!("{name}(message: any)"),
                &format!("Logs at {name}; any value is turned into text."),
                move |cx: NativeCallContext<'_>, message: Dynamic| log(&cx, level, message, &Map::new()),
            )
            .add(
                &format!("{name}(message: any, fields: map)"),
                &format!("Logs at {name}, with fields that have a JSON form."),
                move |cx: NativeCallContext<'_>, message: Dynamic, fields: Map| {
                    log(&cx, level, message, &fields)
                },
            )
    })
}

fn log(
    cx: &NativeCallContext<'_>,
    level: Level,
    message: Dynamic,
    fields: &Map,
) -> Result<(), Box<EvalAltResult>> {
    let message = match message.try_cast_result::<ImmutableString>() {
        Ok(text) => text,
        Err(other) => cx.call_native_fn("to_string", (other,))?,
    };
    budget::charge(message.len() / 64)?;
    let depth = budget::try_run(|run, _| Ok(run.limits().data_depth))?;
    let fields = json::to_object(fields, usize::try_from(depth).unwrap_or(usize::MAX))
        .map_err(|error| error.in_function("log"))?;
    push(level, &message, fields, place(cx.call_position()));
    Ok(())
}

pub(super) fn push(level: Level, message: &str, fields: Fields, at: Option<Position>) {
    budget::with_run(|run, _| {
        let now = run.surroundings.now_ms();
        run.logs.borrow_mut().push(now, level, message, fields, at);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(lines: u64, line: u64, bytes: u64) -> Logs {
        Logs::new(&Limits { log_lines: lines, log_line_bytes: line, log_bytes: bytes, ..Limits::default() })
    }

    #[test]
    fn lines_beyond_the_limits_are_cut_or_dropped_and_counted() {
        let mut logs = logs(3, 10, 25);
        for text in ["short", "exactly 10", "far too long for it", "fourth"] {
            logs.push(0, Level::Info, text, Fields::new(), None);
        }
        let (lines, dropped) = logs.take();
        let texts: Vec<_> = lines.iter().map(|l| l.message.as_str()).collect();
        assert_eq!(texts, ["short", "exactly 10", "far too…"]);
        assert_eq!(dropped, 2);
    }

    #[test]
    fn a_cut_falls_on_a_character() {
        assert_eq!(cut("ääää", 6), ("ä…".to_owned(), true));
        assert_eq!(cut("ää", 4), ("ää".to_owned(), false));
    }

    #[test]
    fn fields_that_do_not_fit_are_replaced_by_a_note() {
        let mut logs = logs(10, 20, 1000);
        let fields = Fields::from_iter([("key".to_owned(), "x".repeat(50).into())]);
        logs.push(0, Level::Warn, "m", fields, None);
        assert!(logs.take().0[0].fields.contains_key("…"));
    }
}
