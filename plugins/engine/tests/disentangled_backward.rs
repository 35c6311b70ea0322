//! The gradient of disentangled attention against central differences of its f64 reference.

mod common;

use common::{distance, f64s, finite_differences, normal, with_threads};
use kobench_engine::ops::attention::Shape;
use kobench_engine::ops::disentangled::{self, Gradients, Positions};
use kobench_engine::ops::distance::{DistanceTable, RelativePositions};
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::reference::{Disentangled, disentangled_attention};
use kobench_engine::rng::Stream;

/// A layer's inputs, drawn from a seed.
struct Case {
    cu_seqlens: Vec<u32>,
    heads: usize,
    head_dim: usize,
    relative: RelativePositions,
    c2p: bool,
    p2c: bool,
    seed: u64,
}

/// Output, gradient of qkv, gradient of the projected positions.
type Found = (Vec<f32>, Vec<f32>, Vec<f32>);

impl Case {
    fn hidden(&self) -> usize {
        self.heads * self.head_dim
    }

    fn tokens(&self) -> usize {
        *self.cu_seqlens.last().unwrap() as usize
    }

    fn qkv(&self) -> Vec<f32> {
        normal(self.seed, self.tokens() * 3 * self.hidden(), 1.0)
    }

    fn dout(&self) -> Vec<f32> {
        normal(self.seed + 1, self.tokens() * self.hidden(), 1.0)
    }

    fn scale(&self) -> f32 {
        1.0 / ((self.head_dim * (1 + self.panels())) as f32).sqrt()
    }

    fn panels(&self) -> usize {
        usize::from(self.c2p) + usize::from(self.p2c)
    }

    /// Longer than the longest sequence, so that some rows are met by none.
    fn distances(&self) -> DistanceTable {
        let longest = self.cu_seqlens.windows(2).map(|s| s[1] - s[0]).max().unwrap();
        DistanceTable::new(self.relative, longest as usize + 3)
    }

    /// The projected rows that the distances meet, `[rows, panels hidden]`.
    fn projected(&self) -> Vec<f32> {
        normal(self.seed + 2, self.distances().rows().len() * self.panels() * self.hidden(), 1.0)
    }

    fn shape(&self) -> Shape<'_> {
        Shape { cu_seqlens: &self.cu_seqlens, heads: self.heads, head_dim: self.head_dim }
    }

    fn forward(
        &self,
        qkv: &[f32],
        projected: &[f32],
        dropout: Dropout,
        lse: &mut [f32],
    ) -> Vec<f32> {
        let distances = self.distances();
        let (c2p, p2c) = (self.c2p, self.p2c);
        let positions = Some(Positions { projected, distances: &distances, c2p, p2c });
        let mut out = vec![f32::NAN; qkv.len() / 3];
        let lse = (!lse.is_empty()).then_some(lse);
        disentangled::forward(self.shape(), qkv, positions, self.scale(), dropout, &mut out, lse);
        out
    }

    fn run(&self, dropout: Dropout) -> Found {
        let (qkv, projected, distances) = (self.qkv(), self.projected(), self.distances());
        let mut lse = vec![f32::NAN; self.tokens() * self.heads];
        let out = self.forward(&qkv, &projected, dropout, &mut lse);
        let (mut dqkv, mut dprojected) =
            (vec![f32::NAN; qkv.len()], vec![f32::NAN; projected.len()]);
        let (c2p, p2c) = (self.c2p, self.p2c);
        disentangled::backward(
            self.shape(),
            &qkv,
            Some(Positions { projected: &projected, distances: &distances, c2p, p2c }),
            self.scale(),
            dropout,
            &out,
            &lse,
            &self.dout(),
            Gradients { dqkv: &mut dqkv, dprojected: &mut dprojected },
        );
        (out, dqkv, dprojected)
    }

    /// The reference, which has a table for each panel, and all rows.
    fn reference(&self, qkv: &[f64], projected: &[f64]) -> Vec<f64> {
        let (hidden, met) = (self.hidden(), self.distances().rows());
        let table = |panel: usize| -> Vec<f64> {
            let mut table = vec![0.0; 2 * self.relative.span() * hidden];
            for (row, at) in met.clone().enumerate() {
                let from = (row * self.panels() + panel) * hidden;
                table[at * hidden..][..hidden].copy_from_slice(&projected[from..from + hidden]);
            }
            table
        };
        let queries = self.p2c.then(|| table(0));
        let keys = self.c2p.then(|| table(usize::from(self.p2c)));
        let positions = Disentangled {
            relative: self.relative,
            keys: keys.as_deref(),
            queries: queries.as_deref(),
        };
        let heads = (self.heads, self.head_dim);
        disentangled_attention(qkv, &self.cu_seqlens, heads, positions)
    }
}

fn cases() -> Vec<Case> {
    let relative = |position_buckets, max_relative_positions| RelativePositions {
        position_buckets,
        max_relative_positions,
    };
    let mut seed = 0;
    let mut case = |cu: &[u32], heads, head_dim, relative, c2p, p2c| {
        seed += 10;
        Case { cu_seqlens: cu.to_vec(), heads, head_dim, relative, c2p, p2c, seed }
    };
    vec![
        case(&[0, 1], 1, 1, relative(8, 33), true, true),
        case(&[0, 3, 4, 12], 2, 5, relative(8, 33), true, true),
        case(&[0, 3, 4, 12], 2, 3, relative(4, 12), true, false),
        case(&[0, 9, 9, 11], 3, 2, relative(0, 4), false, true),
        case(&[0, 13], 1, 3, relative(0, 1), true, true),
        case(&[0, 7, 9], 1, 2, relative(8, 33), false, false),
        // More than one block of queries and of keys, in logarithmic buckets and without.
        case(&[0, 2, 72], 1, 1, relative(8, 33), true, true),
        case(&[0, 66], 1, 2, relative(32, 60), true, true),
        case(&[0, 130], 1, 1, relative(256, 512), true, true),
    ]
}

#[test]
fn gradients_equal_finite_differences() {
    for case in cases() {
        let (_, dqkv, dprojected) = case.run(Dropout::off());
        let (qkv, projected, dout) = (f64s(&case.qkv()), f64s(&case.projected()), case.dout());
        let by_qkv = finite_differences(&qkv, &dout, |qkv| case.reference(qkv, &projected));
        let off = distance(&dqkv, &by_qkv);
        assert!(off < 3e-5, "seed {}: dqkv {off:e}", case.seed);
        let by_positions =
            finite_differences(&projected, &dout, |projected| case.reference(&qkv, projected));
        let off = distance(&dprojected, &by_positions);
        assert!(off < 5e-5, "seed {}: dprojected {off:e}", case.seed);
    }
}

/// With dropout the op is still a smooth function of its input (the mask is fixed), so its own f32
/// forward pass can be differenced, with a coarser step.
#[test]
fn dropout_acts_alike_in_both_passes() {
    let case = Case {
        cu_seqlens: vec![0, 5, 12],
        heads: 2,
        head_dim: 4,
        relative: RelativePositions { position_buckets: 4, max_relative_positions: 12 },
        c2p: true,
        p2c: true,
        seed: 77,
    };
    let dropout = Dropout::new(0.4, Stream::new(3, [7, 1]));
    let (out, dqkv, dprojected) = case.run(dropout);
    assert!(out != case.run(Dropout::off()).0);
    let (qkv, projected, dout) = (case.qkv(), case.projected(), case.dout());
    let value = |qkv: &[f32], projected: &[f32]| -> f64 {
        let out = case.forward(qkv, projected, dropout, &mut []);
        out.iter().zip(&dout).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    let h = 1e-2_f32;
    let slope = |at: &[f32], i: usize, value: &dyn Fn(&[f32]) -> f64| {
        let moved = |by: f32| {
            let mut at = at.to_vec();
            at[i] += by;
            value(&at)
        };
        (moved(h) - moved(-h)) / (2.0 * f64::from(h))
    };
    for (i, d) in dqkv.iter().enumerate() {
        let slope = slope(&qkv, i, &|qkv| value(qkv, &projected));
        assert!((f64::from(*d) - slope).abs() < 2e-3, "qkv {i}: {d} against {slope}");
    }
    for (i, d) in dprojected.iter().enumerate() {
        let slope = slope(&projected, i, &|projected| value(&qkv, projected));
        assert!((f64::from(*d) - slope).abs() < 2e-3, "positions {i}: {d} against {slope}");
    }
}

#[test]
fn threads_change_no_bit() {
    for case in cases() {
        let dropout = Dropout::new(0.1, Stream::new(9, [1, 2]));
        let one: Found = with_threads(1, || case.run(dropout));
        assert!(one == with_threads(3, || case.run(dropout)), "seed {}", case.seed);
    }
}

#[test]
fn without_positions_it_is_the_gradient_of_plain_attention() {
    let case = Case {
        cu_seqlens: vec![0, 5, 90],
        heads: 2,
        head_dim: 8,
        relative: RelativePositions { position_buckets: 8, max_relative_positions: 33 },
        c2p: false,
        p2c: false,
        seed: 5,
    };
    let (_, dqkv, dprojected) = case.run(Dropout::off());
    assert!(dprojected.is_empty());
    let (qkv, shape) = (case.qkv(), case.shape());
    let (mut out, mut lse) = (vec![0.0; qkv.len() / 3], vec![0.0; case.tokens() * case.heads]);
    let off = Dropout::off();
    kobench_engine::ops::attention::forward(shape, &qkv, off, &mut out, Some(&mut lse));
    let mut expected = vec![f32::NAN; qkv.len()];
    kobench_engine::ops::attention::backward(
        shape,
        &qkv,
        off,
        &out,
        &lse,
        &case.dout(),
        &mut expected,
    );
    assert!(distance(&dqkv, &f64s(&expected)) < 1e-6);
}
