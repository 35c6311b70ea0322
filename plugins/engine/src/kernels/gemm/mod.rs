//! f32 matrix products on slices, on one thread at a time; parallelism is that of [`super::tile`].
//!
//! A product is computed as Goto and van de Geijn 2008 ("Anatomy of high-performance matrix
//! multiplication") do it: blocks of both operands are packed into panels that a small kernel
//! (rows of the left one by 32 columns of the right one, all sums in registers) reads from one end
//! to the other. [`unit`] chooses the kernel, [`blocked`] walks over the blocks.
//!
//! # What an element is
//!
//! In f32, element (i, j) is the sum over blocks of 384 products, in order, of chains
//! of fused multiply-adds, in order. It depends on row i and column j alone: not on the other rows
//! of a batch, on how a matrix is cut, on the number of threads, or on the instruction set, as long
//! as that one fuses (AVX-512, AVX2 with FMA, NEON). Tests compare bit for bit.
//!
//! In bf16 both operands are rounded to nearest even, and products are added up in f32. Units for bf16 add pairs of
//! products, in an order and with a rounding of their own; elsewhere the f32 units multiply what was rounded.

#[cfg(test)]
mod bf16;
mod blocked;
mod kernel;
mod pack;
mod panels;
mod portable;
#[cfg(any(test, target_arch = "x86_64"))]
mod proof;
mod unit;
mod weights;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::tile::TileMut;
pub(crate) use unit::Unit;
pub(crate) use weights::PackedMatrix;

/// Columns of the right operand in one panel.
pub(crate) const PANEL: usize = 32;

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

    /// The transposed matrix, without moving anything.
    pub(crate) fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, rs: self.cs, cs: self.rs, ..self }
    }

    /// `rows` rows from row `row` of `cols` columns from column `col`.
    ///
    /// # Panics
    /// When the matrix does not have them.
    fn block(self, (row, rows): (usize, usize), (col, cols): (usize, usize)) -> Self {
        assert!(row + rows <= self.rows && col + cols <= self.cols);
        let start = (row * self.rs + col * self.cs).min(self.data.len());
        Self { data: &self.data[start..], rows, cols, ..self }
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

/// The right operand of a product.
#[derive(Clone, Copy)]
pub(crate) enum Right<'a> {
    /// Packed in the course of the product.
    Plain(MatRef<'a>),
    /// Packed before: the columns from this one on, which is the first of a panel.
    Packed(&'a PackedMatrix, usize),
}

/// out (+)= scale * a b, with a `[m, k]`, b `[k, n]` and out `[m, n]`, by the unit of this thread.
///
/// # Panics
/// When the shapes do not fit together.
pub(crate) fn gemm(out: &mut TileMut<'_>, a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    assert!(b.cols == out.cols && b.rows == a.cols);
    product(out, a, Right::Plain(b), scale, write);
}

/// [`gemm()`] whose right operand may have been packed before.
///
/// # Panics
/// When the shapes do not fit together, or when the right operand was packed for another unit.
pub(crate) fn product(
    out: &mut TileMut<'_>,
    a: MatRef<'_>,
    b: Right<'_>,
    scale: f32,
    write: Write,
) {
    assert_eq!(a.rows, out.rows);
    if out.rows > 0 && out.cols > 0 {
        Unit::of_this_thread().product(out, a, b, scale, write);
    }
}

/// Rows of a whole left panel of this thread's unit: pieces of a product that are as many panels tall waste nothing.
pub(crate) fn panel_rows() -> usize {
    Unit::of_this_thread().panel_rows()
}

/// [`gemm()`] into a dense row-major slice `[m, n]`.
pub(crate) fn gemm_into(out: &mut [f32], a: MatRef<'_>, b: MatRef<'_>, scale: f32, write: Write) {
    let (rows, cols) = (a.rows, b.cols);
    gemm(&mut TileMut::whole(out, rows, cols), a, b, scale, write);
}

#[cfg(test)]
mod tests;
