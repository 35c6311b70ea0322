//! One prediction a line.

use std::borrow::Cow;

use crate::score::lines::lines;
use crate::score::value::{Prediction, Predictions, Value};

/// An empty line is a prediction too: were it skipped, all rows after it would be scored against the
/// wrong one.
pub(super) fn read(text: &str) -> Predictions<'_> {
    let mut predictions = Predictions::of_lines(text);
    predictions.rows.extend(lines(text).map(|(at, line)| Prediction {
        at,
        id: None,
        index: None,
        pred: Value::Text(Cow::Borrowed(line.trim())),
        cut: false,
    }));
    predictions
}
