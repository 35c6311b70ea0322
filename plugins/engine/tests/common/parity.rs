//! Goldens of models: inputs, and the logits that Hugging Face gives for them.

use std::path::Path;

use kobench_engine::PackedBatch;
use kobench_engine::model::Model;
use kobench_plugin_sdk::Head;
use serde::Deserialize;

/// Largest difference from Hugging Face that passes, relative to the largest logit.
const TOLERANCE: f64 = 1e-5;

/// goldens.json of a folder.
#[derive(Deserialize)]
pub struct Goldens {
    #[serde(default)]
    pub architecture: String,
    #[serde(default)]
    pub head: Head,
    pub cases: Vec<Case>,
}

/// One input.
#[derive(Deserialize)]
pub struct Case {
    pub input_ids: Vec<u32>,
    /// Empty: all 0.
    #[serde(default)]
    pub token_type_ids: Vec<u32>,
    pub logits_f32: Vec<f64>,
    /// Empty for models of real size.
    #[serde(default)]
    pub logits_f64: Vec<f64>,
}

pub fn read(folder: &Path) -> Goldens {
    let text = std::fs::read_to_string(folder.join("goldens.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

pub fn pack<'a>(cases: impl IntoIterator<Item = &'a Case>) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for case in cases {
        let zeros = vec![0; case.input_ids.len()];
        let types = if case.token_type_ids.is_empty() { &zeros } else { &case.token_type_ids };
        batch.push(&case.input_ids, types).unwrap();
    }
    batch
}

pub fn forward(model: &mut Model, batch: &PackedBatch) -> Vec<f32> {
    let mut logits = vec![f32::NAN; model.logits_rows(batch) * model.logits_width()];
    model.forward(batch, &mut logits, &|| Ok(())).unwrap();
    logits
}

/// All cases in one batch are what Hugging Face gives for each alone, in f32 and in f64; and they are the same, bit for
/// bit, each in a batch of its own, and with packed weights.
pub fn assert_equals_hugging_face(name: &str, model: &mut Model, cases: &[Case]) {
    let logits = forward(model, &pack(cases));
    let of = |pick: fn(&Case) -> &Vec<f64>| -> Vec<f64> {
        cases.iter().flat_map(|c| pick(c).iter().copied()).collect()
    };
    let (single, double) = (of(|c| &c.logits_f32), of(|c| &c.logits_f64));
    let largest = double.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let [single, double] =
        [single, double].map(|expected| super::distance(&logits, &expected) / largest);
    println!("{name}: {single:.1e} from f32, {double:.1e} from f64");
    assert!(single < TOLERANCE && double < TOLERANCE, "{name}: {single:e} {double:e}");
    let alone: Vec<f32> = cases.iter().flat_map(|case| forward(model, &pack([case]))).collect();
    assert_eq!(alone, logits, "{name}: a row depends on the others of its batch");
    model.pack().unwrap();
    assert_eq!(forward(model, &pack(cases)), logits, "{name}: packed weights give other logits");
    assert!(model.unpack());
    assert_eq!(forward(model, &pack(cases)), logits, "{name}: weights do not come back");
}
