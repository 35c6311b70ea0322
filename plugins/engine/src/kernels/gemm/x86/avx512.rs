//! f32 with AVX-512: 14 rows by 32 columns in 28 registers.
#![expect(unsafe_code, reason = "intrinsics on raw pointers")]

use std::arch::x86_64::{
    __m512, _MM_HINT_T0, _mm_prefetch, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_mul_ps, _mm512_set1_ps, _mm512_setzero_ps,
};

use super::transpose::mask;
use super::{by_rows, transpose};
use crate::kernels::gemm::kernel::{Kernel, Target};
use crate::kernels::gemm::{MatRef, PANEL};

/// Rows of the right panel that are fetched ahead of their use.
const AHEAD: usize = 8;

/// Needs AVX512F.
pub(in crate::kernels::gemm) struct Avx512;

impl Kernel for Avx512 {
    type Element = f32;
    /// Two accumulators a row, two registers of the right panel, one for a broadcast: 31 of 32.
    const ROWS: usize = 14;

    fn pack_left(panel: &mut [f32], a: MatRef<'_>) {
        // SAFETY: the unit is only chosen where there is AVX512F.
        unsafe { transpose::left(panel, a) }
    }

    fn pack_right(panel: &mut [f32], b: MatRef<'_>) {
        // SAFETY: the unit is only chosen where there is AVX512F.
        unsafe { transpose::right(panel, b) }
    }

    unsafe fn multiply(rows: usize, depth: usize, left: &[f32], right: &[f32], out: Target) {
        assert!(left.len() == rows * depth && right.len() == PANEL * depth);
        let (left, right) = (left.as_ptr(), right.as_ptr());
        // SAFETY: the panels have the lengths that the kernel reads, as was just checked; the caller
        // vouches for the target and for the instruction set.
        unsafe {
            by_rows!(rows, [1 2 3 4 5 6 7 8 9 10 11 12 13 14], multiply(depth, left, right, out));
        }
    }
}

/// # Safety
/// `left` is `[depth, R]`, `right` `[depth, PANEL]`, and see [`Kernel::multiply`].
#[target_feature(enable = "avx512f")]
unsafe fn multiply<const R: usize>(depth: usize, left: *const f32, right: *const f32, out: Target) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    // SAFETY: rows and columns up to `depth` are read, which the caller vouches for.
    unsafe {
        let unrolled = depth - depth % 4;
        for k in (0..unrolled).step_by(4) {
            for k in k..k + 4 {
                step(&mut sums, left.add(k * R), right.add(k * PANEL));
            }
        }
        for k in unrolled..depth {
            step(&mut sums, left.add(k * R), right.add(k * PANEL));
        }
    }
    // SAFETY: the caller vouches for the target.
    unsafe { store(&sums, out) }
}

/// Writes the sums of whole rows to the columns that exist.
///
/// # Safety
/// See [`Kernel::multiply`], for as many rows as `sums` has.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store(sums: &[[__m512; 2]], out: Target) {
    let scale = _mm512_set1_ps(out.scale);
    let masks = [mask(out.cols), mask(out.cols.saturating_sub(16))];
    for (r, sums) in sums.iter().enumerate() {
        for (half, (&sum, &mask)) in sums.iter().zip(&masks).enumerate() {
            // SAFETY: columns outside the mask are not touched; the second half of a narrow panel has
            // none, and its address is only computed.
            unsafe {
                let at = out.ptr.wrapping_add(r * out.stride + 16 * half);
                let value = match out.add {
                    true => _mm512_fmadd_ps(sum, scale, _mm512_maskz_loadu_ps(mask, at)),
                    false => _mm512_mul_ps(sum, scale),
                };
                _mm512_mask_storeu_ps(at, mask, value);
            }
        }
    }
}

/// [`store`] of sums in memory.
///
/// # Safety
/// See [`store`].
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn store_rows(sums: &[[f32; PANEL]], out: Target) {
    for (r, row) in sums.iter().enumerate() {
        // SAFETY: a row has two halves of 16; the caller vouches for the target.
        unsafe {
            let halves = [_mm512_loadu_ps(row.as_ptr()), _mm512_loadu_ps(row.as_ptr().add(16))];
            store(&[halves], Target { ptr: out.ptr.wrapping_add(r * out.stride), ..out });
        }
    }
}

/// sums += left right^T of one k.
///
/// # Safety
/// `left` points to R and `right` to [`PANEL`] numbers.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn step<const R: usize>(sums: &mut [[__m512; 2]; R], left: *const f32, right: *const f32) {
    // SAFETY: as the caller vouches.
    unsafe {
        let (low, high) = (_mm512_loadu_ps(right), _mm512_loadu_ps(right.add(16)));
        // A right panel comes from the second-level cache; behind its end the next one lies.
        let ahead = right.wrapping_add(AHEAD * PANEL);
        _mm_prefetch::<_MM_HINT_T0>(ahead.cast());
        _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(16).cast());
        for (r, sums) in sums.iter_mut().enumerate() {
            let a = _mm512_set1_ps(*left.add(r));
            sums[0] = _mm512_fmadd_ps(a, low, sums[0]);
            sums[1] = _mm512_fmadd_ps(a, high, sums[1]);
        }
    }
}
