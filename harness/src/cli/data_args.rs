//! What the commands that read tasks and data have in common.

use crate::data::{DataError, DataPlaces, Dataset, DatasetOptions};
use crate::task::{Registry, Task, TaskError};
use std::path::PathBuf;

/// Where tasks and data are.
#[derive(Debug, clap::Args)]
pub(super) struct DataArgs {
    /// Data sets, a folder for each task (also KOBENCH_DATA).
    #[arg(long, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Take data whose SHA-256 or row count is not the task's.
    #[arg(long)]
    pub(super) allow_unverified_data: bool,
    /// More task files: a folder (repeatable; also KOBENCH_TASK_PATH).
    #[arg(long = "task-dir", value_name = "DIR")]
    pub(super) task_dirs: Vec<PathBuf>,
}

impl DataArgs {
    pub(super) fn registry(&self) -> Result<Registry, TaskError> {
        let from_env = std::env::var_os("KOBENCH_TASK_PATH").unwrap_or_default();
        let more = std::env::split_paths(&from_env).filter(|p| !p.as_os_str().is_empty());
        Registry::load(&self.task_dirs.iter().cloned().chain(more).collect::<Vec<_>>())
    }

    pub(super) fn task(&self, name: &str) -> Result<Task, TaskError> {
        self.registry()?.get(name)
    }

    /// A split of a task, from the places that were named.
    pub(super) fn split(
        &self,
        task: &Task,
        split: &str,
        limit: Option<u64>,
    ) -> Result<Dataset, DataError> {
        let how = DatasetOptions { limit, allow_unverified: self.allow_unverified_data };
        Dataset::open(task, Some(split), &DataPlaces::new(self.data_dir.as_deref()), how)
    }
}
