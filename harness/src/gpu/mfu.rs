//! Model FLOPs utilisation: the arithmetic that a model needs, against what its device could do in that time
//! (Chowdhery et al. 2022, arXiv:2204.02311, appendix B).

use super::peak::peak_flops;
use super::stats::{DeviceStats, Flops};

/// A training step counts as so many forward passes: one, and a backward pass of twice its operations. Activations
/// that are computed again do not count, for the model does not need them twice.
pub const TRAINING_PASSES: f64 = 3.0;

/// Sequences that went through a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// How many.
    pub sequences: u64,
    /// The sum of their lengths in tokens.
    pub tokens: u64,
    /// The sum of the squares of their lengths.
    pub pairs: u64,
}

impl Work {
    /// Operations of one forward pass over all of them.
    pub fn flops(self, of: Flops) -> f64 {
        of.per_token * self.tokens as f64
            + of.per_pair * self.pairs as f64
            + of.per_sequence * self.sequences as f64
    }
}

/// `passes * flops / (seconds * peak)`, between 0 and 1 where all three tell the truth. None where the plugin does not say
/// what it computes, or the device's peak is not known, or f32 is rounded to TF32, which is neither precision.
pub fn utilisation(
    stats: &DeviceStats,
    precision: &str,
    (work, passes): (Work, f64),
    seconds: f64,
) -> Option<f64> {
    if stats.isa.as_deref().is_some_and(|isa| isa.contains("tf32")) {
        return None;
    }
    let peak = peak_flops(stats.name.as_deref()?, precision)?;
    let flops = passes * work.flops(stats.flops?);
    (seconds > 0.0 && flops > 0.0).then(|| flops / (seconds * peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_is_what_it_says() {
        let flops = Flops { per_token: 2e9, per_pair: 1e6, per_sequence: 5e8 };
        // Two sequences, of 100 and of 50 tokens.
        let work = Work { sequences: 2, tokens: 150, pairs: 12_500 };
        assert_eq!(work.flops(flops), 3e11 + 1.25e10 + 1e9);
        let mut stats = DeviceStats { flops: Some(flops), ..DeviceStats::default() };
        assert_eq!(utilisation(&stats, "bf16", (work, 1.0), 1.0), None, "no device");
        stats.name = Some("NVIDIA A100-SXM4-80GB".into());
        let of = |passes| utilisation(&stats, "bf16", (work, passes), 0.01).unwrap();
        assert!((of(1.0) - 3.135e11 / (0.01 * 312e12)).abs() < 1e-12);
        assert!((of(TRAINING_PASSES) - 3.0 * of(1.0)).abs() < 1e-12);
        assert_eq!(utilisation(&stats, "bf16", (work, 1.0), 0.0), None);
        stats.isa = Some("cuda-tf32".into());
        assert_eq!(utilisation(&stats, "f32", (work, 1.0), 1.0), None);
        stats.isa = Some("cuda-f32".into());
        assert!(utilisation(&stats, "f32", (work, 1.0), 1.0).is_some());
        stats.flops = None;
        assert_eq!(utilisation(&stats, "bf16", (work, 1.0), 1.0), None);
    }
}
