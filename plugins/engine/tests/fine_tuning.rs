//! Gradients and training of whole models, of every architecture and head, against PyTorch and transformers.

mod common;

use common::fine_tuning::{self, Directions, Golden, pack};
use kobench_engine::model::Model;
use kobench_engine::train::{Settings, StepOptions, Trainer};
use kobench_engine::{Accumulate, Saved};

/// One tensor of the checkpoint, which is all of a parameter or a part of it, and its gradient.
struct Tensor<'a> {
    name: String,
    shape: Vec<usize>,
    grad: Option<&'a [f32]>,
}

fn tensors<'a>(model: &Model, sink: &'a Accumulate) -> Vec<Tensor<'a>> {
    let mut all = Vec::new();
    for param in model.params().iter() {
        let mut from = 0;
        for part in param.parts() {
            let grad = sink.grad(param).map(|grad| &grad[from..from + part.elements()]);
            from += part.elements();
            all.push(Tensor { name: part.name.clone(), shape: part.shape.clone(), grad });
        }
    }
    all
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
}

/// What differs most in a model: 1 - cosine, relative difference of the norm.
fn compare(golden: &Golden) -> (f64, f64) {
    let directions = Directions::read(golden);
    let mut model = golden.open(2, 0.0);
    let (loss, sink) = golden.gradients(&mut model, 0, &mut Saved::train(1, 0));
    let name = &golden.name;
    assert!((loss / golden.losses[0] - 1.0).abs() < 1e-5, "{name}: {loss} {}", golden.losses[0]);
    let largest = golden.norms.values().copied().fold(0.0, f64::max);
    let (mut worst_cosine, mut worst_norm, mut compared) = (0.0_f64, 0.0_f64, 0);
    for Tensor { name: tensor, shape, grad } in tensors(&model, &sink) {
        let Some(&expected) = golden.norms.get(&tensor) else {
            assert!(golden.frozen.contains(&tensor), "{name}: {tensor} is no parameter there");
            assert!(grad.is_none(), "{name}: {tensor} is not trained there");
            continue;
        };
        compared += 1;
        let width = shape.last().copied().unwrap_or(1);
        let Some(direction) = directions.of(&tensor, shape.iter().product(), width) else {
            assert!(expected < 1e-6 * largest);
            assert!(norm(grad.unwrap_or(&[])) < 3e-6 * largest, "{name}: {tensor}");
            continue;
        };
        let grad = grad.unwrap_or_else(|| panic!("{name}: {tensor} received no gradient"));
        let length = norm(grad);
        let dot: f64 = grad.iter().zip(&direction).map(|(g, d)| f64::from(*g) * d).sum();
        let unit = direction.iter().map(|d| d * d).sum::<f64>().sqrt();
        let (off, apart) = (1.0 - dot / (length * unit), (length / expected - 1.0).abs());
        assert!(off < 1e-4, "{name}: {tensor}: cosine {}", 1.0 - off);
        assert!(apart < 1e-3, "{name}: {tensor}: norm {length}, expected {expected}");
        worst_cosine = worst_cosine.max(off);
        worst_norm = worst_norm.max(apart);
    }
    assert_eq!(compared, golden.norms.len(), "{name}: parameters that the engine does not have");
    (worst_cosine, worst_norm)
}

#[test]
fn gradients_equal_pytorch() {
    for golden in fine_tuning::all() {
        let (cosine, norm) = compare(&golden);
        println!("{}: cosine at least 1 - {cosine:.1e}, norms within {norm:.1e}", golden.name);
    }
}

/// A hundred steps as the goldens' script makes them: AdamW, decay, clipping, a linear schedule with warm-up.
#[test]
fn the_loss_of_each_step_equals_pytorch() {
    const STEPS: usize = 100;
    const WARMUP: usize = 10;
    let settings = serde_json::json!({
        "optimizer": {"name": "adamw", "variant": "torch", "weight_decay": 0.01},
        "clip_norm": 1.0,
    });
    for golden in fine_tuning::all() {
        let name = &golden.name;
        assert_eq!(golden.losses.len(), STEPS, "{name}");
        let mut model = golden.open(2, 0.0);
        let settings = Settings::parse(settings.clone(), model.logits_width()).unwrap();
        let mut trainer = Trainer::begin(&model, settings, 1).unwrap();
        let mut worst = 0.0_f64;
        for (step, expected) in golden.losses.iter().enumerate() {
            let batch = step % golden.batches.len();
            let factor = match step {
                step if step < WARMUP => step as f64 / WARMUP as f64,
                step => (STEPS - step) as f64 / (STEPS - WARMUP) as f64,
            };
            let options =
                StepOptions { learning_rate: 5e-4 * factor, loss_scale: 1.0, accumulate: false };
            let (packed, targets) = (pack(&golden.batches[batch]), golden.targets(batch));
            let stepped = trainer.step(&mut model, &packed, &targets, options, &|| Ok(())).unwrap();
            let off = (stepped.loss / expected - 1.0).abs();
            assert!(off < 1e-4, "{name}: step {step}: {} against {expected}", stepped.loss);
            worst = worst.max(off);
        }
        let (first, last) = (golden.losses[0], golden.losses[STEPS - 1]);
        println!("{name}: {first:.3} to {last:.3}, every loss within {worst:.1e}");
    }
}

/// With every dropout on, each tensor that is trained receives a gradient.
#[test]
fn every_tensor_receives_its_gradient() {
    for golden in fine_tuning::all() {
        let mut model = golden.open(2, 0.1);
        let (_, sink) = golden.gradients(&mut model, 0, &mut Saved::train(3, 1));
        let mut received = 0;
        for Tensor { name: tensor, grad, .. } in tensors(&model, &sink) {
            let expected = golden.norms.get(&tensor).is_some_and(|norm| *norm > 0.0);
            let some = grad.is_some_and(|grad| grad.iter().any(|g| *g != 0.0));
            assert!(some || !expected, "{}: {tensor}", golden.name);
            received += usize::from(some);
        }
        assert!(received > 10, "{}: {received}", golden.name);
    }
}

/// Loss and all gradients as bits.
fn bits(golden: &Golden, threads: usize, saved: &mut Saved) -> Vec<u32> {
    let mut model = golden.open(threads, 0.2);
    let (loss, sink) = golden.gradients(&mut model, 0, saved);
    let grads = tensors(&model, &sink).into_iter().filter_map(|tensor| tensor.grad);
    let grads = grads.flat_map(|grad| grad.iter().map(|g| g.to_bits())).collect::<Vec<_>>();
    [(loss as f32).to_bits()].into_iter().chain(grads).collect()
}

#[test]
fn threads_and_checkpointing_change_no_bit() {
    for golden in fine_tuning::all() {
        let name = &golden.name;
        let mut saved = Saved::train(5, 7);
        let one = bits(&golden, 1, &mut saved);
        assert_eq!(saved.kept_bytes(), 0, "{name}: buffers are left over");
        assert!(one == bits(&golden, 2, &mut Saved::train(5, 7)), "{name}: threads");
        let mut less = Saved::train(5, 7).checkpointing();
        assert!(one == bits(&golden, 2, &mut less), "{name}: checkpointing");
        assert_eq!(less.kept_bytes(), 0, "{name}: buffers are left over");
        assert!(
            one != bits(&golden, 2, &mut Saved::train(5, 8)),
            "{name}: dropout follows the step"
        );
        // What one layer keeps is much more than its input; with a single layer nothing is gained.
        let layers = golden.open(1, 0.0).config().num_hidden_layers;
        println!(
            "{name}: {layers} layers, {} bytes, {} with checkpointing",
            saved.peak_bytes(),
            less.peak_bytes()
        );
        assert!(layers == 1 || less.peak_bytes() < saved.peak_bytes(), "{name}");
    }
}

/// Three steps with dropout give the same weights, whether layers are computed once or twice.
#[test]
fn a_trainer_checkpoints_where_its_settings_say() {
    for golden in fine_tuning::all().into_iter().step_by(5) {
        let train = |checkpointing: bool| -> Vec<u32> {
            let mut model = golden.open(2, 0.1);
            let settings = serde_json::json!({"activation_checkpointing": checkpointing});
            let settings = Settings::parse(settings, model.logits_width()).unwrap();
            let mut trainer = Trainer::begin(&model, settings, 9).unwrap();
            for batch in 0..3 {
                let options =
                    StepOptions { learning_rate: 1e-3, loss_scale: 1.0, accumulate: false };
                let (packed, targets) = (pack(&golden.batches[batch]), golden.targets(batch));
                trainer.step(&mut model, &packed, &targets, options, &|| Ok(())).unwrap();
            }
            let values =
                model.params().iter().map(|param| param.read().host().unwrap().into_owned());
            values.flatten().map(f32::to_bits).collect()
        };
        assert!(train(false) == train(true), "{}", golden.name);
    }
}
