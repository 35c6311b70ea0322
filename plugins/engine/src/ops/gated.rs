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
