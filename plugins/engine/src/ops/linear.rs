//! Linear layer with fused bias and activation: y = act(x W^T + b).

use std::ops::Range;

use rayon::prelude::*;

use super::activation::Activation;
use crate::buffer::Buffer;
use crate::context::Context;
use crate::error::Result;
use crate::kernels::gemm::{self, MatRef, PANEL, PackedMatrix, Right, Write, gemm, product};
use crate::kernels::isa::vectorised;
use crate::kernels::tile::{Rows, TileMut, par_tile_pairs, par_tiles};

/// The weights of a linear layer, `[outputs, inputs]`.
#[derive(Debug, Clone, Copy)]
pub enum Weights<'a> {
    /// As in PyTorch.
    Plain(&'a [f32]),
    /// In the order in which a product reads them.
    Packed(PackedRows<'a>),
}

/// Weights that were packed once, for many products.
#[derive(Debug)]
pub struct PackedWeights(PackedMatrix);

impl PackedWeights {
    /// Packs w `[outputs, inputs]` for the unit of `ctx`, on the threads that this is called from.
    ///
    /// # Errors
    /// [`crate::EngineError::OutOfMemory`].
    ///
    /// # Panics
    /// When `w` has another size.
    pub fn new(ctx: &Context, w: &[f32], (outputs, inputs): (usize, usize)) -> Result<Self> {
        Ok(Self(PackedMatrix::of_weights(ctx.unit(), w, (outputs, inputs))?))
    }
}

impl<'a> From<&'a PackedWeights> for Weights<'a> {
    fn from(PackedWeights(matrix): &'a PackedWeights) -> Self {
        Self::Packed(PackedRows { matrix, rows: (0, matrix.cols()) })
    }
}

/// Some rows of packed weights, that is, columns of y.
#[derive(Debug, Clone, Copy)]
pub struct PackedRows<'a> {
    matrix: &'a PackedMatrix,
    rows: (usize, usize),
}

impl<'a> From<&'a [f32]> for Weights<'a> {
    fn from(w: &'a [f32]) -> Self {
        Self::Plain(w)
    }
}

impl<'a, const N: usize> From<&'a [f32; N]> for Weights<'a> {
    fn from(w: &'a [f32; N]) -> Self {
        Self::Plain(w)
    }
}

impl<'a> From<&'a Vec<f32>> for Weights<'a> {
    fn from(w: &'a Vec<f32>) -> Self {
        Self::Plain(w)
    }
}

impl<'a> Weights<'a> {
    /// Those in a buffer.
    pub(crate) fn of(buffer: &'a Buffer) -> Result<Self> {
        match buffer.packed() {
            Some(matrix) => Ok(Self::Packed(PackedRows { matrix, rows: (0, matrix.cols()) })),
            None => Ok(Self::Plain(buffer.f32()?)),
        }
    }

    /// Some rows of all; of packed weights they begin with a panel.
    pub(crate) fn rows(self, rows: Range<usize>, inputs: usize) -> Self {
        match self {
            Self::Plain(w) => Self::Plain(&w[rows.start * inputs..rows.end * inputs]),
            Self::Packed(packed) => {
                let first = packed.rows.0 + rows.start;
                Self::Packed(PackedRows { rows: (first, first + rows.len()), ..packed })
            }
        }
    }

    /// Whether there are so many.
    fn are(self, Shape { inputs, outputs, .. }: Shape) -> bool {
        match self {
            Self::Plain(w) => w.len() == outputs * inputs,
            Self::Packed(PackedRows { matrix, rows: (from, to) }) => {
                matrix.depth() == inputs && to - from == outputs
            }
        }
    }

    /// The transposed rows `from..from + count`, as the right operand of a product.
    fn right(self, inputs: usize, from: usize, count: usize) -> Right<'a> {
        match self {
            Self::Plain(w) => {
                Right::Plain(MatRef::new(&w[from * inputs..], count, inputs, inputs).t())
            }
            Self::Packed(packed) => Right::Packed(packed.matrix, packed.rows.0 + from),
        }
    }
}

/// Rows and columns of the piece of a product that one unit of work computes. Results do not depend on it (see
/// [`crate::kernels::gemm`]), so it may depend on the number of threads.
///
/// A piece packs its part of the left operand, and of a right one that is not packed yet. So pieces of packed
/// weights are wide, and as tall as blocks in the cache; others are as tall as the cache allows.
fn cut(rows: usize, cols: usize, packed: bool) -> (usize, usize) {
    let panel = gemm::panel_rows();
    let pieces = 2 * rayon::current_num_threads();
    let tallest = if packed { 168 } else { 672 } / panel * panel;
    let blocks = rows.div_ceil(tallest).max(1);
    let tall = match blocks {
        1 => rows.max(1),
        _ => rows.div_ceil(blocks).next_multiple_of(panel),
    };
    let (narrowest, widest) = if packed { (PANEL, 768) } else { (3 * PANEL, 384) };
    let even = cols.div_ceil(pieces.div_ceil(blocks)).next_multiple_of(PANEL);
    (tall, even.clamp(narrowest, widest))
}

/// Sizes of a linear layer applied to a packed batch.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Rows of x and y (tokens, or sequences).
    pub rows: usize,
    /// Columns of x.
    pub inputs: usize,
    /// Columns of y.
    pub outputs: usize,
}

/// y = act(x W^T + b): x `[rows, inputs]`, w `[outputs, inputs]` as in PyTorch, bias `[outputs]`,
/// y `[rows, outputs]`.
///
/// `pre`, of y's size, receives x W^T + b when the backward pass will need it.
///
/// # Panics
/// When a slice does not have its shape's size.
pub fn forward<'a>(
    shape: Shape,
    x: &[f32],
    w: impl Into<Weights<'a>>,
    bias: &[f32],
    act: Activation,
    y: &mut [f32],
    pre: Option<&mut [f32]>,
) {
    let Shape { rows, inputs, outputs } = shape;
    let w = w.into();
    assert!(x.len() == rows * inputs && w.are(shape) && bias.len() == outputs);
    let (tall, wide) = cut(rows, outputs, matches!(w, Weights::Packed(_)));
    let multiply = |t: &mut TileMut<'_>| {
        let a = MatRef::new(&x[t.row0 * inputs..], t.rows, inputs, inputs);
        product(t, a, w.right(inputs, t.col0, t.cols), 1.0, Write::Replace);
    };
    let (size, cut) = ((rows, outputs), Rows::Blocks(tall));
    match pre {
        None => par_tiles::<1>(y, size, cut, wide, |_, _, [mut t]| {
            multiply(&mut t);
            let bias = &bias[t.col0..t.col0 + t.cols];
            for r in 0..t.rows {
                activate(act, t.row_mut(r), bias);
            }
        }),
        Some(pre) => par_tile_pairs(pre, y, size, cut, wide, |mut pre, mut y| {
            multiply(&mut pre);
            let bias = &bias[pre.col0..pre.col0 + pre.cols];
            for r in 0..pre.rows {
                activate_to(act, pre.row_mut(r), bias, y.row_mut(r));
            }
        }),
    }
}

/// Gradients of [`forward`].
///
/// `dy` `[rows, outputs]` is the gradient of y on entry and of x W^T + b on return; `pre` is what
/// the forward pass saved (unused for [`Activation::Identity`]). `dx` `[rows, inputs]`, `dw`
/// `[outputs, inputs]` and `dbias` `[outputs]` are overwritten.
///
/// # Panics
/// When a slice does not have its shape's size.
#[expect(clippy::too_many_arguments, reason = "operands and results of one operation")]
pub fn backward(
    shape: Shape,
    x: &[f32],
    w: &[f32],
    act: Activation,
    pre: &[f32],
    dy: &mut [f32],
    dx: Option<&mut [f32]>,
    dw: &mut [f32],
    dbias: &mut [f32],
) {
    let Shape { rows, inputs, outputs } = shape;
    assert!(x.len() == rows * inputs && w.len() == outputs * inputs && dy.len() == rows * outputs);
    assert!(dbias.len() == outputs);
    activate_backward(act, dy, pre);
    let dy = &*dy;
    if let Some(dx) = dx {
        let (tall, wide) = cut(rows, inputs, false);
        par_tiles::<1>(dx, (rows, inputs), Rows::Blocks(tall), wide, |_, _, [mut t]| {
            let a = MatRef::new(&dy[t.row0 * outputs..], t.rows, outputs, outputs);
            let b = MatRef::new(&w[t.col0..], outputs, t.cols, inputs);
            gemm(&mut t, a, b, 1.0, Write::Replace);
        });
    }
    let (tall, wide) = cut(outputs, inputs, false);
    par_tiles::<1>(dw, (outputs, inputs), Rows::Blocks(tall), wide, |_, _, [mut t]| {
        if rows == 0 {
            (0..t.rows).for_each(|r| t.row_mut(r).fill(0.0));
            return;
        }
        let a = MatRef::new(&dy[t.row0..], rows, t.rows, outputs).t();
        let b = MatRef::new(&x[t.col0..], rows, t.cols, inputs);
        gemm(&mut t, a, b, 1.0, Write::Replace);
    });
    column_sums(dy, outputs, dbias);
}

/// Multiplies dy by the activation's derivative at `pre`, which is not looked at for
/// [`Activation::Identity`].
///
/// # Panics
/// When the slices differ in length.
pub(crate) fn activate_backward(act: Activation, dy: &mut [f32], pre: &[f32]) {
    const CHUNK: usize = 1 << 14;
    if act != Activation::Identity {
        assert_eq!(pre.len(), dy.len());
        dy.par_chunks_mut(CHUNK)
            .zip(pre.par_chunks(CHUNK))
            .for_each(|(dy, pre)| scale_gradient(act, dy, pre));
    }
}

/// Sums the rows of `matrix` `[rows, cols]` into `sums` `[cols]`, each column in row order.
pub(crate) fn column_sums(matrix: &[f32], cols: usize, sums: &mut [f32]) {
    const STRIP: usize = 64;
    sums.par_chunks_mut(STRIP).enumerate().for_each(|(strip, sums)| {
        sums.fill(0.0);
        add_columns(sums, matrix, cols, strip * STRIP);
    });
}

vectorised! {
    /// Adds the bias and applies the activation, in place.
    pub(crate) fn activate<'a>(act: Activation, row: &'a mut [f32], bias: &'a [f32]) {
        act.apply(row, bias);
    }

    /// Adds the bias in place, and writes the activation of the sums to `out`.
    fn activate_to<'a>(
        act: Activation, row: &'a mut [f32], bias: &'a [f32], out: &'a mut [f32],
    ) {
        for (value, bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
        act.map(out, row);
    }

    fn scale_gradient<'a>(act: Activation, dy: &'a mut [f32], pre: &'a [f32]) {
        act.scale_gradient(dy, pre);
    }

    /// Adds the columns from `left` of all rows to `sums`.
    fn add_columns<'a>(sums: &'a mut [f32], matrix: &'a [f32], cols: usize, left: usize) {
        for row in matrix.chunks_exact(cols) {
            for (sum, value) in sums.iter_mut().zip(&row[left..]) {
                *sum += value;
            }
        }
    }
}
