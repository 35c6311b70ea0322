//! The table of a self-test: a row for each group and precision, and each failure below it.

use crate::plugin::{CheckLine, CheckOutcome};
use crate::report::{Cell, Column, Grid, Look, Tone, render_grid, wrapped};
use crate::selftest::{Counts, Report, group};
use std::io::{self, Write};

/// What the checks of all plugins came to.
pub(super) fn reports(reports: &[Report], look: &Look, to: &mut dyn Write) -> io::Result<()> {
    for report in reports {
        one(report, look, to)?;
    }
    Ok(())
}

fn one(report: &Report, look: &Look, to: &mut dyn Write) -> io::Result<()> {
    let opened = report.checks.iter().find(|line| line.name == "device");
    let device = opened.map_or(String::new(), |line| format!(": {}", line.message));
    write!(to, "{}", wrapped("", &format!("{} {}{device}", report.name, report.version), look))?;
    write!(to, "{}", render_grid(&grid(&report.checks), look))?;
    for line in report.checks.iter().filter(|line| line.outcome == CheckOutcome::Failed) {
        let head = format!("FAILED {} {}: ", line.name, line.precision);
        write!(to, "{}", wrapped("", &format!("{head}{}", describe(line)), look))?;
    }
    let skipped: Vec<&CheckLine> =
        report.checks.iter().filter(|line| line.outcome == CheckOutcome::Skipped).collect();
    for line in skipped {
        let text = format!("skipped {} {}: {}", line.name, line.precision, line.message);
        write!(to, "{}", wrapped("", &text, look))?;
    }
    let counts = Counts::of(&report.checks);
    let seconds: f64 = report.checks.iter().map(|line| line.seconds).sum();
    writeln!(
        to,
        "{} passed, {} failed, {} skipped in {seconds:.1} s",
        counts.passed, counts.failed, counts.skipped
    )
}

/// What a failure saw.
fn describe(line: &CheckLine) -> String {
    match (line.error, line.tolerance) {
        (Some(error), Some(tolerance)) => {
            format!("error {error:.1e}, tolerance {tolerance:.1e}: {}", line.message)
        }
        _ => line.message.clone(),
    }
}

/// How much of its tolerance an error takes.
fn part(error: f64, tolerance: f64) -> f64 {
    if error == 0.0 { 0.0 } else { error / tolerance }
}

/// A row for each group and precision, in the order of the checks.
fn grid(checks: &[CheckLine]) -> Grid {
    let mut groups: Vec<(&str, &str)> = Vec::new();
    for line in checks {
        let key = (group(&line.name), line.precision.as_str());
        if !groups.contains(&key) {
            groups.push(key);
        }
    }
    let rows = groups.into_iter().map(|(name, precision)| {
        let own: Vec<&CheckLine> = checks
            .iter()
            .filter(|line| group(&line.name) == name && line.precision == precision)
            .collect();
        row(name, precision, &own)
    });
    Grid {
        columns: vec![
            Column::text("Group"),
            Column::text("Precision"),
            Column::number("Passed"),
            Column::number("Failed"),
            Column::number("Skipped").gives_way(2),
            Column::number("Worst error"),
            Column::number("Tolerance"),
            Column::text("In").gives_way(3),
            Column::number("s").gives_way(1),
        ],
        rows: rows.collect(),
    }
}

fn row(name: &str, precision: &str, checks: &[&CheckLine]) -> Vec<Cell> {
    let counts = Counts::of(checks.iter().copied());
    let worst = checks
        .iter()
        .filter_map(|line| Some((part(line.error?, line.tolerance?), *line)))
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, line)| line);
    let number = |pick: fn(&CheckLine) -> Option<f64>| {
        worst.and_then(pick).map_or(String::new(), |value| format!("{value:.1e}"))
    };
    let plain = |text: String| Cell { text, tone: Tone::Plain };
    let seconds: f64 = checks.iter().map(|line| line.seconds).sum();
    let inside = worst.map_or("", |line| line.name.strip_prefix(name).unwrap_or(&line.name));
    vec![
        plain(name.to_owned()),
        plain(precision.to_owned()),
        plain(counts.passed.to_string()),
        Cell {
            text: counts.failed.to_string(),
            tone: if counts.failed > 0 { Tone::Bad } else { Tone::Plain },
        },
        plain(counts.skipped.to_string()),
        plain(number(|line| line.error)),
        plain(number(|line| line.tolerance)),
        plain(inside.trim_start_matches('/').to_owned()),
        plain(format!("{seconds:.1}")),
    ]
}
