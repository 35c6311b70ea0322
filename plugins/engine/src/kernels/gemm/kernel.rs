//! What a unit of arithmetic has to offer, so that [`super::blocked`] can drive it.
#![expect(unsafe_code, reason = "kernels write through the pointer of a tile")]

use super::MatRef;
use super::panels::{Packed, Panels, Scratch};

/// What packed operands consist of.
pub(super) trait Element: Copy + 'static {
    /// Calls `f` with this thread's scratch panels, which grow to the largest block seen and stay.
    fn with_scratch<T>(f: impl FnOnce(&mut Scratch<Self>) -> T) -> T;

    /// The panels, when they consist of this.
    fn packed(panels: &Packed) -> Option<&[Self]>;

    /// The panels, replaced by none when they consist of something else.
    fn own(panels: &mut Packed) -> &mut Panels<Self>;
}

/// Where a kernel writes, and how.
#[derive(Clone, Copy)]
pub(super) struct Target {
    /// First element.
    pub(super) ptr: *mut f32,
    /// Elements from one row to the next.
    pub(super) stride: usize,
    /// Columns that exist, at most [`super::PANEL`].
    pub(super) cols: usize,
    /// Factor on the products.
    pub(super) scale: f32,
    /// Whether to add to what is there.
    pub(super) add: bool,
}

/// Products of packed blocks on one kind of unit.
///
/// With e the numbers in an element ([`Kernel::PER`]) and n those in a run ([`Kernel::RUN`]), neighbours along the
/// depth, a left panel of h rows is `[depth / e n, h, n]`, a right panel `[depth / e, PANEL]`. Both are padded with
/// zeros to whole runs, and left panels to a multiple of [`Kernel::ROW_STEP`] rows.
pub(super) trait Kernel {
    type Element: Element;

    /// Most rows of a left panel.
    const ROWS: usize;

    /// What the rows of a left panel are rounded up to.
    const ROW_STEP: usize = 1;

    /// Numbers in an element.
    const PER: usize = 1;

    /// Elements of a row that lie side by side in a left panel.
    const RUN: usize = 1;

    /// Most products in a chain, a multiple of a run: a left panel of that depth stays in the first-level cache.
    const DEPTH: usize = 384;

    /// The depth of a panel in elements.
    fn elements(depth: usize) -> usize {
        depth.next_multiple_of(Self::PER * Self::RUN) / Self::PER
    }

    /// The rows of a left panel that are there.
    fn padded(rows: usize) -> usize {
        rows.next_multiple_of(Self::ROW_STEP)
    }

    /// Packs a, `[h, depth]` with h at most [`Kernel::ROWS`], into a left panel.
    fn pack_left(panel: &mut [Self::Element], a: MatRef<'_>);

    /// Packs b, `[depth, cols]` with cols at most [`super::PANEL`], into a right panel.
    fn pack_right(panel: &mut [Self::Element], b: MatRef<'_>);

    /// out (+)= scale * left right, with `rows` from 1 to [`Kernel::ROWS`].
    ///
    /// # Safety
    /// `left` and `right` are panels of `rows` rows and of `elements` along the depth; `out` points to a matrix
    /// `[rows, out.cols]` that nothing else refers to; and this machine has the unit.
    unsafe fn multiply(
        rows: usize,
        elements: usize,
        left: &[Self::Element],
        right: &[Self::Element],
        out: Target,
    );
}

/// Writes sums of a whole panel, `[rows, PANEL]`, to the columns that exist, with fused multiply-adds or without.
///
/// # Safety
/// As of [`Kernel::multiply`], for as many rows as `sums` has.
#[inline(always)]
pub(super) unsafe fn store_some<const FUSED: bool>(sums: &[[f32; super::PANEL]], out: Target) {
    for (r, sums) in sums.iter().enumerate() {
        // SAFETY: the caller vouches for `[rows, out.cols]`.
        let row = unsafe { std::slice::from_raw_parts_mut(out.ptr.add(r * out.stride), out.cols) };
        for (value, &sum) in row.iter_mut().zip(sums) {
            *value = match (out.add, FUSED) {
                (true, true) => sum.mul_add(out.scale, *value),
                (true, false) => sum * out.scale + *value,
                (false, _) => sum * out.scale,
            };
        }
    }
}
