//! What a check found, for reading in a terminal.

use std::io::{self, Write};

use super::audit::{Overlap, SplitAudit};
use super::found::{Problem, Report, SplitReport, State, TaskReport};
use super::gold::{GoldAudit, LabelCount};
use super::lines::{words, write_list};
use crate::report::Look;
use crate::report::number::{grouped, one_line, percent};

/// More labels than this are told in part.
const LABELS_SHOWN: usize = 32;
/// The most and the least frequent ones that are told then.
const ENDS_SHOWN: usize = 5;

/// Prints all that was found, and a summary when it was about more than one task.
pub(super) fn write(report: &Report, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    for (index, task) in report.tasks.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        write_task(task, look, out)?;
    }
    if report.tasks.len() < 2 {
        return Ok(());
    }
    let splits = || report.tasks.iter().flat_map(|task| &task.splits);
    let missing = splits().filter(|split| split.state == State::Missing).count();
    let wrong = report.tasks.iter().filter(|task| !task.ok).count();
    writeln!(
        out,
        "\n{}: {} right, {wrong} wrong; {}: {} here, {missing} not here",
        plural(report.tasks.len() as u64, "task"),
        report.tasks.len() - wrong,
        plural(splits().count() as u64, "split"),
        splits().count() - missing,
    )
}

/// Prints what was found about one task.
pub(super) fn write_task(task: &TaskReport, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    match (&task.task, task.version, task.kind) {
        (Some(name), Some(version), Some(kind)) => {
            writeln!(out, "{name} version {version}, {kind}, {}: valid", task.file)?;
        }
        _ => writeln!(out, "{}: not a task file", task.file)?,
    }
    if let Some(problem) = &task.problem {
        write_problem(problem, "  ", look, out)?;
    }
    for split in &task.splits {
        write_split(split, look, out)?;
    }
    let shared: Vec<String> =
        task.overlaps.iter().filter(|overlap| overlap.shared > 0).map(overlap).collect();
    if !shared.is_empty() {
        write_list(out, "  overlap: ", &shared, "; ", look.width)?;
    } else if !task.overlaps.is_empty() {
        writeln!(out, "  overlap: no text is in two splits")?;
    }
    Ok(())
}

fn write_problem(
    problem: &Problem,
    indent: &str,
    look: &Look,
    out: &mut dyn Write,
) -> io::Result<()> {
    write_list(out, &format!("{indent}WRONG: "), &words(&problem.message), " ", look.width)?;
    match &problem.hint {
        Some(hint) => write_list(out, &format!("{indent}hint: "), &words(hint), " ", look.width),
        None => Ok(()),
    }
}

fn write_split(split: &SplitReport, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let name = &split.split;
    let key = format!("  {name}: ");
    let rows = |rows: Option<u64>| rows.map_or_else(|| "? rows".to_owned(), |n| plural(n, "row"));
    let reported = if split.reported { " (reported)" } else { "" };
    let state = match split.state {
        State::Missing => {
            let mut parts =
                vec![format!("not here, {}{reported}; looked at", rows(split.rows_named))];
            parts.push(split.looked_at.join(", "));
            write_list(out, &key, &parts, " ", look.width)?;
            if let Some(obtain) = &split.obtain {
                write_list(out, "    to get it: ", &words(obtain), " ", look.width)?;
            }
            return Ok(());
        }
        State::Verified => "SHA-256 as named",
        State::Unnamed => "no SHA-256 is named",
        State::Wrong if split.audit.is_some() => "not what the task names",
        State::Wrong => "cannot be read",
    };
    let found = rows(split.audit.as_ref().map(|audit| audit.rows).or(split.rows_named));
    let file = split.file.as_deref().unwrap_or("?");
    let parts = [format!("{found}{reported}, {state}"), format!("({file})")];
    write_list(out, &key, &parts, " ", look.width)?;
    if let Some(problem) = &split.problem {
        write_problem(problem, "    ", look, out)?;
    }
    if let (State::Unnamed, Some(sha256)) = (split.state, &split.sha256) {
        writeln!(out, "    sha256: {sha256}")?;
    }
    if let Some(audit) = &split.audit {
        write_audit(audit, look, out)?;
    }
    if let Some(problem) = &split.tokens_problem {
        write_problem(problem, "    tokeniser: ", look, out)?;
    }
    match &split.tokens {
        Some(tokens) => super::tokens::write(tokens, look, out),
        None => Ok(()),
    }
}

fn write_audit(audit: &SplitAudit, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let mut list = |key: &str, parts: &[String], separator: &str| {
        write_list(out, &format!("    {key}: "), parts, separator, look.width)
    };
    match &audit.gold {
        GoldAudit::Labels { labels } => list("labels", &distribution(labels), ", ")?,
        GoldAudit::Values { min, max, mean, distinct } => list(
            "values",
            &[
                format!("{min} to {max}"),
                format!("mean {mean:.4}"),
                format!("{} distinct", grouped(*distinct)),
            ],
            ", ",
        )?,
        GoldAudit::Tags { words, tags, entities, begin_inside } => {
            list("words", &[grouped(*words)], "")?;
            list("tags", &distribution(tags), ", ")?;
            let total: u64 = entities.values().sum();
            let mut parts = vec![grouped(total)];
            parts.extend(
                entities.iter().map(|(entity, n)| format!("{} {}", one_line(entity), grouped(*n))),
            );
            if *begin_inside > 0 {
                parts.push(format!("{} begin with I", grouped(*begin_inside)));
            }
            list("entities", &parts, ", ")?;
        }
        GoldAudit::Answers { contexts, answers, unanswered, misplaced, characters } => {
            let mut parts = vec![
                format!("{} of {}", grouped(*answers), plural(audit.rows, "question")),
                plural(*contexts, "context"),
                format!(
                    "characters of an answer: median {}, longest {}",
                    grouped(characters.median),
                    grouped(characters.max)
                ),
            ];
            if *unanswered > 0 {
                parts.push(format!("{} without an answer", plural(*unanswered, "question")));
            }
            if *misplaced > 0 {
                parts.push(format!("{} not where the file says", grouped(*misplaced)));
            }
            list("answers", &parts, ", ")?;
        }
    }
    if let Some(clusters) = &audit.clusters {
        let largest = format!("the largest of {}", plural(clusters.largest, "row"));
        list("clusters", &[grouped(clusters.count), largest], ", ")?;
    }
    let spread = &audit.characters;
    let mut parts = vec![
        format!("{} characters", grouped(spread.total)),
        format!("median {}", grouped(spread.median)),
        format!("longest {}", grouped(spread.max)),
        format!("{} empty", grouped(audit.empty_texts)),
    ];
    if audit.skipped_empty > 0 {
        parts.push(format!("{} left out for an empty text", grouped(audit.skipped_empty)));
    }
    parts.push(format!("{} repeat an earlier one", grouped(audit.repeated_texts)));
    if audit.contradictions > 0 {
        parts.push(format!("{} stand with different golds", grouped(audit.contradictions)));
    }
    list("texts", &parts, ", ")
}

/// `0 negative 24,827 (49.65%)`, one for each label; the ends alone where there are many.
fn distribution(labels: &[LabelCount]) -> Vec<String> {
    let total = labels.iter().map(|label| label.count).sum::<u64>().max(1);
    let part = |label: &LabelCount| {
        let (id, name) = (one_line(&label.id), one_line(&label.name));
        let named = if id == name { id } else { format!("{id} {name}") };
        format!(
            "{named} {} ({}%)",
            grouped(label.count),
            percent(label.count as f64 / total as f64)
        )
    };
    if labels.len() <= LABELS_SHOWN {
        return labels.iter().map(part).collect();
    }
    let mut sorted: Vec<&LabelCount> = labels.iter().collect();
    sorted.sort_by_key(|label| std::cmp::Reverse(label.count));
    let unused = labels.iter().filter(|label| label.count == 0).count();
    let mut parts = vec![format!("{} labels, {unused} without a row", labels.len())];
    parts.extend(sorted.iter().take(ENDS_SHOWN).map(|label| part(label)));
    parts.push("...".to_owned());
    parts.extend(sorted[sorted.len() - ENDS_SHOWN..].iter().map(|label| part(label)));
    parts
}

fn overlap(overlap: &Overlap) -> String {
    let share = percent(overlap.shared as f64 / overlap.rows.max(1) as f64);
    let (shared, split) = (grouped(overlap.shared), &overlap.split);
    format!("{shared} rows of {split} ({share}%) have a text of {}", overlap.with)
}

fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", grouped(count))
}
