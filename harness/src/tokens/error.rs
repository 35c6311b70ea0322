//! Tokenisers that cannot be audited.

use crate::hint::Hint;
use crate::metrics::MetricError;
use crate::qa::WindowError;
use crate::worker::Failure;

/// A tokeniser that cannot be audited on a data set.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// What the plugin did instead.
    #[error(transparent)]
    Worker(#[from] Failure),
    /// Windows of a question that do not fit together.
    #[error("row {row}: {source}")]
    Window {
        /// Index of the row, from 0.
        row: usize,
        /// What is wrong with them.
        source: WindowError,
    },
    /// Best answers that cannot be scored.
    #[error(transparent)]
    Metric(#[from] MetricError),
}

impl Hint for AuditError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Worker(failure) => failure.hint(),
            Self::Window { source: WindowError::Gap { .. }, .. } => Some(
                "a smaller doc_stride in the task, or a larger --max-seq-len, lets windows overlap"
                    .into(),
            ),
            Self::Window { .. } => Some("this is a defect of the plugin's tokeniser".into()),
            Self::Metric(error) => error.hint(),
        }
    }
}
