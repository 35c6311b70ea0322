//! Steps of training: losses and weights against PyTorch's and the CPU's.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::batch::PackedBatch;
use crate::context::Context;
use crate::error::Result;
use crate::model::Model;
use crate::selftest::bench::Bench;
use crate::selftest::compare::{Worst, distance};
use crate::selftest::golden::{Goldens, ModelGolden, Training, parse};
use crate::selftest::read::{self, Named};
use crate::selftest::registry::Check;
use crate::train::{Settings, StepOptions, Stepped, Targets, Trainer};

/// Steps of each training.
const STEPS: usize = 20;

/// Largest difference of a loss, in parts of it: f32, bf16.
const LOSS: (f64, f64) = (1e-4, 1e-1);

/// Largest distance of a model's weights from those of the CPU, in parts of the way that training moved these.
const WEIGHTS: (f64, f64) = (5e-2, 5e-1);

pub(in crate::selftest) fn checks(goldens: &Goldens) -> Vec<Check<'_>> {
    let mut all = Vec::new();
    for golden in goldens.models {
        let name = golden.check("training");
        all.push(Check::new(format!("{name}/adamw"), |bench| adamw(bench, golden)));
        all.push(Check::new(format!("{name}/adalomo"), |bench| adalomo(bench, golden)));
    }
    let runs = parse::<Optimizers>(goldens.optimizers, "optimizers").map_or(0, |o| o.runs.len());
    for run in 0..runs {
        let name = format!("training/optimizers/{run}");
        all.push(Check::new(name, move |bench| optimizer(bench, run)).in_f32());
    }
    all
}

/// The first steps of the goldens: AdamW, decay, clipping, a linear schedule of 100 steps with a warm-up of 10.
fn adamw(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    const ALL: usize = 100;
    const WARMUP: usize = 10;
    let settings = json!({
        "optimizer": {"name": "adamw", "variant": "torch", "weight_decay": 0.01},
        "clip_norm": 1.0,
    });
    let rate = |step: usize| {
        let factor = match step {
            step if step < WARMUP => step as f64 / WARMUP as f64,
            step => (ALL - step) as f64 / (ALL - WARMUP) as f64,
        };
        5e-4 * factor
    };
    let training = golden.training()?;
    let mut worst = Worst::default();
    let losses = against_the_cpu(bench, golden, &training, (&settings, &rate), &mut worst)?;
    for (step, (seen, expected)) in losses.iter().zip(&training.losses).enumerate() {
        let off = (seen / expected - 1.0).abs();
        worst.part(off, bench.by_precision(LOSS.0, LOSS.1), || {
            format!("loss of step {step}: PyTorch's is {expected}, saw {seen}")
        });
    }
    Ok(worst)
}

/// The update in the backward pass.
fn adalomo(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let settings = json!({"optimizer": {"name": "adalomo", "weight_decay": 0.01}});
    let mut worst = Worst::default();
    against_the_cpu(bench, golden, &golden.training()?, (&settings, &|_| 1e-3), &mut worst)?;
    Ok(worst)
}

/// The same training on the device and on the CPU: losses and weights. Gives the device's losses.
fn against_the_cpu(
    bench: &Bench<'_>,
    golden: &ModelGolden,
    training: &Training,
    (settings, rate): (&Value, &dyn Fn(usize) -> f64),
    worst: &mut Worst,
) -> Result<Vec<f64>> {
    let before = read::weights(&golden.open(bench.reference()?, 0.0)?)?;
    let run = |ctx: Context| train(golden.open(ctx, 0.0)?, training, settings, rate);
    let (expected, there) = run(bench.reference()?)?;
    let (losses, here) = run(bench.context()?)?;
    for (step, (seen, expected)) in losses.iter().zip(&expected).enumerate() {
        let off = (seen / expected - 1.0).abs();
        worst.part(off, bench.by_precision(LOSS.0, LOSS.1), || {
            format!("loss of step {step}: the CPU's is {expected}, saw {seen}")
        });
    }
    let (way, apart, furthest) = apart(&before, &there, &here);
    worst.part(apart / way, bench.by_precision(WEIGHTS.0, WEIGHTS.1), || {
        format!(
            "weights behind {STEPS} steps: {apart:.3e} from the CPU's, which moved by {way:.3e}; most of all {furthest}"
        )
    });
    Ok(losses)
}

/// Losses of the steps, and the weights behind them.
fn train(
    mut model: Model,
    training: &Training,
    settings: &Value,
    rate: &dyn Fn(usize) -> f64,
) -> Result<(Vec<f64>, Vec<Named>)> {
    let settings = Settings::parse(settings.clone(), model.logits_width())?;
    let mut trainer = Trainer::begin(&model, settings, 1)?;
    let mut losses = Vec::new();
    for step in 0..STEPS {
        let (batch, targets) = training.batch(step)?;
        let options = StepOptions { learning_rate: rate(step), loss_scale: 1.0, accumulate: false };
        losses.push(trainer.step(&mut model, &batch, &targets, options, &|| Ok(()))?.loss);
    }
    Ok((losses, read::weights(&model)?))
}

/// How far the weights moved, how far two trainings ended from one another, and the tensor that is furthest.
fn apart(before: &[Named], there: &[Named], here: &[Named]) -> (f64, f64, String) {
    let (mut way, mut apart, mut furthest) = (0.0, 0.0, (0.0, ""));
    for ((before, there), here) in before.iter().zip(there).zip(here) {
        // AdamW makes steps of the learning rate even of rounding.
        if before.is_rounding() {
            continue;
        }
        way += distance(&there.values, Some(&before.values)).powi(2);
        let own = distance(&there.values, Some(&here.values));
        apart += own.powi(2);
        if own > furthest.0 {
            furthest = (own, &before.name);
        }
    }
    (way.sqrt(), apart.sqrt(), furthest.1.to_owned())
}

/// Trainings of a few steps by PyTorch in f64.
#[derive(Deserialize)]
struct Optimizers {
    batches: Vec<OptimizerBatch>,
    runs: Vec<OptimizerRun>,
}

#[derive(Deserialize)]
struct OptimizerBatch {
    input_ids: Vec<Vec<u32>>,
    targets: Vec<i64>,
}

#[derive(Deserialize)]
struct OptimizerRun {
    settings: Value,
    learning_rate: f64,
    accumulate: usize,
    steps: Vec<OptimizerStep>,
    /// The first elements of each tensor behind the last step.
    weights: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct OptimizerStep {
    losses: Vec<f64>,
    grad_norm: f64,
}

/// Both AdamW and AdaLomo with clipping, accumulation, layer-wise rates and frozen tensors are PyTorch's.
fn optimizer(bench: &Bench<'_>, number: usize) -> Result<Worst> {
    let goldens: Optimizers = parse(bench.goldens.optimizers, "optimizers")?;
    let run = &goldens.runs[number];
    let golden = bench.goldens.model(bench.goldens.optimizers_model)?;
    let mut model = golden.open(bench.context()?, 0.0)?;
    let settings = Settings::parse(run.settings.clone(), model.logits_width())?;
    let mut trainer = Trainer::begin(&model, settings, 5)?;
    let mut passes = goldens.batches.iter().cycle();
    let mut worst = Worst::default();
    let what = &run.settings;
    for (number, step) in run.steps.iter().enumerate() {
        for (micro, expected) in step.losses.iter().enumerate() {
            let Some(batch) = passes.next() else { break };
            let last = micro + 1 == run.accumulate;
            let options = StepOptions {
                learning_rate: run.learning_rate,
                loss_scale: 1.0 / run.accumulate as f64,
                accumulate: !last,
            };
            let Stepped { loss, grad_norm } = one(&mut trainer, &mut model, batch, options)?;
            worst.part((loss / expected - 1.0).abs(), LOSS.0, || {
                format!("{what}: loss of step {number}: expected {expected}, saw {loss}")
            });
            if last {
                let expected = step.grad_norm;
                worst.part((grad_norm / expected - 1.0).abs(), 1e-3, || {
                    format!("{what}: norm of step {number}: expected {expected}, saw {grad_norm}")
                });
            }
        }
    }
    for tensor in read::weights(&model)?.iter().filter(|tensor| !tensor.is_rounding()) {
        let Some(expected) = run.weights.get(&tensor.name) else { continue };
        let seen = &tensor.values[..expected.len().min(tensor.values.len())];
        // A step of the learning rate is what a sign that rounding has changed costs.
        let scale = (run.learning_rate, 5e-2);
        worst.numbers(&format!("{what}: {}", tensor.name), expected, seen, scale)?;
    }
    Ok(worst)
}

fn one(
    trainer: &mut Trainer,
    model: &mut Model,
    batch: &OptimizerBatch,
    options: StepOptions,
) -> Result<Stepped> {
    let mut packed = PackedBatch::default();
    for ids in &batch.input_ids {
        packed.push(ids, &vec![0; ids.len()])?;
    }
    let targets = Targets::Classes(batch.targets.clone());
    trainer.step(model, &packed, &targets, options, &|| Ok(()))
}
