//! The child's end: runs the checks of a group on the library that it has loaded.

use super::bench::Bench;
use super::finding::{Finding, Verdict};
use super::outcome::Stop;
use super::protocol::{News, Order};
use crate::worker::{end_with, frame, take_socket};
use std::io;
use std::time::Instant;

/// Runs the checks that the harness orders. `harness` is its process id.
///
/// # Errors
/// If standard input is no socket to a harness, or the library does not load here although it did before.
pub fn serve(harness: u32) -> io::Result<()> {
    let mut socket = take_socket()?;
    end_with(harness)?;
    let Some(order) = frame::read::<Order>(&mut socket)? else { return Ok(()) };
    let mut bench = Bench::open(&order).map_err(|e| io::Error::other(e.to_string()))?;
    let checks = order.group.checks();
    for id in &order.checks {
        let Some(check) = checks.iter().find(|c| c.id == id) else { continue };
        frame::write(&mut socket, &News::Begins(id.clone()))?;
        let clock = Instant::now();
        let outcome = (check.run)(&mut bench);
        let seconds = clock.elapsed().as_secs_f64();
        let (verdict, detail, expected) = match outcome {
            Ok(detail) => (Verdict::Ok, detail, None),
            Err(Stop::Skipped(reason)) => (Verdict::Skipped, reason, None),
            Err(Stop::Bad { seen, expected }) => (Verdict::Bad, seen, Some(expected)),
        };
        let hint = expected.is_some().then(|| check.hint.to_owned());
        let model = order.model.clone().filter(|_| order.group.is_per_model());
        let id = id.clone();
        let finding = Finding { id, model, verdict, detail, expected, hint, seconds };
        frame::write(&mut socket, &News::Found(finding))?;
    }
    frame::write(&mut socket, &News::Done)
}
