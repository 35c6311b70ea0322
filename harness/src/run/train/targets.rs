//! What is right for each row, as a worker is told it.

use crate::data::{Dataset, Gold};
use crate::task::Kind;
use crate::worker::RowTargets;

/// The targets of all rows. Of several right answers the first is trained on, as in the reference.
pub(super) fn targets(kind: Kind, data: &Dataset) -> RowTargets {
    let class = |label: u32| i32::try_from(label).unwrap_or(i32::MAX);
    match kind {
        Kind::SequenceClassification => {
            RowTargets::Class(data.gold_labels().into_iter().map(class).collect())
        }
        Kind::SequenceRegression => {
            RowTargets::Real(data.gold_values().into_iter().map(|value| value as f32).collect())
        }
        Kind::TokenClassification => {
            let (mut classes, mut cu_words) = (Vec::new(), vec![0]);
            for row in data.rows() {
                if let Gold::Tags(tags) = row.gold {
                    classes.extend(tags.iter().copied().map(class));
                }
                cu_words.push(classes.len() as u64);
            }
            RowTargets::Words { classes, cu_words }
        }
        Kind::ExtractiveQa => RowTargets::Answers(
            data.rows()
                .map(|row| match row.gold {
                    Gold::Answers(answers) => answers
                        .iter()
                        .next()
                        .map(|a| (a.text.to_owned(), u32::try_from(a.start).unwrap_or(u32::MAX)))
                        .unwrap_or_default(),
                    _ => Default::default(),
                })
                .collect(),
        ),
    }
}
