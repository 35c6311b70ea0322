//! Steps: threads, seeds, resuming, frozen tensors, and errors that leave everything as it was.

use kobench_engine::checkpoint::Checkpoint;
use kobench_engine::ops::loss::IGNORE;
use kobench_engine::train::{StepOptions, Stepped, Targets};
use kobench_engine::{EngineError, Part, Precision};
use serde_json::{Value, json};

use crate::{batch, begin, classes, electra, options, step, weights};

fn optimizers() -> Vec<Value> {
    vec![
        json!({"optimizer": {"name": "adamw", "weight_decay": 0.1}, "clip_norm": 1.0}),
        json!({"optimizer": {"name": "adamw", "variant": "huggingface"}, "layer_decay": 0.8}),
        json!({"optimizer": {"name": "adalomo", "fused": false}, "save_dtype": "bf16"}),
        json!({"optimizer": {"name": "adalomo", "weight_decay": 0.1}, "clip_norm": 1.0}),
    ]
}

#[test]
fn threads_change_no_bit_and_seeds_and_passes_do() {
    for settings in optimizers() {
        let run = |threads, seed| {
            let mut model = electra(threads, 0.2, Precision::F32);
            let mut trainer = begin(&model, settings.clone()).unwrap();
            trainer.seed(seed);
            let steps: Vec<Stepped> =
                (0..4).map(|_| step(&mut trainer, &mut model, 1e-3)).collect();
            (steps, weights(&model))
        };
        let one = run(1, 7);
        assert_eq!(one, run(3, 7), "{settings}");
        assert_ne!(one.0, run(1, 8).0, "{settings}");
    }
    // Without a change of weights, dropout alone tells passes apart.
    let mut model = electra(2, 0.2, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let losses: Vec<f64> = (0..3).map(|_| step(&mut trainer, &mut model, 0.0).loss).collect();
    assert!(losses[0] != losses[1] && losses[1] != losses[2]);
    trainer.seed(5);
    assert_eq!(step(&mut trainer, &mut model, 0.0).loss, losses[0]);
}

#[test]
fn a_saved_state_goes_on_bit_for_bit() {
    for settings in optimizers() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = electra(2, 0.2, Precision::F32);
        let mut trainer = begin(&model, settings.clone()).unwrap();
        for _ in 0..3 {
            step(&mut trainer, &mut model, 1e-3);
        }
        trainer.save_state(folder.path(), model.params()).unwrap();
        let then = weights(&model);
        let on: Vec<Stepped> = (0..3).map(|_| step(&mut trainer, &mut model, 1e-3)).collect();

        let mut other = electra(1, 0.2, Precision::F32);
        for (param, own) in other.params().iter().zip(model.params().iter()) {
            assert_eq!(param.parts(), own.parts());
        }
        let mut resumed = begin(&other, settings.clone()).unwrap();
        resumed.seed(99);
        let state = resumed.open_state(folder.path()).unwrap();
        // Weights are the checkpoint's; those in full precision are part of the state where it has less.
        for param in other.params().iter() {
            let own = |part: &Part| &then.iter().find(|(name, _)| *name == part.name).unwrap().1;
            let values: Vec<f32> = param.parts().iter().flat_map(own).copied().collect();
            param.write().set(&values).unwrap();
        }
        resumed.take_state(&state, other.params()).unwrap();
        assert_eq!(resumed.steps(), 3);
        let again: Vec<Stepped> = (0..3).map(|_| step(&mut resumed, &mut other, 1e-3)).collect();
        assert_eq!(on, again, "{settings}");
        assert_eq!(weights(&model), weights(&other), "{settings}");

        let another = match settings["optimizer"]["name"] == "adamw" {
            true => json!({"optimizer": {"name": "adalomo"}}),
            false => json!({}),
        };
        let error = begin(&other, another).unwrap().open_state(folder.path()).unwrap_err();
        assert!(error.to_string().contains("state, but training began with"), "{error}");
    }
}

#[test]
fn a_state_that_does_not_fit_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = electra(1, 0.0, Precision::F32);
    let all = json!({});
    let some = json!({"freeze": ["electra.embeddings."]});
    let mut trainer = begin(&model, some).unwrap();
    step(&mut trainer, &mut model, 1e-3);
    trainer.save_state(folder.path(), model.params()).unwrap();
    let whole = begin(&model, all).unwrap();
    let error = whole.open_state(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("exp_avg.electra.embeddings.word_embeddings.weight is missing"),
        "{error}"
    );
    let tensors = Checkpoint::open_file(&folder.path().join("training_state.safetensors")).unwrap();
    assert!(tensors.shape("exp_avg.classifier.out_proj.weight").is_some());
    std::fs::write(folder.path().join("training_state.json"), "{}").unwrap();
    let error = whole.open_state(folder.path()).unwrap_err().to_string();
    assert!(error.contains("training_state.json: not a training state"), "{error}");
    // Between the passes of a step there are gradients that nobody saves.
    let waiting = StepOptions { accumulate: true, ..options(1e-3) };
    trainer.step(&mut model, &batch(), &classes(), waiting, &|| Ok(())).unwrap();
    let error = trainer.save_state(folder.path(), model.params()).unwrap_err().to_string();
    assert!(error.contains("wait for their update"), "{error}");
}

#[test]
fn frozen_tensors_stay_and_all_others_move() {
    let frozen = ["electra.embeddings.word", "electra.encoder.layer.1.attention.self.query"];
    for optimizer in [json!({"name": "adamw", "weight_decay": 0.1}), json!({"name": "adalomo"})] {
        let mut model = electra(2, 0.0, Precision::F32);
        let before = weights(&model);
        let settings = json!({"optimizer": optimizer, "freeze": frozen});
        let mut trainer = begin(&model, settings).unwrap();
        step(&mut trainer, &mut model, 1e-2);
        for ((name, old), (_, new)) in before.iter().zip(weights(&model)) {
            let stays = frozen.iter().any(|prefix| name.starts_with(prefix));
            assert_eq!(*old == new, stays, "{name}");
        }
    }
    let model = electra(1, 0.0, Precision::F32);
    let error = begin(&model, json!({"freeze": ["bert."]})).unwrap_err().to_string();
    assert!(error.contains("no tensor's name begins with \"bert.\""), "{error}");
    let error = begin(&model, json!({"freeze": [""]})).unwrap_err().to_string();
    assert!(error.contains("nothing is left to train"), "{error}");
}

/// Rows of a table that a batch does not have move on with their moments, as a dense gradient of zeros would have them.
#[test]
fn rows_without_a_gradient_are_updated_as_by_a_dense_one() {
    let mut model = electra(2, 0.0, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let row = |model: &kobench_engine::model::Model, id: usize| {
        let all = weights(model);
        let (_, table) = all.iter().find(|(name, _)| name.contains("word_embeddings")).unwrap();
        table[id * 20..][..20].to_vec()
    };
    let first = row(&model, 99);
    step(&mut trainer, &mut model, 1e-3);
    let second = row(&model, 99);
    // The next batch does not have token 99: it goes on by its momentum.
    let other = crate::pack(&[vec![2, 5, 3]]);
    let targets = Targets::Classes(vec![1]);
    trainer.step(&mut model, &other, &targets, options(1e-3), &|| Ok(())).unwrap();
    let third = row(&model, 99);
    for ((a, b), c) in first.iter().zip(&second).zip(&third) {
        // Step one is the sign of the gradient; in step two m is 0.09 g of a bias correction of 0.19, and v
        // 0.000999 g^2 of 0.001999.
        let expected = (0.09 / 0.19) / (0.000_999_f64 / 0.001_999).sqrt();
        let ratio = f64::from(c - b) / f64::from(b - a);
        assert!((ratio - expected).abs() < 2e-3, "{ratio} {expected}");
    }
    // A step without any gradient of token 5 leaves no trace of the batch before.
    let before = row(&model, 120);
    step(&mut trainer, &mut model, 1e-3);
    assert_eq!(row(&model, 120), before);
}

#[test]
fn what_is_not_finite_changes_no_weight() {
    for settings in optimizers() {
        let mut model = electra(2, 0.0, Precision::F32);
        let mut trainer = begin(&model, settings.clone()).unwrap();
        step(&mut trainer, &mut model, 1e-3);
        let out = model.params().iter().last().unwrap().clone();
        let good = out.read().host().unwrap().into_owned();
        let mut bad = good.clone();
        bad[0] = f32::INFINITY;
        out.write().set(&bad).unwrap();
        let before = weights(&model);
        let error =
            trainer.step(&mut model, &batch(), &classes(), options(1e-3), &|| Ok(())).unwrap_err();
        assert!(matches!(error, EngineError::NotFinite(_)), "{error}");
        assert!(error.to_string().contains("the loss of step 2 is"), "{error}");
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits());
        for ((name, old), (_, new)) in before.iter().zip(weights(&model)) {
            assert!(same(old, &new), "{settings}: {name}");
        }
        out.write().set(&good).unwrap();
        // The step did not count.
        step(&mut trainer, &mut model, 1e-3);
        assert_eq!(trainer.steps(), 2);
    }
}

#[test]
fn a_gradient_that_is_not_finite_is_named() {
    // A gradient beyond f32 with a loss that is finite.
    let mut model = electra(1, 0.0, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let before = weights(&model);
    let huge = StepOptions { loss_scale: 1e39, ..options(1e-3) };
    let error = trainer.step(&mut model, &batch(), &classes(), huge, &|| Ok(())).unwrap_err();
    assert!(matches!(error, EngineError::NotFinite(_)), "{error}");
    assert!(error.to_string().contains("the gradient of electra."), "{error}");
    assert_eq!(weights(&model), before);
    let stepped = step(&mut trainer, &mut model, 1e-3);
    let fresh = {
        let mut model = electra(1, 0.0, Precision::F32);
        let mut trainer = begin(&model, json!({})).unwrap();
        step(&mut trainer, &mut model, 1e-3)
    };
    assert_eq!(stepped, fresh, "no trace of the gradients that were dropped");

    // A fused update finds out when the weights above have changed.
    let mut trainer = begin(&model, json!({"optimizer": {"name": "adalomo"}})).unwrap();
    let error = trainer.step(&mut model, &batch(), &classes(), huge, &|| Ok(())).unwrap_err();
    assert!(matches!(error, EngineError::NotFinite(_)), "{error}");
    let fused = json!({"optimizer": {"name": "adalomo"}, "clip_norm": 1.0});
    let mut trainer = begin(&model, fused).unwrap();
    let before = weights(&model);
    trainer.step(&mut model, &batch(), &classes(), huge, &|| Ok(())).unwrap_err();
    assert_eq!(weights(&model), before, "the first pass found it");
}

#[test]
fn targets_and_options_that_do_not_fit_are_refused() {
    let mut model = electra(1, 0.0, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let mut refused =
        |trainer: &mut kobench_engine::train::Trainer, targets, options, expected: &str| {
            let error =
                trainer.step(&mut model, &batch(), &targets, options, &|| Ok(())).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
    let classes_of = |c: [i64; 3]| Targets::Classes(c.to_vec());
    for (targets, expected) in [
        (classes_of([0, 1, 3]), "target 3 is not a class: the model has 3 labels (0 to 2)"),
        (classes_of([0, 1, -1]), "target -1 is not a class"),
        (Targets::Classes(vec![0]), "1 targets for 3 rows"),
        (classes_of([IGNORE; 3]), "no row of this step has a target"),
        (Targets::Reals(vec![0.5; 3]), "real targets need a model with 1 output"),
        (
            Targets::Spans { starts: vec![0, 3, 0], ends: vec![1, 1, 1] },
            "sequence 1 of the batch is tokens 3 to 1, but the sequence has 3 tokens",
        ),
    ] {
        refused(&mut trainer, targets, options(1e-3), expected);
    }
    refused(&mut trainer, classes(), options(f64::NAN), "the learning rate is NaN");
    let scale = StepOptions { loss_scale: 0.0, ..options(1e-3) };
    refused(&mut trainer, classes(), scale, "the loss scale is 0");
    let other = electra(1, 0.0, Precision::F32);
    let mut mse = begin(&other, json!({"loss": {"name": "mse"}})).unwrap();
    refused(
        &mut mse,
        classes(),
        options(1e-3),
        "the loss mse does not take targets that are classes",
    );
    let mut fused = begin(&other, json!({"optimizer": {"name": "adalomo"}})).unwrap();
    let accumulate = StepOptions { accumulate: true, ..options(1e-3) };
    refused(&mut fused, classes(), accumulate, "set \"fused\": false");
    // Nothing of this counted.
    assert_eq!((trainer.steps(), mse.steps(), fused.steps()), (0, 0, 0));
}

/// Micro-batches without targets add nothing, and a step of which one part has some is a step.
#[test]
fn ignored_rows_add_nothing() {
    let none = Targets::Classes(vec![IGNORE; 3]);
    let waits = StepOptions { accumulate: true, ..options(1e-3) };
    let mut model = electra(1, 0.0, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let first = trainer.step(&mut model, &batch(), &none, waits, &|| Ok(())).unwrap();
    assert!(first.loss == 0.0 && first.grad_norm.is_nan());
    trainer.step(&mut model, &batch(), &classes(), waits, &|| Ok(())).unwrap();
    let last = trainer.step(&mut model, &batch(), &none, options(1e-3), &|| Ok(())).unwrap();
    let mut other = electra(1, 0.0, Precision::F32);
    let mut plain = begin(&other, json!({})).unwrap();
    assert_eq!(step(&mut plain, &mut other, 1e-3).grad_norm, last.grad_norm);
    assert_eq!(weights(&model), weights(&other));
}

#[test]
fn a_cancelled_step_is_no_step() {
    let mut model = electra(1, 0.2, Precision::F32);
    let mut trainer = begin(&model, json!({})).unwrap();
    let before = weights(&model);
    let cancel = || Err(EngineError::Cancelled);
    let error = trainer.step(&mut model, &batch(), &classes(), options(1e-3), &cancel).unwrap_err();
    assert!(matches!(error, EngineError::Cancelled));
    assert_eq!(weights(&model), before);
    let after = step(&mut trainer, &mut model, 1e-3);
    let mut other = electra(1, 0.2, Precision::F32);
    let mut plain = begin(&other, json!({})).unwrap();
    assert_eq!(step(&mut plain, &mut other, 1e-3), after);
}

/// A fused update is the accumulating one, but for the order in which weights change.
#[test]
fn fused_and_accumulating_adalomo_agree() {
    let run = |fused: bool| {
        let mut model = electra(2, 0.2, Precision::F32);
        let settings = json!({"optimizer": {"name": "adalomo", "fused": fused, "weight_decay": 0.1}, "clip_norm": 2.0});
        let mut trainer = begin(&model, settings).unwrap();
        let steps: Vec<Stepped> = (0..4).map(|_| step(&mut trainer, &mut model, 1e-2)).collect();
        (steps, weights(&model), trainer.bytes())
    };
    let ((fused, fused_weights, small), (plain, plain_weights, large)) = (run(true), run(false));
    for (a, b) in fused.iter().zip(&plain) {
        assert!(
            (a.loss - b.loss).abs() < 1e-5 && (a.grad_norm - b.grad_norm).abs() < 1e-4,
            "{a:?} {b:?}"
        );
    }
    for ((name, a), (_, b)) in fused_weights.iter().zip(&plain_weights) {
        if name.ends_with("key.bias") {
            continue;
        }
        let far = a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-5, "{name}: {far:e}");
    }
    let gradients: usize = fused_weights.iter().map(|(_, w)| 4 * w.len()).sum();
    // A device rounds sizes.
    if crate::common::device().is_cpu() {
        assert_eq!(large - small, gradients, "a fused update keeps no gradient");
    }
    assert!(large - small >= gradients);
}

/// Steps of one bucket are captured and launched as graphs, which changes no bit.
#[cfg(feature = "cuda")]
#[test]
fn graphs_change_no_bit() {
    if crate::common::device().is_cpu() {
        eprintln!("skipped: KOBENCH_TEST_DEVICE names no GPU, and the CPU has no graphs");
        return;
    }
    let long: Vec<u32> = (2..40).collect();
    let batches = [
        batch(),
        crate::pack(&[long.clone(), long, vec![2, 9, 3]]),
        crate::pack(&vec![vec![2, 5, 3]; 3]),
    ];
    for settings in optimizers() {
        let run = |graphs: bool| {
            let mut model = electra(2, 0.2, Precision::F32);
            model.set_graphs(graphs);
            let mut trainer = begin(&model, settings.clone()).unwrap();
            let mut steps = Vec::new();
            for (number, batch) in batches.iter().cycle().take(10).enumerate() {
                let rate = options(1e-3 / (number + 1) as f64);
                steps.push(trainer.step(&mut model, batch, &classes(), rate, &|| Ok(())).unwrap());
            }
            (steps, weights(&model), model.context().graph_launches())
        };
        let ((plain, plain_weights, none), (steps, own, launches)) = (run(false), run(true));
        assert_eq!((plain, plain_weights), (steps, own), "{settings}");
        let fused =
            settings["optimizer"]["name"] == "adalomo" && settings["optimizer"]["fused"] != false;
        // Two shapes, each of which runs once before it is captured.
        assert_eq!((none, launches), (0, if fused { 0 } else { 8 }), "{settings}");
    }
}
