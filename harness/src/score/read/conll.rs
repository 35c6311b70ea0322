//! A word a line with its labels in columns, and an empty line after each sentence, as CoNLL's shared
//! tasks and seqeval's users write them.
//!
//! Columns are separated by tabs where the line has any, else by white space: a corpus of characters has
//! spaces among its words. The last column is the prediction. The one before it is taken for the gold
//! where it is neither the first (the word) nor anything but labels in the first sentence.

use std::borrow::Cow;

use super::Request;
use crate::score::ScoreError;
use crate::score::lines::lines;
use crate::score::value::{Prediction, Predictions, Value, Word};

/// Which columns are read.
#[derive(Debug, Clone, Copy)]
struct Layout {
    pred: usize,
    gold: Option<usize>,
    count: usize,
}

pub(super) fn read<'t>(
    text: &'t str,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    let mut predictions = Predictions::new("line");
    let mut layout = None;
    let mut sentence: Vec<(u32, &str)> = Vec::new();
    let is_comment = |line: &str| request.comment.is_some_and(|comment| line.starts_with(comment));
    // The comment of a data set may look like a word; a word has columns.
    let content = lines(text).filter(|(_, line)| !is_comment(line));
    for (number, line) in content.chain([(0, "")]) {
        if !is_end(line) {
            sentence.push((number, line));
        } else if !sentence.is_empty() {
            let layout = match layout {
                Some(layout) => layout,
                None => *layout.insert(Layout::new(&sentence, request)?),
            };
            layout.push(&mut predictions, &sentence, request)?;
            sentence.clear();
        }
    }
    Ok(predictions)
}

/// A line that ends a sentence. One with tabs is a word, be it white space.
fn is_end(line: &str) -> bool {
    line.trim().is_empty() && !line.contains('\t')
}

fn columns(line: &str) -> Vec<&str> {
    if line.contains('\t') { line.split('\t').collect() } else { line.split_whitespace().collect() }
}

impl Layout {
    fn new(sentence: &[(u32, &str)], request: &Request<'_>) -> Result<Self, ScoreError> {
        let (line, first) = sentence.first().copied().unwrap_or((1, ""));
        let count = columns(first).len();
        let find = |name: &str, option: &str| match name.parse() {
            Ok(index) if index < count => Ok(index),
            _ => Err(ScoreError::Line {
                path: request.path.to_owned(),
                line,
                message: format!(
                    "there is no column `{name}`; there are the columns 0 to {}",
                    count - 1
                ),
                hint: Some(format!("name the column with {option} by its index from 0")),
            }),
        };
        // Without options the name of the column is the one that tables have.
        let pred = match request.names.pred {
            "pred" => count - 1,
            name => find(name, "--pred-column")?,
        };
        let gold = match request.names.gold {
            Some(name) => Some(find(name, "--gold-column")?),
            None => pred.checked_sub(1).filter(|gold| {
                let is_label = |(_, line): &(u32, &str)| {
                    columns(line).get(*gold).is_some_and(|label| request.labels.find(label).is_ok())
                };
                *gold > 0 && sentence.iter().all(is_label)
            }),
        };
        Ok(Self { pred, gold, count })
    }

    fn push<'t>(
        self,
        predictions: &mut Predictions<'t>,
        sentence: &[(u32, &'t str)],
        request: &Request<'_>,
    ) -> Result<(), ScoreError> {
        let mut pred = Vec::with_capacity(sentence.len());
        let mut gold = Vec::with_capacity(sentence.len());
        for (number, line) in sentence {
            let fields = columns(line);
            if fields.len() != self.count {
                return Err(request.fail(
                    *number,
                    format!("found {} columns, the first word has {}", fields.len(), self.count),
                ));
            }
            let word =
                |column: usize| Word { label: Some(Cow::Borrowed(fields[column])), cut: false };
            pred.push(word(self.pred));
            gold.extend(self.gold.map(word));
        }
        let at = sentence.first().map_or(0, |(number, _)| *number);
        let pred = Value::Words(pred);
        predictions.rows.push(Prediction { at, id: None, index: None, pred, cut: false });
        predictions.gold.extend(self.gold.map(|_| Value::Words(gold)));
        Ok(())
    }
}
