//! Packing of operands that are rounded to bfloat16 with AVX-512, which every unit for bf16 has beside it: two
//! neighbours along the depth in one element, the first one in the lower half.
//!
//! `kernels::gemm::bf16` says in plain Rust what comes out; tests compare bit for bit.
#![expect(unsafe_code, reason = "intrinsics on raw pointers")]

use std::arch::x86_64::{
    __m512, __m512i, _CMP_UNORD_Q, _mm512_add_epi32, _mm512_and_si512, _mm512_castps_si512,
    _mm512_castsi512_ps, _mm512_cmp_ps_mask, _mm512_mask_or_epi32, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_or_si512, _mm512_permutex2var_ps, _mm512_set1_epi32,
    _mm512_setr_epi32, _mm512_setzero_ps, _mm512_srli_epi32, _mm512_storeu_ps,
};

use super::transpose::{SIDE, mask, transpose};
use crate::kernels::gemm::{MatRef, PANEL};

/// Numbers along the depth in a square of elements.
const DEPTH: usize = 2 * SIDE;

/// Left panel `[elements, h]` of a, `[h, depth]` with h at most [`SIDE`].
///
/// # Safety
/// This machine has AVX512F.
pub(super) unsafe fn left(panel: &mut [u32], a: MatRef<'_>) {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { write_columns(panel, a.rows, a) }
}

/// Left panel `[elements / SIDE, height, SIDE]` of a, `[h, depth]`, and zeros behind its rows and its depth.
///
/// # Safety
/// This machine has AVX512F.
pub(super) unsafe fn left_runs(panel: &mut [u32], height: usize, a: MatRef<'_>) {
    assert!(a.rows <= height && panel.len() == a.cols.div_ceil(DEPTH) * height * SIDE);
    if a.rows < height {
        panel.fill(0);
    }
    for first in (0..a.rows).step_by(SIDE) {
        let some = a.block((first, SIDE.min(a.rows - first)), (0, a.cols));
        // SAFETY: the caller vouches for the instruction set.
        unsafe { write_rows(&mut panel[first * SIDE..], height * SIDE, some) }
    }
}

/// Right panel `[elements, PANEL]` of b, `[depth, cols]`, with zeros behind its columns and its depth.
///
/// # Safety
/// This machine has AVX512F.
pub(super) unsafe fn right(panel: &mut [u32], b: MatRef<'_>) {
    let filled = if b.cols < PANEL { 0 } else { PANEL * b.rows.div_ceil(2) };
    panel[filled..].fill(0);
    for first in (0..b.cols).step_by(SIDE) {
        let some = b.block((0, b.rows), (first, SIDE.min(b.cols - first))).t();
        // SAFETY: the caller vouches for the instruction set.
        unsafe { write_columns(&mut panel[first..], PANEL, some) }
    }
}

/// Writes element (i, k) of `m`, at most [`SIDE`] rows, to `panel[k * width + i]`.
///
/// # Safety
/// This machine has AVX512F.
unsafe fn write_columns(panel: &mut [u32], width: usize, m: MatRef<'_>) {
    if !check(m) {
        return;
    }
    assert!((m.cols.div_ceil(2) - 1) * width + m.rows <= panel.len());
    for from in (0..m.cols).step_by(DEPTH) {
        let count = (m.cols - from).min(DEPTH).div_ceil(2);
        // SAFETY: `check` has looked at what is read, and the line above at what is written; the caller vouches for
        // the instruction set.
        unsafe {
            let columns = if m.cs == 1 { transpose(rows(m, from)) } else { columns(m, from) };
            for (k, column) in columns.iter().enumerate().take(count) {
                let to = panel.as_mut_ptr().add((from / 2 + k) * width);
                store(to, m.rows, *column);
            }
        }
    }
}

/// Writes element (i, k) of `m`, at most [`SIDE`] rows, to `panel[k / SIDE * stride + i * SIDE + k % SIDE]`, and zeros
/// behind the last element of each row.
///
/// # Safety
/// This machine has AVX512F.
unsafe fn write_rows(panel: &mut [u32], stride: usize, m: MatRef<'_>) {
    if !check(m) {
        return;
    }
    assert!((m.cols.div_ceil(DEPTH) - 1) * stride + m.rows * SIDE <= panel.len());
    for (run, from) in (0..m.cols).step_by(DEPTH).enumerate() {
        // SAFETY: as above.
        unsafe {
            let rows = if m.cs == 1 { rows(m, from) } else { transpose(columns(m, from)) };
            for (i, row) in rows.iter().enumerate().take(m.rows) {
                store(panel.as_mut_ptr().add(run * stride + i * SIDE), SIDE, *row);
            }
        }
    }
}

/// Whether there is anything to read.
///
/// # Panics
/// When there is too much, or when neither rows nor columns lie side by side.
fn check(m: MatRef<'_>) -> bool {
    if m.rows == 0 || m.cols == 0 {
        return false;
    }
    assert!(m.rows <= SIDE && (m.rs == 1 || m.cs == 1));
    // `MatRef::new` checked the same; here it guards the pointers.
    assert!((m.rows - 1) * m.rs + (m.cols - 1) * m.cs < m.data.len());
    true
}

/// The elements from number `from` on of each row, side by side, with zeros behind the last one.
///
/// # Safety
/// `m` has passed [`check`] and its rows lie side by side; AVX512F.
#[target_feature(enable = "avx512f")]
unsafe fn rows(m: MatRef<'_>, from: usize) -> [__m512; SIDE] {
    let count = m.cols - from;
    let mut rows = [_mm512_setzero_ps(); SIDE];
    for (i, row) in rows.iter_mut().enumerate().take(m.rows) {
        let line = m.data.as_ptr().wrapping_add(i * m.rs + from);
        // SAFETY: the masks keep to the numbers of the row.
        let (low, high) = unsafe {
            let high = mask(count.saturating_sub(SIDE));
            (
                _mm512_maskz_loadu_ps(mask(count), line),
                _mm512_maskz_loadu_ps(high, line.wrapping_add(SIDE)),
            )
        };
        let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
        let odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
        *row =
            pairs(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high));
    }
    rows
}

/// The elements from number `from` on of all rows, each in a vector of its own.
///
/// # Safety
/// `m` has passed [`check`] and its columns lie side by side; AVX512F.
#[target_feature(enable = "avx512f")]
unsafe fn columns(m: MatRef<'_>, from: usize) -> [__m512; SIDE] {
    let line = |k: usize| {
        if k < m.cols {
            // SAFETY: the mask keeps to the numbers of the column.
            unsafe { _mm512_maskz_loadu_ps(mask(m.rows), m.data.as_ptr().add(k * m.cs)) }
        } else {
            _mm512_setzero_ps()
        }
    };
    let mut columns = [_mm512_setzero_ps(); SIDE];
    for (k, column) in columns.iter_mut().enumerate() {
        *column = pairs(line(from + 2 * k), line(from + 2 * k + 1));
    }
    columns
}

/// Rounds both, and puts the first ones into the lower halves.
#[inline]
#[target_feature(enable = "avx512f")]
fn pairs(first: __m512, second: __m512) -> __m512 {
    let upper = _mm512_set1_epi32(0xffff_0000_u32.cast_signed());
    let (first, second) = (rounded(first), rounded(second));
    let low = _mm512_srli_epi32::<16>(first);
    _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_and_si512(second, upper)))
}

/// Bits of which the upper halves are [`super::super::pack::bf16_bits`].
#[inline]
#[target_feature(enable = "avx512f")]
fn rounded(values: __m512) -> __m512i {
    let bits = _mm512_castps_si512(values);
    let last = _mm512_and_si512(_mm512_srli_epi32::<16>(bits), _mm512_set1_epi32(1));
    let half = _mm512_add_epi32(last, _mm512_set1_epi32(0x7fff));
    let nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
    let quiet = _mm512_set1_epi32(0x40 << 16);
    _mm512_mask_or_epi32(_mm512_add_epi32(bits, half), nan, bits, quiet)
}

/// # Safety
/// The first `count` of 16 numbers can be written; AVX512F.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store(to: *mut u32, count: usize, elements: __m512) {
    // SAFETY: as the caller vouches.
    unsafe {
        match count {
            SIDE => _mm512_storeu_ps(to.cast(), elements),
            _ => _mm512_mask_storeu_ps(to.cast(), mask(count), elements),
        }
    }
}
