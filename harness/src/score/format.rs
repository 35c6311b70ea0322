//! How a predictions file is written.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::labels::LabelNames;
use super::lines::lines;
use super::read::{Names, Text};
use crate::task::Kind;

/// How a predictions file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// One JSON object a line, with `pred` and `id` or `i`.
    Jsonl,
    /// One JSON document: an object of ids and predictions, or a list.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Tab-separated values with a header.
    Tsv,
    /// A word a line, its labels in columns, an empty line after each sentence.
    Conll,
    /// One prediction a line.
    Lines,
}

impl InputFormat {
    /// Its name in messages and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Conll => "conll",
            Self::Lines => "lines",
        }
    }

    /// Tells the format by the file's extension, then by its content.
    pub(super) fn detect(
        path: &Path,
        text: &str,
        kind: Kind,
        names: &Names<'_>,
        labels: &LabelNames<'_>,
    ) -> Self {
        let words = kind == Kind::TokenClassification;
        let extension =
            path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match extension.as_deref() {
            Some("jsonl" | "ndjson") => return Self::Jsonl,
            Some("json") => return json_or_jsonl(text, names),
            Some("csv") => return Self::Csv,
            Some("tsv") if !(words && has_blocks(text)) => return Self::Tsv,
            Some("conll" | "bio" | "iob" | "iob2") if words => return Self::Conll,
            _ => {}
        }
        let trimmed = text.trim();
        if trimmed.starts_with('{') {
            return json_or_jsonl(text, names);
        }
        if trimmed.starts_with('[') && trimmed.ends_with(']') && is_json(trimmed) {
            return Self::Json;
        }
        let first = lines(text).map(|(_, line)| line).find(|line| !line.trim().is_empty());
        let first = first.unwrap_or_default();
        let is_index = names.pred.parse::<usize>().is_ok();
        if words
            && (has_blocks(text)
                || is_index
                || !(labels.are_all_labels(first) || names.stand_in(first)))
        {
            return Self::Conll;
        }
        match names.are_given || names.stand_in(first) {
            true if first.contains('\t') => Self::Tsv,
            true => Self::Csv,
            false => Self::Lines,
        }
    }
}

/// Whether lines stand in blocks, with empty lines between.
fn has_blocks(text: &str) -> bool {
    let mut lines = lines(text).map(|(_, line)| line.trim_end_matches(' ').is_empty());
    lines.any(|is_empty| is_empty) && lines.any(|is_empty| !is_empty)
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// A file of JSON objects, one a line, or one object. A first line that is an object by itself begins
/// JSONL, when other lines follow or when it has the member with the prediction.
fn json_or_jsonl(text: &str, names: &Names<'_>) -> InputFormat {
    let mut filled = lines(text).map(|(_, line)| line.trim()).filter(|line| !line.is_empty());
    let first = filled.next().unwrap_or_default();
    let mut json = serde_json::Deserializer::from_str(first);
    let object = HasMember(names.pred).deserialize(&mut json);
    match object.and_then(|has_pred| json.end().map(|()| has_pred)) {
        Ok(has_pred) if has_pred || filled.next().is_some() => InputFormat::Jsonl,
        _ => InputFormat::Json,
    }
}

/// Whether an object has a member of this name.
struct HasMember<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for HasMember<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HasMember<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some((Text(key), IgnoredAny)) = map.next_entry()? {
            found |= key == self.0;
        }
        Ok(found)
    }
}
