//! The harness's end of a measurement.

use super::{BenchRequest, BenchRows, Benched};
use crate::worker::protocol::{Outcome, Request};
use crate::worker::{Event, Failure, Worker};

impl Worker {
    /// Sends the rows that queries are drawn from, instead of those that are there.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn bench_rows(
        &mut self,
        rows: BenchRows,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<(), Failure> {
        self.ready(&Request::BenchRows(rows), on_event)
    }

    /// Measures the open model; logits come as events, where they were asked for.
    ///
    /// # Errors
    /// Whatever the plugin does instead.
    pub fn bench(
        &mut self,
        request: BenchRequest,
        on_event: &mut dyn FnMut(Event),
    ) -> Result<Benched, Failure> {
        match self.request(&Request::Bench(request), on_event)? {
            Outcome::Benched(benched) => Ok(benched),
            other => Err(self.nonsense(&other)),
        }
    }
}
