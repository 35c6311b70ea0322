//! Whole models: logits against transformers', gradients against PyTorch's norms and the CPU's tensors.

use crate::batch::PackedBatch;
use crate::context::Precision;
use crate::error::Result;
use crate::model::Model;
use crate::saved::Saved;
use crate::selftest::bench::Bench;
use crate::selftest::compare::{Worst, distance, largest, wide};
use crate::selftest::golden::{Goldens, ModelGolden, pack};
use crate::selftest::read::{self, Named};
use crate::selftest::registry::Check;
use crate::selftest::synthetic;
use crate::train::Targets;

/// Largest difference of logits, in parts of the largest logit: f32, bf16. (Rounding of the operands of products alone
/// makes 2.5e-2 in the goldens, which are small; devices round activations too.)
const LOGITS: (f64, f64) = (2e-5, 8e-2);

/// Largest difference of losses, in parts of the loss.
const LOSS: (f64, f64) = (2e-5, 8e-2);

/// Largest distance of gradients from the CPU's, in parts of their length.
#[derive(Clone, Copy)]
struct Gradients {
    /// Of all together: f32, bf16.
    all: (f64, f64),
    /// Of each tensor.
    each: (f64, f64),
}

/// In models with real widths.
const WIDE: Gradients = Gradients { all: (1e-4, 2e-1), each: (1e-4, 2.5e-1) };

/// In the goldens: small as they are, rounding the operands of products alone makes 3.6e-1 of all and 6.1e-1 of a tensor
/// in DistilBERT's. A gradient that is missing is off by 1.
const SMALL: Gradients = Gradients { all: (1e-4, 6e-1), each: (1e-4, 9e-1) };

/// Largest length of a gradient that is rounding alone, in parts of the longest gradient.
const ROUNDING: (f64, f64) = (1e-5, 1e-1);

/// Tensors whose gradients are shorter than this part of the longest one are compared with that.
const SHORT: f64 = 1e-3;

/// Largest difference of the length of a gradient from PyTorch's, in parts of it; in f32.
const NORM: f64 = 1e-3;

pub(in crate::selftest) fn checks(goldens: &Goldens) -> Vec<Check<'_>> {
    let mut all = Vec::new();
    for golden in goldens.models {
        let name = golden.check("models");
        all.push(Check::new(format!("{name}/logits"), |bench| logits(bench, golden)));
        all.push(Check::new(format!("{name}/gradients"), |bench| gradients(bench, golden)));
        all.push(Check::new(format!("{name}/dropout"), |bench| dropout(bench, golden)));
    }
    for shape in &synthetic::SHAPES {
        let name = format!("models/{}/wide", shape.architecture.name());
        all.push(Check::new(format!("{name}/logits"), |bench| wide_logits(bench, shape)));
        all.push(Check::new(format!("{name}/gradients"), |bench| wide_gradients(bench, shape)));
    }
    all
}

/// All inputs in one batch have the logits that transformers gives each alone in f64.
fn logits(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let cases = golden.logits()?.cases;
    let mut model = golden.open(bench.context()?, 0.0)?;
    let seen = read::logits(&mut model, &pack(&cases)?)?;
    let expected: Vec<f64> = cases.iter().flat_map(|case| case.logits_f64.clone()).collect();
    let mut worst = Worst::default();
    let scale = (largest(&expected, f64::MIN_POSITIVE), bench.by_precision(LOGITS.0, LOGITS.1));
    worst.numbers("logits", &expected, &seen, scale)?;
    Ok(worst)
}

/// Loss and gradients of a batch are the CPU's, and as long as PyTorch's.
fn gradients(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let training = golden.training()?;
    let mut models = (golden.open(bench.context()?, 0.0)?, golden.open(bench.reference()?, 0.0)?);
    let batch = training.batch(0)?;
    let mut worst = Worst::default();
    let saved = || Saved::train(bench.seed, 0);
    let seen = compare(bench, &mut models, &batch, (&saved, SMALL), &mut worst)?;
    if bench.precision != Precision::F32 {
        return Ok(worst);
    }
    let longest = training.norms.values().copied().fold(0.0, f64::max);
    for tensor in seen.iter().filter(|tensor| !tensor.is_rounding()) {
        let Some(&expected) = training.norms.get(&tensor.name) else { continue };
        let norm = distance(&tensor.values, None);
        let off = (norm - expected).abs() / expected.max(SHORT * longest);
        worst.part(off, NORM, || {
            format!("length of the gradient of {}: expected {expected}, saw {norm}", tensor.name)
        });
    }
    Ok(worst)
}

/// With dropout, whose masks follow from the seed on every device, loss and gradients are the CPU's.
fn dropout(bench: &Bench<'_>, golden: &ModelGolden) -> Result<Worst> {
    let mut models = (golden.open(bench.context()?, 0.2)?, golden.open(bench.reference()?, 0.2)?);
    let batch = golden.training()?.batch(1)?;
    let mut worst = Worst::default();
    let saved = || Saved::train(bench.seed, 3);
    compare(bench, &mut models, &batch, (&saved, SMALL), &mut worst)?;
    Ok(worst)
}

fn wide_logits(bench: &Bench<'_>, shape: &synthetic::Shape) -> Result<Worst> {
    let batch = shape.batch()?;
    let mut model = shape.model(bench.seed, bench.context()?)?;
    let mut reference = shape.model(bench.seed, bench.reference()?)?;
    let expected = wide(&read::logits(&mut reference, &batch)?);
    let scale = (largest(&expected, f64::MIN_POSITIVE), bench.by_precision(LOGITS.0, LOGITS.1));
    let mut worst = Worst::default();
    worst.numbers("logits", &expected, &read::logits(&mut model, &batch)?, scale)?;
    Ok(worst)
}

fn wide_gradients(bench: &Bench<'_>, shape: &synthetic::Shape) -> Result<Worst> {
    let mut models =
        (shape.model(bench.seed, bench.context()?)?, shape.model(bench.seed, bench.reference()?)?);
    let batch = (shape.batch()?, shape.targets());
    let mut worst = Worst::default();
    let saved = || Saved::train(bench.seed, 0);
    compare(bench, &mut models, &batch, (&saved, WIDE), &mut worst)?;
    Ok(worst)
}

/// Loss and gradients of a model on the device against those of the same model on the CPU; gives the device's gradients.
fn compare(
    bench: &Bench<'_>,
    (model, reference): &mut (Model, Model),
    batch: &(PackedBatch, Targets),
    (saved, tolerance): (&dyn Fn() -> Saved, Gradients),
    worst: &mut Worst,
) -> Result<Vec<Named>> {
    let (expected_loss, expected) = read::gradients(reference, batch, &mut saved())?;
    let (loss, seen) = read::gradients(model, batch, &mut saved())?;
    let off = (loss - expected_loss).abs() / expected_loss.abs().max(f64::MIN_POSITIVE);
    worst.part(off, bench.by_precision(LOSS.0, LOSS.1), || {
        format!("loss: expected {expected_loss}, saw {loss}")
    });
    let lengths = expected.iter().map(|tensor| distance(&tensor.values, None));
    let longest = lengths.fold(f64::MIN_POSITIVE, f64::max);
    let square = |tensor: &Named, other: Option<&Named>| {
        distance(&tensor.values, other.map(|other| other.values.as_slice())).powi(2)
    };
    let length = expected.iter().map(|tensor| square(tensor, None)).sum::<f64>().sqrt();
    let pairs = expected.iter().zip(&seen);
    let apart = pairs.map(|(tensor, other)| square(tensor, Some(other))).sum::<f64>().sqrt();
    worst.part(apart / length, bench.by_precision(tolerance.all.0, tolerance.all.1), || {
        format!("all gradients: {apart:.3e} from the CPU's, which are {length:.3e} long")
    });
    for (expected, seen) in expected.iter().zip(&seen) {
        if expected.is_rounding() {
            let length = distance(&seen.values, None);
            worst.part(length / longest, bench.by_precision(ROUNDING.0, ROUNDING.1), || {
                format!(
                    "gradient of {}, which is rounding alone: {length:.3e}, the longest is {longest:.3e}",
                    expected.name
                )
            });
            continue;
        }
        let length = distance(&expected.values, None);
        let apart = distance(&expected.values, Some(&seen.values));
        let off = apart / length.max(SHORT * longest);
        worst.part(off, bench.by_precision(tolerance.each.0, tolerance.each.1), || {
            format!(
                "gradient of {}: {apart:.3e} from the CPU's, which is {length:.3e} long",
                expected.name
            )
        });
    }
    Ok(seen)
}
