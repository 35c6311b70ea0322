//! Causal self-attention of a decoder over a packed projection: the engine's ops/causal.rs.
//!
//! The forward pass is one launch, the backward pass two: dq of tiles of queries, then dk and dv of tiles of keys.
//! What is not part of a sequence, because the batch is padded to a bucket, gets zeros.

use crate::device::Gpu;
use crate::error::Result;
use crate::launch::Launch;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};
use crate::step::Dropout;

/// Rows of a tile of the work list, `TILE` of kernels/causal.cuh.
const TILE: usize = 64;
/// Stands for an entry of the work list without work.
const NONE: u32 = u32::MAX;
/// Threads of a block of the forward pass in bf16, and of all blocks in f32.
const FORWARD_THREADS: u32 = 128;
const F32_THREADS: u32 = 256;

/// Sizes and constants of an attention over a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Cumulative lengths, `[B + 1]`; what stands behind them is not read.
    pub cu_seqlens: Ids<'a>,
    /// What [`plan`] made of the batch.
    pub plan: Ids<'a>,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads that follow one another.
    pub kv_heads: usize,
    /// Width of a head: at most 256.
    pub head_dim: usize,
    /// Factor of the products.
    pub scale: f32,
    /// Bound of the scores.
    pub soft_cap: Option<f32>,
    /// Keys that a query sees, its own included; none: all up to its own.
    pub window: Option<usize>,
}

/// Most tiles of so many tokens in so many sequences: entries of a work list that serves all such batches.
pub fn most_entries(tokens: usize, sequences: usize) -> usize {
    (tokens + (TILE - 1) * sequences) / TILE
}

/// The work list: pairs (sequence, first row of a tile), those with the most keys first, for what takes long should not
/// start last. (Tiles of keys are counted from the other end, where as many queries see them.) It has `entries` pairs,
/// of which the last may stand for nothing.
///
/// # Panics
/// When there are more tiles than entries.
pub fn plan(cu_seqlens: &[u32], entries: usize) -> Vec<u32> {
    let sequences = (0_u32..).zip(cu_seqlens.windows(2));
    let mut tiles: Vec<[u32; 2]> = sequences
        .flat_map(|(sequence, span)| {
            (0..span[1] - span[0]).step_by(TILE).map(move |row| [sequence, row])
        })
        .collect();
    assert!(tiles.len() <= entries);
    tiles.sort_by_key(|&[sequence, row]| (std::cmp::Reverse(row), sequence));
    tiles.resize(entries, [NONE; 2]);
    tiles.into_flattened()
}

impl Shape<'_> {
    /// Columns of the packed projection.
    pub fn width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Tokens of a projection, with those that pad the batch.
    fn tokens(&self, qkv: Slice<'_>) -> usize {
        qkv.len() / self.width()
    }

    fn check(&self, qkv: Slice<'_>, out: Slice<'_>) {
        let tokens = self.tokens(qkv);
        assert_eq!(qkv.len(), tokens * self.width());
        assert_eq!(out.len(), tokens * self.heads * self.head_dim);
        assert_eq!(out.dtype(), qkv.dtype());
        assert!(self.kv_heads > 0 && self.heads.is_multiple_of(self.kv_heads));
        assert!(self.window != Some(0) && self.soft_cap.is_none_or(|cap| cap > 0.0));
        assert!(!self.cu_seqlens.is_empty() && self.plan.len().is_multiple_of(2));
        assert!(self.head_dim <= 256, "no kernel has heads of {}", self.head_dim);
    }

    /// A launch of so many heads, with the arguments that all kernels begin with.
    fn launch<'a>(
        &self,
        launch: Launch<'a>,
        heads: usize,
        tokens: usize,
        dropout: Dropout,
    ) -> Launch<'a> {
        let launch = launch.grid(self.plan.len() / 2 * heads, 1, 1);
        let launch = launch.ids(self.cu_seqlens).ids(self.plan).step().dropout(dropout).u32(tokens);
        let launch = launch.u32(self.heads).u32(self.kv_heads).u32(self.head_dim);
        let window = self.window.unwrap_or(usize::MAX).min(i32::MAX as usize);
        launch.f32(self.scale).f32(self.soft_cap.unwrap_or(0.0)).u32(window)
    }
}

/// See `ops::causal::forward` of the engine. qkv and out are of one type, lse `[heads, T]` is f32.
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
    shape.check(qkv, out.as_slice());
    let tokens = shape.tokens(qkv);
    if let Some(lse) = &lse {
        assert!(lse.len() == shape.heads * tokens && lse.dtype() == DType::F32);
    }
    let dim = shape.head_dim;
    let (name, width) = match (qkv.dtype(), dim) {
        (DType::Bf16, 0..=32) => ("kb_causal_forward_32", 32),
        (DType::F32, 0..=64) => ("kb_causal_forward_64", 64),
        (_, 0..=128) => ("kb_causal_forward_128", 128),
        _ => ("kb_causal_forward_256", 256),
    };
    let launch = gpu.kernel(Module::Causal, name, Some(qkv.dtype()))?;
    let launch = match qkv.dtype() {
        DType::F32 => launch.block(F32_THREADS),
        DType::Bf16 => launch.block(FORWARD_THREADS).shared(3 * tile_bytes(TILE, width)),
    };
    let launch = shape.launch(launch, shape.heads, tokens, dropout);
    run(launch.slice(qkv).slice_mut(&mut out).optional_mut(lse.as_mut()))
}

/// See `ops::causal::backward` of the engine: `dqkv` from `dout`, the saved `qkv`, `out` and `lse`, and the same
/// dropout. Takes scratch memory of the size of `lse`.
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
    shape.check(qkv, out);
    shape.check(dqkv.as_slice(), dout);
    assert!(dqkv.len() == qkv.len() && dqkv.dtype() == qkv.dtype());
    let tokens = shape.tokens(qkv);
    assert!(lse.len() == shape.heads * tokens && lse.dtype() == DType::F32);
    let kernels = Kernels::of(shape.head_dim, qkv.dtype(), gpu.shared_memory_limit());
    let delta = gpu.workspace(lse.len() * size_of::<f32>())?;
    let launch = |name, heads, squares| -> Result<Launch<'_>> {
        let launch = gpu.kernel(Module::CausalBackward, name, Some(qkv.dtype()))?;
        let launch = shape.launch(launch, heads, tokens, dropout);
        Ok(match &kernels.tensor {
            None => launch.block(F32_THREADS),
            Some(tensor) => {
                let entries = shape.plan.len() / 2 * heads;
                let launch = launch.grid(entries, 1, TILE / tensor.rows).block(tensor.threads());
                launch.shared(tensor.bytes(squares))
            }
        })
    };
    let finish = |launch: Launch<'_>| match &kernels.tensor {
        None => run(launch),
        Some(tensor) => run(launch.u32(tensor.stages)),
    };
    let queries = launch(kernels.queries, shape.heads, 1)?;
    let queries = queries.slice(qkv).slice(out).slice(lse).slice(dout).ptr(delta);
    finish(queries.slice_mut(&mut dqkv))?;
    let keys = launch(kernels.keys, shape.kv_heads, 2)?;
    finish(keys.slice(qkv).slice(lse).slice(dout).ptr(delta).slice_mut(&mut dqkv))
}

/// The kernels of a backward pass.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Kernels {
    queries: &'static str,
    keys: &'static str,
    /// Of those on tensor cores.
    tensor: Option<Tensor>,
}

/// How a backward pass on tensor cores uses shared memory.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Tensor {
    /// Rows of a tile.
    rows: usize,
    /// Columns of a head, with zeros.
    width: usize,
    /// Tiles that are there at a time: with two, one is loaded while the other is used.
    stages: usize,
}

impl Tensor {
    fn threads(self) -> u32 {
        4 * self.rows as u32
    }

    /// Shared memory of a block: two tiles that stay and two each stage, and squares of scores.
    fn bytes(self, squares: usize) -> usize {
        (2 + 2 * self.stages) * tile_bytes(self.rows, self.width)
            + squares * tile_bytes(self.rows, self.rows)
    }
}

/// Bytes of a tile of bf16; its rows are padded so that they begin in different banks.
fn tile_bytes(rows: usize, width: usize) -> usize {
    rows * (width + 8) * DType::Bf16.bytes()
}

impl Kernels {
    /// Those for a head where a block may have so much shared memory.
    fn of(head_dim: usize, dtype: DType, limit: usize) -> Self {
        let tensor = |rows, width| {
            let two = Tensor { rows, width, stages: 2 };
            if two.bytes(2) <= limit { two } else { Tensor { stages: 1, ..two } }
        };
        macro_rules! kernels {
            ($name:literal, $tensor:expr) => {
                Self {
                    queries: concat!("kb_causal_backward_queries_", $name),
                    keys: concat!("kb_causal_backward_keys_", $name),
                    tensor: $tensor,
                }
            };
        }
        match (dtype, head_dim) {
            (DType::F32, 0..=64) => kernels!("64", None),
            (DType::F32, 65..=128) => kernels!("128", None),
            (DType::F32, _) => kernels!("256", None),
            (DType::Bf16, 0..=32) => kernels!("32", Some(tensor(64, 32))),
            (DType::Bf16, 33..=128) => kernels!("128", Some(tensor(64, 128))),
            (DType::Bf16, _) => match tensor(64, 256) {
                wide if wide.bytes(2) <= limit => kernels!("256", Some(wide)),
                _ => kernels!("256_narrow", Some(tensor(32, 256))),
            },
        }
    }
}

#[expect(unsafe_code, reason = "launches a kernel")]
fn run(launch: Launch<'_>) -> Result<()> {
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe { launch.run() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_tiles_come_first_and_padding_last() {
        let cu_seqlens = [0, 65, 65, 66, 196, 260];
        let pairs = [3, 128, 0, 64, 3, 64, 0, 0, 2, 0, 3, 0, 4, 0];
        assert_eq!(plan(&cu_seqlens, 7), pairs);
        assert_eq!(plan(&cu_seqlens, 9), [&pairs[..], &[NONE; 4]].concat());
        assert_eq!(plan(&[0], 1), [NONE; 2]);
    }

    #[test]
    fn no_batch_has_more_tiles_than_expected() {
        for (lengths, tiles) in [(&[1, 1, 1][..], 3), (&[64, 128], 3), (&[65, 66, 1], 5), (&[], 0)]
        {
            let ends = lengths.iter().scan(0, |end, length| {
                *end += length;
                Some(*end)
            });
            let cu_seqlens: Vec<u32> = std::iter::once(0).chain(ends).collect();
            let tokens = cu_seqlens.last().map_or(0, |&tokens| tokens as usize);
            let entries = most_entries(tokens, lengths.len());
            assert!((tiles..=tiles + lengths.len()).contains(&entries));
            let plan = plan(&cu_seqlens, entries);
            assert_eq!(plan.chunks_exact(2).filter(|pair| pair[0] != NONE).count(), tiles);
        }
    }

    #[test]
    fn kernels_are_those_that_fit() {
        let of = |dim, limit: usize| Kernels::of(dim, DType::Bf16, limit << 10);
        let on = |kernels: Kernels| {
            let tensor = kernels.tensor.expect("bf16 is computed on tensor cores");
            let name = kernels.keys.trim_start_matches("kb_causal_backward_keys_");
            (name, tensor.rows, tensor.stages)
        };
        assert_eq!(on(of(256, 227)), ("256", 64, 2));
        assert_eq!(on(of(129, 163)), ("256", 64, 1));
        assert_eq!(on(of(256, 99)), ("256_narrow", 32, 1));
        assert_eq!(on(of(128, 163)), ("128", 64, 2));
        assert_eq!(on(of(64, 99)), ("128", 64, 1));
        assert_eq!(on(of(8, 99)), ("32", 64, 2));
        assert_eq!(3 * tile_bytes(TILE, 256), 99 << 10);
        assert_eq!(Kernels::of(96, DType::F32, 48 << 10).tensor, None);
    }
}
