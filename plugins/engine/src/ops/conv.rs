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
    let mut ends = vec![(0, 0); x.len() / width];
    for span in cu_seqlens.windows(2) {
        let (start, end) = (span[0] as usize, span[1] as usize);
        ends[start..end].fill((start, end));
    }
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

#[cfg(test)]
mod tests {
    use super::windows;

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
