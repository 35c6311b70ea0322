//! f32 matrix products on slices, through the `gemm` crate, on one thread at a time.
//!
//! Parallelism is ours (see [`super::tile`]): the crate's own threading would make the split, and
//! with it the order of additions, depend on the number of threads.
#![expect(unsafe_code, reason = "the gemm crate takes raw pointers; bounds are checked here")]

use super::tile::TileMut;

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
