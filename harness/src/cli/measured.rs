//! Options of the commands that measure models on tasks' rows without scoring them.

use super::CliError;
use super::plugins::PluginArgs;
use super::run::key_value;
use super::shared::{DataArgs, TaskArgs};
use crate::gpu::{Devices, DevicesError};
use crate::run::{RunOptions, TaskChoice, default_threads};
use std::time::Duration;

/// Which models, on which rows, on what.
#[derive(Debug, clap::Args)]
pub(super) struct MeasuredArgs {
    /// Models, separated by commas: NAME, or PLUGIN/NAME (`kobench model list`).
    #[arg(short, long, value_name = "MODEL", value_delimiter = ',', required = true)]
    model: Vec<String>,
    /// Tasks, separated by commas: a name (`kobench task list`) or the path of a task file.
    #[arg(short, long, value_name = "TASK", value_delimiter = ',', required = true)]
    task: Vec<String>,
    /// The weights: a Hugging Face directory, or hf:ORG/NAME from the Hugging Face cache.
    #[arg(long, value_name = "DIR|hf:ID")]
    checkpoint: Option<String>,
    /// The split; by default the one that each task reports.
    #[arg(long)]
    split: Option<String>,
    /// The first N rows only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Tokens a sequence, instead of the task's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..))]
    max_seq_len: Option<u32>,
    /// Take a data file that is not the one that the task names; the record says so.
    #[arg(long)]
    allow_unverified: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
    #[command(flatten)]
    pub(super) plugins: PluginArgs,
    /// An option of the plugin's own (repeatable; `kobench plugin list --format json` shows them).
    #[arg(long = "plugin-option", value_name = "KEY=VALUE", value_parser = key_value)]
    plugin_options: Vec<(String, String)>,
    /// Where to compute: auto (the first GPU where the plugin can use one, else the CPU), cpu, cuda (the first GPU) or
    /// cuda:N.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Precision: auto (the fastest that the plugin has here), f32 or bf16.
    #[arg(long, default_value = "auto", value_parser = ["auto", "f32", "bf16"])]
    precision: String,
    /// Threads; by default all processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Tokens a batch [default: as many as fill a GPU's memory, 8192 on the CPU].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) batch_tokens: Option<u64>,
    /// How long a plugin may make no progress before it counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    hang_limit: f64,
    /// Only warnings and errors on standard error.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

impl MeasuredArgs {
    /// The same as a run has it.
    pub(super) fn options(&self) -> Result<RunOptions, CliError> {
        let choice = |task: &String| TaskChoice {
            task: task.clone(),
            split: self.split.clone(),
            except: Vec::new(),
        };
        let Ok(hang_limit) = Duration::try_from_secs_f64(self.hang_limit) else {
            let message = format!("--hang-limit {}: not a number of seconds", self.hang_limit);
            return Err(CliError::usage(message, "give a positive number, for instance 600"));
        };
        let devices: Devices = self.device.parse().map_err(|error: DevicesError| {
            CliError::usage(error.to_string(), "devices are: auto, cpu, cuda, cuda:N")
        })?;
        one_device(&devices)?;
        Ok(RunOptions {
            models: self.model.clone(),
            tasks: self.task.iter().map(choice).collect(),
            checkpoint: self.checkpoint.clone(),
            limit: self.limit,
            max_seq_len: self.max_seq_len,
            data_dir: self.data.data_dir.clone(),
            allow_unverified: self.allow_unverified,
            devices,
            precision: Some(self.precision.clone()),
            threads: self.threads.unwrap_or_else(default_threads),
            batch_tokens: self.batch_tokens,
            plugin_options: self.plugin_options.iter().cloned().collect(),
            hang_limit: hang_limit.max(Duration::from_millis(100)),
            rerun: true,
            verify: false,
            fine_tune: None,
        })
    }
}

/// Refuses several GPUs: what is measured on two is the speed of neither.
pub(super) fn one_device(devices: &Devices) -> Result<(), CliError> {
    match devices {
        Devices::Cuda(gpus) if gpus.len() > 1 => Err(CliError::usage(
            format!("--device {}: one device is measured at a time", devices.names().join(",")),
            "name one GPU, for instance --device cuda:0",
        )),
        _ => Ok(()),
    }
}
