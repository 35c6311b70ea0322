//! One error for the commands, made of those of the library's parts.

use std::io;

use crate::data::DataError;
use crate::hint::Hint;
use crate::metrics::MetricError;
use crate::published::PublishedError;
use crate::recipe::RecipeError;
use crate::record::RecordError;
use crate::run::PlanError;
use crate::scaffold::ScaffoldError;
use crate::score::ScoreError;
use crate::task::TaskError;

/// Any error of the data side of kobench.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Tasks and suites.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Data sets.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Metrics.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// Predictions that are scored.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// Recipes of fine-tuning.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// Run records.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Published numbers.
    #[error(transparent)]
    Published(#[from] PublishedError),
    /// New task files.
    #[error(transparent)]
    Scaffold(#[from] ScaffoldError),
    /// A model that is not known, or has no files.
    #[error(transparent)]
    Model(#[from] Box<PlanError>),
    /// The output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
    /// The output could not be put into JSON.
    #[error("cannot write the output as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl Hint for Error {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Task(error) => error.hint(),
            Self::Data(error) => error.hint(),
            Self::Metric(error) => error.hint(),
            Self::Score(error) => error.hint(),
            Self::Recipe(error) => error.hint(),
            Self::Record(error) => error.hint(),
            Self::Published(error) => error.hint(),
            Self::Scaffold(error) => error.hint(),
            Self::Model(error) => error.hint(),
            Self::Output(_) | Self::Json(_) => None,
        }
    }
}
