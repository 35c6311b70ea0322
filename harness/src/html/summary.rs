//! What the report comes to: a verdict and a few numbers.

use std::collections::BTreeSet;

use super::Report;
use super::writer::Html;
use crate::compare::GateVerdict;
use crate::report::number::{grouped, one_line};
use crate::report::regression::summary as gate_summary;

/// Sign, words and class of a gate's verdict.
pub(super) fn of_gate(verdict: GateVerdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        GateVerdict::Pass => ("✓", "Pass", "good"),
        GateVerdict::Fail => ("✗", "Regression", "bad"),
        GateVerdict::Refused => ("⊘", "Cannot be compared", "unsure"),
        GateVerdict::Inconclusive => ("?", "Inconclusive", "unsure"),
    }
}

/// The verdict in large letters; nothing without a comparison.
pub(super) fn banner(report: &Report<'_>, html: &mut Html) {
    let Some(judged) = report.comparison else { return };
    let (sign, word, class) = of_gate(judged.gate.verdict);
    let class = format!("banner {class}");
    html.element("div", &[("class", &class), ("role", "status")], |html| {
        html.leaf("span", &[("class", "sign"), ("aria-hidden", "true")], sign);
        html.element("div", &[], |html| {
            html.leaf("p", &[("class", "verdict")], word);
            html.leaf("p", &[], sentence(&gate_summary(judged)));
            html.element("p", &[("class", "small")], |html| {
                let comparison = judged.comparison;
                html.text(one_line(&comparison.new.path)).text(" against ");
                html.text(one_line(&comparison.base.path)).text(", policy ");
                html.text(one_line(&comparison.policy)).text(". ");
                html.leaf("a", &[("href", "#comparison")], "What was compared");
            });
        });
    });
}

/// With a capital letter and a period.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// How much there is to read.
pub(super) fn tiles(report: &Report<'_>, html: &mut Html) {
    let records = || report.material.cells.iter().map(|cell| &cell.record);
    let failed = records().filter(|record| !record.is_done()).count();
    let models: BTreeSet<&str> = records().map(|r| r.inputs.key.model.as_str()).collect();
    let tasks: BTreeSet<(&str, &str)> =
        records().map(|r| (r.inputs.key.task.as_str(), r.inputs.key.split.as_str())).collect();
    let rows: u64 = records().map(|record| record.n).sum();
    let seconds: f64 = records().map(|record| record.wall_seconds).sum();
    let count = |count: usize| grouped(count as u64);
    let tiles = [
        ("Models", count(models.len()), ""),
        ("Tasks", count(tasks.len()), ""),
        ("Cells done", count(records().count() - failed), ""),
        ("Cells failed", count(failed), if failed > 0 { "bad" } else { "" }),
        ("Rows scored", grouped(rows), ""),
        ("Time", duration(seconds), ""),
    ];
    html.element("dl", &[("class", "tiles")], |html| {
        for (name, value, class) in tiles {
            html.element("div", &[], |html| {
                html.leaf("dt", &[], name).leaf("dd", &[("class", class)], value);
            });
        }
    });
}

/// `42 s`, `3 min 20 s`, `2 h 5 min`.
fn duration(seconds: f64) -> String {
    let whole = seconds.round().max(0.0) as u64;
    match (whole / 3600, whole / 60 % 60, whole % 60) {
        (0, 0, _) if seconds < 10.0 => format!("{seconds:.1} s"),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{} h {minutes} min", grouped(hours)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sentences_are_readable() {
        let texts = [0.34, 42.4, 200.0, 7500.0].map(duration);
        assert_eq!(texts, ["0.3 s", "42 s", "3 min 20 s", "2 h 5 min"]);
        assert_eq!(sentence("2 pass: the gate passes"), "2 pass: the gate passes.");
        assert_eq!(sentence("the gate"), "The gate.");
    }
}
