//! A model as a Hugging Face directory: config.json, model.safetensors, the tokeniser's files.

use std::io::Write as _;
use std::path::Path;

use kobench_plugin_sdk::Head;
use serde_json::{Map, Value, json};

use super::find::{Files, Found};
use crate::checkpoint::{SaveDtype, Tensor, write_atomically, write_safetensors};
use crate::config::Architecture;
use crate::error::{EngineError, Result};
use crate::model::Model;
use crate::train::Targets;

/// What a saved model has from where the model came from, and from its training.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// config.json as it was read.
    json: Vec<u8>,
    files: Files,
    tokenizer_files: Vec<&'static str>,
    /// transformers' `problem_type`, once a step has shown it.
    problem_type: Option<&'static str>,
    dtype: SaveDtype,
}

impl Source {
    pub(super) fn new(found: &Found, tokenizer_files: Vec<&'static str>) -> Self {
        Self {
            json: found.json.clone(),
            files: found.files.clone(),
            tokenizer_files,
            problem_type: None,
            dtype: SaveDtype::F32,
        }
    }

    /// Notes what the model was trained for.
    pub(super) fn trained(&mut self, targets: &Targets) {
        self.problem_type = match targets {
            Targets::Classes(_) => Some("single_label_classification"),
            Targets::Reals(_) => Some("regression"),
            Targets::Spans { .. } => None,
        };
    }

    /// Notes what weights are saved as.
    pub(super) fn save_as(&mut self, dtype: SaveDtype) {
        self.dtype = dtype;
    }
}

/// Writes `model` into `directory`, which is made where it is missing.
///
/// # Errors
/// [`EngineError::Write`] for files that cannot be written, [`EngineError::Io`] for a tokeniser's file that cannot
/// be read.
pub(super) fn save(model: &Model, source: &Source, directory: &Path) -> Result<()> {
    std::fs::create_dir_all(directory)
        .map_err(|e| EngineError::Write { path: directory.to_owned(), source: e })?;
    copy_tokenizer(source, directory)?;
    let mut tensors = Vec::new();
    let guards: Vec<_> = model.params().iter().map(|param| param.read()).collect();
    let weights = guards.iter().map(|values| values.host()).collect::<Result<Vec<_>>>()?;
    for (param, values) in model.params().iter().zip(&weights) {
        let mut rest: &[f32] = values;
        for part in param.parts() {
            let (values, tail) = rest.split_at(part.elements());
            rest = tail;
            tensors.push(Tensor { name: part.name.clone(), shape: part.shape.clone(), values });
        }
    }
    write_safetensors(&directory.join("model.safetensors"), tensors, source.dtype)?;
    let json = serde_json::to_vec_pretty(&config(model, source)?)
        .map_err(|e| EngineError::Internal(e.to_string()))?;
    write_atomically(&directory.join("config.json"), |file| file.write_all(&json))
}

fn copy_tokenizer(source: &Source, directory: &Path) -> Result<()> {
    let write = |name: &str, bytes: &[u8]| {
        write_atomically(&directory.join(name), |file| file.write_all(bytes))
    };
    match &source.files {
        Files::Bundled(bundle) => {
            bundle.tokenizer.iter().try_for_each(|(name, bytes)| write(name, bytes))
        }
        Files::Directory(from) => {
            for name in &source.tokenizer_files {
                let path = from.join(name);
                match std::fs::read(&path) {
                    Ok(bytes) => write(name, &bytes)?,
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Err(EngineError::Io { path, source }),
                }
            }
            Ok(())
        }
    }
}

/// config.json as it was, with the head, labels and dtype of this model.
fn config(model: &Model, source: &Source) -> Result<Map<String, Value>> {
    let mut json: Map<String, Value> = serde_json::from_slice(&source.json)
        .map_err(|e| EngineError::Internal(format!("a config.json that was read before: {e}")))?;
    let architecture = model.config().architecture;
    let model_type = match json.get("model_type").and_then(Value::as_str) {
        Some(known) => known.to_owned(),
        None => architecture.model_types()[0].to_owned(),
    };
    let class = format!("{}{}", class(architecture, &model_type), suffix(model.kind()));
    json.insert("model_type".into(), model_type.into());
    json.insert("architectures".into(), json!([class]));
    json.remove("dtype");
    json.insert("torch_dtype".into(), source.dtype.torch().into());
    if model.kind() == Head::Span {
        // transformers' heads for answers have two outputs, whatever the labels say.
        return Ok(json);
    }
    let labels = model.logits_width();
    // transformers takes the number of labels from id2label.
    let known = json.get("id2label").and_then(Value::as_object).is_some_and(|m| m.len() == labels);
    if !known {
        let name = |i: usize| format!("LABEL_{i}");
        let names: Map<_, _> = (0..labels).map(|i| (i.to_string(), name(i).into())).collect();
        let ids: Map<_, _> = (0..labels).map(|i| (name(i), i.into())).collect();
        json.insert("id2label".into(), names.into());
        json.insert("label2id".into(), ids.into());
    }
    json.remove("num_labels");
    match (model.kind(), source.problem_type) {
        (Head::Sequence, Some(kind)) => {
            json.insert("problem_type".into(), kind.into());
        }
        (Head::Sequence, None) => {}
        (Head::Token | Head::Span, _) => {
            json.remove("problem_type");
        }
    }
    Ok(json)
}

/// What transformers' classes of a model begin with.
fn class(architecture: Architecture, model_type: &str) -> &'static str {
    match architecture {
        Architecture::Bert => "Bert",
        Architecture::Electra => "Electra",
        Architecture::DistilBert => "DistilBert",
        Architecture::Roberta if model_type == "xlm-roberta" => "XLMRoberta",
        Architecture::Roberta => "Roberta",
        Architecture::DebertaV2 => "DebertaV2",
        Architecture::Gemma2 => "Gemma2",
    }
}

fn suffix(head: Head) -> &'static str {
    match head {
        Head::Sequence => "ForSequenceClassification",
        Head::Token => "ForTokenClassification",
        Head::Span => "ForQuestionAnswering",
    }
}
