//! How predictions are read and scored.

use super::{InputFormat, ScoreError};
use crate::metrics::IntervalOptions;
use crate::task::{Kind, Label, Task};

/// How predictions are read and scored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScoreOptions {
    /// How the file is written; its extension and its content say it when nothing is said.
    pub input_format: Option<InputFormat>,
    /// The column, or member of JSON objects, with the row's id; `id`, when there is one, if nothing is said.
    pub id_column: Option<String>,
    /// The column or member with the prediction; `pred` when nothing is said.
    pub pred_column: Option<String>,
    /// The column or member with the probability of the positive label.
    pub score_column: Option<String>,
    /// The column or member with the gold, for [`super::score_own_gold`].
    pub gold_column: Option<String>,
    /// Questions without an answer count as wrong.
    pub allow_missing: bool,
    /// How intervals are made.
    pub intervals: IntervalOptions,
}

impl ScoreOptions {
    /// Checks that the options fit the task, and finds its positive label.
    pub(super) fn check(&self, task: &Task, labels: &[Label]) -> Result<usize, ScoreError> {
        let fail = |message: String, hint: &str| {
            Err(ScoreError::Options { message, hint: hint.to_owned() })
        };
        let kind = task.kind.name();
        if self.allow_missing && task.kind != Kind::ExtractiveQa {
            return fail(
                format!("--allow-missing is for questions; {} is a task of {kind}", task.name),
                "every row of the data needs a prediction",
            );
        }
        if self.input_format == Some(InputFormat::Conll) && task.kind != Kind::TokenClassification {
            return fail(
                format!("the format conll has a label a word; {} is a task of {kind}", task.name),
                "choose another --input-format",
            );
        }
        let positive = task.scoring.positive.as_deref();
        let positive = positive.and_then(|id| labels.iter().position(|label| label.id == id));
        if self.score_column.is_some()
            && (task.kind != Kind::SequenceClassification || labels.len() != 2)
        {
            return fail(
                format!("--score-column is for tasks with two labels; {} is none", task.name),
                "numbers for more labels are the members `logits` or `probs` of JSONL",
            );
        }
        // Of two labels, the second is the positive one unless the task says otherwise.
        Ok(positive.unwrap_or(1))
    }
}
