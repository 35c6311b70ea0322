//! Everything that decides a cell's numbers, and the id made of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CellKey, FineTuneInputs};
use crate::digest::sha256_hex;
use crate::task::Part;

/// The plugin library that ran the cell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginInfo {
    /// Name that the plugin gives itself.
    pub name: String,
    /// Version that the plugin gives itself.
    pub version: String,
    /// SHA-256 of the library file.
    pub sha256: String,
}

/// Where a model's weights came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightsSource {
    /// Part of the plugin.
    Bundled,
    /// A directory that the user gave.
    Directory,
    /// None: every weight was drawn from the seed. The hash is that of what was there all the same, the
    /// configuration and the tokeniser.
    Random,
}

/// The weights that the cell ran with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightsInfo {
    /// Bundled or a directory.
    pub source: WeightsSource,
    /// The directory as the user gave it.
    #[serde(default)]
    pub checkpoint: Option<String>,
    /// SHA-256 over the weights.
    pub sha256: String,
}

/// The data that the cell ran on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataInfo {
    /// The file as it was found.
    pub file: String,
    /// SHA-256 of the whole file.
    pub sha256: String,
    /// Rows in the whole file, before any limit.
    pub rows: u64,
    /// The rows of the file that the split is, where it is not all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Whether hash and rows are those that the task names.
    pub verified: bool,
    /// SHA-256 of the labels file, where the task has one: its order decides what an output means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_sha256: Option<String>,
}

impl DataInfo {
    /// Rows of the split, before any limit.
    pub fn split_rows(&self) -> u64 {
        self.part.map_or(self.rows, Part::len)
    }
}

/// Everything that decides the numbers of a cell, with the paths that led to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellInputs {
    /// What the cell is about.
    #[serde(flatten)]
    pub key: CellKey,
    /// The plugin library.
    pub plugin: PluginInfo,
    /// The weights.
    pub weights: WeightsInfo,
    /// The data.
    pub data: DataInfo,
    /// Only the first so many rows, when set.
    #[serde(default)]
    pub limit: Option<u64>,
    /// Tokens an example at most, special tokens included.
    pub max_seq_len: u32,
    /// Resolved precision: `f32` or `bf16`, never `auto`.
    pub precision: String,
    /// Resolved kind of device: `cpu` or `cuda`, never `auto`. Which of a machine's GPUs a cell ran on decides nothing; it is
    /// in [`super::Backend`].
    pub device: String,
    /// Threads that the plugin was given.
    pub threads: u32,
    /// Options that the plugin was given, by name.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Version of kobench.
    pub harness_version: String,
    /// How the cell trained the model, where it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fine_tune: Option<FineTuneInputs>,
}

/// Fields that say where something was found; what was found is in the hash beside each. Everything
/// else decides, so a field that is added later changes the id unless it is named here.
const NOT_DECIDING: [(&str, &str); 4] =
    [("weights", "source"), ("weights", "checkpoint"), ("data", "file"), ("data", "verified")];

/// Hexadecimal digits of the id: 64 bits, enough for any number of cells that one directory holds.
const ID_DIGITS: usize = 16;

impl CellInputs {
    /// The cell's id: the first 16 hexadecimal digits of SHA-256 over the deciding fields as
    /// canonical JSON (keys sorted, no white space, unset fields left out).
    ///
    /// A rerun knows by it what is already done. Paths do not decide: the same file elsewhere gives
    /// the same id.
    pub fn id(&self) -> String {
        digest(&self.deciding())
    }

    /// What [`CellInputs::id`] is but for the seed: cells with the same one differ in their seeds alone.
    pub fn id_without_seed(&self) -> String {
        let mut value = self.deciding();
        if let Value::Object(fields) = &mut value {
            fields.remove("seed");
        }
        if let Some(Value::Object(settings)) = value.pointer_mut("/fine_tune/settings") {
            settings.remove("seed");
        }
        digest(&value)
    }

    /// The fields that decide.
    pub(super) fn deciding(&self) -> Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        for (object, field) in NOT_DECIDING {
            if let Some(Value::Object(fields)) = value.get_mut(object) {
                fields.remove(field);
            }
        }
        value
    }
}

/// The first digits of the SHA-256 of canonical JSON.
pub(super) fn digest(value: &Value) -> String {
    let mut canonical = String::new();
    write_canonical(value, &mut canonical);
    let mut id = sha256_hex(canonical.as_bytes());
    id.truncate(ID_DIGITS);
    id
}

/// Writes `value` with sorted keys. Null members are left out, so that an optional field added in a
/// later version does not change the ids of the cells that do not use it.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> =
                fields.iter().filter(|(_, field)| !field.is_null()).collect();
            out.push('{');
            for (index, (name, field)) in sorted.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                write_canonical(field, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write_canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::inputs;
    use super::*;

    /// One change of one deciding field each; `text` and `number` are never what `inputs` holds.
    const CHANGES: [fn(&mut CellInputs, &str, u32); 27] = [
        |inputs, text, _| inputs.key.model = text.into(),
        |inputs, text, _| inputs.key.task = text.into(),
        |inputs, _, number| inputs.key.task_version = number,
        |inputs, text, _| inputs.key.split = text.into(),
        |inputs, text, _| inputs.key.recipe = Some(text.into()),
        |inputs, _, number| inputs.key.seed = Some(number.into()),
        |inputs, text, _| inputs.plugin.name = text.into(),
        |inputs, text, _| inputs.plugin.version = text.into(),
        |inputs, text, _| inputs.plugin.sha256 = text.into(),
        |inputs, text, _| inputs.weights.sha256 = text.into(),
        |inputs, text, _| inputs.data.sha256 = text.into(),
        |inputs, _, number| inputs.data.rows = number.into(),
        |inputs, _, number| inputs.data.part = Some(Part { from: 0, to: number.into() }),
        |inputs, text, _| inputs.data.labels_sha256 = Some(text.into()),
        |inputs, _, number| inputs.limit = Some(number.into()),
        |inputs, _, number| inputs.max_seq_len = number,
        |inputs, text, _| inputs.precision = text.into(),
        |inputs, text, _| inputs.device = text.into(),
        |inputs, _, number| inputs.threads = number,
        |inputs, text, _| drop(inputs.options.insert(text.into(), String::new())),
        |inputs, text, _| inputs.harness_version = text.into(),
        |inputs, _, number| fine_tune(inputs).recipe_version = number,
        |inputs, text, _| fine_tune(inputs).settings = text.into(),
        |inputs, text, _| fine_tune(inputs).train.sha256 = text.into(),
        |inputs, _, number| fine_tune(inputs).train.rows = number.into(),
        |inputs, _, number| {
            fine_tune(inputs).train.part = Some(Part { from: 0, to: number.into() });
        },
        |inputs, _, _| fine_tune(inputs).train.held_out = None,
    ];

    fn fine_tune(inputs: &mut CellInputs) -> &mut FineTuneInputs {
        inputs.fine_tune.get_or_insert_with(|| super::super::testing::trained().0)
    }

    proptest! {
        #[test]
        fn every_deciding_field_changes_the_id(which in 0..CHANGES.len(), text in "x.{0,12}", number in 5000u32..) {
            let mut before = inputs();
            fine_tune(&mut before);
            let mut after = before.clone();
            CHANGES[which](&mut after, &text, number);
            prop_assert_ne!(before.id(), after.id());
        }

        #[test]
        fn no_path_changes_the_id(path in ".{0,40}", verified: bool) {
            let before = inputs();
            let mut after = before.clone();
            after.weights.source = WeightsSource::Directory;
            after.weights.checkpoint = Some(path.clone());
            after.data.file = path;
            after.data.verified = verified;
            prop_assert_eq!(before.id(), after.id());
        }
    }

    #[test]
    fn the_id_is_stable() {
        // Computed with Python: hashlib.sha256(json.dumps(deciding, sort_keys=True,
        // separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()[:16]
        assert_eq!(inputs().id(), "316a0f45bcd5ecb8");
    }

    #[test]
    fn inputs_survive_json() {
        let json = serde_json::to_string(&inputs()).expect("serialised");
        assert_eq!(serde_json::from_str::<CellInputs>(&json).expect("parsed"), inputs());
    }
}
