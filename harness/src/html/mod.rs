//! The report: one HTML file about one or more runs that needs nothing else, not even a network.
//!
//! ```text
//! Material (material.rs)      runs, cells, what was predicted for what, logs of trainings, speeds
//!   -> a file a section       leaderboard.rs, charts.rs, training.rs, errors.rs, ... each makes a Section
//!   -> page.rs                head, summary, navigation, sections, style.css and script.js
//!   -> Page                   the document, and its charts as files of their own
//! ```
//!
//! Everything from records goes through `writer`, which escapes; a policy in the page's head forbids whatever is not
//! in the file (`policy`). Without its script the page can be read all the same: the script sorts and searches tables
//! and switches between light and dark.

mod charts;
mod chip;
mod confusion;
mod course;
mod environment;
mod errors;
mod flips;
mod leaderboard;
mod material;
mod names;
mod overview;
mod page;
mod policy;
mod section;
mod speed;
mod steps;
mod summary;
mod table;
mod tables;
#[cfg(test)]
mod tests;
mod tokens;
mod training;
mod verdicts;
mod writer;

pub use material::Material;
pub use section::Figure;

use crate::history::History;
use crate::published::Comparison;
use crate::record::{CellRecord, pool_seeds};
use crate::report::Judged;
use crate::task::Registry;

/// What a report is about.
#[derive(Debug)]
pub struct Report<'a> {
    /// Its heading.
    pub title: String,
    /// When it is made, RFC 3339 UTC.
    pub created_at: String,
    /// The runs.
    pub material: &'a Material,
    /// Cells for tables: those that differ in their seed alone as one.
    cells: Vec<CellRecord>,
    /// Titles of tasks.
    pub registry: &'a Registry,
    /// Published tables with ours beside them.
    pub tables: &'a [Comparison],
    /// With an earlier run or a baseline.
    pub comparison: Option<&'a Judged<'a>>,
    /// Over many runs.
    pub history: Option<&'a History>,
}

/// A report that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The HTML document.
    pub html: String,
    /// Its charts, in its order.
    pub figures: Vec<Figure>,
}

impl<'a> Report<'a> {
    /// A report of runs alone; the other fields are filled in by whoever has them.
    pub fn new(
        title: String,
        created_at: String,
        material: &'a Material,
        registry: &'a Registry,
    ) -> Self {
        let cells = pool_seeds(&material.records());
        Self {
            title,
            created_at,
            material,
            cells,
            registry,
            tables: &[],
            comparison: None,
            history: None,
        }
    }

    /// Writes it. The same report gives the same bytes.
    pub fn page(&self) -> Page {
        let sections = [
            verdicts::section(self),
            leaderboard::section(self),
            charts::speed_accuracy(self),
            charts::intervals(self),
            tables::section(self),
            course::section(self),
            speed::section(self),
            training::section(self),
            errors::confusions(self),
            errors::entities(self),
            tokens::section(self),
            leaderboard::all_metrics(self),
            environment::section(self),
            notes(self),
        ];
        let mut sections: Vec<section::Section> = sections.into_iter().flatten().collect();
        let html = page::page(self, &sections);
        let figures = sections.iter_mut().flat_map(|s| std::mem::take(&mut s.figures)).collect();
        Page { html, figures }
    }
}

/// What is missing from the report.
fn notes(report: &Report<'_>) -> Option<section::Section> {
    let mut section = section::Section::new("notes", "Notes", "What is missing here, and why.");
    let notes = report.material.notes.iter().map(|note| crate::report::number::one_line(note));
    let notes: Vec<String> = notes.collect();
    leaderboard::list_of_notes(&mut section.body, &notes);
    section.unless_empty()
}
