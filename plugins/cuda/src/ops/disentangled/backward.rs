//! The gradient of disentangled attention, in up to four launches a part of the heads:
//!
//! 1. by tiles of keys: dk, dv and the gradients of the scores, which stay in scratch memory;
//! 2. by tiles of queries, where sequences have several: dq;
//! 3. by distances between tiles, at which they meet the same rows of the table: sums of the gradients of those rows;
//! 4. what these sums add up to.
//!
//! Every sum has a fixed order.

use super::{Kernels, Positions, Shape, sizes};
use crate::device::Gpu;
use crate::error::Result;
use crate::launch::Launch;
use crate::module::Module;
use crate::slice::{DType, Slice, SliceMut};
use crate::step::Dropout;

/// Scratch memory for gradients of scores; a part has one head at least.
const SCRATCH: usize = 256 << 20;
/// Threads of the last launch, a column each.
const REDUCE_THREADS: usize = 256;

/// Where the results of [`backward`] go.
#[derive(Debug)]
pub struct Gradients<'a> {
    /// `[tokens, 3 hidden]`, laid out as qkv.
    pub dqkv: SliceMut<'a>,
    /// Of [`super::Positions::projected`], in its layout; none without positions.
    pub dprojected: Option<SliceMut<'a>>,
}

/// Some of the heads, and where what is passed between the kernels lies.
#[derive(Debug, Clone, Copy)]
struct Part {
    first: usize,
    heads: usize,
    /// Gradients of scores, `[heads, pairs, tile, tile]`.
    pairs: u64,
    /// Sums of chunks, `[chunks, heads, 2, 2 tile, width]` of floats.
    sums: u64,
}

/// Gradient of [`super::forward`] from `dout` `[tokens, hidden]`, the saved `qkv`, `out` and `lse`, and the same positions,
/// scale and dropout.
///
/// # Errors
/// Of the driver, and [`crate::CudaError::OutOfMemory`] for scratch memory.
///
/// # Panics
/// When the slices' sizes or types contradict the shape.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    gpu: &Gpu,
    shape: Shape<'_>,
    qkv: Slice<'_>,
    positions: Option<Positions<'_>>,
    scale: f32,
    dropout: Dropout,
    out: Slice<'_>,
    lse: Slice<'_>,
    dout: Slice<'_>,
    gradients: Gradients<'_>,
) -> Result<()> {
    let Gradients { dqkv, dprojected } = gradients;
    let (hidden, dtype) = (shape.hidden(), qkv.dtype());
    shape.check();
    assert!(qkv.len() == shape.tokens * 3 * hidden && dqkv.len() == qkv.len());
    assert!(out.len() == shape.tokens * hidden && dout.len() == out.len());
    assert!(lse.len() == shape.heads * shape.tokens && lse.dtype() == DType::F32);
    assert!([out.dtype(), dout.dtype(), dqkv.dtype()] == [dtype; 3]);
    let positions = positions.filter(|p| p.c2p || p.p2c);
    if let Some(positions) = &positions {
        positions.check(&shape, dtype);
    }
    let sizes = |slice: &SliceMut<'_>| (slice.len(), slice.dtype());
    let expected = positions.map_or((0, dtype), |p| (p.projected.len(), dtype));
    assert_eq!(dprojected.as_ref().map_or((0, dtype), sizes), expected);

    let kernels = Kernels::of(&shape, dtype);
    let tile = kernels.tile();
    let pairs = (shape.lists.pairs * tile * tile * dtype.bytes()).next_multiple_of(256);
    let sums = match positions {
        Some(_) => shape.lists.chunks * 2 * 2 * tile * kernels.width(shape.head_dim) * 4,
        None => 0,
    };
    // Parts of about the same size.
    let parts = (shape.heads * pairs).div_ceil(SCRATCH).clamp(1, shape.heads.max(1));
    let most = shape.heads.div_ceil(parts);
    let scratch = gpu.workspace(most * (pairs + sums))?;
    let pass = Backward { gpu, shape, kernels, qkv, positions, scale, dqkv: dqkv.ptr() };
    for first in (0..shape.heads).step_by(most.max(1)) {
        let heads = most.min(shape.heads - first);
        let part = Part { first, heads, pairs: scratch, sums: scratch + (most * pairs) as u64 };
        pass.by_keys(part, dropout, (out, lse, dout))?;
        pass.by_queries(part)?;
        if let (Some(positions), Some(dprojected)) = (&positions, &dprojected) {
            pass.by_distances(part, positions)?;
            pass.reduce(part, positions, dprojected.ptr())?;
        }
    }
    Ok(())
}

/// What the launches of a backward pass have in common.
#[derive(Debug)]
struct Backward<'a> {
    gpu: &'a Gpu,
    shape: Shape<'a>,
    kernels: Kernels,
    qkv: Slice<'a>,
    positions: Option<Positions<'a>>,
    scale: f32,
    dqkv: u64,
}

impl<'a> Backward<'a> {
    fn kernel(&self, names: [&'static str; 4]) -> Result<Launch<'a>> {
        self.gpu.kernel(
            Module::DisentangledBackward,
            self.kernels.pick(names),
            Some(self.qkv.dtype()),
        )
    }

    fn sizes(&self, launch: Launch<'a>) -> Launch<'a> {
        sizes(launch, &self.shape, self.positions.as_ref(), self.scale)
    }

    /// The arguments that end those of all kernels but the last.
    fn part(&self, launch: Launch<'a>, part: Part) -> Launch<'a> {
        launch.u32(part.first).u32(part.heads).u32(self.shape.lists.pairs)
    }

    fn relative(&self) -> u64 {
        self.positions.map_or(0, |p| p.relative.ptr())
    }

    /// dk, dv and the gradients of scores.
    fn by_keys(
        &self,
        part: Part,
        dropout: Dropout,
        kept: (Slice<'_>, Slice<'_>, Slice<'_>),
    ) -> Result<()> {
        let (tile, (out, lse, dout)) = (self.kernels.tile(), kept);
        let products = tile * (tile + 20) * 4 + 2 * tile * 4;
        let launch = self
            .kernel([
                "kb_disentangled_by_keys",
                "kb_disentangled_by_keys_t64",
                "kb_disentangled_by_keys_t32",
                "kb_disentangled_by_keys_t32_wide",
            ])?
            .grid(self.shape.lists.tiles * part.heads, self.kernels.blocks(self.shape.head_dim), 1)
            .block(self.kernels.threads())
            .shared(self.kernels.shared(4, 4 * tile, products, 1, 4 * tile))
            .ptr(self.dqkv)
            .ptr(part.pairs)
            .slice(self.qkv)
            .optional(self.positions.map(|p| p.projected))
            .ptr(self.relative())
            .ids(self.shape.plan)
            .slice(out)
            .slice(lse)
            .slice(dout);
        let launch = self.part(self.sizes(launch).dropout(dropout).step(), part);
        #[expect(unsafe_code, reason = "a launch")]
        // SAFETY: the arguments are those of the kernel, and the sizes were checked.
        unsafe {
            launch.run()
        }
    }

    /// dq, where that is not done yet.
    fn by_queries(&self, part: Part) -> Result<()> {
        if self.kernels != Kernels::F32 && self.shape.lists.across <= 1 {
            return Ok(());
        }
        let tile = self.kernels.tile();
        let launch = self
            .kernel([
                "kb_disentangled_by_queries",
                "kb_disentangled_by_queries_t64",
                "kb_disentangled_by_queries_t32",
                "kb_disentangled_by_queries_t32_wide",
            ])?
            .grid(self.shape.lists.tiles * part.heads, self.kernels.blocks(self.shape.head_dim), 1)
            .block(self.kernels.threads())
            .shared(self.kernels.shared(1, 2 * tile, 0, 1, 4 * tile))
            .ptr(self.dqkv)
            .ptr(part.pairs)
            .slice(self.qkv)
            .optional(self.positions.map(|p| p.projected))
            .ptr(self.relative())
            .ids(self.shape.plan);
        let launch = self.part(self.sizes(launch), part);
        #[expect(unsafe_code, reason = "a launch")]
        // SAFETY: the arguments are those of the kernel, and the sizes were checked.
        unsafe {
            launch.run()
        }
    }

    /// Each chunk's sums of gradients of positions.
    fn by_distances(&self, part: Part, positions: &Positions<'_>) -> Result<()> {
        let tile = self.kernels.tile();
        let f32 = self.kernels == Kernels::F32;
        let (chunks, pairs) = self.shape.lists.offsets();
        let list = |offset: usize| self.shape.plan.ptr() + (4 * offset) as u64;
        let launch = self
            .kernel([
                "kb_disentangled_by_distances",
                "kb_disentangled_by_distances_t64",
                "kb_disentangled_by_distances_t32",
                "kb_disentangled_by_distances_t32_wide",
            ])?
            .grid(
                self.shape.lists.chunks * part.heads,
                if f32 { 2 * self.kernels.blocks(self.shape.head_dim) } else { 1 },
                1,
            )
            .block(if f32 { 64 } else { 256 })
            .shared(self.kernels.shared(4, 0, 0, 2, 2 * tile))
            .ptr(part.sums)
            .ptr(part.pairs)
            .slice(self.qkv)
            .ids(positions.relative)
            .ptr(list(chunks))
            .ptr(list(pairs));
        let launch = self.part(self.sizes(launch), part);
        #[expect(unsafe_code, reason = "a launch")]
        // SAFETY: the arguments are those of the kernel, and the sizes were checked.
        unsafe {
            launch.run()
        }
    }

    /// dprojected from the chunks' sums.
    fn reduce(&self, part: Part, positions: &Positions<'_>, dprojected: u64) -> Result<()> {
        let (chunks, _) = self.shape.lists.offsets();
        let columns = positions.panels() * part.heads * self.shape.head_dim;
        let launch = self
            .kernel(["kb_disentangled_reduce"; 4])?
            .grid(positions.rows(&self.shape), columns.div_ceil(REDUCE_THREADS), 1)
            .block(REDUCE_THREADS as u32)
            .ptr(dprojected)
            .ptr(part.sums)
            .ids(positions.relative)
            .ptr(self.shape.plan.ptr() + (4 * chunks) as u64)
            .u32(self.shape.lists.chunks);
        let launch = self
            .sizes(launch)
            .u32(part.first)
            .u32(part.heads)
            .u32(self.kernels.tile())
            .u32(self.kernels.width(self.shape.head_dim));
        #[expect(unsafe_code, reason = "a launch")]
        // SAFETY: the arguments are those of the kernel, and the sizes were checked.
        unsafe {
            launch.run()
        }
    }
}
