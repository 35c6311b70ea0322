//! Panels of units for bf16, and what those compute, in plain Rust: the definition that tests compare with. Two
//! neighbours along the depth are one element, the first one in the lower half.
#![expect(unsafe_code, reason = "implements an unsafe trait method")]

use super::kernel::{Kernel, Target, store_some};
use super::pack::bf16_bits as bits;
use super::{MatRef, PANEL};

/// Left panel `[elements / RUN, h, RUN]` of a, `[h, depth]`, with zeros behind its rows and its depth.
pub(super) fn left<K: Kernel<Element = u32>>(panel: &mut [u32], a: MatRef<'_>) {
    let height = K::padded(a.rows);
    assert_eq!(panel.len(), height * K::elements(a.cols));
    panel.fill(0);
    for r in 0..a.rows {
        for k in 0..a.cols.div_ceil(2) {
            panel[(k / K::RUN * height + r) * K::RUN + k % K::RUN] = element(a, r, k);
        }
    }
}

/// Right panel `[elements, PANEL]` of b, `[depth, cols]`, with zeros behind its columns and its depth.
pub(super) fn right<K: Kernel<Element = u32>>(panel: &mut [u32], b: MatRef<'_>) {
    assert_eq!(panel.len(), PANEL * K::elements(b.rows));
    panel.fill(0);
    for c in 0..b.cols {
        for k in 0..b.rows.div_ceil(2) {
            panel[k * PANEL + c] = element(b.t(), c, k);
        }
    }
}

/// Element k of row i.
fn element(m: MatRef<'_>, i: usize, k: usize) -> u32 {
    let number = |k: usize| if k < m.cols { bits(m.data[i * m.rs + k * m.cs]) } else { 0 };
    number(2 * k) | number(2 * k + 1) << 16
}

/// What a unit for bf16 computes, with panels of this form, in plain Rust: it shows that panels are what
/// [`Kernel`] says on machines without such a unit.
pub(super) struct Emulated<const ROWS: usize, const ROW_STEP: usize, const RUN: usize>;

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
