//! What `kobench model check` found; harness/schemas/model-check.schema.json.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::report::{Look, wrapped};
use crate::text::{bytes as size, millions};

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Checked {
    pub(super) schema_version: u32,
    /// Whether tokeniser and every head open.
    pub(super) fits: bool,
    pub(super) model: String,
    pub(super) plugin: String,
    pub(super) plugin_version: String,
    /// The folder; none for bundled weights.
    pub(super) checkpoint: Option<String>,
    /// What the plugin says that it read; none where it does not say.
    pub(super) found: Option<Found>,
    pub(super) parameters: Option<u64>,
    pub(super) tokenizer: Tokenizer,
    pub(super) heads: Vec<HeadFound>,
    /// What a reader should know beside.
    pub(super) notes: Vec<String>,
}

/// What a plugin read: `checkpoint` of its statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    pub(super) files: Vec<FoundFile>,
    /// For instance `safetensors`; none where the plugin does not say.
    #[serde(default)]
    pub(super) format: Option<String>,
    pub(super) tensors: u64,
    #[serde(default)]
    pub(super) dtypes: BTreeMap<String, u64>,
    /// Told of each head apart.
    #[serde(default, skip_serializing)]
    pub(super) ignored: Vec<String>,
    #[serde(default, skip_serializing)]
    pub(super) initialised: Vec<String>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FoundFile {
    pub(super) path: String,
    pub(super) bytes: u64,
}

/// The tokeniser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Tokenizer {
    /// What the plugin calls it.
    pub(super) name: String,
    /// What it was tried on.
    pub(super) text: String,
    /// Tokens, special ones included; none where it does not open.
    pub(super) tokens: Option<u32>,
    pub(super) unknown: Option<u32>,
    /// The tokens without special ones, where the plugin tells their texts.
    pub(super) pieces: Vec<String>,
    pub(super) error: Option<String>,
}

/// A head of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct HeadFound {
    pub(super) head: String,
    pub(super) state: HeadState,
    /// Its outputs, where the plugin says.
    pub(super) num_labels: Option<u64>,
    /// Tensors that would be new.
    pub(super) initialised: Vec<String>,
    /// Tensors of the checkpoint that are not needed with it.
    pub(super) ignored: Vec<String>,
    pub(super) error: Option<String>,
}

/// Where a head comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HeadState {
    /// The checkpoint has it.
    InCheckpoint,
    /// The checkpoint fits, but has no such head: it would be new, to be trained.
    New,
    /// The checkpoint does not fit.
    DoesNotFit,
}

impl Checked {
    /// Lines for people.
    pub(super) fn lines(&self, look: &Look) -> String {
        let place = self.checkpoint.as_deref().unwrap_or("bundled weights");
        let mut text =
            format!("{} ({} {}): {place}\n", self.model, self.plugin, self.plugin_version);
        let mut lines = Vec::new();
        if let Some(found) = &self.found {
            for file in &found.files {
                lines.push(("file", format!("{} ({})", file.path, size(file.bytes))));
            }
            let dtypes: Vec<String> =
                found.dtypes.iter().map(|(dtype, n)| format!("{n} {dtype}")).collect();
            let of =
                if dtypes.is_empty() { String::new() } else { format!(": {}", dtypes.join(", ")) };
            let format = found.format.as_ref().map_or_else(String::new, |f| format!("{f}, "));
            lines.push(("weights", format!("{format}{} tensors{of}", found.tensors)));
        }
        if let Some(parameters) = self.parameters {
            lines.push(("parameters", format!("{} ({parameters})", millions(parameters))));
        }
        lines.push(("tokeniser", self.tokenizer.line()));
        for (label, said) in lines {
            text.push_str(&labelled(label, &said, look));
        }
        for head in &self.heads {
            text.push_str(&labelled(&head.head, &head.line(), look));
            text.push_str(&head.details());
        }
        for note in &self.notes {
            text.push_str(&wrapped("  note: ", note, look));
        }
        text.push_str(if self.fits { "fits\n" } else { "DOES NOT FIT\n" });
        text
    }
}

impl Tokenizer {
    fn line(&self) -> String {
        let name = if self.name.is_empty() { "opens" } else { &self.name };
        match (&self.error, self.tokens) {
            (Some(error), _) => format!("{name}: DOES NOT WORK: {error}"),
            (None, tokens) => {
                let tokens = tokens.unwrap_or(0);
                let unknown = self.unknown.filter(|n| *n > 0);
                let unknown = unknown.map_or_else(String::new, |n| format!(", {n} unknown"));
                let pieces = match self.pieces.is_empty() {
                    true => String::new(),
                    false => format!(": {}", self.pieces.join(" ")),
                };
                format!("{name}; \"{}\" has {tokens} tokens{unknown}{pieces}", self.text)
            }
        }
    }
}

fn labelled(label: &str, said: &str, look: &Look) -> String {
    wrapped(&format!("  {label:<11} "), said, look)
}

impl HeadFound {
    /// What is wrong, and the names of tensors: one a line, however long.
    fn details(&self) -> String {
        let mut text = String::new();
        for error in self.error.iter().flat_map(|error| error.lines()) {
            text.push_str(&format!("    {error}\n"));
        }
        for (what, names) in [("new", &self.initialised), ("not needed", &self.ignored)] {
            if !names.is_empty() {
                text.push_str(&format!("    {what}:\n"));
            }
            for name in names {
                text.push_str(&format!("      {name}\n"));
            }
        }
        text
    }

    fn line(&self) -> String {
        let labels = self.num_labels.map_or_else(String::new, |n| format!(", {n} outputs"));
        match self.state {
            HeadState::InCheckpoint => format!("in the checkpoint{labels}"),
            HeadState::New => "not in the checkpoint: new, to be trained".to_owned(),
            HeadState::DoesNotFit => "DOES NOT FIT".to_owned(),
        }
    }
}
