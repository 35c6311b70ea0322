//! f32 with AVX2 and FMA: 6 rows by 16 columns in 12 registers, twice for a panel.
#![expect(unsafe_code, reason = "intrinsics on raw pointers")]

use std::arch::x86_64::{
    _mm256_broadcast_ss, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

use super::by_rows;
use crate::kernels::gemm::kernel::{Kernel, Target, store_some};
use crate::kernels::gemm::{MatRef, PANEL, pack};

/// Needs AVX2 and FMA.
pub(in crate::kernels::gemm) struct Avx2;

impl Kernel for Avx2 {
    type Element = f32;
    /// Two accumulators a row, two registers of the right panel, one for a broadcast: 15 of 16.
    const ROWS: usize = 6;

    fn pack_left(panel: &mut [f32], a: MatRef<'_>) {
        pack::left(panel, a);
    }

    fn pack_right(panel: &mut [f32], b: MatRef<'_>) {
        pack::right(panel, b);
    }

    unsafe fn multiply(rows: usize, depth: usize, left: &[f32], right: &[f32], out: Target) {
        assert!(left.len() == rows * depth && right.len() == PANEL * depth);
        let mut sums = [[0.0; PANEL]; Self::ROWS];
        let (left, right) = (left.as_ptr(), right.as_ptr());
        // SAFETY: the panels have the lengths that the kernel reads, as was just checked; the caller
        // vouches for the target and for the instruction set.
        unsafe {
            for half in [0, PANEL / 2] {
                let right = right.add(half);
                by_rows!(rows, [1 2 3 4 5 6], multiply(depth, left, right, &mut sums, half));
            }
            store(&sums[..rows], out);
        }
    }
}

/// The sums of 16 columns, at `sums[..][half..]`.
///
/// # Safety
/// `left` is `[depth, R]`; `right` points to 16 numbers in each of `depth` rows of [`PANEL`].
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply<const R: usize>(
    depth: usize,
    left: *const f32,
    right: *const f32,
    out: &mut [[f32; PANEL]; Avx2::ROWS],
    half: usize,
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    for k in 0..depth {
        // SAFETY: k is below the depth that the caller vouches for.
        unsafe {
            let right = right.add(k * PANEL);
            let (low, high) = (_mm256_loadu_ps(right), _mm256_loadu_ps(right.add(8)));
            for (r, sums) in sums.iter_mut().enumerate() {
                let a = _mm256_broadcast_ss(&*left.add(k * R + r));
                sums[0] = _mm256_fmadd_ps(a, low, sums[0]);
                sums[1] = _mm256_fmadd_ps(a, high, sums[1]);
            }
        }
    }
    for (out, sums) in out.iter_mut().zip(&sums) {
        let (low, high) = out[half..half + 16].split_at_mut(8);
        // SAFETY: both are 8 numbers long.
        unsafe {
            _mm256_storeu_ps(low.as_mut_ptr(), sums[0]);
            _mm256_storeu_ps(high.as_mut_ptr(), sums[1]);
        }
    }
}

/// # Safety
/// See [`store_some`].
#[target_feature(enable = "avx2,fma")]
unsafe fn store(sums: &[[f32; PANEL]], out: Target) {
    // SAFETY: the same contract.
    unsafe { store_some::<true>(sums, out) }
}
