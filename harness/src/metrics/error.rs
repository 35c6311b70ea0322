//! What is wrong with predictions that cannot be scored.

use crate::hint::Hint;

/// Predictions that cannot be scored. Rows are counted from 0, in dataset order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// No rows.
    #[error("there are no rows to score")]
    Empty,
    /// Gold and predictions do not pair up.
    #[error("{predicted} predictions for {gold} rows")]
    Lengths {
        /// Gold rows.
        gold: usize,
        /// Predictions.
        predicted: usize,
    },
    /// A label index beyond the labels.
    #[error("row {row}: label index {index}, but the task has {labels} labels")]
    Index {
        /// Index of the row.
        row: usize,
        /// The label index.
        index: u32,
        /// Number of labels.
        labels: usize,
    },
    /// The words of a row and their labels do not pair up.
    #[error("row {row}: {predicted} predicted labels for {gold} words")]
    Words {
        /// Index of the row.
        row: usize,
        /// Words.
        gold: usize,
        /// Predicted labels.
        predicted: usize,
    },
    /// A number that is none, or infinite.
    #[error("row {row}: {what} is {value}, which is not a finite number")]
    NotFinite {
        /// Index of the row.
        row: usize,
        /// What the number is.
        what: &'static str,
        /// The number.
        value: String,
    },
    /// A probability that is none.
    #[error(
        "row {row}: {value} is given as the probability of a label, and is not between 0 and 1"
    )]
    Probability {
        /// Index of the row.
        row: usize,
        /// The number.
        value: String,
    },
    /// As many scores as labels a row are needed.
    #[error("{scores} scores for {rows} rows of {labels} labels")]
    Scores {
        /// Scores.
        scores: usize,
        /// Rows.
        rows: usize,
        /// Labels.
        labels: usize,
    },
    /// All values are the same, so that there is no correlation.
    #[error("all {rows} {what}, from row 0 on, are {value}: {metric} is not defined")]
    Constant {
        /// Which values.
        what: &'static str,
        /// Rows.
        rows: usize,
        /// The value.
        value: String,
        /// The metric.
        metric: &'static str,
    },
    /// A question without a right answer.
    #[error("row {row}: there is no right answer to compare with")]
    NoAnswers {
        /// Index of the row.
        row: usize,
    },
    /// Not one cluster for each row.
    #[error("{clusters} cluster numbers for {rows} rows")]
    Clusters {
        /// Cluster numbers.
        clusters: usize,
        /// Rows.
        rows: usize,
    },
    /// More rows than intervals can be made for.
    #[error("{rows} rows are more than can be scored at once")]
    TooMany {
        /// Rows.
        rows: usize,
    },
    /// No resamples.
    #[error("a bootstrap needs at least one resample")]
    NoResamples,
    /// A metric that makes no sense for the task.
    #[error("{metric} does not fit: {reason}")]
    Unfit {
        /// The metric.
        metric: &'static str,
        /// What it lacks.
        reason: String,
    },
}

impl Hint for MetricError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty => "a limit of 0, or a split in which every row was skipped, leaves none",
            Self::Lengths { .. } => "every row needs one prediction, in the order of the dataset",
            Self::Index { .. } => "the model has more outputs than the task has labels",
            Self::Words { .. } => {
                "every word needs a label; null stands for words that the model never saw"
            }
            Self::NotFinite { .. } => {
                "a training that diverged, or half precision, gives such numbers"
            }
            Self::Probability { .. } => "say that the scores are logits, if they are",
            Self::Scores { .. } => {
                "every row needs one score for each label, in the order of the labels"
            }
            Self::Constant { .. } => {
                "a model that answers every row alike has collapsed; its checkpoint is not worth scoring"
            }
            Self::NoAnswers { .. } => {
                "check the data file; KorQuAD has one answer for each question"
            }
            Self::TooMany { .. } => "score it in parts; `--limit` takes the first rows",
            Self::Unfit { .. } => "change `metrics` or `scoring` in the task file",
            Self::Clusters { .. } | Self::NoResamples => return None,
        };
        Some(hint.to_owned())
    }
}
