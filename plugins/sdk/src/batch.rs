//! A forward or training call: which sequences, where the logits go, and whether to stop.

use crate::{Encoded, Error, Result};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the host wants the running call to end.
#[derive(Debug, Clone, Copy)]
pub struct Cancel<'a>(pub(crate) &'a AtomicBool);

impl Cancel<'static> {
    /// A call that nobody cancels, for tests of a plugin.
    pub fn never() -> Self {
        static NEVER: AtomicBool = AtomicBool::new(false);
        Self(&NEVER)
    }
}

impl Cancel<'_> {
    /// Looked at now and then during long calls, for instance once a layer.
    ///
    /// # Errors
    /// [`ErrorKind::Cancelled`](crate::ErrorKind::Cancelled), to be passed on.
    pub fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::cancelled("cancelled by the host"));
        }
        Ok(())
    }
}

/// Sequences of an encoding that are computed together. The indices are checked: each is a sequence.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The encoding.
    pub encoded: &'a Encoded,
    /// The sequences, in the order in which their logits are written.
    pub indices: &'a [usize],
    /// Whether to stop.
    pub cancel: Cancel<'a>,
}

impl<'a> Batch<'a> {
    /// Sequences in the batch.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The token positions of each sequence.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = std::ops::Range<usize>> + 'a {
        let encoded = self.encoded;
        self.indices.iter().map(move |&i| encoded.range(i))
    }

    /// Tokens of all sequences of the batch.
    pub fn n_tokens(&self) -> usize {
        self.ranges().map(|r| r.len()).sum()
    }
}

/// Where logits are written: rows of equal width, without padding.
#[derive(Debug)]
pub struct Logits<'a> {
    pub(crate) values: &'a mut [f32],
    pub(crate) shape: Option<(usize, usize)>,
}

impl Logits<'_> {
    /// States the shape and returns the values to fill in, row after row.
    ///
    /// # Errors
    /// If the host's buffer is too small; the host learns the shape and calls again.
    pub fn rows(&mut self, rows: usize, width: usize) -> Result<&mut [f32]> {
        self.shape = Some((rows, width));
        let room = self.values.len();
        let need = rows.saturating_mul(width);
        self.values.get_mut(..need).ok_or_else(|| {
            Error::buffer_too_small(format!(
                "{rows} rows of {width} logits do not fit into {room} values"
            ))
        })
    }
}
