//! What a forward pass leaves behind for the backward pass.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::ops::dropout::Dropout;
use crate::rng::Stream;

/// Whether a forward pass evaluates or trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Eval,
    Train { seed: u64, step: u32 },
}

/// A stack of buffers: modules push in forward order and pop in backward order.
///
/// In evaluation nothing is kept: what a module would push goes straight back to the pool.
///
/// With activation checkpointing (Chen et al. 2016) a trunk makes each layer a segment: of its first
/// forward pass only the input is kept, and the backward pass runs it again. Dropout is a function of
/// its site's number, so the repetition is exact.
#[derive(Debug)]
pub struct Saved {
    mode: Mode,
    stack: Vec<Buffer>,
    /// Dropout sites seen so far; both passes count them, the backward pass downwards.
    sites: u32,
    checkpointing: bool,
    /// Inside a segment's first pass: dropout acts, and nothing is kept.
    passing: bool,
    /// Of each segment that was passed: the sites before and behind it.
    segments: Vec<(u32, u32)>,
    kept_bytes: usize,
    peak_bytes: usize,
}

impl Saved {
    fn new(mode: Mode) -> Self {
        Self {
            mode,
            stack: Vec::new(),
            sites: 0,
            checkpointing: false,
            passing: false,
            segments: Vec::new(),
            kept_bytes: 0,
            peak_bytes: 0,
        }
    }

    /// For evaluation: no dropout, nothing kept.
    pub fn eval() -> Self {
        Self::new(Mode::Eval)
    }

    /// For training step `step` of a run with `seed`.
    pub fn train(seed: u64, step: u32) -> Self {
        Self::new(Mode::Train { seed, step })
    }

    /// The same with activation checkpointing: less is kept, and each layer's forward pass runs
    /// twice. Gradients are the same, bit for bit.
    #[must_use]
    pub fn checkpointing(mut self) -> Self {
        self.checkpointing = true;
        self
    }

    /// Seed and number of the pass, which dropout follows from; zeros in evaluation.
    #[cfg(feature = "cuda")]
    pub(crate) fn stream(&self) -> (u64, u32) {
        match self.mode {
            Mode::Eval => (0, 0),
            Mode::Train { seed, step } => (seed, step),
        }
    }

    /// Whether what a backward pass needs is kept.
    pub fn trains(&self) -> bool {
        self.mode != Mode::Eval && !self.passing
    }

    /// Whether layers are segments whose forward pass is to be repeated.
    pub fn checkpoints(&self) -> bool {
        self.checkpointing && self.mode != Mode::Eval
    }

    /// Keeps a buffer for the backward pass, or gives it back at once.
    pub fn keep(&mut self, ctx: &mut Context, buffer: Buffer) {
        if self.trains() {
            self.push(buffer);
        } else {
            ctx.give(buffer);
        }
    }

    fn push(&mut self, buffer: Buffer) {
        self.kept_bytes += buffer.len() * buffer.element().bytes();
        self.peak_bytes = self.peak_bytes.max(self.kept_bytes);
        self.stack.push(buffer);
    }

    /// The buffer that was kept last.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when there is none: no training forward pass came before.
    pub fn pop(&mut self) -> Result<Buffer> {
        let buffer = self.stack.pop().ok_or_else(|| {
            EngineError::Internal("backward without a forward pass in training mode".to_owned())
        })?;
        self.kept_bytes -= buffer.len() * buffer.element().bytes();
        Ok(buffer)
    }

    /// Bytes of the elements that are kept now.
    pub fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// The most that [`Saved::kept_bytes`] has been.
    pub fn peak_bytes(&self) -> usize {
        self.peak_bytes
    }

    /// Dropout of the next site of the forward pass.
    pub fn dropout(&mut self, p: f32) -> Dropout {
        self.sites += 1;
        self.site(p, self.sites - 1)
    }

    /// Dropout of the same site in the backward pass, which meets the sites in reverse.
    pub fn dropout_again(&mut self, p: f32) -> Dropout {
        self.sites = self.sites.saturating_sub(1);
        self.site(p, self.sites)
    }

    fn site(&self, p: f32, site: u32) -> Dropout {
        match self.mode {
            Mode::Eval => Dropout::off(),
            Mode::Train { seed, step } => Dropout::new(p, Stream::new(seed, [step, site])),
        }
    }

    /// Begins a segment with the input that it is repeated from; what follows keeps nothing.
    pub(crate) fn begin_segment(&mut self, input: Buffer) {
        self.push(input);
        self.segments.push((self.sites, self.sites));
        self.passing = true;
    }

    /// Ends the segment.
    pub(crate) fn end_segment(&mut self) {
        self.passing = false;
        if let Some((_, end)) = self.segments.last_mut() {
            *end = self.sites;
        }
    }

    /// The input of the segment that was passed last, for its second pass, which meets the same
    /// dropout sites.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when there is none, or the backward pass is somewhere else.
    pub(crate) fn reopen_segment(&mut self) -> Result<Buffer> {
        match self.segments.pop() {
            Some((start, end)) if end == self.sites => {
                self.sites = start;
                self.pop()
            }
            other => Err(EngineError::Internal(format!(
                "a layer is to be repeated at dropout site {}, but the last one is {other:?}",
                self.sites
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_segment_meets_its_own_dropout_sites() {
        let mut ctx = Context::cpu(1).unwrap();
        let mut saved = Saved::train(1, 2).checkpointing();
        let before = saved.dropout(0.5);
        saved.begin_segment(Buffer::from_vec(vec![1.0; 3]));
        let inside = [saved.dropout(0.5), saved.dropout(0.5)];
        saved.keep(&mut ctx, Buffer::from_vec(vec![2.0; 100]));
        saved.end_segment();
        let behind = saved.dropout(0.5);
        assert_eq!((saved.kept_bytes(), saved.trains()), (12, true));

        assert_eq!(saved.dropout_again(0.5), behind);
        assert_eq!(saved.reopen_segment().unwrap().len(), 3);
        assert_eq!([saved.dropout(0.5), saved.dropout(0.5)], inside);
        saved.keep(&mut ctx, Buffer::from_vec(vec![2.0; 100]));
        assert_eq!((saved.kept_bytes(), saved.peak_bytes()), (400, 400));
        saved.dropout_again(0.5);
        saved.pop().unwrap();
        assert!(saved.reopen_segment().is_err());
        assert_eq!(saved.dropout_again(0.5), inside[0]);
        assert_eq!(saved.dropout_again(0.5), before);
    }
}
