//! `kobench score`.

use super::data_args::DataArgs;
use super::format::{ListFormat, json};
use super::{CliError, Exit};
use crate::data::Dataset;
use crate::score::{Columns, Score, score};
use crate::table::Table;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  kobench score -t nsmc --predictions preds.jsonl --data-dir ~/data
  kobench score -t nsmc --predictions preds.csv --id-column id --pred-column label --gold ratings_test.txt";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The task: a name, or the path of a task file.
    #[arg(short, long)]
    task: String,
    /// The predictions: JSON lines ({"id" or "i", "pred"}), .csv or .tsv with a header, or a label a line.
    #[arg(short, long, value_name = "FILE")]
    predictions: PathBuf,
    /// Gold labels from this file, in the task's format, instead of the data folder.
    #[arg(long, value_name = "FILE")]
    gold: Option<PathBuf>,
    /// The split; by default the one that the task reports.
    #[arg(long, conflicts_with = "gold")]
    split: Option<String>,
    /// Score the first N rows only.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// The column of the rows' ids (default: id, if there is one).
    #[arg(long, value_name = "NAME")]
    id_column: Option<String>,
    /// The column of the predictions (default: pred, prediction or label).
    #[arg(long, value_name = "NAME")]
    pred_column: Option<String>,
    #[command(flatten)]
    data: DataArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t)]
    format: ListFormat,
}

pub(super) fn run(args: &Args, to: &mut dyn Write) -> Result<Exit, CliError> {
    let task = args.data.task(&args.task)?;
    let (split, gold) = match &args.gold {
        Some(file) => (None, Dataset::open_file(&task, file, args.limit)?),
        None => {
            let split = args.split.clone().unwrap_or_else(|| task.report.clone());
            let gold = args.data.split(&task, &split, args.limit)?;
            (Some(split), gold)
        }
    };
    for warning in gold.warnings() {
        anstream::eprintln!("warning: {warning}");
    }
    let columns = Columns { id: args.id_column.clone(), pred: args.pred_column.clone() };
    let scored = score(&task, split.as_deref(), &gold, &args.predictions, &columns)?;
    match args.format {
        ListFormat::Json => {
            let document = serde_json::to_value(&scored).map_err(|e| CliError::output(e.into()))?;
            json(to, &document)?;
        }
        ListFormat::Terminal => terminal(&scored, to).map_err(CliError::output)?,
    }
    Ok(Exit::Done)
}

fn terminal(scored: &Score, to: &mut dyn Write) -> std::io::Result<()> {
    let mut table = Table::new(["task", "split", "metric", "value", "95% interval", "n"]);
    for (name, m) in &scored.metrics {
        table.row([
            scored.task.clone(),
            scored.split.clone().unwrap_or_else(|| "-".into()),
            name.clone(),
            format!("{:.2}", 100.0 * m.value),
            format!("{:.2} to {:.2}", 100.0 * m.ci_low, 100.0 * m.ci_high),
            m.n.to_string(),
        ]);
    }
    write!(to, "{table}")?;
    let mut table = Table::new(["label", "name", "rows", "predicted", "right"]);
    for c in &scored.per_class {
        table.row([
            c.label.clone(),
            c.name.clone(),
            c.support.to_string(),
            c.predicted.to_string(),
            c.correct.to_string(),
        ]);
    }
    write!(to, "{table}")
}
