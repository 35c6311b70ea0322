//! What a worker's process prints: shown line by line, and the last lines kept for the record.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lines that are kept.
const KEEP: usize = 20;
/// What a worker prints to both of its streams when a request ends: all that the plugin printed during the
/// request lies before it. (U+001E, "record separator", stands in no text that a plugin would print.)
pub(super) const MARK: &str = "\u{1e}kobench: end of request";
/// Longer lines are cut.
const MAX_LINE: usize = 1_000;

/// The last lines of a process, filled by a thread for each of its streams.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<String>,
    open_streams: usize,
    marks: usize,
}

impl Output {
    /// Follows a stream to its end, in a thread of its own.
    pub(crate) fn follow(
        &self,
        stream: impl Read + Send + 'static,
        show: impl Fn(&str) + Send + 'static,
    ) {
        self.state(|s| s.open_streams += 1);
        let this = self.clone();
        std::thread::spawn(move || {
            let mut reader = BufReader::new(stream);
            let mut line = Vec::new();
            // At most MAX_LINE bytes at once: a plugin may print without ever ending a line.
            while let Ok(n) = (&mut reader).take(MAX_LINE as u64).read_until(b'\n', &mut line) {
                if n == 0 {
                    break;
                }
                let text = String::from_utf8_lossy(&line);
                let text = text.trim_end();
                let (text, marked) = match text.strip_suffix(MARK) {
                    Some(before) => (before, true),
                    None => (text, false),
                };
                if !text.is_empty() {
                    show(text);
                    this.keep(text);
                }
                if marked {
                    this.state(|s| s.marks += 1);
                }
                line.clear();
            }
            this.state(|s| s.open_streams -= 1);
        });
    }

    fn keep(&self, line: &str) {
        self.state(|s| {
            s.lines.push_back(line.to_string());
            while s.lines.len() > KEEP {
                s.lines.pop_front();
            }
        });
    }

    /// Waits for the marks of a request that has ended; not for long, since the plugin may have closed its
    /// streams.
    pub(super) fn settle_request(&self, marks: usize) {
        self.wait(|s| s.marks >= marks || s.open_streams == 0);
    }

    /// The last lines since this was asked last.
    pub(crate) fn take(&self) -> Vec<String> {
        self.state(|s| s.lines.drain(..).collect())
    }

    /// Waits until all streams have ended; not for long, since a grandchild may hold them open.
    pub(crate) fn settle(&self) {
        self.wait(|s| s.open_streams == 0);
    }

    fn wait(&self, done: impl Fn(&State) -> bool) {
        let deadline = Instant::now() + Duration::from_millis(300);
        while Instant::now() < deadline && !self.state(|s| done(s)) {
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn state<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_endless_lines_are_cut() {
        let output = Output::default();
        let mut text: String = (0..30).map(|i| format!("line {i}\n")).collect();
        text.push_str(&"x".repeat(2_500));
        output.follow(std::io::Cursor::new(text), |_| {});
        output.settle();
        let lines = output.take();
        assert_eq!(lines.len(), KEEP);
        assert_eq!(lines[16], "line 29");
        assert_eq!(lines[17].len(), MAX_LINE);
        assert!(output.take().is_empty());
    }

    #[test]
    fn the_end_of_a_request_is_seen_also_behind_a_line_that_does_not_end() {
        let output = Output::default();
        let text = format!("first\nno end{MARK}\n");
        output.follow(std::io::Cursor::new(text), |_| {});
        output.settle_request(1);
        assert_eq!(output.take(), ["first", "no end"]);
    }
}
