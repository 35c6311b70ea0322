//! Packing of operands that are rounded to bfloat16: two neighbours along the depth in one element, the first one in
//! the lower half.

use super::kernel::Kernel;
use super::pack::bf16_bits as bits;
use super::{MatRef, PANEL};
use crate::kernels::isa::vectorised;

/// Left panel `[depth / 2 RUN, h, RUN]` of a, `[h, depth]`.
pub(super) fn left<K: Kernel<Element = u32>>(panel: &mut [u32], a: MatRef<'_>) {
    let (height, run) = (K::padded(a.rows), K::RUN);
    assert_eq!(panel.len(), height * K::elements(a.cols));
    if height > a.rows || !a.cols.is_multiple_of(2 * run) {
        panel.fill(0);
    }
    if a.cs == 1 {
        for r in 0..a.rows {
            let line = &a.data[r * a.rs..][..a.cols];
            for (number, some) in line.chunks(2 * run).enumerate() {
                pairs(&mut panel[(number * height + r) * run..][..run], some);
            }
        }
        return;
    }
    for (number, panel) in panel.chunks_exact_mut(height * run).enumerate() {
        for p in 0..run.min((a.cols.div_ceil(2)) - number * run) {
            let k = 2 * (number * run + p);
            for r in 0..a.rows {
                let at = r * a.rs + k * a.cs;
                let second = if k + 1 < a.cols { bits(a.data[at + a.cs]) } else { 0 };
                panel[r * run + p] = bits(a.data[at]) | second << 16;
            }
        }
    }
}

/// Right panel `[depth / 2, PANEL]` of b, `[depth, cols]`, with zeros behind its columns.
pub(super) fn right<K: Kernel<Element = u32>>(panel: &mut [u32], b: MatRef<'_>) {
    assert_eq!(panel.len(), PANEL * K::elements(b.rows));
    if b.cols < PANEL || !b.rows.is_multiple_of(2 * K::RUN) {
        panel.fill(0);
    }
    if b.rs == 1 {
        for c in 0..b.cols {
            let line = &b.data[c * b.cs..][..b.rows];
            for (row, some) in panel.chunks_exact_mut(PANEL).zip(line.chunks(2)) {
                row[c] = bits(some[0]) | some.get(1).map_or(0, |&v| bits(v) << 16);
            }
        }
        return;
    }
    assert!(b.cs == 1);
    for (number, row) in panel.chunks_exact_mut(PANEL).enumerate().take(b.rows.div_ceil(2)) {
        let line = |k: usize| &b.data[k * b.rs..][..b.cols];
        let first = line(2 * number);
        let second =
            if 2 * number + 1 < b.rows { line(2 * number + 1) } else { &[0.0; PANEL][..b.cols] };
        interleave(&mut row[..b.cols], first, second);
    }
}

vectorised! {
    /// Rounds neighbours into one element each; an odd end has a zero beside it.
    fn pairs<'a>(out: &'a mut [u32], line: &'a [f32]) {
        let (whole, rest) = line.as_chunks::<2>();
        for (out, pair) in out.iter_mut().zip(whole) {
            *out = bits(pair[0]) | bits(pair[1]) << 16;
        }
        if let [last] = rest {
            out[whole.len()] = bits(*last);
        }
    }

    /// Rounds two lines into one.
    fn interleave<'a>(out: &'a mut [u32], first: &'a [f32], second: &'a [f32]) {
        for ((out, &first), &second) in out.iter_mut().zip(first).zip(second) {
            *out = bits(first) | bits(second) << 16;
        }
    }
}

#[cfg(test)]
#[expect(unsafe_code, reason = "implements an unsafe trait method")]
pub(super) mod tests {
    use super::super::kernel::{Target, store_some};
    use super::*;

    /// What a unit for bf16 computes, with panels of this form, in plain Rust: it shows that panels are what
    /// [`Kernel`] says on machines without such a unit.
    pub(in super::super) struct Emulated<const ROWS: usize, const ROW_STEP: usize, const RUN: usize>;

    impl<const ROWS: usize, const ROW_STEP: usize, const RUN: usize> Kernel
        for Emulated<ROWS, ROW_STEP, RUN>
    {
        type Element = u32;
        const ROWS: usize = ROWS;
        const ROW_STEP: usize = ROW_STEP;
        const PER: usize = 2;
        const RUN: usize = RUN;
        const DEPTH: usize = 512;

        fn pack_left(panel: &mut [u32], a: MatRef<'_>) {
            left::<Self>(panel, a);
        }

        fn pack_right(panel: &mut [u32], b: MatRef<'_>) {
            right::<Self>(panel, b);
        }

        unsafe fn multiply(rows: usize, elements: usize, left: &[u32], right: &[u32], out: Target) {
            let height = Self::padded(rows);
            assert!(left.len() == height * elements && right.len() == PANEL * elements);
            let halves = |pair: u32| [pair << 16, pair & 0xffff_0000].map(f32::from_bits);
            let mut sums = vec![[0.0; PANEL]; rows];
            for (r, sums) in sums.iter_mut().enumerate() {
                for k in 0..elements {
                    let a = halves(left[(k / RUN * height + r) * RUN + k % RUN]);
                    for (sum, &b) in sums.iter_mut().zip(&right[k * PANEL..]) {
                        let b = halves(b);
                        *sum += a[0] * b[0] + a[1] * b[1];
                    }
                }
            }
            // Padding must not hold anything that could reach a sum.
            for r in rows..height {
                for k in 0..elements {
                    assert_eq!(left[(k / RUN * height + r) * RUN + k % RUN], 0);
                }
            }
            // SAFETY: the caller vouches for the target.
            unsafe { store_some::<false>(&sums, out) }
        }
    }
}
