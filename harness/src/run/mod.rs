//! Running models on tasks: plan the cells, train where that is asked for, evaluate each in a worker, write a
//! record of each.

mod ask;
mod bundled;
mod cell;
mod checkpoint;
mod devices;
mod execute;
mod kinds;
mod offered;
mod options;
mod plan;
mod plan_error;
mod plan_training;
mod progress;
mod queue;
mod train;

pub(crate) use ask::How;
pub(crate) use cell::backend;
pub use checkpoint::{Checkpoint, CheckpointError};
pub(crate) use devices::is_unsupported;
pub use devices::{Started, settle, settle_all};
pub use execute::{Finished, execute};
pub(crate) use execute::{Open, ready};
pub(crate) use kinds::head;
pub use options::{CPU_BATCH_TOKENS, FineTune, RunOptions, TaskChoice, default_threads};
pub use plan::{Plan, PlannedRun, plan};
pub use plan_error::PlanError;
pub(crate) use progress::LINE_EVERY;
pub use progress::Progress;
pub use train::{Dev, Saving, Training};
