//! Training a cell's model, step by step, and choosing the checkpoint that is scored.
//!
//! The plugin computes; everything else is the harness's: the order of the data, batches, the schedule of the
//! learning rate, evaluations on the way, the choice of the checkpoint, and what an interrupted training goes
//! on from. All of it follows from the settings and the seed.

mod log;
mod order;
mod parts;
mod selection;
mod shown;
mod state;
mod targets;
mod trainer;

pub(super) use log::read as read_log;
pub(super) use order::hold_out;
pub(super) use shown::TrainProgress;
pub(super) use state::WorkDir;
pub(super) use trainer::{TrainError, fine_tune};

use crate::data::Dataset;
use crate::recipe::Settings;
use crate::record::RecipeRecord;
use std::sync::Arc;
use std::time::Duration;

/// What a cell trains its model with.
#[derive(Debug, Clone)]
pub struct Training {
    /// Where the settings came from.
    pub recipe: RecipeRecord,
    /// The settings after all overrides.
    pub settings: Settings,
    /// What everything random follows from.
    pub seed: u64,
    /// The rows to train on.
    pub train: Arc<Dataset>,
    /// Rows that are neither trained on nor reported.
    pub dev: Option<Dev>,
    /// How often, and where, an interrupted training can go on.
    pub saving: Saving,
}

/// Rows that checkpoints are chosen by.
#[derive(Debug, Clone)]
pub struct Dev {
    /// The rows.
    pub rows: Arc<Dataset>,
    /// The split, or `SPLIT (held out)`.
    pub label: String,
}

/// What is kept of a training. Nothing of it changes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saving {
    /// Save a state when the last one is so old.
    pub every: Duration,
    /// Save a state after so many steps too.
    pub every_steps: Option<u64>,
    /// Keep the chosen model in the cell's directory.
    pub keep_model: bool,
}
