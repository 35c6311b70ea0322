//! One measurement.

use std::ops::Range;
use std::time::Instant;

use kobench_plugin_sdk::{self as sdk, Error, SpeedLine, SpeedRequest};

use super::lengths::{Lengths, pack};
use super::memory;
use super::shape::Shape;
use crate::batch::PackedBatch;
use crate::context::Precision;
use crate::error::Result;
use crate::model::Model;
use crate::selftest::bench::Opened;
use crate::train::{Settings, StepOptions, Targets, Trainer};

/// Tokens of a batch in evaluation: the CPU's, a GPU's.
const BATCH_TOKENS: (u64, u64) = (2_048, 32_768);

/// Tokens that a repetition should have at least: the CPU's, a GPU's.
const TOKENS: (u64, u64) = (4_096, 500_000);

/// What is done with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Logits of rows that are sorted by length and packed up to a number of tokens.
    Evaluate,
    /// Steps of so many rows each, in the order in which they come.
    Train,
}

impl Mode {
    /// `evaluate` or `train`.
    ///
    /// # Errors
    /// Another name.
    pub(super) fn named(name: &str) -> sdk::Result<Self> {
        match name {
            "evaluate" => Ok(Self::Evaluate),
            "train" => Ok(Self::Train),
            _ => Err(Error::invalid_argument(format!(
                "speed: no mode \"{name}\"; there are \"evaluate\" and \"train\""
            ))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Evaluate => "evaluate",
            Self::Train => "train",
        }
    }
}

/// What is measured.
pub(super) struct Case<'a> {
    pub(super) opened: &'a Opened,
    pub(super) shape: &'a Shape,
    pub(super) mode: Mode,
    pub(super) lengths: Lengths,
    pub(super) precision: Precision,
    pub(super) wanted: &'a SpeedRequest,
}

/// Batches, and the seconds that all of them took, time after time.
struct Timed {
    seconds: Vec<f64>,
    steps: usize,
    loss: Option<f64>,
}

impl Case<'_> {
    /// Measures it. Weights follow from `seed`, and so do lengths.
    ///
    /// # Errors
    /// Memory that does not suffice.
    pub(super) fn measure(&self, seed: u64) -> Result<SpeedLine> {
        let threads = usize::try_from(self.wanted.threads).unwrap_or(0);
        let mut model = self.shape.model(seed, self.opened.context(self.precision, threads)?)?;
        let batch = self.wanted.batch.unwrap_or(self.shape.batch);
        let batch_tokens = self.wanted.batch_tokens.unwrap_or(self.usual(BATCH_TOKENS));
        let lengths = self.rows(&model, batch, seed);
        let timed = match self.mode {
            Mode::Evaluate => self.evaluate(&mut model, lengths.clone(), batch_tokens)?,
            Mode::Train => self.train(&mut model, &lengths, batch, seed)?,
        };
        let model_flops = self.flops(&model, &lengths);
        let seconds = median(&timed.seconds);
        let (rows, tokens) = (lengths.len() as u64, lengths.iter().sum::<usize>() as u64);
        let trains = self.mode == Mode::Train;
        Ok(SpeedLine {
            shape: self.shape.name.to_owned(),
            mode: self.mode.name().to_owned(),
            lengths: self.lengths.name(),
            device: self.opened.name.clone(),
            device_name: self.opened.what.clone(),
            precision: self.precision.name().to_owned(),
            optimizer: trains.then(|| self.shape.training().0.to_owned()),
            rows,
            tokens,
            steps: timed.steps as u64,
            batch: trains.then_some(batch),
            batch_tokens: (!trains).then_some(batch_tokens),
            seconds,
            rows_per_second: rows as f64 / seconds,
            tokens_per_second: tokens as f64 / seconds,
            step_milliseconds: 1e3 * seconds / timed.steps as f64,
            repetitions: timed.seconds,
            parameters: model.params().elements() as u64,
            model_flops,
            model_flops_per_second: model_flops / seconds,
            peak_rss_bytes: memory::peak_rss_bytes(),
            peak_device_bytes: self.opened.peak_bytes(),
            weight_bytes: model.params().bytes() as u64,
            loss: timed.loss,
        })
    }

    /// Operations over rows of these lengths; three times as many in training.
    fn flops(&self, model: &Model, lengths: &[usize]) -> f64 {
        let of = model.flops();
        let passes = if self.mode == Mode::Train { 3.0 } else { 1.0 };
        let tokens: f64 = lengths.iter().map(|&n| n as f64).sum();
        let pairs: f64 = lengths.iter().map(|&n| (n as f64).powi(2)).sum();
        let (token, pair, row) = (of.per_token as f64, of.per_pair as f64, of.per_sequence as f64);
        passes * (token * tokens + pair * pairs + row * lengths.len() as f64)
    }

    fn usual<T>(&self, (cpu, gpu): (T, T)) -> T {
        if self.opened.is_cpu() { cpu } else { gpu }
    }

    /// Lengths of the rows of a repetition; in training whole steps.
    fn rows(&self, model: &Model, batch: u64, seed: u64) -> Vec<usize> {
        let longest = model.config().max_seq_len;
        let mean = match self.lengths {
            Lengths::Nsmc => 20,
            Lengths::Fixed(tokens) => tokens.min(longest),
        };
        let usual = self.usual(TOKENS).div_ceil(mean as u64);
        let rows = self.wanted.rows.unwrap_or(usual);
        let rows = match self.mode {
            Mode::Evaluate => rows,
            Mode::Train => rows.div_ceil(batch) * batch,
        };
        self.lengths.rows(usize::try_from(rows).unwrap_or(usize::MAX), seed, longest)
    }

    fn evaluate(
        &self,
        model: &mut Model,
        mut lengths: Vec<usize>,
        batch_tokens: u64,
    ) -> Result<Timed> {
        model.pack()?;
        lengths.sort_unstable_by_key(|&length| std::cmp::Reverse(length));
        let batches = by_tokens(&lengths, usize::try_from(batch_tokens).unwrap_or(usize::MAX));
        let vocabulary = model.config().vocab_size;
        let packed = batches
            .into_iter()
            .map(|rows| pack(&lengths[rows.clone()], rows.start, vocabulary))
            .collect::<Result<Vec<PackedBatch>>>()?;
        let mut logits = vec![0.0; lengths.len() * model.logits_width()];
        let seconds = self.repeat(|| {
            for batch in &packed {
                let wanted = model.logits_rows(batch) * model.logits_width();
                model.forward(batch, &mut logits[..wanted], &|| Ok(()))?;
            }
            Ok(())
        })?;
        Ok(Timed { seconds, steps: packed.len(), loss: None })
    }

    fn train(&self, model: &mut Model, lengths: &[usize], batch: u64, seed: u64) -> Result<Timed> {
        let (_, settings) = self.shape.training();
        let settings = Settings::parse(settings, model.logits_width())?;
        let mut trainer = Trainer::begin(model, settings, seed)?;
        let size = usize::try_from(batch).unwrap_or(usize::MAX);
        let vocabulary = model.config().vocab_size;
        let labels = model.logits_width() as i64;
        let steps = lengths
            .chunks(size)
            .enumerate()
            .map(|(number, rows)| {
                let classes = (0..rows.len() as i64).map(|row| row % labels).collect();
                Ok((pack(rows, number * size, vocabulary)?, Targets::Classes(classes)))
            })
            .collect::<Result<Vec<_>>>()?;
        let options = StepOptions { learning_rate: 1e-5, loss_scale: 1.0, accumulate: false };
        let mut loss = None;
        let seconds = self.repeat(|| {
            for (batch, targets) in &steps {
                let stepped = trainer.step(model, batch, targets, options, &|| Ok(()))?;
                loss = Some(stepped.loss);
            }
            Ok(())
        })?;
        Ok(Timed { seconds, steps: steps.len(), loss })
    }

    /// Seconds of each repetition, behind one that does not count.
    fn repeat(&self, mut run: impl FnMut() -> Result<()>) -> Result<Vec<f64>> {
        run()?;
        (0..self.wanted.repetitions)
            .map(|_| {
                let clock = Instant::now();
                run()?;
                self.opened.wait()?;
                Ok(clock.elapsed().as_secs_f64())
            })
            .collect()
    }
}

/// Ranges of rows, longest first, with at most so many tokens each (one row may have more).
fn by_tokens(lengths: &[usize], most: usize) -> Vec<Range<usize>> {
    let mut batches: Vec<Range<usize>> = Vec::new();
    let mut tokens = 0;
    for (row, &length) in lengths.iter().enumerate() {
        tokens += length;
        match batches.last_mut() {
            Some(batch) if tokens <= most => batch.end = row + 1,
            _ => {
                batches.push(row..row + 1);
                tokens = length;
            }
        }
    }
    batches
}

/// The middle one, or the mean of the two in the middle.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        0 if middle > 0 => (sorted[middle - 1] + sorted[middle]) / 2.0,
        _ => sorted.get(middle).copied().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_hold_every_row_once_and_no_more_tokens_than_they_may() {
        assert_eq!(by_tokens(&[9, 4, 3, 3, 1], 7), [0..1, 1..3, 3..5]);
        assert!(by_tokens(&[], 7).is_empty());
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
