//! Whole training steps against PyTorch in f64 (tests/goldens/make_optimizers.py): both AdamW, AdaLomo, and what
//! settings change.

use std::collections::BTreeMap;

use kobench_engine::Precision;
use kobench_engine::train::{StepOptions, Targets};
use serde::Deserialize;
use serde_json::Value;

use crate::{begin, electra, pack, weights};

#[derive(Deserialize)]
struct Goldens {
    batches: Vec<Batch>,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Batch {
    input_ids: Vec<Vec<u32>>,
    targets: Vec<i64>,
}

#[derive(Deserialize)]
struct Run {
    settings: Value,
    learning_rate: f64,
    accumulate: usize,
    steps: Vec<Step>,
    weights: BTreeMap<String, Vec<f64>>,
}

#[derive(Deserialize)]
struct Step {
    losses: Vec<f64>,
    grad_norm: f64,
}

#[test]
fn five_steps_are_those_of_torch() {
    let text = std::fs::read(crate::common::goldens("optimizers/steps.json")).unwrap();
    let goldens: Goldens = serde_json::from_slice(&text).unwrap();
    assert!(goldens.runs.len() >= 8);
    for run in &goldens.runs {
        let mut model = electra(2, 0.0, Precision::F32);
        let mut trainer = begin(&model, run.settings.clone()).unwrap();
        let mut passes = goldens.batches.iter().cycle();
        let (mut worst_loss, mut worst_norm, mut worst_weight) = (0.0_f64, 0.0_f64, 0.0_f64);
        for step in &run.steps {
            for (micro, expected) in step.losses.iter().enumerate() {
                let batch = passes.next().unwrap();
                let last = micro + 1 == run.accumulate;
                let options = StepOptions {
                    learning_rate: run.learning_rate,
                    loss_scale: 1.0 / run.accumulate as f64,
                    accumulate: !last,
                };
                let packed = pack(&batch.input_ids);
                let targets = Targets::Classes(batch.targets.clone());
                let got = trainer.step(&mut model, &packed, &targets, options, &|| Ok(())).unwrap();
                worst_loss = worst_loss.max((got.loss - expected).abs() / expected);
                match last {
                    true => {
                        let far = (got.grad_norm - step.grad_norm).abs() / step.grad_norm;
                        worst_norm = worst_norm.max(far);
                    }
                    false => assert!(got.grad_norm.is_nan()),
                }
            }
        }
        for (name, found) in weights(&model) {
            // Attention does not see the bias of the keys: its gradient is rounding, which Adam makes large.
            if name.ends_with("key.bias") {
                continue;
            }
            for (found, expected) in found.iter().zip(&run.weights[&name]) {
                worst_weight = worst_weight.max((f64::from(*found) - expected).abs());
            }
        }
        println!("{}: {worst_loss:.1e} {worst_norm:.1e} {worst_weight:.1e}", run.settings);
        // A step of the learning rate is what a sign that rounding has changed costs.
        let allowed = 0.05 * run.learning_rate;
        assert!(
            worst_loss < 1e-4 && worst_norm < 1e-3 && worst_weight < allowed,
            "{}: {worst_loss:e} {worst_norm:e} {worst_weight:e}",
            run.settings
        );
    }
}
