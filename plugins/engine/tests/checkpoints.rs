//! Checkpoints that are damaged or do not fit: each error names what and what to do.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use common::goldens;
use half::{bf16, f16};
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::{Context, EngineError, PackedBatch};
use kobench_plugin_sdk::Head;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

/// The tensors of the golden model `base`.
fn tensors() -> Tensors {
    let bytes = std::fs::read(goldens("bert/base/model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let each = file.tensors().into_iter();
    each.map(|(n, t)| (n, (t.dtype(), t.shape().to_vec(), t.data().to_vec()))).collect()
}

fn write(folder: &Path, name: &str, tensors: &Tensors) {
    let views = tensors.iter().map(|(n, (dtype, shape, data))| {
        (n, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize_to_file(views, None, &folder.join(name)).unwrap();
}

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with base's config.json and these tensors.
    fn with(tensors: &Tensors) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(goldens("bert/base/config.json"), folder.path().join("config.json")).unwrap();
        write(folder.path(), "model.safetensors", tensors);
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("model.safetensors")
    }

    fn load(&self, new_head: NewHead) -> Result<Model, EngineError> {
        let json = std::fs::read(self.0.path().join("config.json")).unwrap();
        let config = ModelConfig::from_json(Architecture::Bert, &json, "config.json")?;
        let checkpoint = Checkpoint::open(self.0.path())?;
        Model::load(config, Head::Sequence, &checkpoint, new_head, Context::cpu(1)?)
    }

    fn error(&self) -> String {
        self.load(NewHead::Refuse).unwrap_err().to_string()
    }
}

fn logits(model: &mut Model) -> Vec<f32> {
    let mut batch = PackedBatch::default();
    batch.push(&[2, 17, 33, 3], &[0, 0, 0, 0]).unwrap();
    let mut logits = vec![0.0; model.config().num_labels];
    model.forward(&batch, &mut logits, &|| Ok(())).unwrap();
    logits
}

#[test]
fn missing_unexpected_and_misshapen_come_in_one_error() {
    let mut all = tensors();
    all.remove("bert.encoder.layer.1.output.dense.bias");
    let (dtype, _, data) = all["bert.pooler.dense.weight"].clone();
    all.insert("bert.pooler.dense.weight".into(), (dtype, vec![24, 96], data.clone()));
    all.insert("bert.encoder.layer.2.output.dense.weight".into(), (dtype, vec![48, 48], data));
    let message = Folder::with(&all).error();
    for part in [
        "model.safetensors",
        "1 tensor is missing: bert.encoder.layer.1.output.dense.bias [48]",
        "bert.pooler.dense.weight is [24, 96], but config.json says [48, 48]",
        "1 tensor is unexpected: bert.encoder.layer.2.output.dense.weight [48, 48]",
        "download",
    ] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
}

#[test]
fn a_pre_trained_checkpoint_has_no_head() {
    let mut all = tensors();
    all.remove("classifier.weight");
    all.remove("classifier.bias");
    let bytes = vec![0; 4 * 300];
    all.insert("cls.predictions.bias".into(), (Dtype::F32, vec![300], bytes));
    let folder = Folder::with(&all);
    let error = folder.load(NewHead::Refuse).unwrap_err();
    assert!(matches!(error, EngineError::UntrainedHead { .. }), "{error}");
    assert!(error.to_string().contains("classifier.weight"), "{error}");
    let of_seed = |seed| logits(&mut folder.load(NewHead::Initialise { seed }).unwrap());
    assert_eq!(of_seed(1), of_seed(1));
    assert_ne!(of_seed(1), of_seed(2));
}

#[test]
fn damaged_files_are_named() {
    let folder = Folder::with(&tensors());
    let whole = std::fs::read(folder.file()).unwrap();
    for (what, bytes) in [
        ("cut off", whole[..whole.len() / 2].to_vec()),
        ("empty", Vec::new()),
        ("text", b"<html>not found</html>".to_vec()),
        ("a header of 2^60 bytes", [&(1_u64 << 60).to_le_bytes()[..], &whole[8..]].concat()),
    ] {
        std::fs::write(folder.file(), bytes).unwrap();
        let message = folder.error();
        assert!(message.contains("model.safetensors"), "{what}: {message}");
        assert!(message.contains("fetch it again"), "{what}: {message}");
    }
    std::fs::remove_file(folder.file()).unwrap();
    assert!(folder.error().contains("no weights here"));
    std::fs::write(folder.0.path().join("pytorch_model.bin"), b"\x80\x02garbage").unwrap();
    let message = folder.error();
    assert!(
        message.contains("pytorch_model.bin") && message.contains("fetch it again"),
        "{message}"
    );
    let missing = Checkpoint::open(Path::new("/nonexistent/model")).unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/model"), "{missing}");
}

#[test]
fn weights_that_are_not_finite_are_named() {
    let mut all = tensors();
    let weight = &mut all.get_mut("bert.pooler.dense.bias").unwrap().2;
    weight[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    let message = Folder::with(&all).error();
    assert!(message.contains("bert.pooler.dense.bias has the value NaN at element 2"), "{message}");
    let mut all = tensors();
    let classifier = all.get_mut("classifier.bias").unwrap();
    *classifier = (Dtype::I64, vec![2], vec![0; 16]);
    let message = Folder::with(&all).error();
    assert!(message.contains("classifier.bias has dtype I64"), "{message}");
}

#[test]
fn half_precision_weights_are_widened() {
    let exact = logits(&mut Folder::with(&tensors()).load(NewHead::Refuse).unwrap());
    for dtype in [Dtype::F16, Dtype::BF16] {
        let narrow = |bytes: &[u8]| -> Vec<u8> {
            let values = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            match dtype {
                Dtype::F16 => values.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect(),
                _ => values.flat_map(|v| bf16::from_f32(v).to_le_bytes()).collect(),
            }
        };
        let all = tensors().into_iter().map(|(n, (_, s, d))| (n, (dtype, s, narrow(&d)))).collect();
        let rounded = logits(&mut Folder::with(&all).load(NewHead::Refuse).unwrap());
        let difference = exact.iter().zip(&rounded).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference > 0.0 && difference < 0.1, "{dtype:?}: {difference}");
    }
}

#[test]
fn shards_make_one_model() {
    let all = tensors();
    let folder = Folder::with(&all);
    let whole = logits(&mut folder.load(NewHead::Refuse).unwrap());
    std::fs::remove_file(folder.file()).unwrap();
    let (a, b): (Tensors, Tensors) =
        all.clone().into_iter().partition(|(n, _)| n.contains("layer"));
    write(folder.0.path(), "part-1.safetensors", &a);
    write(folder.0.path(), "part-2.safetensors", &b);
    let place =
        |n: &String| if a.contains_key(n) { "part-1.safetensors" } else { "part-2.safetensors" };
    let map: BTreeMap<&String, &str> = all.keys().map(|n| (n, place(n))).collect();
    let index = folder.0.path().join("model.safetensors.index.json");
    std::fs::write(&index, serde_json::json!({ "weight_map": map }).to_string()).unwrap();
    assert_eq!(logits(&mut folder.load(NewHead::Refuse).unwrap()), whole);
    std::fs::write(&index, r#"{"weight_map": {"x": "../elsewhere.safetensors"}}"#).unwrap();
    assert!(folder.error().contains("../elsewhere.safetensors"));

    let mut wrong: BTreeMap<&str, &str> = map.iter().map(|(n, p)| (n.as_str(), *p)).collect();
    wrong.insert("classifier.bias", "part-1.safetensors");
    wrong.insert("new.weight", "part-2.safetensors");
    std::fs::write(&index, serde_json::json!({ "weight_map": wrong }).to_string()).unwrap();
    let message = folder.error();
    for part in [
        "model.safetensors.index.json: 2 tensors are not in the shard",
        "classifier.bias (part-1.safetensors), new.weight (part-2.safetensors)",
    ] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    wrong.insert("new.weight", "part-3.safetensors");
    wrong.insert("old.weight", "part-0.safetensors");
    std::fs::write(&index, serde_json::json!({ "weight_map": wrong }).to_string()).unwrap();
    let message = folder.error();
    let part = "2 of 4 shards are not here: part-0.safetensors, part-3.safetensors";
    assert!(message.contains(part), "{message}");
    std::fs::write(&index, r#"{"weight_map": {}}"#).unwrap();
    assert!(folder.error().contains("it lists no tensors"));
}

#[test]
fn a_tensor_that_is_there_twice_is_named() {
    let folder = Folder::with(&tensors());
    std::fs::remove_file(folder.file()).unwrap();
    let (a, mut b): (Tensors, Tensors) =
        tensors().into_iter().partition(|(n, _)| n.contains("layer"));
    let name = "bert.encoder.layer.0.output.dense.bias".to_owned();
    b.insert(name.clone(), a[&name].clone());
    let mut map: BTreeMap<&String, &str> = a.keys().map(|n| (n, "part-1.safetensors")).collect();
    map.extend(b.keys().filter(|n| **n != name).map(|n| (n, "part-2.safetensors")));
    write(folder.0.path(), "part-1.safetensors", &a);
    write(folder.0.path(), "part-2.safetensors", &b);
    let index = serde_json::json!({ "weight_map": map }).to_string();
    std::fs::write(folder.0.path().join("model.safetensors.index.json"), index).unwrap();
    let message = folder.error();
    assert!(message.contains("1 tensor is there twice: bert.encoder.layer.0"), "{message}");
    assert!(message.contains("part-1.safetensors") && message.contains("part-2.safetensors"));
}

#[test]
fn a_check_finds_what_a_load_finds_and_more() {
    let json = std::fs::read(goldens("bert/base/config.json")).unwrap();
    let config = || ModelConfig::from_json(Architecture::Bert, &json, "config.json").unwrap();
    let check = |folder: &Folder, new_head| {
        let checkpoint = Checkpoint::open(folder.0.path()).unwrap();
        Model::check(config(), Head::Sequence, &checkpoint, new_head)
    };
    let refused = |all: &Tensors| check(&Folder::with(all), NewHead::Refuse).unwrap_err();
    let mut all = tensors();
    for (name, at, value) in [
        ("bert.pooler.dense.bias", 2, f32::NAN),
        ("bert.encoder.layer.1.output.dense.weight", 5, f32::NEG_INFINITY),
    ] {
        let data = &mut all.get_mut(name).unwrap().2;
        data[4 * at..4 * at + 4].copy_from_slice(&value.to_le_bytes());
    }
    let message = refused(&all).to_string();
    for part in [
        "2 tensors are damaged",
        "bert.pooler.dense.bias has the value NaN at element 2",
        "bert.encoder.layer.1.output.dense.weight has the value -inf at element 5",
    ] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
    // What load says without reading anything.
    all.remove("bert.embeddings.LayerNorm.weight");
    all.insert("bert.more".into(), (Dtype::F32, vec![1], vec![0; 4]));
    assert!(refused(&all).to_string().contains("unexpected: bert.more [1]"));
    let mut all = tensors();
    all.remove("classifier.bias");
    let folder = Folder::with(&all);
    assert!(matches!(refused(&all), EngineError::UntrainedHead { .. }));
    let report = check(&folder, NewHead::Initialise { seed: 1 }).unwrap();
    assert_eq!(report.initialised, ["classifier.bias"]);
    assert_eq!(report.files[0].path, folder.file().display().to_string());
    assert_eq!(report.files[0].bytes, std::fs::metadata(folder.file()).unwrap().len());
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(
        (json["format"].as_str(), json["tensors"].as_u64()),
        (Some("safetensors"), Some(40))
    );
    assert_eq!(json["dtypes"], serde_json::json!({ "F32": 40 }));
}
