//! One operation on one context: inputs that follow from a seed, and what came of them.

use crate::batch::PackedBatch;
use crate::buffer::Buffer;
use crate::context::{Context, Precision};
use crate::dispatch::embedding::Table;
use crate::error::Result;
use crate::ops::attention;
use crate::ops::distance::DistanceTable;
use crate::ops::dropout::Dropout;
use crate::rng::Stream;
use crate::selftest::bench::Bench;
use crate::selftest::compare::{Worst, largest, wide};

/// Largest difference of a result, in parts of its largest number: f32, bf16.
const TOLERANCE: (f64, f64) = (2e-5, 2e-2);

/// The pass that dropout is of.
const PASS: u32 = 3;

/// What an operation reads beside its buffers.
#[cfg_attr(not(feature = "cuda"), expect(dead_code, reason = "devices read it"))]
pub(super) enum Lists<'a> {
    Sequences,
    Positions,
    Picked(&'a [u32]),
    Lookups(&'a [(Table, &'a [u32])]),
    Attention(attention::Shape<'a>),
    Causal,
    Disentangled(attention::Shape<'a>, &'a DistanceTable),
}

/// An operation in progress.
pub(super) struct Case {
    pub(super) ctx: Context,
    /// Whether inputs are numbers that bf16 has, so that only results are rounded.
    rounds: bool,
    /// Whether this is what the device is compared with.
    is_reference: bool,
    seed: u64,
    drawn: u32,
    results: Vec<(&'static str, Vec<f32>)>,
    exact: Vec<(&'static str, Vec<f64>)>,
}

impl Case {
    fn new(ctx: Context, bench: &Bench<'_>, is_reference: bool) -> Self {
        Self {
            ctx,
            rounds: bench.precision == Precision::Bf16,
            is_reference,
            seed: bench.seed,
            drawn: 0,
            results: Vec::new(),
            exact: Vec::new(),
        }
    }

    /// The next normal numbers, the same on every context.
    pub(super) fn numbers(&mut self, len: usize, std: f32) -> Vec<f32> {
        self.drawn += 1;
        let mut values = vec![0.0; len];
        Stream::new(self.seed, [self.drawn, 77]).fill_normal(&mut values, std);
        if self.rounds {
            values.iter_mut().for_each(|v| *v = half::bf16::from_f32(*v).to_f32());
        }
        values
    }

    /// Activations with the next numbers, and the numbers.
    pub(super) fn input(&mut self, len: usize, std: f32) -> Result<(Buffer, Vec<f32>)> {
        let values = self.numbers(len, std);
        Ok((self.ctx.upload(&values)?, values))
    }

    /// The same as f32, as parameters of norms are.
    pub(super) fn input_f32(&mut self, len: usize, std: f32) -> Result<(Buffer, Vec<f32>)> {
        let values = self.numbers(len, std);
        Ok((self.ctx.upload_f32(&values)?, values))
    }

    /// Room for activations.
    pub(super) fn room(&mut self, len: usize) -> Result<Buffer> {
        self.ctx.take(len)
    }

    /// Room for f32.
    pub(super) fn room_f32(&mut self, len: usize) -> Result<Buffer> {
        self.ctx.take_f32(len)
    }

    /// A site's dropout.
    pub(super) fn dropout(&self, p: f32, site: u32) -> Dropout {
        Dropout::new(p, Stream::new(self.seed, [PASS, site]))
    }

    /// A result.
    pub(super) fn result(&mut self, what: &'static str, of: &Buffer) -> Result<()> {
        let mut values = vec![0.0; of.len()];
        self.ctx.download(of, &mut values)?;
        self.results.push((what, values));
        Ok(())
    }

    /// What a result should be, by the plain form in f64.
    pub(super) fn expect(&mut self, what: &'static str, exact: impl FnOnce() -> Vec<f64>) {
        if self.is_reference {
            self.exact.push((what, exact()));
        }
    }

    /// Brings what an operation reads beside its buffers to the device, if it is one.
    #[cfg(not(feature = "cuda"))]
    #[expect(clippy::unused_self, reason = "devices need it")]
    pub(super) fn stage(&mut self, _: &PackedBatch, _: &Lists<'_>) -> Result<()> {
        Ok(())
    }

    /// Brings what an operation reads beside its buffers to the device, if it is one.
    #[cfg(feature = "cuda")]
    pub(super) fn stage(&mut self, batch: &PackedBatch, lists: &Lists<'_>) -> Result<()> {
        use crate::device::Device;
        use crate::dispatch::{attention, causal, disentangled};
        use crate::stage::{List, Stage};

        let Device::Cuda(gpu) = self.ctx.device().clone() else { return Ok(()) };
        let mut stage = Stage::new(batch, true);
        stage.sequences(batch);
        match lists {
            Lists::Sequences => {}
            Lists::Positions => stage.push(List::PositionIds, batch.position_ids().to_vec()),
            Lists::Picked(tokens) => stage.push(List::Picked, tokens.to_vec()),
            Lists::Lookups(all) => {
                all.iter().for_each(|(table, ids)| stage.lookup(*table, ids, None, false));
            }
            Lists::Attention(shape) => attention::stage(&self.ctx, batch, *shape, &mut stage),
            Lists::Causal => causal::stage(batch, &mut stage),
            Lists::Disentangled(shape, distances) => {
                disentangled::stage(&self.ctx, batch, *shape, Some(distances), &mut stage);
            }
        }
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let state = kobench_cuda::StepState {
            seed: [self.seed as u32, (self.seed >> 32) as u32],
            pass: PASS,
            tokens: narrow(batch.tokens()),
            longest: narrow(batch.max_seqlen()),
            sequences: narrow(batch.sequences()),
            loss_scale: 1.0,
            reserved: 0,
        };
        self.ctx.staged.load(&gpu, stage, state)
    }
}

/// Sequences of these lengths.
pub(super) fn sequences(lengths: &[usize]) -> Result<PackedBatch> {
    let mut batch = PackedBatch::default();
    for &length in lengths {
        batch.push(&vec![0; length], &vec![0; length])?;
    }
    Ok(batch)
}

/// Runs an operation on the CPU in f32 and on the device, and adds each of its results.
pub(super) fn compare(
    bench: &Bench<'_>,
    worst: &mut Worst,
    what: &str,
    op: &(dyn Fn(&mut Case) -> Result<()> + Sync),
) -> Result<()> {
    let run = |mut case: Case| {
        let threads = case.ctx.threads();
        threads.install(|| op(&mut case).map(|()| case))
    };
    let expected = run(Case::new(bench.reference()?, bench, true))?;
    let seen = run(Case::new(bench.context()?, bench, false))?;
    for ((name, expected_f32), (_, seen)) in expected.results.iter().zip(&seen.results) {
        let exact = expected.exact.iter().find(|(exact, _)| exact == name);
        let numbers = exact.map_or_else(|| wide(expected_f32), |(_, exact)| exact.clone());
        let tolerance = bench.by_precision(TOLERANCE.0, TOLERANCE.1);
        let scale = (largest(&numbers, f64::MIN_POSITIVE), tolerance);
        worst.numbers(&format!("{what}: {name}"), &numbers, seen, scale)?;
    }
    Ok(())
}
