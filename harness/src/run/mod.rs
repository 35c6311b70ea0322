//! Running models on tasks: plan the cells, train where that is asked for, evaluate each in a worker, write a
//! record of each.

mod ask;
mod bundled;
mod cell;
mod checkpoint;
mod execute;
mod kinds;
mod offered;
mod options;
mod plan;
mod plan_error;
mod plan_training;
mod progress;
mod train;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use execute::{Finished, execute};
pub use options::{FineTune, RunOptions, TaskChoice, default_threads};
pub use plan::{Plan, PlannedRun, plan};
pub use plan_error::PlanError;
pub use progress::Progress;
pub use train::{Dev, Saving, Training};
