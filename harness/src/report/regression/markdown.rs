//! A comparison for a pull request.

use super::super::grid::{Column, Grid};
use super::super::markdown::{escape, grid};
use super::super::number::{grouped, one_line};
use super::line::{self, Line};
use super::terminal::{LISTED, flip_word, notes, refused, remedies, side, unmatched};
use super::{Judged, counts, differences, explain, words};
use crate::compare::{CellComparison, Severity};
use crate::text::shorten;

/// Characters that a comment of a pull request may have on GitHub, less some for what others put around it.
pub(super) const LONGEST: usize = 60_000;

/// Characters of a row's text in a table of flips.
const TEXT: usize = 100;

/// The whole comment. Where it would be longer than a comment may be, flips give way first, then passes.
pub(super) fn render(judged: &Judged<'_>) -> String {
    let (open, passed) = counts::split(line::worth_showing(judged.comparison));
    for (passes, flips) in [(usize::MAX, true), (usize::MAX, false), (100, false), (0, false)] {
        let text = page(judged, &open, &passed, passes, flips);
        if text.chars().count() <= LONGEST {
            return text;
        }
    }
    // So many regressions that their table alone is too long: the first of them, which are the worst.
    let first = &open[..open.len().min(100)];
    page(judged, first, &passed, 0, false)
}

fn page(
    judged: &Judged<'_>,
    open: &[Line<'_>],
    passed: &[Line<'_>],
    passes: usize,
    with_flips: bool,
) -> String {
    let comparison = judged.comparison;
    let mut text = format!(
        "## {} {}\n\n{}.\n\n",
        words::gate_sign(judged.gate.verdict),
        escape(&format!("kobench: {}", words::gate(judged.gate.verdict))),
        escape(&counts::summary(judged)),
    );
    // What was refused has a part of its own.
    let errors = judged.gate.reasons.iter().filter(|reason| reason.severity == Severity::Error);
    let reasons: Vec<String> = errors
        .map(|reason| match reason.about.as_str() {
            "" => reason.text.clone(),
            about => format!("{about}: {}", reason.text),
        })
        .collect();
    text += &list(&reasons);
    if !open.is_empty() {
        text += &grid(&line::grid(open));
        text.push('\n');
    }
    text += &section("Cannot be compared", &refused(judged));
    text += &section("Missing in the new run", &unmatched(judged, true));
    text += &section("What would tell", &remedies(open));
    if !passed.is_empty() {
        let shown = &passed[..passed.len().min(passes)];
        let mut table = if shown.is_empty() { String::new() } else { grid(&line::grid(shown)) };
        if shown.len() < passed.len() {
            table += &format!("\nand {} more.\n", grouped((passed.len() - shown.len()) as u64));
        }
        text += &folded(&words::count(passed.len(), "pass", "passes"), &table);
    }
    let flipped = comparison.cells.iter().filter(|cell| !cell.flips.rows.is_empty());
    for cell in flipped.filter(|_| with_flips) {
        text += &flips(cell);
    }
    let mut about = vec![
        format!("base: {}", side(&comparison.base)),
        format!("new: {}", side(&comparison.new)),
        format!("policy: {}", one_line(&comparison.policy)),
    ];
    about.extend(differences::sentences(comparison));
    about.extend(notes(judged));
    about.extend(unmatched(judged, false).iter().map(|cell| format!("new: {cell}")));
    about.push(line::LEGEND.to_owned());
    if !remedies(open).is_empty() {
        about.push(explain::INCONCLUSIVE.to_owned());
    }
    text + &folded("About this comparison", &list(&about))
}

fn section(title: &str, sentences: &[String]) -> String {
    if sentences.is_empty() { String::new() } else { format!("**{title}**\n\n{}", list(sentences)) }
}

/// A sentence a line; those beyond the first [`LISTED`] are counted.
fn list(sentences: &[String]) -> String {
    let (sentences, more) = sentences.split_at(sentences.len().min(LISTED));
    let mut text: String =
        sentences.iter().map(|s| format!("- {}\n", escape(&one_line(s)))).collect();
    if !more.is_empty() {
        text += &format!("- and {} more\n", grouped(more.len() as u64));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// A part that is shown on request. The empty lines make GitHub read what is in it as markdown.
fn folded(title: &str, text: &str) -> String {
    format!("<details>\n<summary>{}</summary>\n\n{text}\n</details>\n\n", html(title))
}

fn flips(cell: &CellComparison) -> String {
    let columns = ["Row", "Id", "Kind", "Gold", "Base", "New", "Text"].map(Column::text).to_vec();
    let rows = cell.flips.rows.iter().map(|flip| {
        let or = |text: &Option<String>, none: &str| text.as_deref().unwrap_or(none).to_owned();
        [
            flip.i.to_string(),
            or(&flip.id, ""),
            flip_word(flip.kind).to_owned(),
            flip.gold.clone(),
            or(&flip.base, "?"),
            or(&flip.new, "?"),
            or(&flip.text, ""),
        ]
        .map(|text| shorten(&one_line(&text), TEXT).into())
        .to_vec()
    });
    let title = format!(
        "{}: {} broken, {} fixed",
        cell.label,
        grouped(cell.flips.broken),
        grouped(cell.flips.fixed)
    );
    folded(&title, &grid(&Grid { columns, rows: rows.collect() }))
}

/// Text inside HTML, where markdown's escapes are not read.
fn html(text: &str) -> String {
    one_line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
