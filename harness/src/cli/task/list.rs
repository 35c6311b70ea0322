//! `kobench task list`: the tasks that there are, and which of their data is here.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use super::lines::{words, write_list};
use crate::cli::shared::{DataArgs, TaskArgs, TextFormat};
use crate::error::Error;
use crate::report::number::grouped;
use crate::report::{Look, table};

/// Options of `task list`.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct ListArgs {
    /// How to print the list
    #[arg(long, value_enum, default_value_t)]
    format: TextFormat,
    /// Where data is found
    #[command(flatten)]
    data: DataArgs,
    /// Where tasks are found
    #[command(flatten)]
    tasks: TaskArgs,
}

/// As harness/schemas/task-list.schema.json says.
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

/// Prints the list.
///
/// # Errors
/// [`Error`]: a task file that cannot be read, an output that cannot be written.
pub(super) fn list(args: &ListArgs, look: &Look, out: &mut dyn Write) -> Result<(), Error> {
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
                    rows: split.scored_rows(),
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
    tasks.set_header(["Task", "Title", "Kind and metric", "Split", "Rows", "Data"]);
    for task in &listed {
        tasks.add_row([
            task.name.to_owned(),
            format!("{}\n{}", task.title, task.licence),
            // With spaces, so that a narrow terminal breaks it between words.
            format!("{}\n{}", task.kind.replace('_', " "), task.metric),
            each(task, |split| split.name.to_owned()),
            each(task, |split| split.rows.map_or_else(|| "?".to_owned(), grouped)),
            each(task, |split| {
                let place = if split.present { "here" } else { "not here" };
                let reported = if split.name == task.report { ", reported" } else { "" };
                format!("{place}{reported}")
            }),
        ]);
    }
    for column in [0, 3, 4, 5] {
        if let Some(column) = tasks.column_mut(column) {
            // Lines of these columns belong together, so that none of them may wrap.
            column.set_constraint(comfy_table::ColumnConstraint::ContentWidth);
        }
    }
    if let Some(rows) = tasks.column_mut(4) {
        rows.set_cell_alignment(comfy_table::CellAlignment::Right);
    }
    writeln!(out, "{}", tasks.trim_fmt())?;
    if listed.iter().any(|task| task.splits.iter().any(|split| !split.present)) {
        let text = "`kobench task check TASK` says where data that is not here was looked for, and how to get it.";
        write_list(out, "", &words(text), " ", look.width)?;
    }
    Ok(())
}

/// One line a split.
fn each(task: &ListedTask<'_>, line: impl Fn(&ListedSplit<'_>) -> String) -> String {
    task.splits.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(format: TextFormat, width: Option<u16>) -> String {
        let args = ListArgs {
            format,
            data: DataArgs { data_dir: Some("/nowhere".into()) },
            tasks: TaskArgs::default(),
        };
        let mut out = Vec::new();
        list(&args, &Look { width, colour: false }, &mut out).expect("listed");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn the_list_says_what_is_here() {
        let json: serde_json::Value =
            serde_json::from_str(&listed(TextFormat::Json, None)).expect("parsed");
        let schema = crate::cli::task::check::tests::validator(include_str!(
            "../../../schemas/task-list.schema.json"
        ));
        let errors: Vec<String> =
            schema.iter_errors(&json).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let nsmc = (json.as_array().expect("a list").iter())
            .find(|task| task["name"] == "nsmc")
            .expect("is there");
        assert_eq!(nsmc["splits"][0]["present"], true, "the sample is part of kobench");
        assert_eq!(nsmc["splits"][1]["present"], false);
    }

    #[test]
    fn the_table_fits_a_terminal() {
        let text = listed(TextFormat::Terminal, Some(100));
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
        let line = text.lines().find(|line| line.contains("50,000")).expect("the test split");
        assert!(line.contains("test") && line.contains("not here, reported"), "{text}");
        assert!(text.contains("`kobench task check TASK`"), "{text}");
    }
}
