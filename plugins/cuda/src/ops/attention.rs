//! Self-attention within the sequences of a packed batch: the engine's ops/attention.rs.
//!
//! In bf16 the kernels use tensor cores. Where a block covers every sequence, the forward and the backward pass are a
//! launch each, and short sequences share a block with further heads; else the backward pass is two launches: dq of
//! tiles of queries, then dk and dv of tiles of keys. f32 is computed without tensor cores, and so are heads wider than 128.
//! What is not part of a sequence, because the batch is padded to a bucket, gets zeros.

mod tiles;

use tiles::{Kernels, WORDS};

use crate::device::Gpu;
use crate::error::Result;
use crate::launch::Launch;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};
use crate::step::Dropout;

pub use tiles::Tiles;

/// Threads of a block without tensor cores, and of one with them that walks keys in stages.
const THREADS: u32 = 128;

/// Sizes of an attention over a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// What [`Tiles::plan`] made of the batch.
    pub plan: Ids<'a>,
    /// What made it.
    pub tiles: Tiles,
}

impl Shape<'_> {
    /// Checks sizes and types, and counts the tokens, with those that pad the batch.
    fn check(&self, qkv: Slice<'_>, out: Slice<'_>) -> usize {
        let hidden = self.tiles.hidden();
        let tokens = out.len() / hidden;
        assert!(out.len() == tokens * hidden && qkv.len() == 3 * out.len());
        assert!(qkv.dtype() == self.tiles.dtype && out.dtype() == self.tiles.dtype);
        assert!(self.plan.len().is_multiple_of(WORDS));
        tokens
    }

    /// A launch, with the arguments that all kernels begin with.
    fn launch<'a>(
        &self,
        gpu: &'a Gpu,
        module: Module,
        name: &'static str,
        tokens: usize,
        dropout: Dropout,
    ) -> Result<Launch<'a>> {
        let launch = gpu.kernel(module, name, Some(self.tiles.dtype))?;
        let launch = launch.grid(self.plan.len() / WORDS, 1, 1).ids(self.plan).u32(tokens);
        Ok(launch.u32(self.tiles.heads).u32(self.tiles.head_dim).dropout(dropout).step())
    }
}

/// See `ops::attention::forward` of the engine. qkv and out are of one type, lse `[heads, T]` is f32.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes or types contradict the shape.
pub fn forward(
    gpu: &Gpu,
    shape: Shape<'_>,
    qkv: Slice<'_>,
    dropout: Dropout,
    mut out: SliceMut<'_>,
    mut lse: Option<SliceMut<'_>>,
) -> Result<()> {
    let tokens = shape.check(qkv, out.as_slice());
    if let Some(lse) = &lse {
        assert!(lse.len() == shape.tiles.heads * tokens && lse.dtype() == DType::F32);
    }
    let kernels = shape.tiles.kernels;
    let launch = shape.launch(gpu, Module::Attention, kernels.forward(), tokens, dropout)?;
    let threads = if let Kernels::Short { .. } = kernels { kernels.threads() } else { THREADS };
    let launch = launch.block(threads).shared(kernels.bytes().0);
    run(launch.slice(qkv).slice_mut(&mut out).optional_mut(lse.as_mut()))
}

/// See `ops::attention::backward` of the engine: `dqkv` from `dout`, the saved `qkv`, `out` and `lse`, and the same
/// dropout. Long sequences take scratch memory of the size of `lse`.
///
/// # Errors
/// Of the device.
///
/// # Panics
/// When the sizes or types contradict the shape.
#[expect(clippy::too_many_arguments, reason = "those of the engine's function, and the device")]
pub fn backward(
    gpu: &Gpu,
    shape: Shape<'_>,
    qkv: Slice<'_>,
    dropout: Dropout,
    out: Slice<'_>,
    lse: Slice<'_>,
    dout: Slice<'_>,
    mut dqkv: SliceMut<'_>,
) -> Result<()> {
    let tokens = shape.check(qkv, out);
    assert_eq!(shape.check(dqkv.as_slice(), dout), tokens);
    assert!(lse.len() == shape.tiles.heads * tokens && lse.dtype() == DType::F32);
    let kernels = shape.tiles.kernels;
    let (_, first_bytes, second_bytes) = kernels.bytes();
    let (first, second) = kernels.backward();
    let launch = |name| shape.launch(gpu, Module::AttentionBackward, name, tokens, dropout);
    let queries = launch(first)?.shared(first_bytes).slice(qkv).slice(out).slice(lse).slice(dout);
    let Some(second) = second else {
        return run(queries.block(kernels.threads()).slice_mut(&mut dqkv));
    };
    let delta = gpu.workspace(lse.len() * DType::F32.bytes())?;
    run(queries.block(THREADS).ptr(delta).slice_mut(&mut dqkv))?;
    let threads = if let Kernels::Plain { .. } = kernels { THREADS } else { kernels.threads() };
    let keys = launch(second)?.shared(second_bytes).block(threads);
    run(keys.slice(qkv).slice(lse).slice(dout).ptr(delta).slice_mut(&mut dqkv))
}

#[expect(unsafe_code, reason = "launches a kernel")]
fn run(launch: Launch<'_>) -> Result<()> {
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe { launch.run() }
}
