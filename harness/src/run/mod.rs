//! Running models on tasks: plan the cells, evaluate each in a worker, write a record of each.

mod cell;
mod checkpoint;
mod execute;
mod options;
mod plan;
mod progress;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use execute::{Finished, execute};
pub use options::{RunOptions, TaskChoice, default_threads};
pub use plan::{Plan, PlanError, PlannedRun, plan};
pub use progress::Progress;
