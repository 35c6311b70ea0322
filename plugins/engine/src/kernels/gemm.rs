//! f32 matrix products on slices, through the `gemm` crate, on one thread at a time.
//!
//! Parallelism is ours (see [`super::tile`]): the crate's own threading would make the split, and
//! with it the order of additions, depend on the number of threads.
#![expect(unsafe_code, reason = "the gemm crate takes raw pointers; bounds are checked here")]

use std::cell::{Cell, RefCell};

use super::isa::vectorised;
use super::tile::TileMut;

thread_local! {
    /// Whether this thread rounds the operands of products to bfloat16.
    static ROUNDS: Cell<bool> = const { Cell::new(false) };
    /// Rounded copies of the two operands; they grow to the largest tile seen and stay.
    static ROUNDED: RefCell<[Vec<f32>; 2]> = const { RefCell::new([Vec::new(), Vec::new()]) };
}

/// Makes this thread round the operands of its products to bfloat16, to nearest even, as the multipliers of bf16
/// hardware take them; products are still added up in f32. A model's own threads are told when they start.
pub(crate) fn round_operands_to_bf16() {
    ROUNDS.set(true);
}

/// A matrix inside a slice: element (i, j) is `data[i * rs + j * cs]`.
#[derive(Clone, Copy)]
pub(crate) struct MatRef<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    rs: usize,
    cs: usize,
}

impl<'a> MatRef<'a> {
    /// A row-major matrix whose rows lie `stride` apart.
    ///
    /// # Panics
    /// When it does not fit into `data`.
    pub(crate) fn new(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(cols <= stride || rows <= 1);
        assert!(rows == 0 || (rows - 1) * stride + cols <= data.len());
        Self { data, rows, cols, rs: stride, cs: 1 }
    }

    /// A copy in `scratch` whose elements are rounded to bfloat16, in the same order in memory.
    fn rounded(self, scratch: &mut Vec<f32>) -> MatRef<'_> {
        let by_rows = self.cs == 1;
        let (lines, len, stride) = match by_rows {
            true => (self.rows, self.cols, self.rs),
            false => (self.cols, self.rows, self.cs),
        };
        if scratch.len() < lines * len {
            scratch.resize(lines * len, 0.0);
        }
        for (line, out) in scratch.chunks_exact_mut(len.max(1)).take(lines).enumerate() {
            round_line(out, &self.data[line * stride..][..len]);
        }
        let copy = MatRef::new(scratch, lines, len, len);
        if by_rows { copy } else { copy.t() }
    }

    /// The transposed matrix, without moving anything.
    pub(crate) fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs, ..self }
    }
}

/// What happens to the elements of the result that are there already.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Write {
    /// They are overwritten.
    Replace,
    /// The product is added to them.
    Add,
}

/// out (+)= scale * a b, with a `[m, k]`, b `[k, n]` and out `[m, n]`.
///
/// # Panics
/// When the shapes do not fit together.
pub(crate) fn gemm(out: &mut TileMut<'_>, a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    let (m, n, k) = (out.rows, out.cols, a.cols);
    assert!(a.rows == m && b.cols == n && b.rows == k);
    if m == 0 || n == 0 {
        return;
    }
    if ROUNDS.get() {
        return ROUNDED.with_borrow_mut(|[left, right]| {
            product(out, a.rounded(left), b.rounded(right), scale, write);
        });
    }
    product(out, a, b, scale, write);
}

/// [`gemm()`] of operands that fit together and are not empty.
fn product(out: &mut TileMut<'_>, a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    let (m, n, k) = (out.rows, out.cols, a.cols);
    let stride = out.stride as isize;
    // SAFETY: `MatRef::new` checked that a and b lie inside their slices, and a tile's elements
    // belong to it alone, so the three do not overlap; strides are those of the slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride,
            write == Write::Add,
            a.data.as_ptr(),
            a.cs as isize,
            a.rs as isize,
            b.data.as_ptr(),
            b.cs as isize,
            b.rs as isize,
            1.0,
            scale,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// [`gemm()`] into a dense row-major slice `[m, n]`.
pub(crate) fn gemm_into(out: &mut [f32], a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    let (rows, cols) = (a.rows, b.cols);
    gemm(&mut TileMut::whole(out, rows, cols), a, b, scale, write);
}

vectorised! {
    fn round_line<'a>(out: &'a mut [f32], line: &'a [f32]) {
        for (out, &value) in out.iter_mut().zip(line) {
            *out = round_to_bf16(value);
        }
    }
}

/// The nearest bfloat16, ties to even; NaN stays NaN.
#[inline(always)]
fn round_to_bf16(value: f32) -> f32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) & 0xffff_0000;
    if value.is_nan() { value } else { f32::from_bits(rounded) }
}

#[cfg(test)]
mod tests {
    use half::bf16;

    use super::*;

    #[test]
    fn rounding_is_that_of_the_half_crate() {
        let mut bits = 0x1234_5678_u32;
        for _ in 0..100_000 {
            bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(bits);
            let (ours, theirs) = (round_to_bf16(value), bf16::from_f32(value).to_f32());
            assert!(
                ours.to_bits() == theirs.to_bits() || value.is_nan() && ours.is_nan(),
                "{value}"
            );
        }
        for value in [0.0, -0.0, f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-45] {
            assert_eq!(round_to_bf16(value).to_bits(), bf16::from_f32(value).to_f32().to_bits());
        }
    }

    #[test]
    fn every_layout_is_rounded_in_its_place() {
        let values: Vec<f32> = (0..60_u8).map(|i| 1.0 + f32::from(i) / 1000.0).collect();
        let expected = |v: &f32| round_to_bf16(*v);
        for (matrix, stride) in
            [(MatRef::new(&values, 4, 7, 9), 9), (MatRef::new(&values, 4, 7, 9).t(), 9)]
        {
            let mut scratch = Vec::new();
            let (rows, cols, by_rows) = (matrix.rows, matrix.cols, matrix.cs == 1);
            let rounded = matrix.rounded(&mut scratch);
            assert!(rounded.rows == rows && rounded.cols == cols);
            for i in 0..rows {
                for j in 0..cols {
                    let at = if by_rows { i * stride + j } else { j * stride + i };
                    let found = rounded.data[i * rounded.rs + j * rounded.cs];
                    assert_eq!(found, expected(&values[at]));
                }
            }
        }
    }
}
