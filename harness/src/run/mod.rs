//! Running models on tasks: plan the cells, evaluate each in a worker, write a record of each.

mod cell;
mod checkpoint;
mod execute;
mod kinds;
mod options;
mod plan;
mod plan_error;
mod progress;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use execute::{Finished, execute};
pub use options::{RunOptions, TaskChoice, default_threads};
pub use plan::{Plan, PlannedRun, plan};
pub use plan_error::PlanError;
pub use progress::Progress;
