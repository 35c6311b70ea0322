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
#[derive(Debug)]
pub struct Saved {
    mode: Mode,
    stack: Vec<Buffer>,
    /// Dropout sites seen so far; both passes count them, the backward pass downwards.
    sites: u32,
}

impl Saved {
    /// For evaluation: no dropout, nothing kept.
    pub fn eval() -> Self {
        Self { mode: Mode::Eval, stack: Vec::new(), sites: 0 }
    }

    /// For training step `step` of a run with `seed`.
    pub fn train(seed: u64, step: u32) -> Self {
        Self { mode: Mode::Train { seed, step }, stack: Vec::new(), sites: 0 }
    }

    /// Whether a backward pass will follow.
    pub fn trains(&self) -> bool {
        self.mode != Mode::Eval
    }

    /// Keeps a buffer for the backward pass, or gives it back at once.
    pub fn keep(&mut self, ctx: &mut Context, buffer: Buffer) {
        if self.trains() {
            self.stack.push(buffer);
        } else {
            ctx.give(buffer);
        }
    }

    /// The buffer that was kept last.
    ///
    /// # Errors
    /// [`EngineError::Internal`] when there is none: no training forward pass came before.
    pub fn pop(&mut self) -> Result<Buffer> {
        self.stack.pop().ok_or_else(|| {
            EngineError::Internal("backward without a forward pass in training mode".to_owned())
        })
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
}
