//! What keeps two runs from being compared.

use std::path::PathBuf;

use super::PolicyError;
use crate::baseline::BaselineError;
use crate::data::DataError;
use crate::hint::Hint;
use crate::metrics::MetricError;
use crate::record::RecordError;
use crate::task::TaskError;

/// An error of a comparison.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A run's records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A baseline.
    #[error(transparent)]
    Baseline(#[from] BaselineError),
    /// A task that a cell names.
    #[error("{cell}: {source}")]
    Task {
        /// The cell.
        cell: String,
        /// What is wrong.
        source: TaskError,
    },
    /// The task that is known is of another version than the cell's.
    #[error(
        "{cell}: the cell is of version {recorded} of its task, and this kobench knows version {known}"
    )]
    TaskVersion {
        /// The cell.
        cell: String,
        /// The cell's version.
        recorded: u32,
        /// The version that is known.
        known: u32,
    },
    /// The policy.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// A line of a predictions file is not what the cell's task has.
    #[error("{}:{line}: {reason}", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What was found and what was expected.
        reason: String,
    },
    /// A done cell without predictions.
    #[error("{cell}: the record in {} has no predictions, and rows are what is compared", path.display())]
    NoPredictions {
        /// The cell.
        cell: String,
        /// The run.
        path: PathBuf,
    },
    /// The rows of both sides are not those of the same data.
    #[error(
        "{cell}: the two sides differ in what is right for row {row}, although their data have the same hash"
    )]
    Gold {
        /// The cell.
        cell: String,
        /// Index of the row in the dataset.
        row: u64,
    },
    /// The two sides have no row in common.
    #[error("{cell}: the two sides have no row in common")]
    NoRows {
        /// The cell.
        cell: String,
    },
    /// A metric that cannot be computed on these rows.
    #[error("{cell}: {source}")]
    Metric {
        /// The cell.
        cell: String,
        /// Why.
        source: MetricError,
    },
    /// The predictions do not give the number that the record has.
    #[error(
        "{cell}: the predictions in {side} give {metric} {computed}, the record says {recorded}"
    )]
    Number {
        /// The cell.
        cell: String,
        /// The run or the baseline.
        side: String,
        /// The metric.
        metric: &'static str,
        /// What they give.
        computed: f64,
        /// What the record says.
        recorded: f64,
    },
    /// The data, where the texts of rows are wanted.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl Hint for CompareError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.hint(),
            Self::Baseline(error) => error.hint(),
            Self::Task { .. } => Some(
                "give the folder of your own task files with --task-dir".to_owned(),
            ),
            Self::TaskVersion { .. } => Some(
                "run the cells of both sides with one kobench, or give the task file of that version with --task-dir"
                    .to_owned(),
            ),
            Self::Policy(error) => error.hint(),
            Self::Row { .. } => Some(
                "the file was edited or is damaged; remove the cell's directory and run it again"
                    .to_owned(),
            ),
            Self::NoPredictions { .. } => Some("run the cell again".to_owned()),
            Self::Gold { .. } | Self::NoRows { .. } => {
                Some("one of the two was edited; run its cell again".to_owned())
            }
            Self::Metric { .. } => None,
            Self::Number { .. } => Some(
                "they were written by kobench versions that score differently, or one was edited; run the cell again"
                    .to_owned(),
            ),
            Self::Data(error) => error.hint(),
        }
    }
}
