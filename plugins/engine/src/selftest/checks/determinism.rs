//! What is promised to be the same: a second time, and in another batch.

use serde_json::json;

use crate::error::Result;
use crate::selftest::bench::Bench;
use crate::selftest::compare::{Worst, largest, wide};
use crate::selftest::golden::{Goldens, ModelGolden, pack};
use crate::selftest::read;
use crate::selftest::registry::Check;
use crate::selftest::synthetic;
use crate::train::{Settings, StepOptions, Trainer};

/// Largest difference of a row's logits between batches, in parts of the largest logit: f32, bf16.
const BATCH: (f64, f64) = (1e-5, 2e-2);

pub(in crate::selftest) fn checks(goldens: &Goldens) -> Vec<Check<'_>> {
    let mut all = Vec::new();
    for golden in goldens.one_each() {
        let name = format!("determinism/{}", golden.architecture.name());
        all.push(Check::new(format!("{name}/step"), |bench| step(bench, golden)));
        all.push(Check::new(format!("{name}/batch"), |bench| batch(bench, golden)));
    }
    for shape in &synthetic::SHAPES {
        let name = format!("determinism/{}/forward", shape.architecture.name());
        all.push(Check::new(name, |bench| forward(bench, shape)));
    }
    all
}

/// The same batch has the same logits, bit for bit, in a model that was used and in a new one.
fn forward(bench: &Bench<'_>, shape: &synthetic::Shape) -> Result<Worst> {
    let batch = shape.batch()?;
    let mut model = shape.model(bench.seed, bench.context()?)?;
    let first = read::logits(&mut model, &batch)?;
    let again = read::logits(&mut model, &batch)?;
    let mut other = shape.model(bench.seed, bench.context()?)?;
    let mut worst = Worst::default();
    worst.bits("logits of a second call", &first, &again);
    worst.bits("logits of a second model", &first, &read::logits(&mut other, &batch)?);
    Ok(worst)
}

/// The same steps from the same seed, with dropout, end with the same bits.
fn step(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let training = golden.training()?;
    let run = || -> Result<(Vec<f32>, Vec<read::Named>)> {
        let mut model = golden.open(bench.context()?, 0.2)?;
        let settings = Settings::parse(json!({"clip_norm": 1.0}), model.logits_width())?;
        let mut trainer = Trainer::begin(&model, settings, bench.seed)?;
        let mut losses = Vec::new();
        for number in 0..training.batches().min(3) {
            let (batch, targets) = training.batch(number)?;
            let options = StepOptions { learning_rate: 1e-3, loss_scale: 1.0, accumulate: false };
            let stepped = trainer.step(&mut model, &batch, &targets, options, &|| Ok(()))?;
            losses.push(stepped.loss as f32);
        }
        Ok((losses, read::weights(&model)?))
    };
    let ((losses, weights), (losses_again, weights_again)) = (run()?, run()?);
    let mut worst = Worst::default();
    worst.bits("losses", &losses, &losses_again);
    for (first, again) in weights.iter().zip(&weights_again) {
        worst.bits(&first.name, &first.values, &again.values);
    }
    Ok(worst)
}

/// A row's logits are the same alone and among others, up to rounding.
fn batch(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let cases = golden.logits()?.cases;
    let mut model = golden.open(bench.context()?, 0.0)?;
    let together = wide(&read::logits(&mut model, &pack(&cases)?)?);
    let scale = (largest(&together, f64::MIN_POSITIVE), bench.by_precision(BATCH.0, BATCH.1));
    let mut worst = Worst::default();
    let mut from = 0;
    for (number, case) in cases.iter().enumerate() {
        let alone = read::logits(&mut model, &pack([case])?)?;
        let among = &together[from..from + alone.len()];
        from += alone.len();
        worst.numbers(&format!("logits of sequence {number} alone"), among, &alone, scale)?;
    }
    Ok(worst)
}
