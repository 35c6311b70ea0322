//! The middle of a gated feed-forward part: y = act(gate) * up (Shazeer 2020).

use rayon::prelude::*;

use super::ROW_BLOCK;
use super::activation::Activation;
use crate::kernels::isa::vectorised;

/// A bias of nothing, for as much of a row as the activation is applied to at a time.
const ZEROS: [f32; 256] = [0.0; 256];

vectorised! {
    fn gate_row<'a>(gate: &'a [f32], up: &'a [f32], act: Activation, y: &'a mut [f32]) {
        for ((y, gate), up) in
            y.chunks_mut(ZEROS.len()).zip(gate.chunks(ZEROS.len())).zip(up.chunks(ZEROS.len()))
        {
            y.copy_from_slice(gate);
            act.apply(y, &ZEROS);
            for (y, up) in y.iter_mut().zip(up) {
                *y *= up;
            }
        }
    }

    /// `dgate` and `dup` of a row from the gradient `dy` of its result.
    fn backward_row<'a>(
        gate: &'a [f32],
        up: &'a [f32],
        act: Activation,
        dy: &'a [f32],
        dgate: &'a mut [f32],
        dup: &'a mut [f32],
    ) {
        dup.copy_from_slice(gate);
        for piece in dup.chunks_mut(ZEROS.len()) {
            act.apply(piece, &ZEROS);
        }
        for (dup, dy) in dup.iter_mut().zip(dy) {
            *dup *= dy;
        }
        for (dgate, (dy, up)) in dgate.iter_mut().zip(dy.iter().zip(up)) {
            *dgate = dy * up;
        }
        act.scale_gradient(dgate, gate);
    }
}

/// y `[rows, width]` from `gate_up` `[rows, 2 width]`, the gate first.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn forward(gate_up: &[f32], width: usize, act: Activation, y: &mut [f32]) {
    assert!(gate_up.len() == 2 * y.len() && y.len().is_multiple_of(width));
    let rows = y.par_chunks_mut(ROW_BLOCK * width);
    rows.zip(gate_up.par_chunks(ROW_BLOCK * 2 * width)).for_each(|(y, gate_up)| {
        for (y, row) in y.chunks_exact_mut(width).zip(gate_up.chunks_exact(2 * width)) {
            let (gate, up) = row.split_at(width);
            gate_row(gate, up, act, y);
        }
    });
}

/// Gradient of [`forward`]: `dgate_up` `[rows, 2 width]` from `dy` `[rows, width]`.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn backward(gate_up: &[f32], width: usize, act: Activation, dy: &[f32], dgate_up: &mut [f32]) {
    assert!(gate_up.len() == 2 * dy.len() && dy.len().is_multiple_of(width));
    assert_eq!(dgate_up.len(), gate_up.len());
    let rows = dgate_up.par_chunks_mut(ROW_BLOCK * 2 * width);
    let operands = gate_up.par_chunks(ROW_BLOCK * 2 * width).zip(dy.par_chunks(ROW_BLOCK * width));
    rows.zip(operands).for_each(|(dgate_up, (gate_up, dy))| {
        let rows = dgate_up.chunks_exact_mut(2 * width).zip(gate_up.chunks_exact(2 * width));
        for ((drow, row), dy) in rows.zip(dy.chunks_exact(width)) {
            let ((gate, up), (dgate, dup)) = (row.split_at(width), drow.split_at_mut(width));
            backward_row(gate, up, act, dy, dgate, dup);
        }
    });
}
