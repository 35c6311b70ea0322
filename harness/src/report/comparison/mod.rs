//! A published table with ours beside it.

mod csv;
mod layout;

use super::{Format, Look, latex, markdown, terminal};
use crate::error::Error;
use crate::published::{Comparison, Verdict};
use layout::{Detail, list, table};

/// Left-out cells that are named one by one; JSON has all of them.
const LEFT_OUT_SHOWN: usize = 10;

/// Renders a compared table. `look` matters to [`Format::Terminal`] alone. The text ends with a line end.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render_comparison(
    comparison: &Comparison,
    format: Format,
    look: &Look,
) -> Result<String, Error> {
    Ok(match format {
        Format::Terminal => in_terminal(comparison, look),
        Format::Markdown => {
            let mut text = format!("### {}\n\n", markdown::escape(&comparison.title));
            text.push_str(&markdown::grid(&table(comparison, Detail::Full)));
            for line in below(comparison) {
                text.push_str(&format!("\n{}\n", markdown::escape(&line)));
            }
            if comparison.has_ours() {
                text.push('\n');
                text.push_str(&markdown::grid(&list(comparison, false)));
            }
            text + &markdown::notes(&comparison.notes)
        }
        Format::Latex => {
            let notes: Vec<String> =
                comparison.notes.iter().cloned().chain(below(comparison)).collect();
            latex::table(&table(comparison, Detail::Full), &comparison.title, &notes)
        }
        Format::Csv => csv::render(comparison)?,
        Format::Json => serde_json::to_string_pretty(comparison)? + "\n",
    })
}

/// The widest layout that fits, or one table after the other where none does; and a list of what is ours.
fn in_terminal(comparison: &Comparison, look: &Look) -> String {
    let mut text = terminal::wrapped("", &comparison.title, look);
    for source in layout::sources(comparison) {
        text.push_str(&terminal::wrapped("from ", &source, look));
    }
    let mut grids = Detail::ALL.into_iter().map(|detail| table(comparison, detail));
    match grids.find(|grid| look.fits(grid)) {
        Some(grid) => text.push_str(&terminal::grid(&grid, look)),
        None => {
            for grid in layout::split(comparison, look) {
                text.push_str(&terminal::grid(&grid, look));
            }
        }
    }
    if comparison.has_ours() {
        let wide = list(comparison, false);
        // Without the two columns that give way.
        let narrow = !look.fits(&wide.without(5).without(2));
        let list = if narrow { list(comparison, true) } else { wide };
        text.push_str(&terminal::grid(&list, look));
    }
    for line in below(comparison) {
        text.push_str(&terminal::wrapped("", &line, look));
    }
    text + &terminal::notes(&comparison.notes, look)
}

/// Lines below the tables: what the columns are, what came out, and which cells are not there.
fn below(comparison: &Comparison) -> Vec<String> {
    let columns: Vec<String> = (comparison.columns.iter())
        .map(|column| format!("{} is {} {}", column.label(), column.task, column.metric))
        .collect();
    let mut lines = vec![format!("columns: {}", columns.join("; "))];
    let cells = || comparison.rows.iter().flat_map(|row| &row.cells);
    if cells().filter_map(|cell| cell.published.as_ref()).any(|cell| !cell.disagree.is_empty()) {
        lines.push(format!(
            "{} sources print several values: of the two generations of recipes, mostly, or with fewer digits",
            layout::STAR
        ));
    }
    let verdicts = [
        Verdict::Identical,
        Verdict::Reproduced,
        Verdict::Above,
        Verdict::Below,
        Verdict::Inconclusive,
    ];
    let counts: Vec<String> = (verdicts.into_iter())
        .map(|verdict| {
            let count = cells().filter(|cell| cell.judgement.is_some_and(|j| j.verdict == verdict));
            (count.count(), verdict)
        })
        .filter(|(count, _)| *count > 0)
        .map(|(count, verdict)| format!("{count} {verdict}"))
        .collect();
    if !counts.is_empty() {
        lines.push(format!(
            "verdicts (95% intervals; reproduced within {} points): {}",
            comparison.margin_points,
            counts.join(", ")
        ));
    }
    for left in comparison.left_out.iter().take(LEFT_OUT_SHOWN) {
        lines.push(super::number::one_line(&format!("left out: {}: {}", left.label, left.reason)));
    }
    if let Some(more) =
        comparison.left_out.len().checked_sub(LEFT_OUT_SHOWN).filter(|more| *more > 0)
    {
        lines.push(format!("left out: {more} more cells; --format json names them"));
    }
    lines
}

#[cfg(test)]
mod tests;
