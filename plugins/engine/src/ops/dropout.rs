//! Dropout whose mask is a function of (seed, step, site, element) and is never stored.

use rayon::prelude::*;

use crate::kernels::isa::vectorised;
use crate::rng::{BLOCKS, Stream};

/// Dropout of one site in one step. The backward pass recomputes the mask from the same value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    stream: Stream,
    /// An element is kept when its random word is at least this.
    threshold: u32,
    scale: f32,
}

impl Dropout {
    /// Dropout with probability `p` in [0, 1), kept elements scaled by 1 / (1 - p).
    pub fn new(p: f32, stream: Stream) -> Self {
        let p = f64::from(p.clamp(0.0, 0.999_999));
        Self { stream, threshold: (p * 4_294_967_296.0) as u32, scale: (1.0 / (1.0 - p)) as f32 }
    }

    /// What dropout at evaluation does: nothing.
    pub fn off() -> Self {
        Self::new(0.0, Stream::new(0, [0, 0]))
    }

    /// The same for a device, which has the seed and the number of the pass among the step's numbers.
    #[cfg(feature = "cuda")]
    pub(crate) fn device(&self) -> kobench_cuda::Dropout {
        let Self { stream, threshold, scale } = *self;
        kobench_cuda::Dropout { site: stream.id()[1], threshold, scale, reserved: 0 }
    }

    /// Whether every element is kept.
    pub fn is_off(&self) -> bool {
        self.threshold == 0
    }

    /// Applies the mask to `values`, whose first element has number `first` in the whole tensor.
    /// The forward and the backward pass are the same operation.
    ///
    /// Elements are numbered, not rows, so `first` may be anything.
    pub fn apply(&self, values: &mut [f32], first: u64) {
        if self.is_off() {
            return;
        }
        // Up to the next block, blocks, and what is left of the last one.
        let head = (first.next_multiple_of(4) - first).min(values.len() as u64) as usize;
        let (head, rest) = values.split_at_mut(head);
        if !head.is_empty() {
            self.apply_some(head, self.stream.block(first / 4), first % 4);
        }
        let mut block = (first + head.len() as u64) / 4;
        let (runs, rest) = rest.as_chunks_mut::<{ 4 * BLOCKS }>();
        apply_runs(*self, runs, block);
        block += (runs.len() * BLOCKS) as u64;
        // As many words as a whole run has are worth their time for a half.
        if rest.len() >= 2 * BLOCKS {
            let mut run = [0.0; 4 * BLOCKS];
            run[..rest.len()].copy_from_slice(rest);
            apply_runs(*self, std::slice::from_mut(&mut run), block);
            rest.copy_from_slice(&run[..rest.len()]);
            return;
        }
        for (number, values) in (block..).zip(rest.chunks_mut(4)) {
            self.apply_some(values, self.stream.block(number), 0);
        }
    }

    /// Applies one block's words from number `from` on.
    fn apply_some(&self, values: &mut [f32], words: [u32; 4], from: u64) {
        for (value, word) in values.iter_mut().zip(&words[from as usize..]) {
            *value = if *word >= self.threshold { *value * self.scale } else { 0.0 };
        }
    }
}

vectorised! {
    /// Applies the mask to runs of whole blocks, of which `first` is the first.
    fn apply_runs<'a>(dropout: Dropout, runs: &'a mut [[f32; 4 * BLOCKS]], first: u64) {
        let threshold = u64::from(dropout.threshold);
        for (number, run) in runs.iter_mut().enumerate() {
            let words = dropout.stream.blocks(first + (number * BLOCKS) as u64);
            let mut scales = [0.0; 4 * BLOCKS];
            for i in 0..BLOCKS {
                for (j, words) in words.iter().enumerate() {
                    scales[4 * i + j] = if words[i] >= threshold { dropout.scale } else { 0.0 };
                }
            }
            for (value, scale) in run.iter_mut().zip(scales) {
                // Not a product with zero, which infinity and NaN would survive.
                *value = if scale == 0.0 { 0.0 } else { *value * scale };
            }
        }
    }
}

impl Dropout {
    /// [`Dropout::apply`] to a whole tensor.
    pub fn apply_all(&self, values: &mut [f32]) {
        const CHUNK: usize = 1 << 13;
        if !self.is_off() {
            let chunks = values.par_chunks_mut(CHUNK).enumerate();
            chunks.for_each(|(i, chunk)| self.apply(chunk, (i * CHUNK) as u64));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_do_not_depend_on_the_split() {
        let dropout = Dropout::new(0.1, Stream::new(7, [3, 5]));
        let mut whole = vec![1.0; 10_000];
        dropout.apply(&mut whole, 6);
        let mut pieces = vec![1.0; 10_000];
        for (i, piece) in pieces.chunks_mut(37).enumerate() {
            dropout.apply(piece, 6 + 37 * i as u64);
        }
        assert_eq!(whole, pieces);
        let (mut one, mut all) = (vec![1.0; 20_000], vec![1.0; 20_000]);
        dropout.apply(&mut one, 0);
        dropout.apply_all(&mut all);
        assert_eq!(one, all);
        let kept = whole.iter().filter(|&&v| v > 0.0).count();
        assert!((8_850..9_150).contains(&kept), "{kept}");
        assert!(whole.iter().all(|&v| v == 0.0 || (v - 1.0 / 0.9).abs() < 1e-6));
    }

    #[test]
    fn off_changes_nothing_and_streams_differ() {
        let mut values = vec![2.0; 9];
        Dropout::off().apply(&mut values, 0);
        assert_eq!(values, [2.0; 9]);
        let mask = |id| {
            let mut values = vec![1.0; 64];
            Dropout::new(0.5, Stream::new(1, id)).apply(&mut values, 0);
            values
        };
        assert_ne!(mask([0, 0]), mask([0, 1]));
        assert_ne!(mask([0, 0]), mask([1, 0]));
    }
}
