//! Disjoint rectangular pieces of one row-major matrix, written by several threads.
//!
//! Results are the same, bit for bit, on any number of threads: either how a matrix is cut depends on its shape
//! alone, or what is computed does not depend on the cut (see [`super::gemm`]).
#![expect(unsafe_code, reason = "threads write disjoint, interleaved columns of one slice")]

use std::marker::PhantomData;
use std::ops::Range;

use rayon::prelude::*;

/// How the rows of a matrix are cut.
#[derive(Clone, Copy)]
pub(crate) enum Rows<'a> {
    /// Blocks of this many rows, the last one shorter.
    Blocks(usize),
    /// Block b is `cu_seqlens[b]..cu_seqlens[b + 1]`; must be ascending.
    Sequences(&'a [u32]),
}

impl Rows<'_> {
    fn count(self, rows: usize) -> usize {
        match self {
            Rows::Blocks(step) => rows.div_ceil(step),
            Rows::Sequences(cu) => cu.len().saturating_sub(1),
        }
    }

    fn range(self, block: usize, rows: usize) -> (usize, usize) {
        match self {
            Rows::Blocks(step) => (block * step, ((block + 1) * step).min(rows)),
            Rows::Sequences(cu) => (cu[block] as usize, cu[block + 1] as usize),
        }
    }
}

/// A rectangular piece of a row-major matrix that nothing else refers to.
pub(crate) struct TileMut<'a> {
    ptr: *mut f32,
    /// First row of the tile in the matrix.
    pub(crate) row0: usize,
    /// First column of the tile in the matrix.
    pub(crate) col0: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Elements from one row to the next.
    pub(crate) stride: usize,
    matrix: PhantomData<&'a mut [f32]>,
}

impl<'a> TileMut<'a> {
    /// A whole row-major matrix `[rows, cols]` as one tile.
    pub(crate) fn whole(matrix: &'a mut [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(matrix.len(), rows * cols);
        let ptr = matrix.as_mut_ptr();
        Self { ptr, row0: 0, col0: 0, rows, cols, stride: cols, matrix: PhantomData }
    }

    /// The first `cols` columns of a row-major matrix whose rows lie `stride` apart, as one tile.
    pub(crate) fn left_columns(
        matrix: &'a mut [f32],
        rows: usize,
        cols: usize,
        stride: usize,
    ) -> Self {
        Self::columns_of(matrix, rows, 0..cols, stride)
    }

    /// Some columns of a row-major matrix whose rows lie `stride` apart, as one tile.
    pub(crate) fn columns_of(
        matrix: &'a mut [f32],
        rows: usize,
        cols: Range<usize>,
        stride: usize,
    ) -> Self {
        assert!(cols.start <= cols.end && cols.end <= stride);
        assert!(rows.checked_mul(stride).is_some_and(|n| n <= matrix.len()));
        let ptr = match matrix.get_mut(cols.start..) {
            Some(from) => from.as_mut_ptr(),
            None => matrix.as_mut_ptr(),
        };
        let (col0, cols) = (cols.start, cols.len());
        Self { ptr, row0: 0, col0, rows, cols, stride, matrix: PhantomData }
    }

    /// Rows `from..from + count` of the tile, as a tile of their own.
    pub(crate) fn rows(&mut self, from: usize, count: usize) -> TileMut<'_> {
        assert!(from + count <= self.rows && count > 0);
        TileMut {
            // SAFETY: row `from` exists, as was just checked.
            ptr: unsafe { self.ptr.add(from * self.stride) },
            row0: self.row0 + from,
            rows: count,
            ..*self
        }
    }

    /// Columns `from..from + count` of the tile, as a tile of their own.
    pub(crate) fn columns(&mut self, from: usize, count: usize) -> TileMut<'_> {
        assert!(from + count <= self.cols);
        // SAFETY: column `from` of the first row exists, as was just checked, or the tile has no
        // rows and nothing is read or written through the pointer, which moves by less than a row.
        let ptr = unsafe { self.ptr.add(if self.rows == 0 { 0 } else { from }) };
        TileMut { ptr, col0: self.col0 + from, cols: count, ..*self }
    }

    /// Row `r` of the tile, `[cols]`.
    #[inline(always)]
    pub(crate) fn row_mut(&mut self, r: usize) -> &mut [f32] {
        assert!(r < self.rows);
        // SAFETY: the tile lies inside its matrix (checked in `par_panels`), nothing else refers to
        // its elements, and the result borrows the tile mutably.
        unsafe { std::slice::from_raw_parts_mut(self.ptr.add(r * self.stride), self.cols) }
    }

    /// First element, for kernels that walk `rows` rows of `cols` elements `stride` apart.
    #[inline(always)]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut f32 {
        self.ptr
    }
}

struct Shared(*mut f32);
// SAFETY: the pointer is only used to make disjoint tiles, see `par_panels`.
unsafe impl Sync for Shared {}

impl Shared {
    /// A method, so that closures capture the `Sync` wrapper and not the pointer inside.
    fn get(&self) -> *mut f32 {
        self.0
    }
}

/// Columns of a matrix that are cut into pieces of `step`, the last one perhaps narrower.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) col0: usize,
    pub(crate) cols: usize,
    pub(crate) step: usize,
}

/// Calls `f` in parallel on every tile of `matrix` `[rows, cols]`.
///
/// Rows are cut as `cut` says. Columns are first divided into P panels of equal width (q, k and v
/// of a packed projection, or 1), and each panel into pieces of `tile_cols`; `f` gets the block of
/// rows, the piece of columns, and that piece in every panel.
///
/// # Panics
/// When the shapes contradict each other; callers have checked them.
pub(crate) fn par_tiles<const P: usize>(
    matrix: &mut [f32],
    (rows, cols): (usize, usize),
    cut: Rows<'_>,
    tile_cols: usize,
    f: impl Fn(usize, usize, [TileMut<'_>; P]) + Sync,
) {
    assert!(P > 0 && cols.is_multiple_of(P));
    let width = cols / P;
    let panels = std::array::from_fn(|p| Panel { col0: p * width, cols: width, step: tile_cols });
    par_panels(matrix, (rows, cols), cut, panels, f);
}

/// [`par_tiles`] with panels that may differ in width, but not in the number of their pieces.
///
/// # Panics
/// When the shapes contradict each other, or panels overlap or do not ascend.
pub(crate) fn par_panels<const P: usize>(
    matrix: &mut [f32],
    (rows, cols): (usize, usize),
    cut: Rows<'_>,
    panels: [Panel; P],
    f: impl Fn(usize, usize, [TileMut<'_>; P]) + Sync,
) {
    assert_eq!(matrix.len(), rows * cols);
    assert!(P > 0 && panels.iter().all(|panel| panel.step > 0));
    let pieces = panels[0].cols.div_ceil(panels[0].step);
    let mut end = 0;
    for panel in &panels {
        assert!(panel.col0 >= end && panel.cols.div_ceil(panel.step) == pieces);
        end = panel.col0 + panel.cols;
    }
    assert!(end <= cols);
    if let Rows::Sequences(cu) = cut {
        assert!(cu.is_sorted() && cu.last().is_none_or(|&end| end as usize <= rows));
    }
    let base = Shared(matrix.as_mut_ptr());
    let run = |index: usize| {
        let (block, piece) = (index / pieces, index % pieces);
        let (start, end) = cut.range(block, rows);
        let tiles = panels.map(|panel| {
            let left = piece * panel.step;
            let col0 = panel.col0 + left;
            TileMut {
                // SAFETY: start <= rows and col0 < cols (the piece has a column, and panels end
                // within the matrix), so this is inside the matrix or, for an empty block at its
                // end, one past it.
                ptr: unsafe { base.get().add((start * cols + col0).min(rows * cols)) },
                row0: start,
                col0,
                rows: end - start,
                cols: panel.step.min(panel.cols - left),
                stride: cols,
                matrix: PhantomData,
            }
        });
        f(block, piece, tiles);
    };
    let count = cut.count(rows) * pieces;
    // A unit of work is large (a matrix product), so let threads steal single units.
    (0..count).into_par_iter().with_max_len(1).for_each(run);
}

/// Calls `f` in parallel on every tile of `first` `[rows, cols]` and the same tile of `second`, of the same size.
///
/// # Panics
/// When the matrices differ in size, or contradict `cols`.
pub(crate) fn par_tile_pairs(
    first: &mut [f32],
    second: &mut [f32],
    (rows, cols): (usize, usize),
    cut: Rows<'_>,
    tile_cols: usize,
    f: impl Fn(TileMut<'_>, TileMut<'_>) + Sync,
) {
    assert_eq!(first.len(), second.len());
    let other = Shared(second.as_mut_ptr());
    par_tiles::<1>(first, (rows, cols), cut, tile_cols, |_, _, [tile]| {
        let offset = tile.row0 * cols + tile.col0;
        // SAFETY: `second` has the size of `first`, so the same tile lies inside it; tiles of `first` are
        // disjoint, so those of `second` are, and `second` is borrowed mutably until all are done.
        let ptr = unsafe { other.get().add(offset.min(rows * cols)) };
        let twin = TileMut { ptr, matrix: PhantomData, ..tile };
        f(tile, twin);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_matrix_once() {
        for (rows, cols, step, width) in [(1, 3, 4, 1), (7, 12, 3, 2), (8, 6, 8, 5)] {
            let mut matrix = vec![0.0; rows * cols];
            par_tiles::<3>(&mut matrix, (rows, cols), Rows::Blocks(step), width, |_, _, tiles| {
                for mut tile in tiles {
                    for r in 0..tile.rows {
                        for value in tile.row_mut(r) {
                            *value += 1.0;
                        }
                    }
                }
            });
            assert!(matrix.iter().all(|&v| v == 1.0));
        }
    }

    #[test]
    fn sequences_are_blocks() {
        let mut matrix = vec![0.0; 5 * 2];
        par_tiles::<1>(&mut matrix, (5, 2), Rows::Sequences(&[0, 2, 2, 5]), 1, |s, h, [mut t]| {
            for r in 0..t.rows {
                t.row_mut(r)[0] = (10 * s + h) as f32;
            }
        });
        assert_eq!(matrix, [0.0, 1.0, 0.0, 1.0, 20.0, 21.0, 20.0, 21.0, 20.0, 21.0]);
    }

    #[test]
    fn pairs_are_the_same_piece_of_two_matrices() {
        let (mut a, mut b) = (vec![0.0; 35], vec![0.0; 35]);
        par_tile_pairs(&mut a, &mut b, (5, 7), Rows::Blocks(2), 3, |mut a, mut b| {
            let place = (10 * a.row0 + a.col0) as f32;
            for r in 0..a.rows {
                a.row_mut(r).fill(place);
                b.row_mut(r).iter_mut().for_each(|v| *v += place);
            }
        });
        assert_eq!(a, b);
        assert_eq!(a[34], 46.0);
    }

    #[test]
    fn panels_may_differ_in_width() {
        let mut matrix = vec![0.0; 3 * 9];
        // Two pieces of 2 + 1 columns each; column 6 is nobody's.
        let panels = [Panel { col0: 0, cols: 4, step: 2 }, Panel { col0: 4, cols: 2, step: 1 }];
        par_panels(&mut matrix, (3, 9), Rows::Blocks(2), panels, |_, piece, [mut a, mut b]| {
            assert_eq!((a.cols, b.cols), (2, 1));
            let mut last = a.columns(1, 1);
            for r in 0..last.rows {
                last.row_mut(r)[0] += 1.0 + piece as f32;
                b.row_mut(r)[0] += 10.0 + piece as f32;
            }
        });
        for row in matrix.chunks(9) {
            assert_eq!(row, [0.0, 1.0, 0.0, 2.0, 10.0, 11.0, 0.0, 0.0, 0.0]);
        }
    }
}
