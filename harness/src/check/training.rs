//! Training steps on one small batch, saving and loading.
#![expect(unsafe_code, reason = "the training calls have no safe owner yet")]

use super::bench::{Bench, everything, forward};
use super::catalog::Check;
use super::fence::Fenced;
use super::logits::Rows;
use super::outcome::{Answer, Outcome, Stop, answer, bad, ensure, named, skipped};
use crate::plugin::{Encoded, Head, Model, ModelRequest};
use kobench_plugin_abi::{self as abi, AbiStruct as _, Step, Str, Targets};
use std::fs;
use std::path::Path;

/// Steps on the one batch.
const STEPS: usize = 40;
const RATE: f64 = 3e-3;
/// The mean of the last losses is at most this part of the first loss.
const FALLS_TO: f64 = 0.9;
/// That many: dropout makes a single loss uncertain.
const LAST: usize = 5;

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "training.said",
        what: "a plugin that trains says so, and one that does not refuses the training calls",
        hint: "set \"trains\" in the description; leave calls that you do not have NULL, or return KOBENCH_E_UNSUPPORTED",
        run: said,
    },
    Check {
        id: "training.settings",
        what: "unknown training settings are errors",
        hint: "refuse what you do not know in train_begin with KOBENCH_E_INVALID_ARGUMENT",
        run: settings,
    },
    Check {
        id: "training.order",
        what: "train_step and train_end need train_begin; after train_end the model computes again",
        hint: "keep whether training has begun, and return KOBENCH_E_INVALID_ARGUMENT where it has not",
        run: order,
    },
    Check {
        id: "training.loss-falls",
        what: "40 steps on one batch make its loss fall by a tenth or more",
        hint: "look at the sign of the update, and whether every trainable tensor receives a gradient",
        run: loss_falls,
    },
    Check {
        id: "training.seed",
        what: "the same seed gives the same losses, bit for bit",
        hint: "let dropout and new heads follow from model_seed alone",
        run: seed,
    },
    Check {
        id: "training.accumulate",
        what: "with KOBENCH_STEP_ACCUMULATE no weight changes yet",
        hint: "only add to the gradients where the flag is set, and answer a `grad_norm` of NaN",
        run: accumulate,
    },
    Check {
        id: "training.sizes",
        what: "of `kobench_step` and `kobench_targets` nothing beyond their `struct_size` is read or written",
        hint: "look at `struct_size` before any other field (KOBENCH_HAS of kobench_plugin_util.h)",
        run: sizes,
    },
    Check {
        id: "training.targets",
        what: "classes that the head does not have, and targets of another kind, are errors",
        hint: "compare every class with the number of labels; -100 gives no loss",
        run: targets,
    },
    Check {
        id: "training.save-load",
        what: "a saved model opens as a checkpoint, and loads, with the same logits, bit for bit",
        hint: "write config.json and all of the weights, and read them back in model_load",
        run: save_load,
    },
    Check {
        id: "training.resume",
        what: "training goes on from a saved state with the same losses, bit for bit",
        hint: "with KOBENCH_STATE_TRAINING save the optimiser's moments, the step count and the generator too",
        run: resume,
    },
];

const SETTINGS: &str = r#"{"optimizer": {"name": "adamw"}, "loss": {"name": "cross_entropy"}, "clip_norm": 1.0, "freeze": []}"#;

/// What nobody takes: misspelt keys, names that do not exist, and what is no JSON object.
const WRONG: [&str; 6] = [
    r#"{"optimiser": {"name": "adamw"}}"#,
    r#"{"optimizer": {"name": "no-such-optimizer"}}"#,
    r#"{"optimizer": {"name": "adamw", "momentun": 0.9}}"#,
    r#"{"loss": {"name": "no-such-loss"}}"#,
    "[]",
    "",
];

/// A model in training, with its batch.
struct Trainee {
    model: Model,
    encoded: Encoded,
    indices: Vec<u64>,
    classes: Vec<i32>,
}

/// The head that the checks train, and a model with it.
fn opened(bench: &Bench) -> Result<Model, Stop> {
    if !bench.heads()?.contains(&Head::Sequence) {
        return skipped("the model has no sequence head; the checks train that one");
    }
    let request = bench.openable(Head::Sequence)?;
    // Two labels, as the targets of the checks have.
    let two = ModelRequest { num_labels: Some(2), ..request.clone() };
    Ok(bench.library.open_model(&two).or_else(|_| bench.library.open_model(&request))?)
}

fn begun(bench: &Bench, seed: u64) -> Result<Trainee, Stop> {
    trains(bench)?;
    let mut t = ready(bench)?;
    seed_model(bench, &mut t.model, seed)?;
    begin(bench, &mut t.model, SETTINGS)?.expect("train_begin", &[abi::OK])?;
    Ok(t)
}

fn ready(bench: &Bench) -> Result<Trainee, Stop> {
    let rows = bench.kind()?.plain();
    let encoded = bench.encoded(&rows)?;
    let indices: Vec<u64> = everything(&encoded)?.into_iter().take(6).collect();
    let classes = indices.iter().map(|i| i32::from(i % 2 == 0)).collect();
    Ok(Trainee { model: opened(bench)?, encoded, indices, classes })
}

fn trains(bench: &Bench) -> Result<(), Stop> {
    if bench.description.trains {
        return Ok(());
    }
    skipped("the description says that the plugin does not train")
}

fn missing(call: &str) -> Stop {
    bad(format!("there is no {call}"), "a plugin that trains has all training calls")
}

fn seed_model(bench: &Bench, model: &mut Model, seed: u64) -> Result<(), Stop> {
    let call = bench.vtable().model_seed.ok_or_else(|| missing("model_seed"))?;
    // SAFETY: an open handle.
    answer(|e| unsafe { call(model.as_ptr(), seed, e) }).expect("model_seed", &[abi::OK])
}

fn begin(bench: &Bench, model: &mut Model, settings: &str) -> Result<Answer, Stop> {
    let call = bench.vtable().train_begin.ok_or_else(|| missing("train_begin"))?;
    // SAFETY: an open handle and a valid text.
    Ok(answer(|e| unsafe { call(model.as_ptr(), Str::new(settings), e) }))
}

fn end(bench: &Bench, model: &mut Model) -> Result<Answer, Stop> {
    let call = bench.vtable().train_end.ok_or_else(|| missing("train_end"))?;
    // SAFETY: an open handle.
    Ok(answer(|e| unsafe { call(model.as_ptr(), e) }))
}

fn class_targets(classes: &[i32]) -> Targets {
    let mut targets = Targets::zeroed();
    (targets.kind, targets.classes) = (abi::TARGET_CLASS, classes.as_ptr());
    targets
}

fn plain_step(flags: u32) -> Step {
    let mut step = Step::zeroed();
    (step.flags, step.learning_rate, step.loss_scale) = (flags, RATE, 1.0);
    step
}

impl Trainee {
    /// A step with structs at these places.
    fn raw(&self, bench: &Bench, targets: *const Targets, step: *mut Step) -> Result<Answer, Stop> {
        let call = bench.vtable().train_step.ok_or_else(|| missing("train_step"))?;
        // SAFETY: open handles, arrays with their lengths, structs by the header's rules.
        Ok(answer(|e| unsafe {
            call(
                self.model.as_ptr(),
                self.encoded.as_ptr(),
                self.indices.as_ptr(),
                self.indices.len(),
                abi::HEAD_SEQUENCE,
                targets,
                step,
                e,
            )
        }))
    }

    fn step(&mut self, bench: &Bench, flags: u32) -> Result<Step, Stop> {
        let mut step = plain_step(flags);
        let targets = class_targets(&self.classes);
        self.raw(bench, &raw const targets, &raw mut step)?.expect("train_step", &[abi::OK])?;
        ensure(
            step.loss.is_finite(),
            || format!("a loss of {}", step.loss),
            "a finite loss, or the status \"not finite\"",
        )?;
        Ok(step)
    }

    fn losses(&mut self, bench: &Bench, steps: usize) -> Result<Vec<f64>, Stop> {
        (0..steps).map(|_| Ok(self.step(bench, 0)?.loss)).collect()
    }

    fn logits(&mut self) -> Result<Rows, Stop> {
        forward(&mut self.model, &self.encoded, &self.indices, Head::Sequence)
    }
}

fn said(bench: &mut Bench) -> Outcome {
    let v = bench.vtable();
    if bench.description.trains {
        let calls = [
            ("model_seed", v.model_seed.is_some()),
            ("train_begin", v.train_begin.is_some()),
            ("train_step", v.train_step.is_some()),
            ("train_end", v.train_end.is_some()),
            ("model_save", v.model_save.is_some()),
            ("model_load", v.model_load.is_some()),
        ];
        let lacking: Vec<&str> =
            calls.iter().filter(|(_, there)| !there).map(|(c, _)| *c).collect();
        let expected = "a plugin that trains has all training calls";
        ensure(lacking.is_empty(), || format!("it lacks {}", lacking.join(", ")), expected)?;
        return Ok("it trains".into());
    }
    let mut model = bench.model()?;
    if v.train_begin.is_some() {
        let given = begin(bench, &mut model, SETTINGS)?;
        given.expect("train_begin of a plugin that does not train", &[abi::E_UNSUPPORTED])?;
    }
    if v.train_end.is_some() {
        let given = end(bench, &mut model)?;
        given.expect("train_end of a plugin that does not train", &[abi::E_UNSUPPORTED])?;
    }
    Ok("it does not train, and says so".into())
}

fn settings(bench: &mut Bench) -> Outcome {
    trains(bench)?;
    let mut t = ready(bench)?;
    for text in WRONG {
        let given = begin(bench, &mut t.model, text)?;
        given.expect(&format!("train_begin with {text}"), &[abi::E_INVALID_ARGUMENT])?;
    }
    begin(bench, &mut t.model, SETTINGS)?.expect("train_begin after errors", &[abi::OK])?;
    Ok(format!("{} settings", WRONG.len()))
}

fn order(bench: &mut Bench) -> Outcome {
    trains(bench)?;
    let mut t = ready(bench)?;
    let early: &[i32] = &[abi::E_INVALID_ARGUMENT];
    let targets = class_targets(&t.classes);
    t.raw(bench, &raw const targets, &mut plain_step(0))?
        .expect("train_step without train_begin", early)?;
    end(bench, &mut t.model)?.expect("train_end without train_begin", early)?;
    begin(bench, &mut t.model, SETTINGS)?.expect("train_begin", &[abi::OK])?;
    t.step(bench, 0)?;
    let during = t.logits()?;
    end(bench, &mut t.model)?.expect("train_end", &[abi::OK])?;
    t.logits()?.same(&during, "before and after train_end")?;
    t.raw(bench, &raw const targets, &mut plain_step(0))?
        .expect("train_step after train_end", early)?;
    Ok("before, between, after".into())
}

fn loss_falls(bench: &mut Bench) -> Outcome {
    let mut t = begun(bench, 1)?;
    let losses = t.losses(bench, STEPS)?;
    let (first, last) = (losses[0], losses[STEPS - LAST..].iter().sum::<f64>() / LAST as f64);
    let said =
        format!("{first:.4} at the first step, {last:.4} on average in the last {LAST} of {STEPS}");
    let expected = format!("at most {FALLS_TO} of the first loss");
    ensure(last <= FALLS_TO * first, || said.clone(), &expected)?;
    let norm = t.step(bench, 0)?.grad_norm;
    ensure(
        norm.is_finite() && norm >= 0.0,
        || format!("a grad_norm of {norm}"),
        "the norm of the gradients before clipping",
    )?;
    Ok(said)
}

fn same_losses(a: &[f64], b: &[f64], between: &str) -> Result<(), Stop> {
    let at = a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
    ensure(
        at.is_none(),
        || {
            at.map_or_else(String::new, |i| {
                format!("{between}: step {i} has the losses {} and {}", a[i], b[i])
            })
        },
        "the same losses, bit for bit",
    )
}

fn seed(bench: &mut Bench) -> Outcome {
    let first = begun(bench, 7)?.losses(bench, STEPS)?;
    let again = begun(bench, 7)?.losses(bench, STEPS)?;
    same_losses(&first, &again, "two runs with the seed 7")?;
    Ok(format!("2 runs of {STEPS} steps"))
}

fn accumulate(bench: &mut Bench) -> Outcome {
    let mut t = begun(bench, 1)?;
    let before = t.logits()?;
    t.step(bench, abi::STEP_ACCUMULATE)?;
    t.logits()?.same(&before, "before and after a step that only accumulates")?;
    t.step(bench, 0)?;
    let after = t.logits()?;
    ensure(
        after != before,
        || "an update changed no logit".into(),
        "a step that is not accumulating updates the weights",
    )?;
    Ok("1 step with the flag, 1 without".into())
}

fn sizes(bench: &mut Bench) -> Outcome {
    let t = begun(bench, 1)?;
    let whole = class_targets(&t.classes);
    let (full, newer) = (size_of::<Step>(), 40);
    for size in [0, 4, 8, 16, 24, 32, full, full + newer] {
        let fenced = Fenced::sized(&plain_step(abi::STEP_ACCUMULATE), size)?;
        let given = t.raw(bench, &raw const whole, fenced.as_ptr())?;
        let what = format!("train_step with a kobench_step of {size} bytes");
        fenced.kept(size.min(full), &what)?;
        let wanted = if size < full { abi::E_INVALID_ARGUMENT } else { abi::OK };
        given.expect(&what, &[wanted])?;
    }
    let full = size_of::<Targets>();
    for size in [0, 4, 8, 16, 24, 32, full, full + newer] {
        let fenced = Fenced::sized(&whole, size)?;
        let given = t.raw(bench, fenced.as_ptr(), &mut plain_step(abi::STEP_ACCUMULATE))?;
        let what = format!("train_step with kobench_targets of {size} bytes");
        fenced.kept(size, &what)?;
        let good =
            given.status == abi::OK || (size < full && given.status == abi::E_INVALID_ARGUMENT);
        ensure(
            good && (size >= 24 || given.status != abi::OK),
            || format!("{what} answered {}", named(given.status)),
            "the status OK where the classes are there, else \"invalid argument\"",
        )?;
    }
    Ok("16 sizes".into())
}

fn targets(bench: &mut Bench) -> Outcome {
    let mut t = begun(bench, 1)?;
    for class in [-1, 2, 1 << 20, i32::MIN] {
        let mut classes = t.classes.clone();
        classes[0] = class;
        let targets = class_targets(&classes);
        let given = t.raw(bench, &raw const targets, &mut plain_step(0))?;
        given.expect(
            &format!("train_step with the class {class} of 2"),
            &[abi::E_INVALID_ARGUMENT],
        )?;
    }
    let mut odd = class_targets(&t.classes);
    for kind in [abi::TARGET_SPAN, 99] {
        odd.kind = kind;
        let given = t.raw(bench, &raw const odd, &mut plain_step(0))?;
        let allowed = &[abi::E_UNSUPPORTED, abi::E_INVALID_ARGUMENT];
        given.expect(
            &format!("train_step of a sequence head with targets of the kind {kind}"),
            allowed,
        )?;
    }
    let classes: Vec<i32> = t.classes.iter().map(|_| abi::IGNORE_INDEX).collect();
    let none = class_targets(&classes);
    let mut step = plain_step(abi::STEP_ACCUMULATE);
    t.raw(bench, &raw const none, &raw mut step)?
        .expect("train_step with no class at all", &[abi::OK])?;
    ensure(step.loss == 0.0, || format!("a loss of {} without a class", step.loss), "a loss of 0")?;
    t.step(bench, 0)?;
    Ok("4 classes, 2 kinds, and none".into())
}

fn directory(
    bench: &Bench,
    model: &Model,
    name: &'static str,
    path: &Path,
    flags: u32,
) -> Result<Answer, Stop> {
    let v = bench.vtable();
    let call = if name == "model_save" { v.model_save } else { v.model_load };
    let call = call.ok_or_else(|| missing(name))?;
    let text = path.to_string_lossy().into_owned();
    // SAFETY: an open handle and a valid text.
    Ok(answer(|e| unsafe { call(model.as_ptr(), Str::new(&text), flags, e) }))
}

/// Saves the model into a folder; whether it can.
pub(super) fn saved(bench: &Bench, path: &Path) -> Result<bool, Stop> {
    if bench.vtable().model_save.is_none() {
        return Ok(false);
    }
    Ok(directory(bench, &bench.model()?, "model_save", path, 0)?.status == abi::OK)
}

fn save_load(bench: &mut Bench) -> Outcome {
    let path = bench.scratch.join("saved");
    fs::create_dir_all(&path)?;
    let mut t = begun(bench, 1)?;
    t.losses(bench, 5)?;
    end(bench, &mut t.model)?.expect("train_end", &[abi::OK])?;
    let trained = t.logits()?;
    directory(bench, &t.model, "model_save", &path, 0)?.expect("model_save", &[abi::OK])?;
    ensure(
        path.join("config.json").is_file(),
        || "model_save wrote no config.json".into(),
        "a Hugging Face directory: config.json beside the weights",
    )?;
    let mut loaded = opened(bench)?;
    directory(bench, &loaded, "model_load", &path, 0)?.expect("model_load", &[abi::OK])?;
    let logits = forward(&mut loaded, &t.encoded, &t.indices, Head::Sequence)?;
    logits.same(&trained, "the trained model and the loaded one")?;
    let request = ModelRequest {
        checkpoint: Some(path.clone()),
        new_head: false,
        num_labels: None,
        ..bench.model_request(Head::Sequence)?
    };
    let mut reopened = bench.library.open_model(&request)?;
    let logits = forward(&mut reopened, &t.encoded, &t.indices, Head::Sequence)?;
    logits.same(&trained, "the trained model and the one opened from what was saved")?;
    let nowhere = bench.scratch.join("no-such-folder");
    let given = directory(bench, &t.model, "model_load", &nowhere, 0)?;
    given.expect("model_load of a folder that is not there", &[abi::E_NOT_FOUND])?;
    t.logits()?.same(&trained, "before and after a model_load that failed")?;
    Ok(format!("{} logits, loaded and opened", trained.values.len()))
}

fn resume(bench: &mut Bench) -> Outcome {
    let path = bench.scratch.join("state");
    fs::create_dir_all(&path)?;
    let mut t = begun(bench, 3)?;
    t.losses(bench, 5)?;
    let flags = abi::STATE_TRAINING;
    directory(bench, &t.model, "model_save", &path, flags)?
        .expect("model_save with the state", &[abi::OK])?;
    let on = t.losses(bench, 5)?;
    let mut other = begun(bench, 99)?;
    directory(bench, &other.model, "model_load", &path, flags)?
        .expect("model_load with the state", &[abi::OK])?;
    let resumed = other.losses(bench, 5)?;
    same_losses(&on, &resumed, "going on, and going on from a saved state")?;
    Ok("5 steps before, 5 after".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_takes_what_a_plugin_takes() {
        let schema = include_str!("../../schemas/train-begin.schema.json");
        let schema = serde_json::from_str(schema).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let adalomo = r#"{
            "optimizer": {"name": "adalomo", "decay_rate": -0.8, "eps": [1e-30, 1e-3], "clip_threshold": 1.0,
                "weight_decay": 0.0, "fused": true},
            "loss": {"name": "focal", "reading": "sigmoid", "gamma": 2, "alpha": 0.25, "mean": "elements"},
            "clip_norm": null, "layer_decay": 0.9, "activation_checkpointing": false, "save_dtype": "bf16"
        }"#;
        let adamw = r#"{
            "optimizer": {"name": "adamw", "variant": "huggingface", "betas": [0.9, 0.999], "eps": 1e-8,
                "weight_decay": 0.0, "no_decay": ["bias", "LayerNorm.weight"]},
            "loss": {"name": "cross_entropy", "class_weights": [1, 2.5], "label_smoothing": 0.1},
            "freeze": ["bert.embeddings"]
        }"#;
        for text in [SETTINGS, "{}", r#"{"loss": {"name": "mse"}}"#, adalomo, adamw] {
            let json = serde_json::from_str(text).unwrap();
            let errors: Vec<_> = validator.iter_errors(&json).collect();
            assert!(errors.is_empty(), "{text}: {errors:?}");
        }
        for text in WRONG.iter().filter(|text| !text.is_empty()) {
            assert!(!validator.is_valid(&serde_json::from_str(text).unwrap()), "{text}");
        }
    }
}
