//! Activation checkpointing of a layer.

use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::saved::Saved;

/// A layer's forward pass, x to y; with checkpointing, only a copy of x is kept.
pub(super) fn forward(
    ctx: &mut Context,
    x: Buffer,
    saved: &mut Saved,
    layer: impl FnOnce(&mut Context, Buffer, &mut Saved) -> Result<Buffer>,
) -> Result<Buffer> {
    if !saved.checkpoints() {
        return layer(ctx, x, saved);
    }
    let copy = ctx.copy(&x)?;
    saved.begin_segment(copy);
    let y = layer(ctx, x, saved);
    saved.end_segment();
    y
}

/// With checkpointing, repeats the forward pass of the layer whose backward pass comes next.
pub(super) fn repeat(
    ctx: &mut Context,
    saved: &mut Saved,
    layer: impl FnOnce(&mut Context, Buffer, &mut Saved) -> Result<Buffer>,
) -> Result<()> {
    if saved.checkpoints() {
        let x = saved.reopen_segment()?;
        let y = layer(ctx, x, saved)?;
        ctx.give(y);
    }
    Ok(())
}
