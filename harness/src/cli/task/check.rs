//! `kobench task check`: whether task files are right, and the data that is here is theirs.

use std::io::{IsTerminal as _, Write};
use std::path::Path;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::audit::{SplitAudit, Texts, overlaps};
use super::found::{Problem, Report, SplitReport, State, TaskReport};
use super::show;
use crate::cli::plugins::PluginArgs;
use crate::cli::shared::{DataArgs, TaskArgs, TextFormat};
use crate::data::{DataError, DataPlaces, Dataset, DatasetOptions};
use crate::error::Error;
use crate::hint::Hint;
use crate::report::Look;
use crate::task::{Origin, Registry, Split, Task, TaskError};
use crate::tokens::{ModelTokenizer, audit};

/// Reading a file above this size is announced where there is no terminal to show progress on.
const SLOW_BYTES: u64 = 64 << 20;

/// Options of `task check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench task check nsmc --data-dir data
  kobench task check ./my_task.yaml
  kobench task check --all --format json
  kobench task check korquad -m kcbert-base --checkpoint DIR     what its tokeniser makes of the data

Exit codes: 0 everything that is here is right (missing data is named, but is no fault); 1 something is wrong;
2 wrong usage, an unknown task, or a folder that cannot be read.")]
pub(in crate::cli) struct CheckArgs {
    /// Tasks, by name or by the path of their files [default: all]
    #[arg(value_name = "TASK|FILE")]
    pub(super) names: Vec<String>,
    /// Every task that there is; the same as naming none
    #[arg(long, conflicts_with = "names")]
    pub(super) all: bool,
    /// A model: its tokeniser is tried on the data (lengths, cut rows, unknown tokens)
    #[arg(short, long, value_name = "MODEL")]
    pub(super) model: Option<String>,
    /// The Hugging Face folder or hf:ID with the tokeniser's files; weights are not needed
    #[arg(long, value_name = "DIR|hf:ID", requires = "model")]
    pub(super) checkpoint: Option<String>,
    /// Tokens a sequence at most, instead of the task's
    #[arg(long, value_name = "N", requires = "model")]
    pub(super) max_seq_len: Option<u32>,
    /// Where plugins are found
    #[command(flatten)]
    pub(super) plugins: PluginArgs,
    /// How to print what was found
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: TextFormat,
    /// Where data is found
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
}

/// Checks what `args` name and prints what was found; whether nothing is wrong.
///
/// # Errors
/// [`Error`]: an unknown task, an unreadable folder, an output that cannot be written.
pub(super) fn check(
    args: &CheckArgs,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<bool, Error> {
    let registry = args.tasks.registry()?;
    let mut found: Vec<Result<Task, TaskReport>> = Vec::new();
    for name in &args.names {
        match find(&registry, name) {
            Ok(task) => found.push(Ok(task)),
            Err(error @ (TaskError::Yaml { .. } | TaskError::Meaning { .. })) => {
                found.push(Err(TaskReport::unreadable(name, &error)));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if args.names.is_empty() {
        found.extend(registry.tasks().cloned().map(Ok));
    }
    let tokenizer = tokenizer(args)?;
    let with = With {
        places: &args.data.places(),
        tokenizer: tokenizer.as_ref(),
        max_seq_len: args.max_seq_len,
    };
    let mut progress = Progress::new(messages, &found);
    let tasks: Vec<TaskReport> = (found.into_iter())
        .map(|task| match task {
            Ok(task) => check_task(&task, &with, &mut progress),
            Err(report) => report,
        })
        .collect();
    progress.bar.finish_and_clear();
    let report = Report { schema_version: 1, ok: tasks.iter().all(|task| task.ok), tasks };
    match args.format {
        TextFormat::Terminal => show::write(&report, look, out)?,
        TextFormat::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(report.ok)
}

/// Checks one task file and its data, prints what was found; whether nothing is wrong.
pub(super) fn check_file(
    file: &Path,
    places: &DataPlaces,
    look: &Look,
    out: &mut dyn Write,
    messages: &mut dyn Write,
) -> Result<bool, Error> {
    let report = match Registry::read_task(file) {
        Ok(task) => {
            let with = With { places, tokenizer: None, max_seq_len: None };
            check_task(&task, &with, &mut Progress::new(messages, &[]))
        }
        Err(error @ (TaskError::Yaml { .. } | TaskError::Meaning { .. })) => {
            TaskReport::unreadable(&file.display().to_string(), &error)
        }
        Err(error) => return Err(error.into()),
    };
    let ok = report.ok;
    show::write_task(&report, look, out)?;
    Ok(ok)
}

/// What tasks are checked with.
struct With<'a> {
    places: &'a DataPlaces,
    tokenizer: Option<&'a ModelTokenizer>,
    max_seq_len: Option<u32>,
}

/// The tokeniser of the model that was named.
fn tokenizer(args: &CheckArgs) -> Result<Option<ModelTokenizer>, Error> {
    let Some(model) = &args.model else { return Ok(None) };
    let catalog = args.plugins.catalog();
    let checkpoint = args.checkpoint.as_deref();
    let found = ModelTokenizer::resolve(&catalog, model, checkpoint, &Default::default());
    Ok(Some(found.map_err(Box::new)?))
}

/// A file is checked as it stands, whatever other tasks there are of its name.
fn find(registry: &Registry, name: &str) -> Result<Task, TaskError> {
    let path = Path::new(name);
    if path.is_file() { Registry::read_task(path) } else { registry.get(name) }
}

fn check_task(task: &Task, with: &With<'_>, progress: &mut Progress<'_>) -> TaskReport {
    let mut splits = Vec::new();
    let mut texts = Vec::new();
    for (name, split) in &task.splits {
        progress.split(task, name, split, with.places);
        let (report, found) = check_split(task, name, split, with);
        if let Some(found) = found {
            texts.push((name.clone(), found));
        }
        splits.push(report);
    }
    TaskReport {
        task: Some(task.name.clone()),
        version: Some(task.version),
        title: Some(task.title.clone()),
        kind: Some(task.kind.name()),
        file: match &task.origin {
            Origin::BuiltIn => "built-in".to_owned(),
            Origin::File(path) => path.display().to_string(),
        },
        ok: splits
            .iter()
            .all(|split| split.state != State::Wrong && split.tokens_problem.is_none()),
        problem: None,
        splits,
        overlaps: overlaps(&texts),
    }
}

fn check_split(
    task: &Task,
    name: &str,
    split: &Split,
    with: &With<'_>,
) -> (SplitReport, Option<Texts>) {
    let places = with.places;
    let mut report = SplitReport {
        split: name.to_owned(),
        state: State::Wrong,
        reported: task.report == name,
        file: places.find(task, name, split).ok().map(|file| file.display()),
        sha256: None,
        rows_named: split.scored_rows(),
        looked_at: vec![],
        obtain: None,
        problem: None,
        audit: None,
        tokens: None,
        tokens_problem: None,
    };
    let open = |allow_unverified| {
        Dataset::open(task, Some(name), places, DatasetOptions { limit: None, allow_unverified })
    };
    let data = match open(false) {
        Ok(data) => {
            report.state = if data.info().verified { State::Verified } else { State::Unnamed };
            Some(data)
        }
        Err(DataError::NotFound { places, .. }) => {
            report.state = State::Missing;
            report.looked_at = places.iter().map(|place| place.display().to_string()).collect();
            report.obtain.clone_from(&task.obtain);
            None
        }
        Err(error) => {
            report.problem = Some(Problem { message: error.to_string(), hint: error.hint() });
            // Another file than the named one can be looked at all the same.
            open(true).ok()
        }
    };
    let Some(data) = data else { return (report, None) };
    report.sha256 = Some(data.info().sha256.clone());
    let (found, texts) = SplitAudit::of(task, &data);
    report.audit = Some(found);
    match with.tokenizer.map(|tokenizer| audit(tokenizer, task, &data, with.max_seq_len)) {
        Some(Ok(tokens)) => report.tokens = Some(tokens),
        Some(Err(error)) => {
            report.tokens_problem =
                Some(Problem { message: error.to_string(), hint: error.hint() });
        }
        None => {}
    }
    (report, Some(texts))
}

/// A bar over the splits on a terminal; elsewhere a line for each large file.
struct Progress<'a> {
    bar: ProgressBar,
    messages: &'a mut dyn Write,
}

impl<'a> Progress<'a> {
    fn new(messages: &'a mut dyn Write, tasks: &[Result<Task, TaskReport>]) -> Self {
        let splits = tasks.iter().flatten().map(|task| task.splits.len() as u64).sum();
        // Draws on standard error, and nothing where that is no terminal.
        let bar = if splits > 0 { ProgressBar::new(splits) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("checking {msg} {wide_bar} {pos}/{len}") {
            bar.set_style(style);
        }
        Self { bar, messages }
    }

    fn split(&mut self, task: &Task, name: &str, split: &Split, places: &DataPlaces) {
        self.bar.set_message(format!("{}/{name}", task.name));
        self.bar.inc(1);
        let size = match places.find(task, name, split) {
            Ok(crate::data::SplitFile::Path(path)) => {
                path.metadata().map_or(0, |metadata| metadata.len())
            }
            _ => 0,
        };
        if size > SLOW_BYTES && !std::io::stderr().is_terminal() {
            let size = crate::text::bytes(size);
            // Nothing can be done about a standard error that is gone.
            let _ = writeln!(self.messages, "checking {}/{name} ({size})", task.name);
        }
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
pub(super) mod tests;
