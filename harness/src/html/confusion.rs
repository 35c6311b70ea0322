//! What was predicted for what.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use crate::record::{CellRecord, RecordError};

/// Rows (or words) by what is right and what was predicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Confusion {
    /// Counts: a row a gold label and a column a predicted one, both in the order of the record's labels.
    pub(super) counts: Vec<Vec<u64>>,
    /// Words beyond the longest sequence, for which nothing was predicted.
    pub(super) cut: u64,
    /// Whether words were counted, not rows.
    pub(super) of_words: bool,
}

/// The parts of a line of predictions that count here. Texts are not copied.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    gold: Labels<'a>,
    #[serde(borrow)]
    pred: Labels<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Labels<'a> {
    Row(#[serde(borrow)] Cow<'a, str>),
    Words(#[serde(borrow)] Vec<Word<'a>>),
}

#[derive(Deserialize)]
struct Word<'a> {
    #[serde(borrow)]
    label: Option<Cow<'a, str>>,
}

impl Confusion {
    /// Counts the predictions of a cell that has labels. What is none of the labels counts nowhere.
    ///
    /// # Errors
    /// [`RecordError::Io`], or [`RecordError::Prediction`] with the line.
    pub(super) fn read(path: &Path, record: &CellRecord) -> Result<Self, RecordError> {
        let io = |source| RecordError::Io { action: "read", path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(io)?;
        let index: HashMap<&str, usize> =
            record.labels.iter().enumerate().map(|(index, id)| (id.as_str(), index)).collect();
        let labels = record.labels.len();
        let mut confusion = Self { counts: vec![vec![0; labels]; labels], cut: 0, of_words: false };
        for (number, line) in text.lines().enumerate() {
            let line: Line<'_> = serde_json::from_str(line).map_err(|source| {
                RecordError::Prediction { path: path.to_owned(), line: number + 1, source }
            })?;
            match (line.gold, line.pred) {
                (Labels::Row(gold), Labels::Row(pred)) => {
                    confusion.count(index.get(&*gold), index.get(&*pred));
                }
                (Labels::Words(gold), Labels::Words(pred)) => {
                    confusion.of_words = true;
                    for (gold, pred) in gold.iter().zip(&pred) {
                        let of = |word: &Word<'_>| {
                            word.label.as_ref().and_then(|label| index.get(&**label))
                        };
                        confusion.cut += u64::from(pred.label.is_none());
                        confusion.count(of(gold), of(pred));
                    }
                }
                _ => {}
            }
        }
        Ok(confusion)
    }

    fn count(&mut self, gold: Option<&usize>, pred: Option<&usize>) {
        if let (Some(gold), Some(pred)) = (gold, pred) {
            self.counts[*gold][*pred] += 1;
        }
    }

    /// The counts by type of entity, where labels are `B-PER`, `I-PER` or `PER-B`, `PER-I`: which part of an entity a word
    /// is says little, and makes matrices four times as large. The names are in the order of their first label.
    pub(super) fn by_type(&self, labels: &[String]) -> (Vec<String>, Vec<Vec<u64>>) {
        let mut names: Vec<String> = Vec::new();
        let of_label: Vec<usize> = labels
            .iter()
            .map(|label| {
                let name = entity_type(label);
                names.iter().position(|known| known == name).unwrap_or_else(|| {
                    names.push(name.to_owned());
                    names.len() - 1
                })
            })
            .collect();
        let mut counts = vec![vec![0; names.len()]; names.len()];
        for (gold, row) in self.counts.iter().enumerate() {
            for (pred, count) in row.iter().enumerate() {
                counts[of_label[gold]][of_label[pred]] += count;
            }
        }
        (names, counts)
    }
}

fn entity_type(label: &str) -> &str {
    let parts = ["B-", "I-", "E-", "S-"];
    let prefix = parts.iter().find_map(|part| label.strip_prefix(part));
    let suffix = ["-B", "-I", "-E", "-S"].iter().find_map(|part| label.strip_suffix(part));
    prefix.or(suffix).unwrap_or(label)
}

/// Wrong pairs, the most frequent first: gold, predicted, and how often.
pub(super) fn mistakes(counts: &[Vec<u64>]) -> Vec<(usize, usize, u64)> {
    let mut pairs: Vec<(usize, usize, u64)> = (counts.iter().enumerate())
        .flat_map(|(gold, row)| row.iter().enumerate().map(move |(pred, n)| (gold, pred, *n)))
        .filter(|(gold, pred, count)| gold != pred && *count > 0)
        .collect();
    pairs.sort_by_key(|(gold, pred, count)| (std::cmp::Reverse(*count), *gold, *pred));
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::done;

    fn read(labels: &[&str], text: &str) -> Result<Confusion, RecordError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.jsonl");
        std::fs::write(&path, text).expect("written");
        let labels = labels.iter().map(ToString::to_string).collect();
        Confusion::read(&path, &CellRecord { labels, ..done() })
    }

    #[test]
    fn rows_are_counted_by_gold_and_prediction() {
        let text = "{\"i\":0,\"gold\":\"부정\",\"pred\":\"\\uae0d\\uc815\",\"logits\":[1,2]}\n\
                    {\"i\":1,\"gold\":\"긍정\",\"pred\":\"긍정\"}\n{\"i\":2,\"gold\":\"긍정\",\"pred\":\"?\"}\n";
        let confusion = read(&["부정", "긍정"], text).expect("read");
        assert_eq!(confusion.counts, [[0, 1], [0, 1]]);
        assert!(!confusion.of_words);
        assert_eq!(mistakes(&confusion.counts), [(0, 1, 1)]);
    }

    #[test]
    fn words_are_counted_and_joined_by_type() {
        let text = "{\"gold\":[{\"label\":\"PER-B\"},{\"label\":\"PER-I\"},{\"label\":\"O\"}],\
                    \"pred\":[{\"label\":\"PER-B\"},{\"label\":\"O\"},{\"label\":null,\"cut\":true}]}\n";
        let labels = ["O", "PER-B", "PER-I"];
        let confusion = read(&labels, text).expect("read");
        assert_eq!((confusion.cut, confusion.of_words), (1, true));
        let (names, counts) = confusion.by_type(&labels.map(str::to_owned));
        assert_eq!(names, ["O", "PER"]);
        assert_eq!(counts, [[0, 0], [1, 1]]);
        assert_eq!(["B-PS", "I-PS", "PS-E", "O"].map(entity_type), ["PS", "PS", "PS", "O"]);
    }

    #[test]
    fn a_line_that_is_none_is_named() {
        let error = read(&["0"], "{\"gold\":\"0\",\"pred\":\"0\"}\nx\n").expect_err("no line");
        assert!(error.to_string().contains("p.jsonl:2: "), "{error}");
    }
}
