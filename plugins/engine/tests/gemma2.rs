//! Gemma-2 against Hugging Face, and whatever the batch and the threads.

mod common;

use common::parity::{Case, Goldens, assert_equals_hugging_face, forward, pack};
use common::{goldens, parity};
use kobench_engine::Precision;
use kobench_engine::checkpoint::{Checkpoint, Format, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_plugin_sdk::Head;

fn read(name: &str) -> Goldens {
    parity::read(&goldens("gemma2").join(name))
}

fn config(name: &str) -> ModelConfig {
    let json = std::fs::read(goldens("gemma2").join(name).join("config.json")).unwrap();
    ModelConfig::from_json(Architecture::Gemma2, &json, "config.json").unwrap()
}

fn load(name: &str, head: Head, threads: usize) -> Model {
    let checkpoint = Checkpoint::open(&goldens("gemma2").join(name)).unwrap();
    let ctx = common::context(Precision::F32, threads);
    Model::load(config(name), head, &checkpoint, NewHead::Refuse, ctx).unwrap()
}

#[test]
fn logits_equal_hugging_face() {
    for name in ["base", "multi-query", "per-head", "labels-188", "token", "long"] {
        let goldens = read(name);
        let mut model = load(name, goldens.head, 2);
        assert_equals_hugging_face(name, &mut model, &goldens.cases);
    }
}

#[test]
fn threads_and_batch_composition_do_not_matter() {
    let goldens = read("base");
    let all = pack(&goldens.cases);
    let one = forward(&mut load("base", Head::Sequence, 1), &all);
    let mut model = load("base", Head::Sequence, 3);
    assert_eq!(one, forward(&mut model, &all), "threads change no bit");
    for (case, together) in goldens.cases.iter().zip(one.chunks(2)) {
        let alone = forward(&mut model, &pack([case]));
        let together: Vec<f64> = together.iter().map(|&v| f64::from(v)).collect();
        assert!(common::distance(&alone, &together) < 1e-5);
    }
}

#[test]
fn what_a_language_model_has_more_is_reported() {
    let model = load("token", Head::Token, 1);
    assert_eq!(
        model.report().ignored,
        ["lm_head.weight", "model.layers.0.self_attn.rotary_emb.inv_freq"]
    );
    let report = load("per-head", Head::Sequence, 1).report().clone();
    assert_eq!((report.format, report.files.len()), (Format::Pickle, 3));
    let report = load("labels-188", Head::Sequence, 1).report().clone();
    assert_eq!(
        report.dtypes.into_iter().collect::<Vec<_>>(),
        [("BF16".to_owned(), report.tensors)]
    );
    let checkpoint = Checkpoint::open(&goldens("gemma2/base")).unwrap();
    let ctx = || common::context(Precision::F32, 1);
    let error =
        Model::load(config("base"), Head::Span, &checkpoint, NewHead::Refuse, ctx()).unwrap_err();
    assert!(error.to_string().contains("no span head for gemma2"), "{error}");
    // The trunk is whole, and the head for tokens has a bias that this one lacks.
    let error =
        Model::load(config("base"), Head::Token, &checkpoint, NewHead::Refuse, ctx()).unwrap_err();
    assert!(error.to_string().contains("score.bias"), "{error}");
}

#[test]
fn a_check_reads_what_a_load_reads() {
    for name in ["base", "multi-query", "per-head", "labels-188", "token"] {
        let head = read(name).head;
        let checkpoint = Checkpoint::open(&goldens("gemma2").join(name)).unwrap();
        let checked = Model::check(config(name), head, &checkpoint, NewHead::Refuse).unwrap();
        assert_eq!(&checked, load(name, head, 1).report(), "{name}");
    }
}

/// The folder of a full-size checkpoint, see tests/parity/gemma2_full_size.py.
fn full_size_folder() -> std::path::PathBuf {
    std::env::var_os("KOBENCH_CHECKPOINT").expect("KOBENCH_CHECKPOINT").into()
}

fn full_size_config(folder: &std::path::Path) -> ModelConfig {
    let json = std::fs::read(folder.join("config.json")).unwrap();
    ModelConfig::from_json(Architecture::Gemma2, &json, "config.json").unwrap()
}

fn gib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

#[test]
#[ignore = "needs a full-size checkpoint with goldens.json, and minutes"]
fn full_size() {
    let folder = full_size_folder();
    let start = std::time::Instant::now();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let ctx = common::context(Precision::F32, 0);
    let head = Head::Sequence;
    let mut model =
        Model::load(full_size_config(&folder), head, &checkpoint, NewHead::Refuse, ctx).unwrap();
    drop(checkpoint);
    let weights = model.params().bytes();
    let seconds = start.elapsed().as_secs_f64();
    let peak = common::memory("VmHWM");
    println!(
        "load: {seconds:.1} s, peak {:.2} GiB for {:.2} GiB of weights ({:.3} x)",
        gib(peak),
        gib(weights),
        peak as f64 / weights as f64
    );
    assert!(peak as f64 <= 1.3 * weights as f64);
    let goldens = parity::read(&folder);
    let all: Vec<&Case> = goldens.cases.iter().collect();
    let expected = || goldens.cases.iter().flat_map(|c| c.logits_f32.iter().copied());
    let largest = expected().fold(0.0_f64, |m, v| m.max(v.abs()));
    let singles = all.iter().map(|case| vec![*case]);
    for cases in singles.chain([all.clone()]) {
        let start = std::time::Instant::now();
        let logits = forward(&mut model, &pack(cases.iter().copied()));
        let seconds = start.elapsed().as_secs_f64();
        let tokens: usize = cases.iter().map(|c| c.input_ids.len()).sum();
        let expected: Vec<f64> = cases.iter().flat_map(|c| c.logits_f32.iter().copied()).collect();
        let apart = common::distance(&logits, &expected);
        println!(
            "{} texts, {tokens} tokens: {seconds:.2} s, {:.1} tokens/s, {apart:.1e} from Hugging \
             Face ({:.1e} of the largest logit)",
            cases.len(),
            tokens as f64 / seconds,
            apart / largest
        );
        assert!(apart <= 1e-4 * largest);
    }
    println!(
        "buffers: {:.2} GiB, peak {:.2} GiB",
        gib(model.context().buffer_bytes()),
        gib(common::memory("VmHWM"))
    );
}

#[test]
#[ignore = "needs a full-size checkpoint"]
fn full_size_checked() {
    let folder = full_size_folder();
    let start = std::time::Instant::now();
    let checkpoint = Checkpoint::open(&folder).unwrap();
    let config = full_size_config(&folder);
    let report = Model::check(config, Head::Sequence, &checkpoint, NewHead::Refuse).unwrap();
    let bytes: u64 = report.files.iter().map(|file| file.bytes).sum();
    println!(
        "{} tensors, {} files, {:.2} GiB checked in {:.1} s, peak {:.3} GiB",
        report.tensors,
        report.files.len(),
        gib(bytes as usize),
        start.elapsed().as_secs_f64(),
        gib(common::memory("VmHWM"))
    );
}
