//! Windows of a convolution along the tokens of each sequence, which make it a linear layer.

use rayon::prelude::*;

use super::ROW_BLOCK;

/// windows `[T, width kernel]` from x `[T, width]`: element c kernel + k of token t is column c of
/// token t + k - (kernel - 1) / 2 of the same sequence, or 0 where the sequence has no such token.
///
/// A row times a PyTorch `Conv1d` weight `[out, width, kernel]`, read as `[out, width kernel]`, is
/// the convolution with stride 1 and `padding=(kernel - 1) // 2`; `kernel` must be odd for it to
/// keep the length.
///
/// # Panics
/// When the slices' sizes contradict each other or `kernel` is even.
pub fn windows(cu_seqlens: &[u32], x: &[f32], width: usize, kernel: usize, windows: &mut [f32]) {
    assert!(kernel % 2 == 1 && windows.len() == x.len() * kernel);
    let ends = ends(cu_seqlens, x.len() / width);
    let wide = width * kernel;
    windows.par_chunks_mut(ROW_BLOCK * wide).enumerate().for_each(|(block, rows)| {
        for (r, row) in rows.chunks_exact_mut(wide).enumerate() {
            let token = block * ROW_BLOCK + r;
            let (start, end) = ends[token];
            for k in 0..kernel {
                let taps = row[k..].iter_mut().step_by(kernel);
                match (token + k).checked_sub(kernel / 2).filter(|t| (start..end).contains(t)) {
                    Some(t) => {
                        for (tap, value) in taps.zip(&x[t * width..(t + 1) * width]) {
                            *tap = *value;
                        }
                    }
                    None => taps.for_each(|tap| *tap = 0.0),
                }
            }
        }
    });
}

/// First token and end of each token's sequence.
fn ends(cu_seqlens: &[u32], tokens: usize) -> Vec<(usize, usize)> {
    let mut ends = vec![(0, 0); tokens];
    for span in cu_seqlens.windows(2) {
        let (start, end) = (span[0] as usize, span[1] as usize);
        ends[start..end].fill((start, end));
    }
    ends
}

/// Gradient of [`windows()`]: dx `[T, width]` from `dwindows` `[T, width kernel]`. Column c of token t
/// was element c kernel + k of the token t - k + (kernel - 1) / 2, for each k.
///
/// # Panics
/// As for [`windows()`].
pub fn backward(cu_seqlens: &[u32], dwindows: &[f32], width: usize, kernel: usize, dx: &mut [f32]) {
    assert!(kernel % 2 == 1 && dwindows.len() == dx.len() * kernel);
    let ends = ends(cu_seqlens, dx.len() / width);
    let wide = width * kernel;
    dx.par_chunks_mut(ROW_BLOCK * width).enumerate().for_each(|(block, rows)| {
        for (r, row) in rows.chunks_exact_mut(width).enumerate() {
            let token = block * ROW_BLOCK + r;
            let (start, end) = ends[token];
            row.fill(0.0);
            for k in 0..kernel {
                let user = (token + kernel / 2).checked_sub(k);
                let Some(user) = user.filter(|t| (start..end).contains(t)) else { continue };
                let taps = dwindows[user * wide + k..(user + 1) * wide].iter().step_by(kernel);
                for (sum, tap) in row.iter_mut().zip(taps) {
                    *sum += tap;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{backward, windows};

    #[test]
    fn the_gradient_is_the_transposed_map() {
        // <windows(x), y> = <x, backward(y)> for every x and y, if and only if it is.
        let (width, kernel) = (3, 5);
        let cu = [0, 1, 8, 8, 40];
        let number = |i: usize, by: usize| ((i * by) % 23) as f32 - 11.0;
        let x: Vec<f32> = (0..40 * width).map(|i| number(i, 7)).collect();
        let y: Vec<f32> = (0..40 * width * kernel).map(|i| number(i, 5)).collect();
        let (mut wide, mut dx) = (vec![f32::NAN; y.len()], vec![f32::NAN; x.len()]);
        windows(&cu, &x, width, kernel, &mut wide);
        backward(&cu, &y, width, kernel, &mut dx);
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        assert_eq!(dot(&wide, &y), dot(&x, &dx));
        // Each element alone, against the map itself.
        for i in 0..x.len() {
            let mut one = vec![0.0; x.len()];
            one[i] = 1.0;
            windows(&cu, &one, width, kernel, &mut wide);
            assert_eq!(dot(&wide, &y), dx[i], "{i}");
        }
    }

    #[test]
    fn windows_end_with_their_sequence() {
        let mut out = [f32::NAN; 4 * 2 * 3];
        let x = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0];
        windows(&[0, 3, 4], &x, 2, 3, &mut out);
        assert_eq!(out[..6], [0.0, 1.0, 2.0, 0.0, 10.0, 20.0]);
        assert_eq!(out[6..12], [1.0, 2.0, 3.0, 10.0, 20.0, 30.0]);
        assert_eq!(out[12..18], [2.0, 3.0, 0.0, 20.0, 30.0, 0.0]);
        assert_eq!(out[18..], [0.0, 4.0, 0.0, 0.0, 40.0, 0.0]);
    }
}
