//! A label a word.

use crate::score::labels::LabelNames;
use crate::score::problems::Problems;
use crate::score::value::{Value, Word};

/// Predicted labels of all words of all rows.
#[derive(Debug, Default)]
pub(in crate::score) struct TagRows {
    labels: Vec<Option<u32>>,
    ends: Vec<usize>,
}

impl TagRows {
    /// One slice a row.
    pub(in crate::score) fn rows(&self) -> Vec<&[Option<u32>]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.labels[start..*end]).collect()
    }

    /// Adds a row of `gold.len()` words. `cut` says that words without a label are words that the model
    /// never saw; `right` is what the file itself gives as gold, which must be that of the data.
    pub(in crate::score) fn push(
        &mut self,
        value: &Value<'_>,
        (gold, right): (&[u32], Option<&Value<'_>>),
        cut: bool,
        labels: &LabelNames<'_>,
        place: impl Fn() -> String,
        problems: &mut Problems,
    ) {
        let start = self.labels.len();
        if let Some(words) = words(value, "predictions", &place, problems) {
            let is_short = words.len() < gold.len() && !cut;
            if is_short || words.len() > gold.len() {
                problems.add("sentences with another number of labels than words", || {
                    format!("{} labels for {} words in {}", words.len(), gold.len(), place())
                });
            }
            for (index, word) in words.iter().enumerate() {
                let at = || format!("word {} in {}", index + 1, place());
                self.labels.push(tag(word, cut, labels, at, problems));
            }
        }
        // The words that are missing were cut off, or the problem is counted.
        self.labels.resize(start + gold.len(), None);
        self.ends.push(self.labels.len());
        if let Some(Value::Words(words)) = right {
            compare(words, gold, labels, &place, problems);
        }
    }
}

/// A list of labels: a list as such, or a text with white space between them.
fn words<'p>(
    value: &'p Value<'_>,
    what: &str,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Option<Vec<Word<'p>>> {
    match value {
        Value::Text(text) => {
            let word = |label: &'p str| Word { label: Some(label.into()), cut: false };
            Some(text.split_whitespace().map(word).collect())
        }
        Value::Words(words) => {
            let word = |word: &'p Word<'_>| Word {
                label: word.label.as_deref().map(Into::into),
                cut: word.cut,
            };
            Some(words.iter().map(word).collect())
        }
        // Counted with the rows that are missing, or cut off as a whole.
        Value::Null => Some(vec![]),
        other => {
            problems.add(&format!("{what} that are no list of labels"), || {
                format!("{} in {}", other.describe(), place())
            });
            None
        }
    }
}

fn tag(
    word: &Word<'_>,
    row_is_cut: bool,
    labels: &LabelNames<'_>,
    at: impl Fn() -> String,
    problems: &mut Problems,
) -> Option<u32> {
    match &word.label {
        Some(_) if word.cut => {
            problems.add("words that are marked `cut` and have a label all the same", at);
            None
        }
        Some(label) => {
            super::label(&Value::Text(label.as_ref().into()), labels, "labels", at, problems)
        }
        None if word.cut || row_is_cut => None,
        None => {
            problems.add("words without a label that are not marked `cut`", at);
            None
        }
    }
}

/// Checks the gold that a file gives beside its predictions.
fn compare(
    words: &[Word<'_>],
    gold: &[u32],
    labels: &LabelNames<'_>,
    place: impl Fn() -> String,
    problems: &mut Problems,
) {
    let id =
        |index: u32| labels.labels().get(index as usize).map_or("?", |label| label.id.as_str());
    for (index, (word, expected)) in words.iter().zip(gold).enumerate() {
        let text = word.label.as_deref().unwrap_or_default();
        if labels.find(text) != Ok(*expected) {
            problems.add("words whose gold label is not that of the data", || {
                let at = format!("word {} in {}", index + 1, place());
                format!("{text} for {} at {at}", id(*expected))
            });
        }
    }
}

/// Gold labels that stand in the predictions file.
pub(in crate::score) fn gold_tags(
    value: &Value<'_>,
    labels: &LabelNames<'_>,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Vec<u32> {
    let words = words(value, "gold labels", &place, problems).unwrap_or_default();
    let tag = |(index, word): (usize, &Word<'_>)| {
        let at = || format!("word {} in {}", index + 1, place());
        // A run marks words that were cut off in the prediction; their gold is whole.
        let label = Value::Text(word.label.as_deref().unwrap_or_default().into());
        super::label(&label, labels, "gold labels", at, problems)
    };
    words.iter().enumerate().filter_map(tag).collect()
}
