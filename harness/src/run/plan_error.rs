//! Runs that cannot be planned.

use super::CheckpointError;
use crate::data::DataError;
use crate::hint::Hint;
use crate::plugin::ModelError;
use crate::recipe::RecipeError;
use crate::task::TaskError;
use std::io;
use std::path::PathBuf;

/// A run that cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A model that is not there.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Weights that are not there.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A task that is not there or not valid.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// Data that is not there or not valid.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A recipe that is not there or does not fit.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A model whose plugin cannot train.
    #[error("{model}: the plugin `{plugin}` does not train")]
    DoesNotTrain {
        /// The model.
        model: String,
        /// Its plugin.
        plugin: String,
    },
    /// Nothing to choose a checkpoint by.
    #[error(
        "{task}: checkpoints are to be chosen by development rows, and there are none: the task has no split `{dev}` besides `{reported}`, which is reported"
    )]
    NoDev {
        /// The task.
        task: String,
        /// The split that is missing, or is the reported one.
        dev: String,
        /// The reported split.
        reported: String,
    },
    /// The rows that are trained on are the rows that are scored.
    #[error("{task}: the split {split} cannot be trained on and reported")]
    TrainsOnReported {
        /// The task.
        task: String,
        /// The split.
        split: String,
    },
    /// A plugin library that can no longer be read.
    #[error("{}: {source}", path.display())]
    Library {
        /// The library.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A device, precision or option that the plugin does not have.
    #[error("{model}: the plugin `{plugin}` does not offer the {what} `{asked}`; it offers: {}", offered.join(", "))]
    NotOffered {
        /// The model.
        model: String,
        /// Its plugin.
        plugin: String,
        /// What was asked for: a device, a precision, an option or its value.
        what: String,
        /// The value that was asked for.
        asked: String,
        /// What there is.
        offered: Vec<String>,
    },
    /// A task that needs a head that the model does not have.
    #[error("{task} ({kind}) needs a model with a {head} head, and {model} has these heads: {}", heads.join(", "))]
    Head {
        /// The model.
        model: String,
        /// The task.
        task: String,
        /// The task's kind.
        kind: &'static str,
        /// The head that it needs.
        head: &'static str,
        /// The heads that the model has.
        heads: Vec<String>,
    },
    /// A task for which none of the weights fits that the model's plugin carries.
    #[error("{model} has weights for {}; none of them fits {task}", known.join(", "))]
    Weights {
        /// The model.
        model: String,
        /// The task.
        task: String,
        /// The tasks that it has weights for.
        known: Vec<String>,
    },
    /// One checkpoint for several models.
    #[error("--checkpoint names the weights of one model, and {models} were asked for")]
    OneCheckpoint {
        /// How many.
        models: usize,
    },
}

impl Hint for PlanError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Model(e) => e.hint(),
            Self::Checkpoint(e) => e.hint(),
            Self::Task(e) => e.hint(),
            Self::Data(e) => e.hint(),
            Self::Recipe(e) => e.hint(),
            Self::DoesNotTrain { .. } => {
                Some("`kobench plugin list --format json` shows which plugins train".into())
            }
            Self::NoDev { .. } => Some(
                "--set dev_fraction=0.1 holds out a tenth of the training rows; --set select=last takes the last \
                 checkpoint"
                    .into(),
            ),
            Self::TrainsOnReported { .. } => Some("name another split with --split".into()),
            Self::Library { .. } => None,
            Self::NotOffered { what, offered, .. } => Some(match offered.first() {
                Some(first) if what == "device" => format!("--device {first} runs it here"),
                Some(first) if what == "precision" => format!("--precision {first} runs it here"),
                _ => "`kobench plugin list --format json` shows the options of each plugin".into(),
            }),
            Self::Head { .. } => {
                Some("`kobench plugin list --format json` shows the heads of each model".into())
            }
            Self::Weights { model, .. } => Some(format!(
                "--checkpoint DIR names other weights of {model}; --finetune trains these on the task first"
            )),
            Self::OneCheckpoint { .. } => Some("run each model with its own --checkpoint".into()),
        }
    }
}
