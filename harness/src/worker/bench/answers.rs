//! Where the answers of a measurement go: counted, timed, and sent home where an audit asks for them.

use crate::worker::evaluate::Outlet;
use crate::worker::protocol::{Event, Logits};
use crate::worker::server::{ServeError, Wire};
use std::time::{Duration, Instant};

/// How often the harness hears that there is progress: seldom enough not to be felt.
const TELL_EVERY: Duration = Duration::from_millis(500);

/// Takes answers. Rows in them are numbers of queries.
pub(super) struct Answers<'a> {
    wire: &'a Wire,
    send_logits: bool,
    /// For each query the row that it is.
    samples: Vec<u32>,
    told: Instant,
    /// Since when answers are timed.
    since: Option<Instant>,
    /// For each query the seconds until its last answer came; a question has one for each window.
    pub(super) answered_at: Vec<f64>,
}

impl<'a> Answers<'a> {
    pub(super) fn new(send_logits: bool, wire: &'a Wire) -> Self {
        let told = Instant::now();
        Self { wire, send_logits, samples: Vec::new(), told, since: None, answered_at: Vec::new() }
    }

    /// More queries, which are these rows.
    pub(super) fn expect(&mut self, samples: &[u32]) {
        self.samples.extend(samples);
    }

    /// Queries that are counted from 0 again.
    pub(super) fn begin(&mut self, samples: &[u32]) {
        self.samples.clear();
        self.expect(samples);
    }

    /// Times the answers to all queries that are expected, from now.
    pub(super) fn start_clock(&mut self) -> Instant {
        let now = Instant::now();
        self.since = Some(now);
        self.answered_at = vec![0.0; self.samples.len()];
        now
    }

    /// Tells the harness, now and then, how many queries are answered.
    pub(super) fn tell(&mut self, answered: usize) -> Result<(), ServeError> {
        if self.told.elapsed() < TELL_EVERY {
            return Ok(());
        }
        self.told = Instant::now();
        self.wire.event(Event::Queries(answered as u64))
    }

    /// The row of a query.
    fn sample(&self, query: u32) -> u32 {
        self.samples.get(query as usize).copied().unwrap_or(u32::MAX)
    }
}

impl Outlet for Answers<'_> {
    fn logits(&mut self, mut logits: Logits, tokens: u64) -> Result<(), ServeError> {
        if let Some(since) = self.since {
            let now = since.elapsed().as_secs_f64();
            for query in queries(&mut logits) {
                if let Some(at) = self.answered_at.get_mut(*query as usize) {
                    *at = now;
                }
            }
        }
        if !self.send_logits {
            return Ok(());
        }
        for query in queries(&mut logits) {
            *query = self.sample(*query);
        }
        self.wire.event(Event::Logits { logits, tokens })
    }

    fn wire(&self) -> &Wire {
        self.wire
    }
}

/// The queries that logits are of, in their order.
fn queries(logits: &mut Logits) -> Box<dyn Iterator<Item = &mut u32> + '_> {
    match logits {
        Logits::Rows { rows, .. } => Box::new(rows.iter_mut()),
        Logits::Words { rows, .. } => Box::new(rows.iter_mut().map(|(row, _)| row)),
        Logits::Spans(spans) => Box::new(spans.iter_mut().map(|span| &mut span.row)),
    }
}
