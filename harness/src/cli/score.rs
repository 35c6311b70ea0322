//! `kobench score`: any system's predictions against the gold labels of a task.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::shared::{DataArgs, TaskArgs, TextFormat, warn};
use crate::data::{Dataset, DatasetOptions};
use crate::error::Error;
use crate::report::number::{grouped, percent};
use crate::report::{Look, table};
use crate::score::{ScoreReport, TableColumns, score};

/// Score predictions that any system has made
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench score -t nsmc --predictions RUN/cells/ID/predictions.jsonl --data-dir data
  kobench score -t nsmc --split sample --predictions mine.csv --id-column id --pred-column label
  kobench score -t nsmc --gold my_test.tsv --predictions labels.txt --format json

Predictions are JSONL with `pred` and `id` or `i` (the row's index from 0), CSV or TSV with a header, or plain text
with one label a line in the order of the data.")]
pub struct ScoreArgs {
    /// The task, by name or by the path of its file
    #[arg(short, long, value_name = "TASK")]
    pub task: String,
    /// The file with the predictions
    #[arg(long, value_name = "FILE")]
    pub predictions: PathBuf,
    /// The split that was predicted [default: the one that the task reports]
    #[arg(long, value_name = "SPLIT", conflicts_with = "gold")]
    pub split: Option<String>,
    /// A file with the gold labels, in the format of the task, in place of a split
    #[arg(long, value_name = "FILE")]
    pub gold: Option<PathBuf>,
    /// The column with the ids, for CSV and TSV
    #[arg(long, value_name = "COLUMN")]
    pub id_column: Option<String>,
    /// The column with the predicted labels, for CSV and TSV
    #[arg(long, value_name = "COLUMN")]
    pub pred_column: Option<String>,
    /// Score only the first N rows of the data
    #[arg(long, value_name = "N")]
    pub limit: Option<u64>,
    /// Take a data file that is not the one that the task names, with a warning
    #[arg(long)]
    pub allow_unverified: bool,
    /// How to print the score
    #[arg(long, value_enum, default_value_t)]
    pub format: TextFormat,
    /// Where data is found
    #[command(flatten)]
    pub data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    pub tasks: TaskArgs,
}

/// Scores, and prints the result to `out`, warnings to `messages`.
///
/// # Errors
/// [`Error`]: an unknown task, missing or wrong data, predictions that do not fit it.
pub fn run(
    args: &ScoreArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), Error> {
    let task = args.tasks.registry()?.get(&args.task)?;
    let data = match &args.gold {
        Some(path) => Dataset::open_file(&task, path, args.limit)?,
        None => {
            let options =
                DatasetOptions { limit: args.limit, allow_unverified: args.allow_unverified };
            Dataset::open(&task, args.split.as_deref(), &args.data.places(), options)?
        }
    };
    let columns = TableColumns { id: args.id_column.clone(), pred: args.pred_column.clone() };
    let report = score(&task, &data, &args.predictions, &columns)?;
    warn(messages, &report.warnings)?;
    match args.format {
        TextFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        TextFormat::Terminal => write_table(&report, look, out)?,
    }
    Ok(())
}

fn write_table(report: &ScoreReport, look: &Look, out: &mut dyn Write) -> Result<(), Error> {
    let mut scores = table(look);
    scores.set_header(["Task", "Split", "Metric", "% [95% interval]", "n", "Predictions"]);
    for (name, metric) in &report.metrics {
        let value = format!(
            "{} [{}, {}]",
            percent(metric.value),
            percent(metric.ci_low),
            percent(metric.ci_high)
        );
        scores.add_row([
            report.task.clone(),
            report.split.clone().unwrap_or_else(|| report.gold.file.clone()),
            name.clone(),
            value,
            grouped(metric.n),
            report.predictions.file.clone(),
        ]);
    }
    writeln!(out, "{}", scores.trim_fmt())?;
    Ok(())
}
