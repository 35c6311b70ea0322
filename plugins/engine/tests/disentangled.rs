//! Disentangled attention against its plain f64 reference, and relative positions against
//! transformers' own.

mod common;

use common::{distance, f64s, goldens, normal, with_threads};
use kobench_engine::ops::attention::Shape;
use kobench_engine::ops::disentangled::{self, Positions};
use kobench_engine::ops::distance::{DistanceTable, RelativePositions};
use kobench_engine::ops::dropout::Dropout;
use kobench_engine::reference::{Disentangled, disentangled_attention};
use kobench_engine::rng::Stream;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Buckets {
    distances: isize,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    position_buckets: usize,
    max_relative_positions: usize,
    grows_at: Vec<isize>,
}

#[test]
fn buckets_are_those_of_transformers() {
    let text = std::fs::read_to_string(goldens("deberta/buckets.json")).unwrap();
    let goldens: Buckets = serde_json::from_str(&text).unwrap();
    assert!(goldens.rows.len() > 30);
    for row in goldens.rows {
        let Row { position_buckets, max_relative_positions, .. } = row;
        let positions = RelativePositions { position_buckets, max_relative_positions };
        for d in 0..goldens.distances {
            let expected = row.grows_at.partition_point(|&at| at <= d) as isize;
            let found = (positions.bucket(d), positions.bucket(-d));
            assert_eq!(found, (expected, -expected), "{positions:?}, distance {d}");
        }
    }
}

/// A layer's inputs, drawn from a seed.
struct Case {
    lengths: Vec<u32>,
    heads: usize,
    head_dim: usize,
    relative: RelativePositions,
    c2p: bool,
    p2c: bool,
    seed: u64,
}

impl Case {
    fn cu_seqlens(&self) -> Vec<u32> {
        let mut cu = vec![0];
        cu.extend(self.lengths.iter().scan(0, |end, &n| {
            *end += n;
            Some(*end)
        }));
        cu
    }

    fn hidden(&self) -> usize {
        self.heads * self.head_dim
    }

    fn qkv(&self) -> Vec<f32> {
        let tokens = self.lengths.iter().sum::<u32>() as usize;
        normal(self.seed, tokens * 3 * self.hidden(), 1.5)
    }

    fn table(&self, seed: u64) -> Vec<f32> {
        normal(seed, 2 * self.relative.span() * self.hidden(), 1.0)
    }

    fn scale(&self) -> f32 {
        let terms = 1 + usize::from(self.c2p) + usize::from(self.p2c);
        1.0 / ((self.head_dim * terms) as f32).sqrt()
    }

    /// Outputs `[T, hidden]` and log-sum-exp `[heads, T]`; the table's rows that the sequences do not
    /// meet (but for some) are not there.
    fn run(&self, dropout: Dropout) -> (Vec<f32>, Vec<f32>) {
        let (cu, qkv, hidden) = (self.cu_seqlens(), self.qkv(), self.hidden());
        let longest = self.lengths.iter().copied().max().unwrap() as usize;
        let distances = DistanceTable::new(self.relative, longest + 7);
        let (queries, keys) = (self.table(self.seed + 1), self.table(self.seed + 2));
        let mut projected = Vec::new();
        for row in distances.rows() {
            for (wanted, table) in [(self.p2c, &queries), (self.c2p, &keys)] {
                if wanted {
                    projected.extend_from_slice(&table[row * hidden..(row + 1) * hidden]);
                }
            }
        }
        let (c2p, p2c) = (self.c2p, self.p2c);
        let positions = Positions { projected: &projected, distances: &distances, c2p, p2c };
        let shape = Shape { cu_seqlens: &cu, heads: self.heads, head_dim: self.head_dim };
        let mut out = vec![f32::NAN; qkv.len() / 3];
        let mut lse = vec![f32::NAN; out.len() / self.head_dim];
        let positions = Some(positions);
        let lse_out = Some(lse.as_mut_slice());
        disentangled::forward(shape, &qkv, positions, self.scale(), dropout, &mut out, lse_out);
        (out, lse)
    }

    fn expected(&self) -> Vec<f64> {
        let (queries, keys) = (f64s(&self.table(self.seed + 1)), f64s(&self.table(self.seed + 2)));
        let positions = Disentangled {
            relative: self.relative,
            keys: self.c2p.then_some(keys.as_slice()),
            queries: self.p2c.then_some(queries.as_slice()),
        };
        let qkv = f64s(&self.qkv());
        disentangled_attention(&qkv, &self.cu_seqlens(), (self.heads, self.head_dim), positions)
    }
}

fn any_positions() -> impl Strategy<Value = RelativePositions> {
    // Buckets by the hundred; a few; an odd number; so few and steep that rows are passed over; each
    // distance a row; distances limited early.
    let all = [(256, 512), (8, 33), (7, 200), (32, 20), (0, 300), (0, 5), (0, 1), (2, 9)];
    prop::sample::select(all.to_vec()).prop_map(|(position_buckets, max_relative_positions)| {
        RelativePositions { position_buckets, max_relative_positions }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn attention_equals_its_reference(
        lengths in prop::collection::vec(
            prop::sample::select(vec![1_u32, 2, 3, 9, 31, 63, 64, 65, 130, 200]), 1..4),
        heads in 1..4_usize,
        head_dim in prop::sample::select(vec![1_usize, 3, 8, 15, 33]),
        relative in any_positions(),
        (c2p, p2c) in (any::<bool>(), any::<bool>()),
        seed in 0..u64::MAX - 2,
    ) {
        let case = Case { lengths, heads, head_dim, relative, c2p, p2c, seed };
        let (out, _) = case.run(Dropout::off());
        prop_assert!(distance(&out, &case.expected()) < 3e-5);
    }
}

#[test]
fn log_sum_exp_is_that_of_the_scores() {
    let relative = RelativePositions { position_buckets: 8, max_relative_positions: 33 };
    let case = Case {
        lengths: vec![1, 90],
        heads: 2,
        head_dim: 5,
        relative,
        c2p: true,
        p2c: true,
        seed: 3,
    };
    let (_, lse) = case.run(Dropout::off());
    let (qkv, hidden) = (f64s(&case.qkv()), case.hidden());
    let (queries, keys) = (f64s(&case.table(4)), f64s(&case.table(5)));
    for head in 0..case.heads {
        for (start, length) in [(0, 1), (1, 90)] {
            for i in 0..length {
                let take =
                    |from: &[f64], at: usize| from[at + head * 5..at + head * 5 + 5].to_vec();
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let q = take(&qkv, (start + i) * 3 * hidden);
                let score = |j: usize| {
                    let k = take(&qkv, (start + j) * 3 * hidden + hidden);
                    let row = relative.row(i as isize - j as isize) * hidden;
                    let sum =
                        dot(&q, &k) + dot(&q, &take(&keys, row)) + dot(&k, &take(&queries, row));
                    sum * f64::from(case.scale())
                };
                let expected = (0..length).map(|j| score(j).exp()).sum::<f64>().ln();
                let found = f64::from(lse[head * 91 + start + i]);
                assert!((found - expected).abs() < 1e-5, "{head} {start} {i}: {found} {expected}");
            }
        }
    }
}

/// The same bits on one and on three threads, dropout included, and nearly the same numbers whatever
/// else is in the batch.
#[test]
fn threads_and_batch_composition_do_not_matter() {
    let relative = RelativePositions { position_buckets: 16, max_relative_positions: 60 };
    let of = |lengths: Vec<u32>| Case {
        lengths,
        heads: 3,
        head_dim: 15,
        relative,
        c2p: true,
        p2c: true,
        seed: 8,
    };
    let case = of(vec![70, 1, 129, 20]);
    let dropout = Dropout::new(0.1, Stream::new(9, [1, 2]));
    let bits = || -> Vec<u32> {
        let (out, lse) = case.run(dropout);
        out.iter().chain(&lse).map(|v| v.to_bits()).collect()
    };
    assert!(with_threads(1, bits) == with_threads(3, bits));
    // Inputs are drawn in order, so the first sequence is the same in both.
    let (alone, _) = of(vec![70]).run(Dropout::off());
    let (together, _) = case.run(Dropout::off());
    assert!(distance(&alone, &f64s(&together[..alone.len()])) < 2e-6);
    assert_ne!(case.run(dropout).0, together);
}

#[test]
fn no_positions_is_plain_attention() {
    let (heads, head_dim, cu) = (2, 8, [0, 5, 90]);
    let qkv = normal(1, 90 * 3 * 16, 1.0);
    let shape = Shape { cu_seqlens: &cu, heads, head_dim };
    let (mut a, mut b) = (vec![0.0; 90 * 16], vec![0.0; 90 * 16]);
    let scale = 1.0 / (head_dim as f32).sqrt();
    disentangled::forward(shape, &qkv, None, scale, Dropout::off(), &mut a, None);
    kobench_engine::ops::attention::forward(shape, &qkv, Dropout::off(), &mut b, None);
    assert_eq!(a, b);
}
