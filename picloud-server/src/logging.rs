//! Log lines on standard error: text on a terminal, JSON lines otherwise. Nobody waits for them to be written.

use std::{
    borrow::Cow,
    io::{self, IsTerminal, Write, stderr},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    },
    thread,
    time::{Duration, Instant},
};

use tracing_subscriber::{EnvFilter, fmt};

/// Lines and bytes that wait to be written. Whoever reads them may stand still for a while; the server goes on.
const QUEUED_LINES: usize = 8192;
const QUEUED_BYTES: usize = 16 << 20;
/// How long the end of the process waits for a reader of the lines.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Lines that found no room.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many lines were dropped since the start, because nobody read those before them.
pub(crate) fn dropped_lines() -> u64 {
    DROPPED.load(Relaxed)
}

/// Starts logging. `RUST_LOG` says how much (default: `info`). What waits when the guard is dropped is still written.
pub(crate) fn start() -> Guard {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let (queue, written) = Queue::start(stderr());
    let guard = Guard { queue: queue.clone(), written };
    let lines =
        fmt().with_env_filter(filter).with_ansi(stderr().is_terminal()).with_writer(move || queue.clone());
    if stderr().is_terminal() {
        lines.with_target(false).init();
    } else {
        lines.json().flatten_event(true).init();
    }
    guard
}

/// Where lines wait.
#[derive(Clone)]
struct Queue {
    lines: SyncSender<Line>,
    bytes: Arc<AtomicUsize>,
}

enum Line {
    Text(Vec<u8>),
    End,
}

impl Queue {
    /// A queue, and what ends once everything is written.
    fn start(output: impl Write + Send + 'static) -> (Self, Receiver<()>) {
        let (lines, waiting) = mpsc::sync_channel(QUEUED_LINES);
        let bytes = Arc::new(AtomicUsize::new(0));
        let (done, written) = mpsc::channel();
        let queued = bytes.clone();
        thread::Builder::new()
            .name("picloud-log".to_owned())
            .spawn(move || {
                write_lines(&waiting, &queued, output);
                drop(done);
            })
            .expect("a process that cannot start a thread cannot serve");
        (Self { lines, bytes }, written)
    }

    /// Takes a line if there is room for it.
    fn push(&self, text: &[u8]) -> bool {
        let length = text.len();
        if self.bytes.fetch_add(length, Relaxed) + length <= QUEUED_BYTES
            && self.lines.try_send(Line::Text(text.to_vec())).is_ok()
        {
            return true;
        }
        self.bytes.fetch_sub(length, Relaxed);
        false
    }
}

/// `fmt` writes each line with one call.
impl Write for Queue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if !self.push(&one_line(line)) {
            DROPPED.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The line with every break but its last escaped: `fmt` escapes what terminals obey, but not what would make two lines
/// of one, and scripts log what callers say. JSON has none.
fn one_line(line: &[u8]) -> Cow<'_, [u8]> {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    if memchr::memchr2(b'\r', b'\n', text).is_none() {
        return Cow::Borrowed(line);
    }
    let mut escaped = Vec::with_capacity(line.len() + 16);
    for byte in text {
        match byte {
            b'\r' => escaped.extend_from_slice(b"\\r"),
            b'\n' => escaped.extend_from_slice(b"\\n"),
            other => escaped.push(*other),
        }
    }
    escaped.push(b'\n');
    Cow::Owned(escaped)
}

fn write_lines(waiting: &Receiver<Line>, queued: &AtomicUsize, mut output: impl Write) {
    let mut told = 0;
    while let Ok(Line::Text(line)) = waiting.recv() {
        // A reader that has gone away is no reason to stop.
        let _ = output.write_all(&line);
        let emptied = queued.fetch_sub(line.len(), Relaxed) == line.len();
        let dropped = DROPPED.load(Relaxed);
        // Not before there is room for it.
        if emptied && dropped > told {
            tracing::warn!(dropped = dropped - told, "log lines were dropped: nobody read those before them");
            told = dropped;
        }
    }
}

/// Ends logging when it is dropped.
pub(crate) struct Guard {
    queue: Queue,
    written: Receiver<()>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let since = Instant::now();
        while self.queue.lines.try_send(Line::End).is_err() {
            if since.elapsed() > LAST_LINES {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        // Disconnected is what is waited for; nothing is ever sent.
        let _: Result<(), RecvTimeoutError> = self.written.recv_timeout(LAST_LINES);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A pipe that nobody reads until it is told to.
    #[derive(Clone, Default)]
    struct Stuck {
        gate: Arc<Mutex<()>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _open = self.gate.lock().unwrap();
            self.written.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_stuck_reader_and_every_line_is_written_or_counted() {
        let pipe = Stuck::default();
        let shut = pipe.gate.lock().unwrap();
        let (queue, written) = Queue::start(pipe.clone());
        let lines = QUEUED_LINES * 2;
        let kept = (0..lines).filter(|n| queue.push(format!("{n}\n").as_bytes())).collect::<Vec<_>>();
        // The writer may hold one more.
        assert!((QUEUED_LINES..=QUEUED_LINES + 1).contains(&kept.len()), "{}", kept.len());
        drop(shut);
        drop(Guard { queue, written });
        let text = String::from_utf8(pipe.written.lock().unwrap().clone()).unwrap();
        let expected: String = kept.iter().map(|n| format!("{n}\n")).collect();
        assert!(text == expected);
    }

    #[test]
    fn a_line_is_one_line_whatever_it_says() {
        for (line, written) in [("a b\n", "a b\n"), ("a\r\nb\n\n", "a\\r\\nb\\n\n"), ("\n", "\n")] {
            assert_eq!(*one_line(line.as_bytes()), *written.as_bytes());
        }
    }

    #[test]
    fn long_lines_are_bounded_by_their_bytes() {
        let pipe = Stuck::default();
        let _shut = pipe.gate.lock().unwrap();
        let (queue, _written) = Queue::start(pipe.clone());
        let kept = (0..100).filter(|_| queue.push(&vec![b'x'; 1 << 20])).count();
        assert_eq!(kept, QUEUED_BYTES >> 20);
    }
}
