//! The table of a sweep: settings, best on the development rows first.

mod layout;
mod row;

use serde::Serialize;

use super::{Format, Look, latex, markdown, terminal};
use crate::error::Error;
use crate::record::{CellRecord, SCHEMA_VERSION};
use row::SweepRow;

/// What is said below every table.
const RANKED_BY: &str = "ranked by the metric on the development rows alone; the score on the reported split is \
     shown, and would flatter if settings were chosen by it";

/// As harness/schemas/sweep.schema.json says.
#[derive(Debug, Serialize)]
struct Sweep {
    schema_version: u32,
    rows: Vec<SweepRow>,
    notes: Vec<String>,
}

/// Renders the cells of a sweep: seeds of one point joined, ranked within each model and task by the development
/// metric of the chosen checkpoint. Points without one are last, and not ranked.
///
/// # Errors
/// Only when a number cannot be put into JSON or CSV.
pub fn render_sweep(cells: &[CellRecord], format: Format, look: &Look) -> Result<String, Error> {
    let sweep = Sweep::new(cells);
    let grid = || layout::table(&sweep.rows);
    Ok(match format {
        Format::Terminal => terminal::grid(&grid(), look) + &terminal::notes(&sweep.notes, look),
        Format::Markdown => markdown::grid(&grid()) + &markdown::notes(&sweep.notes),
        Format::Latex => latex::table(&grid(), "Sweep", &sweep.notes),
        Format::Csv => layout::csv(&sweep.rows)?,
        Format::Json => serde_json::to_string_pretty(&sweep)? + "\n",
    })
}

impl Sweep {
    fn new(cells: &[CellRecord]) -> Self {
        let rows = row::ranked(cells);
        let mut notes = vec![RANKED_BY.to_owned()];
        if rows.iter().any(|row| row.seeds.len() > 1) {
            notes.push(super::number::OVER_SEEDS.to_owned());
        }
        if rows.iter().any(|row| row.dev.is_none() && row.cause.is_none()) {
            notes.push(
                "points without a rank were not looked at on development rows where their checkpoint is from; \
                 --select best-on-dev does, and --set dev_fraction=0.1 holds rows out where there are none"
                    .to_owned(),
            );
        }
        for row in &rows {
            if let Some(detail) = &row.detail {
                notes.push(super::number::one_line(&format!("{}: {detail}", row.recipe)));
            }
        }
        Self { schema_version: SCHEMA_VERSION, rows, notes }
    }
}

#[cfg(test)]
mod tests;
