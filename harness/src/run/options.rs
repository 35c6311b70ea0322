//! What a user asks of a run.

use super::train::Saving;
use crate::gpu::Devices;
use crate::recipe::Point;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A task, and the split of it, that a run is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskChoice {
    /// The task's name, or the path of a task file.
    pub task: String,
    /// The split; none: the one that the task reports.
    pub split: Option<String>,
    /// Models that do not run on it.
    pub except: Vec<String>,
}

/// What a run is asked for. Models and tasks are combined, each with each that a task does not leave out.
#[derive(Debug, Clone, PartialEq)]
pub struct RunOptions {
    /// Model names.
    pub models: Vec<String>,
    /// Tasks.
    pub tasks: Vec<TaskChoice>,
    /// A directory, or `hf:ID`.
    pub checkpoint: Option<String>,
    /// Evaluate the first so many rows only.
    pub limit: Option<u64>,
    /// Tokens a sequence, instead of the task's.
    pub max_seq_len: Option<u32>,
    /// Where data sets are.
    pub data_dir: Option<PathBuf>,
    /// Take data whose hash or row count is not the task's.
    pub allow_unverified: bool,
    /// Where to compute. Several GPUs take a cell each.
    pub devices: Devices,
    /// `auto`, `f32` or `bf16`; none: the recipe's, or else f32.
    pub precision: Option<String>,
    /// Threads to compute with.
    pub threads: u32,
    /// Tokens a batch; none: what fills a GPU's memory, and [`CPU_BATCH_TOKENS`] on the CPU.
    pub batch_tokens: Option<u64>,
    /// The plugins' own options.
    pub plugin_options: BTreeMap<String, String>,
    /// How long a plugin may make no progress.
    pub hang_limit: Duration,
    /// Do cells again that are done.
    pub rerun: bool,
    /// Compare the predictions of cells that are done with their recorded hash.
    pub verify: bool,
    /// Train the models first.
    pub fine_tune: Option<FineTune>,
}

/// How models are trained before they are evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct FineTune {
    /// The recipe's name, or the path of a recipe file.
    pub recipe: String,
    /// Edits of its settings; each point is trained. None: the recipe as it is.
    pub points: Vec<Point>,
    /// Seeds; each is trained. None: the recipe's.
    pub seeds: Vec<u64>,
    /// Whether every weight is new, not only the head.
    pub from_scratch: bool,
    /// What is kept.
    pub saving: Saving,
}

/// Tokens a batch on the CPU, and on a GPU whose plugin does not say how many fill it.
pub const CPU_BATCH_TOKENS: u64 = 8192;

/// Threads, where none are asked for: the processors that this process may use.
pub fn default_threads() -> u32 {
    std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX))
}
