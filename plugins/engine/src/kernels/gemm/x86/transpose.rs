//! Packing of rows into columns with AVX-512, 16 by 16 in registers.
#![expect(unsafe_code, reason = "intrinsics on raw pointers")]

use std::arch::x86_64::{
    __m512, __mmask16, _mm512_castpd_ps, _mm512_castps_pd, _mm512_mask_storeu_ps,
    _mm512_maskz_loadu_ps, _mm512_setzero_ps, _mm512_shuffle_f32x4, _mm512_unpackhi_pd,
    _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpacklo_ps,
};

use crate::kernels::gemm::{MatRef, PANEL, pack};

/// Side of a square that is transposed at a time.
pub(super) const SIDE: usize = 16;

/// [`pack::left`] of at most [`SIDE`] rows.
///
/// # Safety
/// This machine has AVX512F.
pub(super) unsafe fn left(panel: &mut [f32], a: MatRef<'_>) {
    // SAFETY: the caller vouches for the instruction set.
    unsafe { lines(panel, a.rows, a) }
}

/// [`pack::right`].
///
/// # Safety
/// This machine has AVX512F.
pub(super) unsafe fn right(panel: &mut [f32], b: MatRef<'_>) {
    if b.cols < PANEL {
        panel.fill(0.0);
    }
    for first in (0..b.cols).step_by(SIDE) {
        let some = b.block((0, b.rows), (first, SIDE.min(b.cols - first))).t();
        // SAFETY: the caller vouches for the instruction set.
        unsafe { lines(&mut panel[first..], PANEL, some) }
    }
}

/// Writes element (i, k) of `m`, at most [`SIDE`] rows, to `panel[k * width + i]`.
///
/// # Safety
/// This machine has AVX512F.
unsafe fn lines(panel: &mut [f32], width: usize, m: MatRef<'_>) {
    if m.rows == 0 || m.cols == 0 || m.rs != 1 && m.cs != 1 {
        return pack::columns(panel, width, m);
    }
    assert!(m.rows <= SIDE && m.rows <= width && (m.cols - 1) * width + m.rows <= panel.len());
    // `MatRef::new` checked the same; here it guards the pointers.
    assert!((m.rows - 1) * m.rs + (m.cols - 1) * m.cs < m.data.len());
    if m.rs == 1 {
        // SAFETY: the last number of the last line lies inside both slices, as was just checked; the caller
        // vouches for the instruction set.
        return unsafe { copy(m.data.as_ptr(), m.cs, m.rows, panel.as_mut_ptr(), width, m.cols) };
    }
    for from in (0..m.cols).step_by(SIDE) {
        let count = SIDE.min(m.cols - from);
        // SAFETY: rows below `m.rows` and columns below `from + count` of both lie inside their slices, as
        // was just checked; the caller vouches for the instruction set.
        unsafe {
            let (source, target) =
                (m.data.as_ptr().add(from), panel.as_mut_ptr().add(from * width));
            square(source, m.rs, m.rows, target, width, count);
        }
    }
}

/// Copies `lines` lines of `count` numbers, at most [`SIDE`].
///
/// # Safety
/// Each line `source[k * stride..][..count]` can be read and each `target[k * width..][..count]` written; AVX512F.
#[target_feature(enable = "avx512f")]
unsafe fn copy(
    source: *const f32,
    stride: usize,
    count: usize,
    target: *mut f32,
    width: usize,
    lines: usize,
) {
    let mask = mask(count);
    for k in 0..lines {
        // SAFETY: the mask keeps to the numbers that the caller vouches for.
        unsafe {
            let line = _mm512_maskz_loadu_ps(mask, source.add(k * stride));
            _mm512_mask_storeu_ps(target.add(k * width), mask, line);
        }
    }
}

/// Transposes `rows` lines of `count` numbers, both at most [`SIDE`].
///
/// # Safety
/// Each line `source[r * stride..][..count]` can be read and each `target[k * width..][..rows]` written; AVX512F.
#[target_feature(enable = "avx512f")]
unsafe fn square(
    source: *const f32,
    stride: usize,
    rows: usize,
    target: *mut f32,
    width: usize,
    count: usize,
) {
    let mut lines = [_mm512_setzero_ps(); SIDE];
    for (r, line) in lines.iter_mut().enumerate().take(rows) {
        // SAFETY: the mask keeps to the `count` numbers that the caller vouches for.
        *line = unsafe { _mm512_maskz_loadu_ps(mask(count), source.add(r * stride)) };
    }
    let columns = transpose(lines);
    for (k, column) in columns.iter().enumerate().take(count) {
        // SAFETY: the mask keeps to the `rows` numbers that the caller vouches for.
        unsafe { _mm512_mask_storeu_ps(target.add(k * width), mask(rows), *column) };
    }
}

/// Columns of sixteen lines.
#[inline]
#[target_feature(enable = "avx512f")]
pub(super) fn transpose(r: [__m512; SIDE]) -> [__m512; SIDE] {
    let mut pairs = [_mm512_setzero_ps(); SIDE];
    for i in 0..8 {
        pairs[2 * i] = _mm512_unpacklo_ps(r[2 * i], r[2 * i + 1]);
        pairs[2 * i + 1] = _mm512_unpackhi_ps(r[2 * i], r[2 * i + 1]);
    }
    // Lane l of quads[4 q + c] is column 4 l + c of rows 4 q to 4 q + 3.
    let mut quads = [_mm512_setzero_ps(); SIDE];
    for q in 0..4 {
        for half in 0..2 {
            let (a, b) =
                (_mm512_castps_pd(pairs[4 * q + half]), _mm512_castps_pd(pairs[4 * q + 2 + half]));
            quads[4 * q + 2 * half] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
            quads[4 * q + 2 * half + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
        }
    }
    let mut columns = [_mm512_setzero_ps(); SIDE];
    for c in 0..4 {
        let [a, b, d, e] = [quads[c], quads[4 + c], quads[8 + c], quads[12 + c]];
        // Lanes 0 and 2, or 1 and 3, of two, and then of both pairs.
        let (even_low, odd_low) =
            (_mm512_shuffle_f32x4::<0x88>(a, b), _mm512_shuffle_f32x4::<0xdd>(a, b));
        let (even_high, odd_high) =
            (_mm512_shuffle_f32x4::<0x88>(d, e), _mm512_shuffle_f32x4::<0xdd>(d, e));
        columns[c] = _mm512_shuffle_f32x4::<0x88>(even_low, even_high);
        columns[4 + c] = _mm512_shuffle_f32x4::<0x88>(odd_low, odd_high);
        columns[8 + c] = _mm512_shuffle_f32x4::<0xdd>(even_low, even_high);
        columns[12 + c] = _mm512_shuffle_f32x4::<0xdd>(odd_low, odd_high);
    }
    columns
}

/// The lowest `count` lanes, at most 16.
pub(super) fn mask(count: usize) -> __mmask16 {
    if count >= SIDE { __mmask16::MAX } else { (1 << count) - 1 }
}
