//! Rotary positions: pairs of a head's elements turn by an angle that grows with the position.
//!
//! Su et al. 2021, in the form of Hugging Face's `rotate_half`: element i of the first half of a
//! head and element i of its second half are a pair, which turns by position * theta^(-2i / dim).
//! Frequencies and angles are rounded to f32 where Hugging Face rounds them, because at position
//! 8000 an angle's last bit is 5e-4.

use rayon::prelude::*;

use super::ROW_BLOCK;
use crate::kernels::isa::vectorised;

/// Cosine and sine of each position's angles.
#[derive(Debug, Clone, Copy)]
pub struct Angles<'a> {
    /// `[positions, head_dim / 2]`
    pub cos: &'a [f32],
    /// `[positions, head_dim / 2]`
    pub sin: &'a [f32],
}

/// theta^(-2i / head_dim) for each i below `head_dim / 2`.
pub fn frequencies(theta: f64, head_dim: usize) -> Vec<f32> {
    let exponent = |i: usize| (2 * i) as f32 / head_dim as f32;
    (0..head_dim / 2).map(|i| 1.0 / (theta as f32).powf(exponent(i))).collect()
}

/// Fills `cos` and `sin` `[positions, frequencies]` for positions from 0.
///
/// # Panics
/// When the slices' sizes contradict each other.
pub fn angles(frequencies: &[f32], cos: &mut [f32], sin: &mut [f32]) {
    let half = frequencies.len();
    assert!(half > 0 && cos.len() == sin.len() && cos.len().is_multiple_of(half));
    let rows = cos.par_chunks_exact_mut(half).zip(sin.par_chunks_exact_mut(half));
    rows.enumerate().for_each(|(position, (cos, sin))| {
        for ((cos, sin), frequency) in cos.iter_mut().zip(sin).zip(frequencies) {
            let angle = f64::from(position as f32 * frequency);
            *cos = angle.cos() as f32;
            *sin = angle.sin() as f32;
        }
    });
}

vectorised! {
    fn turn<'a>(head: &'a mut [f32], cos: &'a [f32], sin: &'a [f32]) {
        let (a, b) = head.split_at_mut(cos.len());
        for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(cos.iter().zip(sin)) {
            let (x, y) = (*a, *b);
            *a = x * cos - y * sin;
            *b = y * cos + x * sin;
        }
    }

    fn turn_back<'a>(head: &'a mut [f32], cos: &'a [f32], sin: &'a [f32]) {
        let (a, b) = head.split_at_mut(cos.len());
        for ((a, b), (cos, sin)) in a.iter_mut().zip(b).zip(cos.iter().zip(sin)) {
            let (x, y) = (*a, *b);
            *a = x * cos + y * sin;
            *b = y * cos - x * sin;
        }
    }
}

/// Turns the first `heads` heads of each row of x `[T, width]`; `position_ids` `[T]`.
///
/// # Panics
/// When the sizes contradict each other or a position has no angles.
pub fn forward(
    x: &mut [f32],
    width: usize,
    heads: (usize, usize),
    position_ids: &[u32],
    angles: Angles<'_>,
) {
    each_head(x, width, heads, position_ids, angles, turn);
}

/// Gradient of [`forward`], in place: the same heads turn back by the same angles.
///
/// # Panics
/// As for [`forward`].
pub fn backward(
    dx: &mut [f32],
    width: usize,
    heads: (usize, usize),
    position_ids: &[u32],
    angles: Angles<'_>,
) {
    each_head(dx, width, heads, position_ids, angles, turn_back);
}

fn each_head(
    x: &mut [f32],
    width: usize,
    (heads, head_dim): (usize, usize),
    position_ids: &[u32],
    angles: Angles<'_>,
    turn: impl for<'a> Fn(&'a mut [f32], &'a [f32], &'a [f32]) + Sync,
) {
    assert!(x.len() == position_ids.len() * width && heads * head_dim <= width);
    let half = head_dim / 2;
    let blocks = x.par_chunks_mut(ROW_BLOCK * width).zip(position_ids.par_chunks(ROW_BLOCK));
    blocks.for_each(|(rows, positions)| {
        for (row, &position) in rows.chunks_exact_mut(width).zip(positions) {
            let at = position as usize * half..(position as usize + 1) * half;
            let (cos, sin) = (&angles.cos[at.clone()], &angles.sin[at]);
            for head in row[..heads * head_dim].chunks_exact_mut(head_dim) {
                turn(head, cos, sin);
            }
        }
    });
}
