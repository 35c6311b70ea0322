//! Goldens of fine-tuning: batches with targets, and what PyTorch makes of them.

use std::collections::BTreeMap;

use half::f16;
use kobench_engine::checkpoint::{Checkpoint, NewHead};
use kobench_engine::config::{Architecture, ModelConfig};
use kobench_engine::model::Model;
use kobench_engine::train::Targets;
use kobench_engine::{Accumulate, PackedBatch, Precision, Saved};
use kobench_plugin_sdk::Head;
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;
use serde::Deserialize;

use super::goldens;

/// fine_tuning/NAME.json.
#[derive(Deserialize)]
pub struct Golden {
    #[serde(skip)]
    pub name: String,
    pub folder: String,
    pub architecture: String,
    pub head: Head,
    pub loss: String,
    pub batches: Vec<Vec<Case>>,
    /// Parameters that transformers does not train.
    pub frozen: Vec<String>,
    /// Of the gradients of the first batch.
    pub norms: BTreeMap<String, f64>,
    /// Of each step.
    pub losses: Vec<f64>,
}

#[derive(Deserialize)]
pub struct Case {
    pub input_ids: Vec<u32>,
    pub token_type_ids: Vec<u32>,
    pub target: Target,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Target {
    Number(f64),
    /// A class a token, or start and end.
    Numbers(Vec<i64>),
}

impl Case {
    fn number(&self) -> f64 {
        match &self.target {
            Target::Number(value) => *value,
            Target::Numbers(_) => panic!("one target a sequence is expected"),
        }
    }

    fn numbers(&self) -> &[i64] {
        match &self.target {
            Target::Number(_) => panic!("several targets a sequence are expected"),
            Target::Numbers(values) => values,
        }
    }
}

/// All of them, in the order of their names.
pub fn all() -> Vec<Golden> {
    let files = std::fs::read_dir(goldens("fine_tuning")).unwrap().map(|e| e.unwrap().path());
    let mut files: Vec<_> = files.filter(|p| p.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    assert!(files.len() >= 28, "{}", files.len());
    files
        .iter()
        .map(|file| {
            let mut golden: Golden =
                serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
            golden.name = file.file_stem().unwrap().to_string_lossy().into_owned();
            golden
        })
        .collect()
}

impl Golden {
    /// The model, with one probability for every dropout.
    pub fn open(&self, threads: usize, dropout: f32) -> Model {
        let folder = goldens(&self.folder);
        let architecture = match self.architecture.as_str() {
            "bert" => Architecture::Bert,
            "electra" => Architecture::Electra,
            "distilbert" => Architecture::DistilBert,
            "roberta" => Architecture::Roberta,
            "deberta" => Architecture::DebertaV2,
            "gemma2" => Architecture::Gemma2,
            other => panic!("{other}"),
        };
        let json = std::fs::read(folder.join("config.json")).unwrap();
        let config = ModelConfig::from_json(architecture, &json, "config.json").unwrap();
        let config = config.with_dropout(dropout);
        let checkpoint = Checkpoint::open(&folder).unwrap();
        let ctx = super::context(Precision::F32, threads);
        Model::load(config, self.head, &checkpoint, NewHead::Refuse, ctx).unwrap()
    }

    /// Loss and gradients of a batch.
    pub fn gradients(
        &self,
        model: &mut Model,
        batch: usize,
        saved: &mut Saved,
    ) -> (f64, Accumulate) {
        let cases = &self.batches[batch];
        let mut sink = Accumulate::new(model.params());
        let loss = model.gradients(&pack(cases), &self.targets(batch), saved, &mut sink).unwrap();
        (loss, sink)
    }

    /// The targets of a batch.
    pub fn targets(&self, batch: usize) -> Targets {
        let cases = &self.batches[batch];
        match (self.loss.as_str(), self.head) {
            ("mse", _) => Targets::Reals(cases.iter().map(|c| c.number() as f32).collect()),
            ("cross_entropy", Head::Token) => {
                Targets::Classes(cases.iter().flat_map(|c| c.numbers().iter().copied()).collect())
            }
            ("cross_entropy", _) => {
                Targets::Classes(cases.iter().map(|c| c.number() as i64).collect())
            }
            ("span", _) => {
                let side = |side: usize| {
                    cases.iter().map(|c| u32::try_from(c.numbers()[side]).unwrap()).collect()
                };
                Targets::Spans { starts: side(0), ends: side(1) }
            }
            other => panic!("{other:?}"),
        }
    }
}

pub fn pack(cases: &[Case]) -> PackedBatch {
    let mut batch = PackedBatch::default();
    for case in cases {
        batch.push(&case.input_ids, &case.token_type_ids).unwrap();
    }
    batch
}

/// fine_tuning/NAME.safetensors: the gradients of the first batch, up to a factor each.
pub struct Directions(Vec<u8>);

impl Directions {
    pub fn read(golden: &Golden) -> Self {
        let file = goldens("fine_tuning").join(format!("{}.safetensors", golden.name));
        Self(std::fs::read(file).unwrap())
    }

    /// The direction of a parameter's gradient, whole; `None` where there is no gradient but rounding.
    pub fn of(&self, name: &str, elements: usize, width: usize) -> Option<Vec<f64>> {
        let file = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = file.tensor(name).ok()?;
        let values = halves(&tensor);
        let Ok(rows) = file.tensor(&format!("{name}.rows")) else {
            assert_eq!(values.len(), elements, "{name}");
            return Some(values);
        };
        let mut whole = vec![0.0; elements];
        let numbers = rows.data().as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b));
        for (row, values) in numbers.zip(values.chunks(width)) {
            whole[row as usize * width..][..width].copy_from_slice(values);
        }
        Some(whole)
    }
}

fn halves(tensor: &TensorView<'_>) -> Vec<f64> {
    let bytes = tensor.data().as_chunks::<2>().0;
    bytes.iter().map(|b| f16::from_le_bytes(*b).to_f64()).collect()
}
