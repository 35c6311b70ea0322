//! What was found in a checkpoint, and how it is said.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::source::Format;

/// What a checkpoint held.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LoadReport {
    /// The weights files.
    pub files: Vec<WeightsFile>,
    /// How they are written.
    pub format: Format,
    /// Number of tensors, those that are ignored included.
    pub tensors: usize,
    /// How many of them have each dtype, spelt as in safetensors.
    pub dtypes: BTreeMap<String, usize>,
    /// Tensors that the model has no use for: other heads, constants.
    pub ignored: Vec<String>,
    /// Tensors that the checkpoint does not have, and that were initialised to be trained.
    pub initialised: Vec<String>,
}

/// One file of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WeightsFile {
    /// Its path; for weights inside a plugin, the model's name.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// Most tensors that an error names in one list.
const NAMED: usize = 8;

/// Names with commas, the first few of them when there are many.
pub(super) fn join(names: impl IntoIterator<Item = String>) -> String {
    let names: Vec<String> = names.into_iter().collect();
    let mut text = names[..names.len().min(NAMED)].join(", ");
    if names.len() > NAMED {
        let _ = write!(text, " and {} more", names.len() - NAMED);
    }
    text
}

/// "1 tensor is", "2 tensors are".
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun} is") } else { format!("{count} {noun}s are") }
}
