//! `kobench score`: any system's predictions against the gold of a task.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::leaderboard::margin;
use super::shared::{DataArgs, TaskArgs, TextFormat, warn};
use crate::data::{Dataset, DatasetOptions};
use crate::error::Error;
use crate::metrics::IntervalOptions;
use crate::published::{MARGIN_POINTS, Published};
use crate::report::Look;
use crate::score::{InputFormat, ScoreOptions, ScoreReport, score, score_own_gold};
use crate::task::Task;

mod show;

/// Score predictions that any system has made
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench score -t nsmc --predictions RUN/cells/ID/predictions.jsonl --data-dir data
  kobench score -t nsmc --split sample --predictions mine.csv --id-column id --pred-column label
  kobench score -t nsmc --gold my_test.tsv --predictions labels.txt --format json
  kobench score -t korquad --predictions answers.json -m kcbert-base     beside what was published for the model
  kobench score -t nsmc --predictions both.csv --gold-column gold --pred-column pred

Predictions are
  jsonl   an object a line with `pred` and `id` or `i` (the row's index from 0), and, for AUROC and log-loss, `logits`
          or `probs` with a number a label; `pred` is a label, a number, a list of labels (a label a word), or an answer
  json    one object of ids and predictions, or a list of predictions in the order of the data
  csv     a header, and columns `pred` and `id` or `i`; labels of words have spaces between them
  tsv     the same with tabs; quotation marks count only where a CSV writer has put them around a field
  conll   a word a line, an empty line after each sentence; the last column is the prediction, and one before it that
          holds labels is the gold, which must be that of the data; options name columns by index from 0
  lines   one prediction a line in the order of the data
A label is written by its id or its name. Percent in tables are 100 times the fractions that `--format json` prints;
where a reference adds up percents, as KorQuAD's evaluation does, the last bit of the product may differ.")]
pub(super) struct ScoreArgs {
    /// The task, by name or by the path of its file
    #[arg(short, long, value_name = "TASK")]
    pub(super) task: String,
    /// The file with the predictions
    #[arg(long, value_name = "FILE")]
    pub(super) predictions: PathBuf,
    /// How the file is written [default: told by its extension and its content]
    #[arg(long, value_name = "FORMAT")]
    pub(super) input_format: Option<InputFormat>,
    /// The split that was predicted [default: the one that the task reports]
    #[arg(long, value_name = "SPLIT", conflicts_with = "gold")]
    pub(super) split: Option<String>,
    /// A file with the gold, in the format of the task, in place of a split
    #[arg(long, value_name = "FILE")]
    pub(super) gold: Option<PathBuf>,
    /// The column with the gold in the file with the predictions, in place of any data
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["gold", "split"])]
    pub(super) gold_column: Option<String>,
    /// The column (or member of JSON objects) with the ids [default: id, where there is one]
    #[arg(long, value_name = "COLUMN")]
    pub(super) id_column: Option<String>,
    /// The column (or member of JSON objects) with the predictions [default: pred]
    #[arg(long, value_name = "COLUMN")]
    pub(super) pred_column: Option<String>,
    /// The column (or member) with the probability of the positive one of two labels
    #[arg(long, value_name = "COLUMN")]
    pub(super) score_column: Option<String>,
    /// Count questions without an answer as wrong
    #[arg(long)]
    pub(super) allow_missing: bool,
    /// Score only the first N rows of the data
    #[arg(long, value_name = "N")]
    pub(super) limit: Option<u64>,
    /// Take a data file that is not the one that the task names, with a warning
    #[arg(long)]
    pub(super) allow_unverified: bool,
    /// What the resampling of intervals follows from
    #[arg(long, value_name = "N", default_value_t = IntervalOptions::default().seed)]
    pub(super) seed: u64,
    /// Resamples of intervals that are made by resampling
    #[arg(long, value_name = "N", default_value_t = IntervalOptions::default().resamples,
        value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) resamples: u32,
    /// Set the score beside what was published for this model
    #[arg(short, long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// How far the interval may reach from a published number that it reproduces, in points [default: 0.5]
    #[arg(long, value_name = "POINTS", value_parser = margin, allow_negative_numbers = true, requires = "model")]
    pub(super) margin: Option<f64>,
    /// Show the counts of each label too
    #[arg(long)]
    pub(super) details: bool,
    /// How to print the score
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: TextFormat,
    /// Where data is found
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
}

/// Scores, and prints the result to `out`, warnings to `messages`.
///
/// # Errors
/// [`Error`]: an unknown task, missing or wrong data, predictions that do not fit it.
pub(super) fn run(
    args: &ScoreArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<(), Error> {
    let task = args.tasks.registry()?.get(&args.task)?;
    let options = args.options();
    let mut report = if args.gold_column.is_some() {
        score_own_gold(&task, &args.predictions, args.limit, &options)?
    } else {
        let data = match &args.gold {
            Some(path) => Dataset::open_file(&task, path, args.limit)?,
            None => {
                let options =
                    DatasetOptions { limit: args.limit, allow_unverified: args.allow_unverified };
                Dataset::open(&task, args.split.as_deref(), &args.data.places(), options)?
            }
        };
        score(&task, &data, &args.predictions, &options)?
    };
    if let Some(model) = &args.model {
        compare(&mut report, &task, model, args)?;
    }
    warn(messages, &report.warnings)?;
    match args.format {
        TextFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        TextFormat::Terminal => {
            out.write_all(show::text(&report, args.details, look).as_bytes())?;
        }
    }
    Ok(())
}

/// Adds what was published for `model`. Another split, other data or some rows alone are no comparison.
fn compare(
    report: &mut ScoreReport,
    task: &Task,
    model: &str,
    args: &ScoreArgs,
) -> Result<(), Error> {
    let published = Published::load()?;
    let margin = args.margin.unwrap_or(MARGIN_POINTS);
    let found = published.against(model, &task.name, &report.metrics, margin)?;
    let whole = report.n == report.gold.rows;
    let comparable = report.split.as_deref() == Some(task.report.as_str()) && whole;
    if found.is_empty() {
        report.warnings.push(format!("nothing is published for {model} on {}", task.name));
    } else if comparable {
        report.published = found;
    } else {
        report.warnings.push(format!(
            "not compared with what was published for {model}: that is of the whole split {}",
            task.report
        ));
    }
    Ok(())
}

impl ScoreArgs {
    fn options(&self) -> ScoreOptions {
        ScoreOptions {
            input_format: self.input_format,
            id_column: self.id_column.clone(),
            pred_column: self.pred_column.clone(),
            score_column: self.score_column.clone(),
            gold_column: self.gold_column.clone(),
            allow_missing: self.allow_missing,
            intervals: IntervalOptions { seed: self.seed, resamples: self.resamples },
        }
    }
}
