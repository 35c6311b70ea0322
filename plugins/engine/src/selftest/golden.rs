//! Small random models, and what PyTorch and transformers make of them.

use serde::Deserialize;
use serde_json::Value;

use kobench_plugin_sdk::Head;

use crate::batch::PackedBatch;
use crate::checkpoint::{Checkpoint, NewHead};
use crate::config::{Architecture, ModelConfig};
use crate::context::Context;
use crate::error::{EngineError, Result};
use crate::model::Model;
use crate::train::Targets;

/// All goldens that a plugin carries: files of tests/goldens, whose README says how they were made.
#[derive(Debug)]
pub struct Goldens {
    /// Models, at least one of each architecture.
    pub models: &'static [ModelGolden],
    /// The model that the trainings of `optimizers` are of: its architecture and its name.
    pub optimizers_model: (Architecture, &'static str),
    /// optimizers/steps.json
    pub optimizers: &'static [u8],
}

/// One model.
#[derive(Debug)]
pub struct ModelGolden {
    /// Its architecture.
    pub architecture: Architecture,
    /// What sets it apart from others of that architecture.
    pub name: &'static str,
    /// config.json
    pub config: &'static [u8],
    /// The weights' one file.
    pub weights: &'static [u8],
    /// goldens.json: inputs with their logits.
    pub logits: &'static [u8],
    /// Of fine_tuning: batches with targets, and the loss of each of 100 steps of AdamW.
    pub training: &'static [u8],
}

impl Goldens {
    pub(super) fn model(&self, (architecture, name): (Architecture, &str)) -> Result<&ModelGolden> {
        let found = self.models.iter().find(|m| m.architecture == architecture && m.name == name);
        found.ok_or_else(|| EngineError::Internal(format!("no golden is called {name}")))
    }

    /// The first model of each architecture.
    pub(super) fn one_each(&self) -> impl Iterator<Item = &ModelGolden> {
        let is_first = |at: &usize| {
            let own = self.models[*at].architecture;
            self.models[..*at].iter().all(|before| before.architecture != own)
        };
        (0..self.models.len()).filter(is_first).map(|at| &self.models[at])
    }
}

/// Inputs with their logits.
#[derive(Debug, Deserialize)]
pub(super) struct Logits {
    pub(super) cases: Vec<Case>,
}

/// An input with its logits.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    pub(super) input_ids: Vec<u32>,
    /// Empty: all 0.
    #[serde(default)]
    pub(super) token_type_ids: Vec<u32>,
    pub(super) logits_f64: Vec<f64>,
}

/// Batches with targets, and what PyTorch makes of them.
#[derive(Debug, Deserialize)]
pub(super) struct Training {
    pub(super) head: Head,
    loss: String,
    batches: Vec<Vec<Example>>,
    /// Of the gradients of the first batch.
    pub(super) norms: std::collections::BTreeMap<String, f64>,
    /// Of each step.
    pub(super) losses: Vec<f64>,
}

/// An input with its target.
#[derive(Debug, Deserialize)]
struct Example {
    input_ids: Vec<u32>,
    token_type_ids: Vec<u32>,
    target: Value,
}

impl ModelGolden {
    /// `models/bert/token`, with `models` as the group.
    pub(super) fn check(&self, group: &str) -> String {
        format!("{group}/{}/{}", self.architecture.name(), self.name)
    }

    pub(super) fn logits(&self) -> Result<Logits> {
        parse(self.logits, self.name)
    }

    pub(super) fn training(&self) -> Result<Training> {
        parse(self.training, self.name)
    }

    /// The model, with one probability for every dropout.
    pub(super) fn open(&self, ctx: Context, dropout: f32) -> Result<Model> {
        let config = ModelConfig::from_json(self.architecture, self.config, self.name)?;
        let config = config.with_dropout(dropout);
        let checkpoint = Checkpoint::from_bytes(self.weights, self.name)?;
        Model::load(config, self.training()?.head, &checkpoint, NewHead::Refuse, ctx)
    }
}

/// A golden's JSON.
pub(super) fn parse<'a, T: Deserialize<'a>>(json: &'a [u8], name: &str) -> Result<T> {
    serde_json::from_slice(json)
        .map_err(|e| EngineError::Internal(format!("the golden {name} cannot be read: {e}")))
}

/// All inputs in one batch.
pub(super) fn pack<'a>(cases: impl IntoIterator<Item = &'a Case>) -> Result<PackedBatch> {
    let mut batch = PackedBatch::default();
    for case in cases {
        let zeros = vec![0; case.input_ids.len()];
        let types = if case.token_type_ids.is_empty() { &zeros } else { &case.token_type_ids };
        batch.push(&case.input_ids, types)?;
    }
    Ok(batch)
}

impl Training {
    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    /// A batch with its targets; they are gone through again and again.
    pub(super) fn batch(&self, number: usize) -> Result<(PackedBatch, Targets)> {
        let examples = &self.batches[number % self.batches.len()];
        let mut batch = PackedBatch::default();
        for example in examples {
            batch.push(&example.input_ids, &example.token_type_ids)?;
        }
        let targets = self.targets(examples);
        let targets = targets.ok_or_else(|| {
            EngineError::Internal(format!("targets of a loss {} cannot be read", self.loss))
        })?;
        Ok((batch, targets))
    }

    fn targets(&self, examples: &[Example]) -> Option<Targets> {
        let each = |pick: fn(&Value) -> Option<i64>| {
            examples.iter().map(|e| pick(&e.target)).collect::<Option<Vec<i64>>>()
        };
        Some(match (self.loss.as_str(), self.head) {
            ("mse", _) => {
                let reals = examples.iter().map(|e| Some(e.target.as_f64()? as f32));
                Targets::Reals(reals.collect::<Option<_>>()?)
            }
            ("cross_entropy", Head::Token) => {
                let lists = examples.iter().map(|e| e.target.as_array());
                let all = lists.collect::<Option<Vec<_>>>()?;
                let classes = all.into_iter().flatten().map(Value::as_i64);
                Targets::Classes(classes.collect::<Option<_>>()?)
            }
            ("cross_entropy", _) => Targets::Classes(each(Value::as_i64)?),
            ("span", _) => {
                let side = |values: Vec<i64>| {
                    values.into_iter().map(|v| u32::try_from(v).ok()).collect::<Option<Vec<_>>>()
                };
                Targets::Spans {
                    starts: side(each(|target| target.get(0)?.as_i64())?)?,
                    ends: side(each(|target| target.get(1)?.as_i64())?)?,
                }
            }
            _ => return None,
        })
    }
}
