//! Linear layer with fused bias and activation: y = act(x W^T + b).

use rayon::prelude::*;

use super::activation::Activation;
use crate::kernels::gemm::{MatRef, Write, gemm};
use crate::kernels::isa::vectorised;
use crate::kernels::tile::{Rows, par_tiles};

/// Rows and columns of the output that one unit of work computes. Fixed, so that the split does
/// not depend on the number of threads. The gemm crate packs the weights anew for each block of
/// rows, so blocks are tall: of ten shapes tried at 2048 x 768 x 3072, those of 1024 rows and more
/// were the fastest, and those of 128 rows and fewer about half as fast.
const TILE_ROWS: usize = 1024;
const TILE_COLS: usize = 256;

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
pub fn forward(
    shape: Shape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    act: Activation,
    y: &mut [f32],
    pre: Option<&mut [f32]>,
) {
    let Shape { rows, inputs, outputs } = shape;
    assert!(x.len() == rows * inputs && w.len() == outputs * inputs && bias.len() == outputs);
    // With `pre` wanted, the product is finished there and the activation copied over.
    let fused = if pre.is_some() { Activation::Identity } else { act };
    let (first, second) = match pre {
        Some(pre) => (pre, Some(y)),
        None => (y, None),
    };
    par_tiles::<1>(first, (rows, outputs), Rows::Blocks(TILE_ROWS), TILE_COLS, |_, _, [mut t]| {
        let a = MatRef::new(&x[t.row0 * inputs..], t.rows, inputs, inputs);
        let b = MatRef::new(&w[t.col0 * inputs..], t.cols, inputs, inputs).t();
        gemm(&mut t, a, b, 1.0, Write::Replace);
        let bias = &bias[t.col0..t.col0 + t.cols];
        for r in 0..t.rows {
            activate(fused, t.row_mut(r), bias);
        }
    });
    if let Some(y) = second {
        const CHUNK: usize = 1 << 14;
        let zeros = &[0.0; 256];
        y.par_chunks_mut(CHUNK).zip(first.par_chunks(CHUNK)).for_each(|(y, pre)| {
            y.copy_from_slice(pre);
            for piece in y.chunks_mut(zeros.len()) {
                activate(act, piece, zeros);
            }
        });
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
        par_tiles::<1>(dx, (rows, inputs), Rows::Blocks(TILE_ROWS), TILE_COLS, |_, _, [mut t]| {
            let a = MatRef::new(&dy[t.row0 * outputs..], t.rows, outputs, outputs);
            let b = MatRef::new(&w[t.col0..], outputs, t.cols, inputs);
            gemm(&mut t, a, b, 1.0, Write::Replace);
        });
    }
    par_tiles::<1>(dw, (outputs, inputs), Rows::Blocks(TILE_ROWS), TILE_COLS, |_, _, [mut t]| {
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
