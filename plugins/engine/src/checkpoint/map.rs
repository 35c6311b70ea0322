//! Memory-mapped files.
#![expect(unsafe_code, reason = "mapping a file")]

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{EngineError, Result};

/// Maps a file for reading.
///
/// # Errors
/// [`EngineError::Io`].
pub(super) fn map(path: &Path) -> Result<Mmap> {
    let io = |source| EngineError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    // SAFETY: the map is read-only and private to the loader, which copies every tensor out and
    // drops the map before the model is used. A file that another process truncates meanwhile
    // ends this (worker) process with SIGBUS, which its parent reports as a crash.
    unsafe { Mmap::map(&file) }.map_err(io)
}
