//! `kobench task`: what can be run, and whether its data is what it should be.

use std::io::Write;
use std::path::Path;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::shared::{DataArgs, TaskArgs, TextFormat};
use crate::data::{DataError, Dataset, DatasetOptions};
use crate::error::Error;
use crate::hint::Hint;
use crate::report::number::grouped;
use crate::report::{Look, table};
use crate::task::{Origin, Registry, Task, TaskError};

mod audit;

/// List and check tasks
#[derive(Debug, Clone, Subcommand)]
pub(super) enum TaskCommand {
    /// List the tasks that there are, and which of their data is here
    List(ListArgs),
    /// Check task files, and the data that is here against them
    Check(CheckArgs),
}

/// Options of `task list`.
#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: TextFormat,
    /// Where data is found
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
}

/// Options of `task check`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:
  kobench task check nsmc --data-dir data
  kobench task check ./my_task.yaml")]
pub(super) struct CheckArgs {
    /// Tasks, by name or by the path of their files [default: all]
    #[arg(value_name = "TASK")]
    pub(super) names: Vec<String>,
    /// Where data is found
    #[command(flatten)]
    pub(super) data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    pub(super) tasks: TaskArgs,
}

/// Runs the command; whether everything that was checked is right.
///
/// # Errors
/// [`Error`]: an unknown task, an unreadable folder. What `check` finds is no error but its result.
pub(super) fn run(command: &TaskCommand, look: &Look, out: &mut dyn Write) -> Result<bool, Error> {
    match command {
        TaskCommand::List(args) => list(args, look, out).map(|()| true),
        TaskCommand::Check(args) => check(args, out),
    }
}

#[derive(Serialize)]
struct ListedTask<'a> {
    name: &'a str,
    version: u32,
    title: &'a str,
    kind: &'static str,
    metric: &'static str,
    report: &'a str,
    licence: &'a str,
    splits: Vec<ListedSplit<'a>>,
}

#[derive(Serialize)]
struct ListedSplit<'a> {
    name: &'a str,
    rows: Option<u64>,
    present: bool,
}

fn list(args: &ListArgs, look: &Look, out: &mut dyn Write) -> Result<(), Error> {
    let registry = args.tasks.registry()?;
    let places = args.data.places();
    let listed: Vec<ListedTask<'_>> = registry
        .tasks()
        .map(|task| ListedTask {
            name: &task.name,
            version: task.version,
            title: &task.title,
            kind: task.kind.name(),
            metric: task.metric.name(),
            report: &task.report,
            licence: &task.licence,
            splits: (task.splits.iter())
                .map(|(name, split)| ListedSplit {
                    name,
                    rows: split.rows,
                    present: places.find(task, name, split).is_ok(),
                })
                .collect(),
        })
        .collect();
    if args.format == TextFormat::Json {
        writeln!(out, "{}", serde_json::to_string_pretty(&listed)?)?;
        return Ok(());
    }
    let mut tasks = table(look);
    tasks.set_header(["Task", "Title", "Kind", "Metric", "Splits (rows)", "Licence"]);
    for task in &listed {
        let splits: Vec<String> = (task.splits.iter())
            .map(|split| {
                let missing = if split.present { "" } else { ", not here" };
                let reported = if split.name == task.report { ", reported" } else { "" };
                let rows = split.rows.map_or_else(|| "?".to_owned(), grouped);
                format!("{} ({rows}{reported}{missing})", split.name)
            })
            .collect();
        tasks.add_row([
            task.name,
            task.title,
            task.kind,
            task.metric,
            &splits.join("\n"),
            task.licence,
        ]);
    }
    writeln!(out, "{}", tasks.trim_fmt())?;
    Ok(())
}

fn check(args: &CheckArgs, out: &mut dyn Write) -> Result<bool, Error> {
    let registry = args.tasks.registry()?;
    let mut all_right = true;
    let tasks: Vec<Task> = if args.names.is_empty() {
        registry.tasks().cloned().collect()
    } else {
        let mut tasks = Vec::new();
        for name in &args.names {
            match find(&registry, name) {
                Ok(task) => tasks.push(task),
                Err(error @ (TaskError::Yaml { .. } | TaskError::Meaning { .. })) => {
                    all_right = false;
                    problem(&error, "", out)?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        tasks
    };
    for task in &tasks {
        all_right &= check_task(task, args, out)?;
    }
    Ok(all_right)
}

/// A file is checked as it stands, whatever other tasks there are of its name.
fn find(registry: &Registry, name: &str) -> Result<Task, TaskError> {
    let path = Path::new(name);
    if path.is_file() { Registry::read_task(path) } else { registry.get(name) }
}

fn check_task(task: &Task, args: &CheckArgs, out: &mut dyn Write) -> Result<bool, Error> {
    let origin = match &task.origin {
        Origin::BuiltIn => "built-in".to_owned(),
        Origin::File(path) => path.display().to_string(),
    };
    writeln!(out, "{} version {} ({origin}): the task file is valid", task.name, task.version)?;
    let mut all_right = true;
    let mut found = Vec::new();
    for (name, split) in &task.splits {
        match Dataset::open(task, Some(name), &args.data.places(), DatasetOptions::default()) {
            Ok(data) => {
                audit::write_split(name, &data, out)?;
                found.push((name.as_str(), data));
            }
            Err(DataError::NotFound { places, .. }) => {
                let places: Vec<String> =
                    places.iter().map(|place| place.display().to_string()).collect();
                writeln!(
                    out,
                    "  {name}: not here, {} rows; looked at {}",
                    split.rows.map_or_else(|| "?".to_owned(), grouped),
                    places.join(", ")
                )?;
            }
            Err(error) => {
                all_right = false;
                problem(&error, &format!("  {name}: "), out)?;
            }
        }
    }
    audit::write_overlaps(&found, out)?;
    Ok(all_right)
}

fn problem<E: Hint + std::fmt::Display>(
    error: &E,
    indent: &str,
    out: &mut dyn Write,
) -> Result<(), Error> {
    writeln!(out, "{indent}WRONG: {error}")?;
    if let Some(hint) = error.hint() {
        writeln!(out, "{}hint: {hint}", " ".repeat(indent.len()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn checked(names: &[&str], data_dir: &Path) -> (bool, String) {
        let args = CheckArgs {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            data: DataArgs { data_dir: Some(data_dir.to_owned()) },
            tasks: TaskArgs::default(),
        };
        let mut out = Vec::new();
        let verdict = check(&args, &mut out).expect("checked");
        (verdict, String::from_utf8(out).expect("text"))
    }

    #[test]
    fn what_is_here_is_checked_and_what_is_not_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let (verdict, text) = checked(&[], folder.path());
        assert!(verdict, "{text}");
        for needle in [
            "nsmc version 1 (built-in): the task file is valid",
            "  sample: 2,000 rows, SHA-256 as named",
            "    labels: 0 negative 969 (48.45%), 1 positive 1,031 (51.55%)",
            "  test: not here, 50,000 rows; looked at ",
        ] {
            assert!(text.contains(needle), "{needle}\n{text}");
        }
        fs::create_dir(folder.path().join("nsmc")).expect("made");
        fs::write(folder.path().join("nsmc/ratings_test.txt"), "id\tdocument\tlabel\n1\ta\n")
            .expect("written");
        let (verdict, text) = checked(&["nsmc"], folder.path());
        assert!(
            !verdict && text.contains("  test: WRONG: ") && text.contains(":2: no label"),
            "{text}"
        );
    }

    #[test]
    fn a_wrong_task_file_is_a_verdict() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("t.yaml");
        fs::write(&file, "name: a\nversoin: 1\n").expect("written");
        let (verdict, text) = checked(&[&file.display().to_string()], folder.path());
        assert!(
            !verdict
                && text.contains("t.yaml:2:1: ")
                && text.contains("hint: did you mean `version`?"),
            "{text}"
        );
    }

    #[test]
    fn the_list_says_what_is_here() {
        let args = ListArgs {
            format: TextFormat::Json,
            data: DataArgs { data_dir: Some("/nowhere".into()) },
            tasks: TaskArgs::default(),
        };
        let mut out = Vec::new();
        list(&args, &Look::default(), &mut out).expect("listed");
        let json: serde_json::Value = serde_json::from_slice(&out).expect("parsed");
        let nsmc = json.as_array().expect("a list").iter().find(|task| task["name"] == "nsmc");
        let splits = &nsmc.expect("listed")["splits"];
        assert_eq!(splits[0]["present"], true, "the sample is part of kobench");
        assert_eq!(splits[1]["present"], false);
        let mut out = Vec::new();
        let args = ListArgs { format: TextFormat::Terminal, ..args };
        list(&args, &Look::default(), &mut out).expect("listed");
        assert!(
            String::from_utf8(out).expect("text").contains("test (50,000, reported, not here)")
        );
    }
}
