//! bf16 with AVX512-BF16 (Cooper Lake, Sapphire Rapids, Zen 4): two products in one instruction, 14 rows by 32 columns.
#![expect(unsafe_code, reason = "intrinsics on raw pointers")]

use std::arch::x86_64::{
    __m512, __m512bh, __m512i, _mm512_dpbf16_ps, _mm512_loadu_si512, _mm512_set1_epi32,
    _mm512_setzero_ps,
};

use super::avx512::store;
use super::{by_rows, pairs};
use crate::kernels::gemm::kernel::{Kernel, Target};
use crate::kernels::gemm::{MatRef, PANEL};

/// Needs AVX512F and AVX512-BF16.
pub(in crate::kernels::gemm) struct Avx512Bf16;

impl Kernel for Avx512Bf16 {
    type Element = u32;
    const ROWS: usize = 14;
    const PER: usize = 2;
    const DEPTH: usize = 768;

    fn pack_left(panel: &mut [u32], a: MatRef<'_>) {
        // SAFETY: where there is AVX512-BF16, there is AVX512F (see `detect`).
        unsafe { pairs::left(panel, a) }
    }

    fn pack_right(panel: &mut [u32], b: MatRef<'_>) {
        // SAFETY: as above.
        unsafe { pairs::right(panel, b) }
    }

    unsafe fn multiply(rows: usize, elements: usize, left: &[u32], right: &[u32], out: Target) {
        assert!(left.len() == rows * elements && right.len() == PANEL * elements);
        let (left, right) = (left.as_ptr(), right.as_ptr());
        // SAFETY: the panels have the lengths that the kernel reads, as was just checked; the caller
        // vouches for the target and for the instruction set.
        unsafe {
            by_rows!(rows, [1 2 3 4 5 6 7 8 9 10 11 12 13 14], multiply(elements, left, right, out));
        }
    }
}

/// # Safety
/// `left` is `[elements, R]`, `right` `[elements, PANEL]`, and see [`Kernel::multiply`].
#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn multiply<const R: usize>(
    elements: usize,
    left: *const u32,
    right: *const u32,
    out: Target,
) {
    let mut sums = [[_mm512_setzero_ps(); 2]; R];
    for k in 0..elements {
        // SAFETY: k is below the depth that the caller vouches for.
        unsafe {
            let right = right.add(k * PANEL);
            let low = pairs(_mm512_loadu_si512(right.cast()));
            let high = pairs(_mm512_loadu_si512(right.add(16).cast()));
            for (r, sums) in sums.iter_mut().enumerate() {
                let a = pairs(_mm512_set1_epi32(left.add(k * R + r).read().cast_signed()));
                sums[0] = _mm512_dpbf16_ps(sums[0], a, low);
                sums[1] = _mm512_dpbf16_ps(sums[1], a, high);
            }
        }
    }
    // SAFETY: the caller vouches for the target.
    unsafe { store(&sums, out) }
}

/// The same bits, as bfloat16.
#[inline]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both are 512 bits, any of which are numbers.
    unsafe { std::mem::transmute::<__m512i, __m512bh>(bits) }
}

const _: () = assert!(size_of::<__m512>() == size_of::<__m512bh>());
