//! Memory-mapped files, and bytes that a plugin carries.
#![expect(unsafe_code, reason = "mapping a file, and giving its pages back")]

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use memmap2::Mmap;

use crate::error::{EngineError, Result};

/// The bytes of one weights file, and the name that errors give it.
#[derive(Debug)]
pub(super) enum Bytes {
    Map(Mmap, String),
    Static(&'static [u8], String),
}

impl Bytes {
    /// Maps a file for reading.
    ///
    /// # Errors
    /// [`EngineError::Io`].
    pub(super) fn map(path: &Path) -> Result<Self> {
        let io = |source| EngineError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(io)?;
        // SAFETY: the map is read-only and private to the loader, which copies every tensor out
        // and drops the map before the model is used. A file that another process truncates
        // meanwhile ends this (worker) process with SIGBUS, which its parent reports as a crash.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Self::Map(map, path.display().to_string()))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Map(map, _) => map,
            Self::Static(bytes, _) => bytes,
        }
    }

    pub(super) fn origin(&self) -> &str {
        let (Self::Map(_, origin) | Self::Static(_, origin)) = self;
        origin
    }

    /// Gives the memory of bytes that were read back to the system: a mapped page counts as this
    /// process's own until then, so that a model would be there twice at the end of its loading.
    pub(super) fn release(&self, span: Range<usize>) {
        #[cfg(unix)]
        if let Self::Map(map, _) = self
            && span.start < span.end
            && span.end <= map.len()
        {
            // SAFETY: the map is read-only and backed by a file, so dropping its pages changes no
            // byte: one that is read again comes from the file again.
            let given_back = unsafe {
                map.unchecked_advise_range(
                    memmap2::UncheckedAdvice::DontNeed,
                    span.start,
                    span.end - span.start,
                )
            };
            // It is advice: without it the file's pages stay until the map goes.
            drop(given_back);
        }
        #[cfg(not(unix))]
        let _ = span;
    }
}
