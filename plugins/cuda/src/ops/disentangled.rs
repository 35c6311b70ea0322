//! Disentangled self-attention over a packed projection: the engine's ops/disentangled.rs.
//!
//! ```text
//! score(i, j) = (q_i . k_j + q_i . kr_t + k_j . qr_t) scale,   t = row(i - j)
//! ```
//!
//! The forward pass is one launch. The backward pass takes up to four, for as many heads at a time as the gradients of
//! their scores, which are kept in scratch memory, leave room for.

mod backward;
mod plan;

use crate::device::Gpu;
use crate::error::Result;
use crate::launch::Launch;
use crate::module::Module;
use crate::slice::{DType, Ids, Slice, SliceMut};
use crate::step::Dropout;

pub use backward::{Gradients, backward};
pub use plan::{Lists, plan, relative};

/// Bits of a kernel's `terms`.
const C2P: usize = 1;
const P2C: usize = 2;
/// Columns of a head that a block makes in f32.
const WIDE: usize = 64;

/// Sizes of an attention over a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape<'a> {
    /// Tokens, with those that pad the batch to a bucket, whose results are zeros.
    pub tokens: usize,
    /// Number of heads.
    pub heads: usize,
    /// Width of a head: at most 128 in bf16.
    pub head_dim: usize,
    /// What [`plan`] made of the batch.
    pub plan: Ids<'a>,
    /// Sizes of the plan.
    pub lists: Lists,
}

impl Shape<'_> {
    fn hidden(&self) -> usize {
        self.heads * self.head_dim
    }

    fn check(&self) {
        assert_eq!(self.plan.len(), self.lists.len());
        assert!(self.plan.ptr().is_multiple_of(16), "entries of the plan are read whole");
    }
}

/// The projected relative positions of a layer.
#[derive(Debug, Clone, Copy)]
pub struct Positions<'a> {
    /// The table's rows that distances meet, after projection, `[rows, panels hidden]`: the panel of qr if `p2c`, then
    /// that of kr if `c2p`.
    pub projected: Slice<'a>,
    /// What [`relative`] made of the table's row of each distance.
    pub relative: Ids<'a>,
    /// The longest sequence of that table, which none of the batch exceeds.
    pub longest: usize,
    /// Whether queries attend to positions.
    pub c2p: bool,
    /// Whether positions attend to keys.
    pub p2c: bool,
}

impl Positions<'_> {
    fn ranks(&self) -> usize {
        (self.relative.len() - 2 * self.longest) / 2
    }

    fn panels(&self) -> usize {
        usize::from(self.c2p) + usize::from(self.p2c)
    }

    fn rows(&self, shape: &Shape<'_>) -> usize {
        self.projected.len() / (self.panels() * shape.hidden())
    }

    fn check(&self, shape: &Shape<'_>, dtype: DType) {
        assert_eq!(self.projected.dtype(), dtype);
        assert!(self.relative.len() > 2 * self.longest && self.relative.len().is_multiple_of(2));
        assert!(self.projected.len().is_multiple_of(self.panels() * shape.hidden()));
        assert!(self.rows(shape) >= self.ranks());
        assert!(shape.lists.across.saturating_sub(1) * shape.lists.tile < self.longest);
    }
}

/// A family of kernels, for one type of elements and one size of tiles.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kernels {
    F32,
    /// Tiles of 64, heads of up to 64.
    T64,
    /// Tiles of 32, heads of up to 64.
    T32,
    /// Tiles of 32, heads of up to 128.
    Wide,
}

impl Kernels {
    fn of(shape: &Shape<'_>, dtype: DType) -> Self {
        match (dtype, shape.lists.tile, shape.head_dim) {
            (DType::F32, 32, _) => Self::F32,
            (DType::Bf16, 64, 0..=64) => Self::T64,
            (DType::Bf16, 32, 0..=64) => Self::T32,
            (DType::Bf16, 32, 65..=128) => Self::Wide,
            (_, tile, dim) => {
                panic!("no kernel has tiles of {tile} and heads of {dim} in {dtype:?}")
            }
        }
    }

    fn tile(self) -> usize {
        if self == Self::T64 { 64 } else { 32 }
    }

    /// Threads of a block that has a tile.
    fn threads(self) -> u32 {
        if self == Self::T64 { 128 } else { 64 }
    }

    /// Columns of a head, with zeros.
    fn width(self, head_dim: usize) -> usize {
        match self {
            Self::F32 => head_dim.next_multiple_of(WIDE),
            Self::T64 | Self::T32 => 64,
            Self::Wide => 128,
        }
    }

    /// Blocks that share the columns of a head.
    fn blocks(self, head_dim: usize) -> usize {
        if self == Self::F32 { head_dim.div_ceil(WIDE) } else { 1 }
    }

    fn pick(self, names: [&'static str; 4]) -> &'static str {
        names[self as usize]
    }

    /// Dynamic shared memory of kernels, in bytes: so many tiles of tokens, rows of the table, tiles of products, tiles
    /// of gradients of scores, and single bytes.
    fn shared(
        self,
        tiles: usize,
        rows: usize,
        products: usize,
        pairs: usize,
        bytes: usize,
    ) -> usize {
        if self == Self::F32 {
            return 0;
        }
        let tile = self.tile();
        // As kernels/disentangled_mma*.cuh have them.
        let row = 2 * (self.width(0) + 8);
        (tiles * tile + rows) * row + products + pairs * 2 * tile * (tile + 8) + bytes
    }
}

/// Arguments that all kernels have in this order: sizes of the heads, tokens, positions, scale.
fn sizes<'a>(
    launch: Launch<'a>,
    shape: &Shape<'_>,
    positions: Option<&Positions<'_>>,
    scale: f32,
) -> Launch<'a> {
    let terms = positions.map_or(0, |p| usize::from(p.c2p) * C2P + usize::from(p.p2c) * P2C);
    launch
        .u32(shape.heads)
        .u32(shape.head_dim)
        .u32(shape.tokens)
        .u32(terms)
        .u32(positions.map_or(1, |p| p.longest))
        .u32(positions.map_or(0, Positions::ranks))
        .f32(scale)
}

/// out `[tokens, hidden]` = disentangled attention over qkv `[tokens, 3 hidden]` (all q, then all k, then all v in a
/// row), with scores times `scale`: 1 / sqrt(head_dim (1 + number of position terms)).
///
/// `lse`, `[heads, tokens]` of floats, receives each row's log-sum-exp of the scaled scores when the backward pass will
/// need it. Dropout acts on the probabilities.
///
/// # Errors
/// Of the driver.
///
/// # Panics
/// When the slices' sizes or types contradict the shape.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn forward(
    gpu: &Gpu,
    shape: Shape<'_>,
    qkv: Slice<'_>,
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    mut out: SliceMut<'_>,
    mut lse: Option<SliceMut<'_>>,
) -> Result<()> {
    let (hidden, dtype) = (shape.hidden(), qkv.dtype());
    shape.check();
    assert!(qkv.len() == shape.tokens * 3 * hidden && out.len() == shape.tokens * hidden);
    assert_eq!(out.dtype(), dtype);
    if let Some(lse) = &lse {
        assert!(lse.len() == shape.heads * shape.tokens && lse.dtype() == DType::F32);
    }
    let positions = positions.filter(|p| p.c2p || p.p2c);
    if let Some(positions) = &positions {
        positions.check(&shape, dtype);
    }
    let kernels = Kernels::of(&shape, dtype);
    let name = kernels.pick([
        "kb_disentangled_forward",
        "kb_disentangled_forward_t64",
        "kb_disentangled_forward_t32",
        "kb_disentangled_forward_t32_wide",
    ]);
    let tile = kernels.tile();
    // Queries lie where products will.
    let products = (tile * (tile + 20) * 4).max(tile * 2 * (kernels.width(0) + 8));
    let launch = gpu
        .kernel(Module::Disentangled, name, Some(dtype))?
        .grid(shape.lists.tiles * shape.heads, kernels.blocks(shape.head_dim), 1)
        .block(kernels.threads())
        .shared(kernels.shared(2, 2 * (2 * tile - 1), products, 0, 2 * tile))
        .slice_mut(&mut out)
        .optional_mut(lse.as_mut())
        .slice(qkv)
        .optional(positions.map(|p| p.projected))
        .ptr(positions.map_or(0, |p| p.relative.ptr()))
        .ids(shape.plan);
    let launch = sizes(launch, &shape, positions.as_ref(), scale).dropout(dropout).step();
    #[expect(unsafe_code, reason = "a launch")]
    // SAFETY: the arguments are those of the kernel, and the sizes were checked.
    unsafe {
        launch.run()
    }
}
