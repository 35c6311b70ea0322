//! Where the elements of a tensor lie in a file, and their conversion to f32.

use std::ops::Range;

use rayon::prelude::*;

/// Elements that one unit of parallel conversion reads.
const CHUNK: usize = 1 << 18;

/// A tensor's place in a file. That it lies within the file is checked when it is made.
#[derive(Debug, Clone)]
pub(super) struct View {
    /// The first element's place in the file.
    start: usize,
    shape: Vec<usize>,
    /// Elements from one index to the next in each dimension; none when they lie one after the
    /// other, in row-major order.
    strides: Option<Vec<usize>>,
}

impl View {
    /// Elements one after the other from byte `start`.
    pub(super) fn contiguous(start: usize, shape: Vec<usize>) -> Self {
        Self { start, shape, strides: None }
    }

    /// Elements `strides` apart, as many as `shape` has dimensions; the product of the shape does
    /// not overflow.
    pub(super) fn strided(start: usize, shape: Vec<usize>, strides: Vec<usize>) -> Self {
        let mut expected = 1;
        let contiguous = shape.contains(&0)
            || shape.iter().zip(&strides).rev().all(|(&size, &stride)| {
                let fits = size == 1 || stride == expected;
                expected *= size;
                fits
            });
        Self { start, shape, strides: (!contiguous).then_some(strides) }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn elements(&self) -> usize {
        if self.shape.contains(&0) { 0 } else { self.shape.iter().product() }
    }

    /// The bytes that [`View::convert`] of `len` elements of `width` bytes reads, and perhaps more.
    pub(super) fn span(&self, from: usize, len: usize, width: usize) -> Range<usize> {
        if self.elements() == 0 || len == 0 {
            return self.start..self.start;
        }
        match &self.strides {
            None => self.start + from * width..self.start + (from + len) * width,
            Some(strides) => {
                let each = self.shape.iter().zip(strides);
                let last: usize = each.map(|(size, stride)| (size - 1) * stride).sum();
                self.start..self.start + (last + 1) * width
            }
        }
    }

    /// Converts the elements `from..from + out.len()`, in row-major order, to f32.
    pub(super) fn convert<const N: usize>(
        &self,
        file: &[u8],
        from: usize,
        out: &mut [f32],
        value: impl Fn([u8; N]) -> f32 + Sync,
    ) {
        let Some(strides) = &self.strides else {
            let (values, _) = file[self.span(from, out.len(), N)].as_chunks::<N>();
            out.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK)).for_each(|(out, values)| {
                for (out, &bytes) in out.iter_mut().zip(values) {
                    *out = value(bytes);
                }
            });
            return;
        };
        let (Some(&row), Some(&step)) = (self.shape.last(), strides.last()) else { return };
        out.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, mut out)| {
            let mut at = from + chunk * CHUNK;
            while !out.is_empty() {
                let (mut rest, column) = (at / row, at % row);
                let mut place = column * step;
                for (size, stride) in self.shape.iter().zip(strides).rev().skip(1) {
                    place += rest % size * stride;
                    rest /= size;
                }
                let (now, later) = out.split_at_mut(out.len().min(row - column));
                for (i, out) in now.iter_mut().enumerate() {
                    let begin = self.start + (place + i * step) * N;
                    let mut bytes = [0; N];
                    bytes.copy_from_slice(&file[begin..begin + N]);
                    *out = value(bytes);
                }
                at += now.len();
                out = later;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_piece_of_a_view_is_what_the_whole_has_there() {
        let file: Vec<u8> = (0..200_u8).collect();
        let as_is = |[byte]: [u8; 1]| f32::from(byte);
        for view in [
            View::contiguous(3, vec![4, 5]),
            View::strided(3, vec![5, 4], vec![1, 5]),
            View::strided(0, vec![2, 3, 4], vec![3, 50, 7]),
            View::strided(9, vec![3, 2], vec![0, 1]),
        ] {
            let n = view.elements();
            let mut whole = vec![f32::NAN; n];
            view.convert(&file, 0, &mut whole, as_is);
            for from in 0..n {
                for len in 0..=n - from {
                    let mut piece = vec![f32::NAN; len];
                    view.convert(&file, from, &mut piece, as_is);
                    assert_eq!(piece, whole[from..from + len], "{view:?} {from} {len}");
                    let span = view.span(from, len, 1);
                    let in_span = |v: &f32| span.contains(&(*v as usize));
                    assert!(piece.iter().all(in_span), "{view:?} {from} {len}");
                }
            }
        }
    }

    #[test]
    fn a_transposed_view_is_read_by_columns() {
        let mut out = [0.0; 6];
        let view = View::strided(1, vec![3, 2], vec![1, 3]);
        view.convert(&[9, 0, 1, 2, 3, 4, 5], 0, &mut out, |[byte]| f32::from(byte));
        assert_eq!(out, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
