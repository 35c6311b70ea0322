//! The child's end: runs the self-test of a library, and hands its lines on.

use super::protocol::{News, Order};
use crate::hint::Hint as _;
use crate::plugin::Library;
use crate::worker::{end_with, frame, take_socket};
use std::io;

/// Runs the self-test that the harness orders. `harness` is its process id.
///
/// # Errors
/// If standard input is no socket to a harness.
pub fn serve(harness: u32) -> io::Result<()> {
    let mut socket = take_socket()?;
    end_with(harness)?;
    let Some(order) = frame::read::<Order>(&mut socket)? else { return Ok(()) };
    let library = match Library::load(&order.library) {
        Ok(library) => library,
        Err(e) => {
            let failed = News::Failed { message: e.to_string(), hint: e.hint() };
            return frame::write(&mut socket, &failed);
        }
    };
    let mut on_line = |line: &str| frame::write(&mut socket, &News::Line(line.to_owned())).is_ok();
    let news = match library.selftest(&order.request, &mut on_line) {
        Ok(()) => News::Done,
        Err(e) => News::Failed { message: format!("{} ({})", e.message, e.code), hint: None },
    };
    frame::write(&mut socket, &news)
}
