//! `kobench run`.

mod fine_tune;

use super::leaderboard::RUNS;
use super::plugins::PluginArgs;
use super::shared::{DataArgs, TaskArgs};
use super::{CliError, Exit};
use crate::error::Error;
use crate::gpu::{Devices, DevicesError};
use crate::record::{RunDir, RunRecord};
use crate::report::{Format, Look, render};
use crate::run::{
    FineTune, Finished, Progress, RunOptions, TaskChoice, default_threads, execute, plan, settle,
};
use crate::task::SuiteFineTune;
use fine_tune::FineTuneArgs;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

const EXAMPLES: &str = "\
Examples:
  kobench run --suite demo
  kobench run -m kcbert-demo -t nsmc --data-dir ~/data --out results/runs/nsmc
  kobench run -m kcbert-base --checkpoint ./kcbert-nsmc -t nsmc --limit 1000 --format json
  kobench run -m kcbert-base --checkpoint hf:you/kcbert-nsmc -t nsmc --plugin-option clean=2021-08
  kobench run --finetune --recipe generation-b -m koelectra-base-v3 -t nsmc --seed 42,43,44

A training that was interrupted goes on from its last saved state when the same command is given again, and
ends with the same weights.
A cell that is done already is not done again: what decides its numbers (plugin, weights, data, options,
precision, kind of device, threads) is hashed, and the hash names its folder in RUN/cells.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Models, separated by commas: NAME, or PLUGIN/NAME (`kobench model list`).
    #[arg(
        short,
        long,
        value_name = "MODEL",
        value_delimiter = ',',
        required_unless_present = "suite"
    )]
    model: Vec<String>,
    /// Tasks, separated by commas: a name (`kobench task list`) or the path of a task file.
    #[arg(
        short,
        long,
        value_name = "TASK",
        value_delimiter = ',',
        required_unless_present = "suite"
    )]
    task: Vec<String>,
    /// A named set of models and tasks instead: demo, or demo-train, which trains one.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["model", "task", "split", "checkpoint"])]
    suite: Option<String>,
    /// The weights: a Hugging Face directory, or hf:ORG/NAME from the Hugging Face cache.
    #[arg(long, value_name = "DIR|hf:ID")]
    checkpoint: Option<String>,
    /// The split; by default the one that each task reports.
    #[arg(long)]
    split: Option<String>,
    /// Evaluate the first N rows only.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Tokens a sequence, instead of the task's.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(3..))]
    pub(super) max_seq_len: Option<u32>,
    /// Take a data file that is not the one that the task names; the record and the table say so.
    #[arg(long)]
    allow_unverified: bool,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    tasks: TaskArgs,
    #[command(flatten)]
    plugins: PluginArgs,
    /// An option of the plugin's own (repeatable; `kobench plugin list --format json` shows them).
    #[arg(long = "plugin-option", value_name = "KEY=VALUE", value_parser = key_value)]
    plugin_options: Vec<(String, String)>,
    /// Where to compute: auto (the first GPU where the plugin can use one, else the CPU), cpu, cuda (the first GPU),
    /// cuda:N, or several GPUs, which take a cell each: cuda:0,cuda:2 or cuda:0-3.
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// Precision: f32 as the published tables, bf16, or auto (the fastest that the plugin has here) [default:
    /// the recipe's, or f32].
    #[arg(long, value_parser = ["auto", "f32", "bf16"])]
    precision: Option<String>,
    /// Threads; by default all processors.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    /// Tokens a batch [default: as many as fill a GPU's memory, 8192 on the CPU].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    batch_tokens: Option<u64>,
    #[command(flatten)]
    pub(super) fine_tune: FineTuneArgs,
    /// Where the run goes [default: results/runs/SUITE, or results/runs/default].
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Do cells again that are done.
    #[arg(long)]
    rerun: bool,
    /// Compare the predictions of done cells with their recorded hash, and do again those that differ.
    #[arg(long)]
    verify: bool,
    /// How long a plugin may make no progress before it counts as hung.
    #[arg(long, value_name = "SECONDS", default_value_t = 600.0)]
    hang_limit: f64,
    /// Only warnings and errors on standard error.
    #[arg(short, long)]
    quiet: bool,
    /// How to print the table.
    #[arg(long, value_enum, default_value = "terminal")]
    pub(super) format: Format,
}

pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("not of the form KEY=VALUE")?;
    Ok((key.trim().into(), value.trim().into()))
}

pub(super) fn run(args: &Args, look: &Look, to: &mut dyn Write) -> Result<Exit, CliError> {
    let suite = suite_training(args)?;
    let fine_tune = args.fine_tune.options(suite.as_ref(), args.max_seq_len)?;
    let finished = finish(args, fine_tune, "default")?;
    let table = render(&finished.cells, args.format, look)?;
    to.write_all(table.as_bytes()).map_err(Error::from)?;
    Ok(Exit::of_verdict(finished.all_done()))
}

/// How the suite that the options name trains its models, if it does.
pub(super) fn suite_training(args: &Args) -> Result<Option<SuiteFineTune>, CliError> {
    let Some(name) = args.suite.as_deref() else { return Ok(None) };
    Ok(args.tasks.registry()?.suite(name)?.finetune.clone())
}

/// Plans and executes what the options say, with these trainings; `name` is the run's folder where the options name
/// neither one nor a suite.
pub(super) fn finish(
    args: &Args,
    fine_tune: Option<FineTune>,
    name: &str,
) -> Result<Finished, CliError> {
    let registry = args.tasks.registry()?;
    let suite = args.suite.as_deref().map(|name| registry.suite(name)).transpose()?;
    let (models, tasks) = match suite {
        Some(suite) => {
            let choice = |t: &crate::task::SuiteTask| TaskChoice {
                task: t.task.clone(),
                split: t.split.clone(),
                except: t.except.clone(),
            };
            (suite.models.clone(), suite.tasks.iter().map(choice).collect())
        }
        None => {
            let choice = |task: &String| TaskChoice {
                task: task.clone(),
                split: args.split.clone(),
                except: Vec::new(),
            };
            (args.model.clone(), args.task.iter().map(choice).collect())
        }
    };
    let Ok(hang_limit) = Duration::try_from_secs_f64(args.hang_limit) else {
        let message = format!("--hang-limit {}: not a number of seconds", args.hang_limit);
        return Err(CliError::usage(
            message,
            "give a positive number, for instance --hang-limit 600",
        ));
    };
    let devices: Devices = args.device.parse().map_err(|error: DevicesError| {
        CliError::usage(
            error.to_string(),
            "devices are: auto, cpu, cuda, cuda:N, cuda:0,cuda:2, cuda:0-3",
        )
    })?;
    let options = RunOptions {
        models,
        tasks,
        checkpoint: args.checkpoint.clone(),
        limit: args.limit,
        max_seq_len: args.max_seq_len.filter(|_| fine_tune.is_none()),
        data_dir: args.data.data_dir.clone(),
        allow_unverified: args.allow_unverified,
        devices,
        precision: args.precision.clone(),
        threads: args.threads.unwrap_or_else(default_threads),
        batch_tokens: args.batch_tokens,
        plugin_options: args.plugin_options.iter().cloned().collect::<BTreeMap<_, _>>(),
        hang_limit: hang_limit.max(Duration::from_millis(100)),
        rerun: args.rerun,
        verify: args.verify,
        fine_tune,
    };
    let mut plan = plan(&options, &args.plugins.catalog(), &registry)?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| Path::new(RUNS).join(args.suite.as_deref().unwrap_or(name)));
    let dir = RunDir::open_or_create(&out)?;
    let mut progress = Progress::new(args.quiet);
    let started = settle(&mut plan, &dir, &mut progress);
    dir.write_run(&RunRecord::new(std::env::args().collect(), plan.record()))?;
    let finished = execute(&plan, &dir, &mut progress, started)?;
    if finished.skipped == finished.cells.len() {
        progress.note(&format!(
            "nothing to do: all {} cells are done (--rerun does them again)",
            finished.skipped
        ));
    }
    progress.note(&format!("records: {}", out.display()));
    Ok(finished)
}
