//! From what stands in a file to what metrics are computed of. What is wrong is counted.

mod scores;
mod tags;

pub(super) use scores::label_scores;
pub(super) use tags::{TagRows, gold_tags};

use super::labels::LabelNames;
use super::problems::Problems;
use super::value::Value;

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
) -> Option<std::borrow::Cow<'p, str>> {
    match value {
        Value::Text(text) => Some(text.as_ref().into()),
        Value::Integer(integer) => Some(integer.to_string().into()),
        // Counted with the rows that are missing.
        Value::Null => None,
        other => {
            problems.add("answers that are no string", || format!("{} in {}", other.describe(), place()));
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
