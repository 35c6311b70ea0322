//! Which format a file has.

use clap::ValueEnum;

use super::{ScaffoldError, SourceFile, conll};
use crate::data::lines::lines;

/// The formats of which a task file can be made, by their names in task files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Lines split at tabs, no quoting.
    Tsv,
    /// Comma-separated values with quoting.
    Csv,
    /// A JSON object a line.
    Jsonl,
    /// A JSON list of objects.
    Json,
    /// Articles with paragraphs with questions, as in SQuAD and KorQuAD.
    Squad,
    /// A word and its label a line, an empty line between sentences.
    Conll,
}

/// Lines that are looked at.
const LINES: usize = 200;

impl FileFormat {
    /// Its name in task files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tsv => "tsv",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Json => "json",
            Self::Squad => "squad",
            Self::Conll => "conll",
        }
    }
}

/// The format and what tells it.
pub(super) fn sniff(file: &SourceFile) -> Result<(FileFormat, &'static str), ScaffoldError> {
    let text = file.text();
    let Some(begin) = text.trim_start().chars().next() else {
        return Err(file.wrong(None, "the file is empty"));
    };
    if matches!(begin, '{' | '[')
        && let Some(found) = sniff_json(file, text)?
    {
        return Ok(found);
    }
    if conll::is_conll(text) {
        return Ok((FileFormat::Conll, "words with labels, sentences apart by empty lines"));
    }
    let extension = file.path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
    if extension.is_some_and(|extension| extension == "csv") {
        return Ok((FileFormat::Csv, "by its extension"));
    }
    let filled = lines(text).map(|(_, line)| line).filter(|line| !line.is_empty());
    let sample: Vec<&str> = filled.take(LINES).collect();
    if sample.iter().all(|line| line.contains('\t')) {
        return Ok((FileFormat::Tsv, "every line has a tab"));
    }
    let width = |line: &str| line.matches(',').count();
    let first = sample.first().map_or(0, |line| width(line));
    // Quoted fields hold more commas than the header, and never fewer.
    if first > 0 && sample.iter().all(|line| line.contains('"') || width(line) >= first) {
        return Ok((FileFormat::Csv, "every line has a comma"));
    }
    Err(file.wrong(
        None,
        "no format fits: not JSON, and no tabs, commas or labelled words in every line",
    ))
}

fn sniff_json(
    file: &SourceFile,
    text: &str,
) -> Result<Option<(FileFormat, &'static str)>, ScaffoldError> {
    let mut filled = lines(text).map(|(_, line)| line).filter(|line| !line.trim().is_empty());
    let first = filled.next().unwrap_or_default();
    let is_object =
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(first).is_ok();
    let named = file
        .path
        .extension()
        .is_some_and(|extension| extension == "jsonl" || extension == "ndjson");
    if is_object && (named || filled.next().is_some()) {
        return Ok(Some((FileFormat::Jsonl, "a JSON object a line")));
    }
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(serde_json::Value::Array(_)) => Ok(Some((FileFormat::Json, "a JSON list"))),
        Ok(value) if value["data"][0]["paragraphs"].is_array() => {
            Ok(Some((FileFormat::Squad, "articles with paragraphs")))
        }
        Ok(value) if value["utterance"].is_array() => Err(file.wrong(
            None,
            "AI Hub's dialect speech, of which the built-in task `dialect` is made; its format in a task file is aihub_dialect",
        )),
        Ok(serde_json::Value::Object(object)) if super::json::only_list(&object).is_some() => {
            Ok(Some((FileFormat::Json, "a JSON object that holds one list of objects")))
        }
        Ok(value) => {
            let keys: Vec<&str> =
                value.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).take(8).collect();
            Err(file.wrong(
                None,
                format!("a JSON object with {}; a list of objects, or `data` with `paragraphs`, was expected", keys.join(", ")),
            ))
        }
        Err(error) if file.path.extension().is_some_and(|extension| extension == "json") => {
            Err(file.wrong(Some(error.line()), format!("not JSON: {error}")))
        }
        Err(_) => Ok(None),
    }
}
