//! From what stands in a file to what metrics are computed of. What is wrong is counted.

mod scores;
mod tags;

use std::borrow::Cow;

use scores::label_scores;
pub(super) use tags::{TagRows, gold_tags};

use super::JoinedBy;
use super::join::Joined;
use super::labels::LabelNames;
use super::problems::Problems;
use super::reference::{Reference, Right};
use super::value::{Predictions, Value};

/// What is predicted, in the order of the data.
#[derive(Debug)]
pub(super) enum Predicted<'p> {
    Labels {
        labels: Vec<u32>,
        /// `[rows * labels]`, and whether they are logits.
        scores: Option<(Vec<f64>, bool)>,
    },
    Values(Vec<f64>),
    Tags(TagRows),
    Answers(Vec<Option<Cow<'p, str>>>),
}

/// Converts the prediction of each row to what its gold is. Rows are left out only when a problem is
/// counted. `labels` comes with the index of the label that single scores are about.
pub(super) fn predicted<'p>(
    predictions: &'p Predictions<'_>,
    reference: &Reference<'_>,
    joined: &Joined,
    (labels, positive): (&LabelNames<'_>, usize),
    problems: &mut Problems,
) -> Predicted<'p> {
    let places = joined.rows.iter().copied();
    let rows = places.enumerate().filter_map(|(at, row)| Some((at, row?, &predictions.rows[row?])));
    // What is null was counted with what is missing.
    let filled = rows.clone().filter(|(.., row)| row.pred != Value::Null);
    match &reference.gold {
        Right::Labels(_) => {
            let found = filled.filter_map(|(.., row)| {
                label(&row.pred, labels, "predictions", || predictions.place(row), problems)
            });
            Predicted::Labels {
                labels: found.collect(),
                scores: label_scores(predictions, &joined.rows, labels, positive, problems),
            }
        }
        Right::Values(_) => {
            let found = filled.filter_map(|(.., row)| {
                value(&row.pred, "predictions", || predictions.place(row), problems)
            });
            Predicted::Values(found.collect())
        }
        Right::Tags(gold) => {
            let mut found = TagRows::default();
            let by_id = joined.by == JoinedBy::Id;
            for (at, index, row) in rows {
                let place =
                    || format!("{} ({})", reference.name(at, by_id), predictions.place(row));
                let gold = (gold[at].as_ref(), predictions.gold.get(index));
                // A null that is not cut was counted with what is missing.
                let cut = row.cut || row.pred == Value::Null;
                found.push(&row.pred, gold, cut, labels, place, problems);
            }
            Predicted::Tags(found)
        }
        Right::Answers(_) => {
            let mut found = vec![None; reference.len()];
            for (at, _, row) in rows {
                found[at] = answer(&row.pred, || predictions.place(row), problems);
            }
            Predicted::Answers(found)
        }
    }
}

/// Index of the label that a value names, by id, by name, or as an integer.
pub(super) fn label(
    value: &Value<'_>,
    labels: &LabelNames<'_>,
    what: &str,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Option<u32> {
    let found = match value {
        Value::Text(text) => labels.find(text),
        Value::Integer(integer) => labels.find(&integer.to_string()),
        other => {
            let what = format!("{what} that are neither a string nor an integer");
            problems.add(&what, || format!("{} in {}", other.describe(), place()));
            return None;
        }
    };
    found
        .map_err(|problem| {
            problems.add(&labels.complaint(what, problem), || {
                format!("{} in {}", value.describe(), place())
            });
        })
        .ok()
}

/// The real number of a value; NaN and infinities are none.
pub(super) fn value(
    value: &Value<'_>,
    what: &str,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Option<f64> {
    let number = match value {
        Value::Integer(integer) => Some(*integer as f64),
        Value::Number(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let finite = number.filter(|number: &f64| number.is_finite());
    if finite.is_none() {
        problems.add(&format!("{what} that are no finite number"), || {
            format!("{} in {}", value.describe(), place())
        });
    }
    finite
}

/// The answer of a value: a string, or an integer, since some are years.
pub(super) fn answer<'p>(
    value: &'p Value<'_>,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Option<Cow<'p, str>> {
    match value {
        Value::Text(text) => Some(text.as_ref().into()),
        Value::Integer(integer) => Some(integer.to_string().into()),
        // Counted with the rows that are missing.
        Value::Null => None,
        other => {
            problems.add("answers that are no string", || {
                format!("{} in {}", other.describe(), place())
            });
            None
        }
    }
}

/// The right answers of a value: a string, or a list of them.
pub(super) fn gold_answers<'p>(
    value: &'p Value<'_>,
    place: impl Fn() -> String,
    problems: &mut Problems,
) -> Vec<&'p str> {
    let answers: Vec<&str> = match value {
        Value::Text(text) => vec![text],
        Value::Words(words) => words.iter().filter_map(|word| word.label.as_deref()).collect(),
        _ => vec![],
    };
    if answers.is_empty() {
        problems.add("gold answers that are neither a string nor a list of strings", || {
            format!("{} in {}", value.describe(), place())
        });
    }
    answers
}
