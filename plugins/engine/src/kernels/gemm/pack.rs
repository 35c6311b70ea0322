//! Packing of f32 operands, and rounding on the way.

use super::{MatRef, PANEL};
use crate::kernels::isa::vectorised;

/// Left panel `[depth, h]` of a, `[h, depth]`.
pub(super) fn left(panel: &mut [f32], a: MatRef<'_>) {
    columns(panel, a.rows, a);
}

/// Right panel `[depth, PANEL]` of b, `[depth, cols]`, with zeros behind its columns.
pub(super) fn right(panel: &mut [f32], b: MatRef<'_>) {
    if b.cols < PANEL {
        panel.fill(0.0);
    }
    columns(panel, PANEL, b.t());
}

/// Writes element (i, k) of `m` to `panel[k * width + i]`.
pub(super) fn columns(panel: &mut [f32], width: usize, m: MatRef<'_>) {
    assert!(m.rows <= width && (m.cols == 0 || (m.cols - 1) * width + m.rows <= panel.len()));
    if m.rs == 1 || m.rows == 1 {
        for (k, out) in panel.chunks_mut(width).enumerate().take(m.cols) {
            out[..m.rows].copy_from_slice(&m.data[k * m.cs..][..m.rows]);
        }
        return;
    }
    // Eight at a time, so that a line that is written is written several times while it is near.
    const STEP: usize = 8;
    assert!(m.cs == 1);
    for from in (0..m.cols).step_by(STEP) {
        let count = STEP.min(m.cols - from);
        let out = &mut panel[from * width..];
        for i in 0..m.rows {
            let line = &m.data[i * m.rs + from..][..count];
            for (k, value) in line.iter().enumerate() {
                out[k * width + i] = *value;
            }
        }
    }
}

vectorised! {
    /// Rounds to bfloat16, to nearest even.
    pub(super) fn round<'a>(values: &'a mut [f32]) {
        for value in values {
            *value = round_to_bf16(*value);
        }
    }
}

/// The nearest bfloat16, ties to even; NaN stays NaN.
#[inline(always)]
pub(super) fn round_to_bf16(value: f32) -> f32 {
    f32::from_bits(bf16_bits(value) << 16)
}

/// The bits of [`round_to_bf16`], in the lower half.
#[inline(always)]
pub(super) fn bf16_bits(value: f32) -> u32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    // A payload in the lower half alone would be lost, and infinity left.
    if value.is_nan() { (bits >> 16) | 0x40 } else { rounded }
}
