//! Walks over the blocks of a product.
#![expect(unsafe_code, reason = "hands the tile's pointer to the kernel")]

use super::kernel::{Element, Kernel, Target};
use super::panels::Scratch;
use super::{MatRef, PANEL, Right, Write};
use crate::kernels::tile::TileMut;

/// Left panels in a block, which lies in the second-level cache.
const LEFT_PANELS: usize = 12;

/// Right panels that are packed at a time.
const RIGHT_PANELS: usize = 12;

/// Right panels that one left panel is multiplied with before the next one: it stays in the first-level cache
/// meanwhile, and they in the second-level one for the whole block.
const NEAR: usize = 8;

/// out (+)= scale * a b on the unit of `K`.
pub(super) fn product<K: Kernel>(
    out: &mut TileMut<'_>,
    a: MatRef<'_>,
    b: Right<'_>,
    scale: f32,
    write: Write,
) {
    if a.cols == 0 {
        if write == Write::Replace {
            (0..out.rows).for_each(|r| out.row_mut(r).fill(0.0));
        }
        return;
    }
    K::Element::with_scratch(|scratch| match b {
        Right::Plain(b) => plain::<K>(out, a, b, scale, write, scratch),
        Right::Packed(b, first) => {
            assert!(
                first.is_multiple_of(PANEL) && first + out.cols <= b.cols() && a.cols == b.depth()
            );
            let elements = K::Element::packed(&b.panels)
                .expect("a matrix is packed for the unit of the thread that multiplies by it");
            for from in (0..a.cols).step_by(K::DEPTH) {
                let depth = K::elements(K::DEPTH.min(a.cols - from));
                let block = &elements[from / K::PER * b.padded_cols() + first * depth..];
                depth_block::<K>(out, a, from, block, (scale, write), &mut scratch.left);
            }
        }
    });
}

/// A right operand that is packed block by block.
fn plain<K: Kernel>(
    out: &mut TileMut<'_>,
    a: MatRef<'_>,
    b: MatRef<'_>,
    scale: f32,
    write: Write,
    scratch: &mut Scratch<K::Element>,
) {
    let wide = RIGHT_PANELS * PANEL;
    for left in (0..out.cols).step_by(wide) {
        let cols = wide.min(out.cols - left);
        let mut out = out.columns(left, cols);
        for from in (0..a.cols).step_by(K::DEPTH) {
            let rows = K::DEPTH.min(a.cols - from);
            let size = K::elements(rows) * PANEL;
            let right = scratch.right.grown(cols.div_ceil(PANEL) * size);
            pack_right::<K>(right, b.block((from, rows), (left, cols)));
            depth_block::<K>(&mut out, a, from, right, (scale, write), &mut scratch.left);
        }
    }
}

/// Packs all panels of b, `[depth, cols]`, with a depth of at most [`Kernel::DEPTH`].
pub(super) fn pack_right<K: Kernel>(panels: &mut [K::Element], b: MatRef<'_>) {
    let size = K::elements(b.rows) * PANEL;
    for (p, panel) in panels.chunks_exact_mut(size).enumerate() {
        let cols = PANEL.min(b.cols - p * PANEL);
        K::pack_right(panel, b.block((0, b.rows), (p * PANEL, cols)));
    }
}

/// The products of at most [`Kernel::DEPTH`] columns of a, from column `from`, with the right panels of as many rows.
fn depth_block<K: Kernel>(
    out: &mut TileMut<'_>,
    a: MatRef<'_>,
    from: usize,
    right: &[K::Element],
    (scale, write): (f32, Write),
    left: &mut super::panels::Panels<K::Element>,
) {
    let cols = K::DEPTH.min(a.cols - from);
    let depth = K::elements(cols);
    // Panels of heights as even as possible: of 20 rows, 10 and 10 and not 14 and 6.
    let height = out.rows.div_ceil(out.rows.div_ceil(K::ROWS));
    let tall = height * LEFT_PANELS;
    let add = write == Write::Add || from > 0;
    for top in (0..out.rows).step_by(tall) {
        let rows = tall.min(out.rows - top);
        // All panels lie as far apart as whole ones.
        let size = K::padded(height) * depth;
        let left = left.grown(rows.div_ceil(height) * size);
        for (row, panel) in (0..rows).step_by(height).zip(left.chunks_exact_mut(size)) {
            let height = height.min(rows - row);
            let panel = &mut panel[..K::padded(height) * depth];
            K::pack_left(panel, a.block((top + row, height), (from, cols)));
        }
        let (width, stride) = (out.cols, out.stride);
        let mut block = out.rows(top, rows);
        let panels = width.div_ceil(PANEL);
        for first in (0..panels).step_by(NEAR) {
            for (row, left) in (0..rows).step_by(height).zip(left.chunks_exact(size)) {
                let height = height.min(rows - row);
                let left = &left[..K::padded(height) * depth];
                let mut block = block.rows(row, height);
                for p in first..panels.min(first + NEAR) {
                    let right = &right[p * depth * PANEL..][..depth * PANEL];
                    let cols = PANEL.min(width - p * PANEL);
                    let ptr = block.columns(p * PANEL, cols).as_mut_ptr();
                    let target = Target { ptr, stride, cols, scale, add };
                    // SAFETY: both panels were packed for this depth and height; the tile has these rows
                    // and columns, and nothing else refers to them; a unit that this machine does not have
                    // is never chosen (see `Unit`).
                    unsafe { K::multiply(height, depth, left, right, target) }
                }
            }
        }
    }
}
