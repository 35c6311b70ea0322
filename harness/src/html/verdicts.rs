//! A comparison with an earlier run or a baseline: every number of both sides, and the verdict on it.

use super::Report;
use super::chip::{self, of_verdict};
use super::flips;
use super::leaderboard::list_of_notes;
use super::section::Section;
use super::table::{Cell, Column, Row, Table, facts};
use crate::compare::{
    CellComparison, Comparison, MetricComparison, Side, SpeedComparison, Spread, Tier, Unmatched,
    Verdict,
};
use crate::plot::{Axis, DifferenceRow, Differences, Ranged, Scale, Tone};
use crate::report::number::{
    grouped, is_fraction, less_is_better, metric_name, metric_text, one_line,
};
use crate::report::regression::{INCONCLUSIVE, other_differences, short, words};

/// The section; none without a comparison.
pub(super) fn section(report: &Report<'_>) -> Option<Section> {
    let judged = report.comparison?;
    let comparison = judged.comparison;
    let mut section = Section::new(
        "comparison",
        "Comparison",
        "Row by row on the same rows: the difference with its interval, how likely chance makes it, and whether it \
         stays within the policy's margin.",
    );
    sides(&mut section, comparison);
    metrics(&mut section, comparison);
    failures(&mut section, comparison);
    speeds(&mut section, comparison);
    refused(&mut section, comparison);
    unmatched(&mut section, "Only in the base", &comparison.only_base);
    unmatched(&mut section, "Only in the new run", &comparison.only_new);
    let mut notes: Vec<String> =
        judged.gate.reasons.iter().map(|reason| reason_text(&reason.about, &reason.text)).collect();
    notes.extend(other_differences(comparison));
    notes.extend(comparison.notes.iter().map(|note| one_line(note)));
    if comparison.cells.iter().any(|cell| cell.verdict == Verdict::Inconclusive) {
        notes.push(INCONCLUSIVE.to_owned());
    }
    list_of_notes(&mut section.body, &notes);
    flips::write(&mut section, comparison);
    Some(section)
}

fn reason_text(about: &str, text: &str) -> String {
    one_line(&if about.is_empty() { text.to_owned() } else { format!("{about}: {text}") })
}

fn sides(section: &mut Section, comparison: &Comparison) {
    let of = |side: &Side| {
        let parts = [
            Some(words::kind(side.kind).to_owned()),
            Some(side.path.clone()),
            side.created_at.clone(),
            side.git_revision.as_deref().map(|revision| {
                format!("revision {}", revision.chars().take(12).collect::<String>())
            }),
        ];
        one_line(&parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
    };
    let policy = one_line(&comparison.policy);
    facts(
        &mut section.body,
        &[
            ("Base", Some(of(&comparison.base))),
            ("New", Some(of(&comparison.new))),
            ("Policy", Some(policy)),
        ],
    );
}

/// Worst first; within a verdict as they are.
fn sorted(comparison: &Comparison) -> Vec<(&CellComparison, &MetricComparison)> {
    let mut all: Vec<_> = (comparison.cells.iter())
        .flat_map(|cell| cell.metrics.iter().map(move |metric| (cell, metric)))
        .collect();
    all.sort_by_key(|(_, metric)| (!metric.gates, std::cmp::Reverse(metric.verdict)));
    all
}

fn metrics(section: &mut Section, comparison: &Comparison) {
    let all = sorted(comparison);
    if all.is_empty() {
        return;
    }
    let (gating, shown): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, metric)| metric.gates);
    if !gating.is_empty() {
        chart(section, &gating);
        metric_table("What decides, the worst first", &gating).write(&mut section.body);
    }
    if !shown.is_empty() {
        let title = format!("{} more metrics, which decide nothing", shown.len());
        section.folded(&title, |section| {
            metric_table("Metrics that decide nothing", &shown).write(&mut section.body);
        });
    }
}

/// Differences with their intervals and margins; of fractions alone, for losses have another unit.
fn chart(section: &mut Section, gating: &[(&CellComparison, &MetricComparison)]) {
    let row = |(cell, metric): &(&CellComparison, &MetricComparison)| {
        let (_, sign, word) = of_verdict(metric.verdict);
        // The metric is said where it tells lines apart.
        let several = cell.metrics.iter().filter(|metric| metric.gates).count() > 1;
        DifferenceRow {
            label: if several {
                format!("{} · {}", cell.label, metric.metric)
            } else {
                cell.label.clone()
            },
            at: Ranged {
                value: metric.difference,
                low: Some(metric.ci_low),
                high: Some(metric.ci_high),
            },
            margin: metric.margin,
            higher_is_better: !less_is_better(&metric.metric),
            mark: format!("{sign} {word}"),
            tone: match metric.verdict {
                Verdict::Pass => Tone::Plain,
                Verdict::Improvement => Tone::Good,
                Verdict::Inconclusive => Tone::Unsure,
                Verdict::Regression => Tone::Bad,
            },
        }
    };
    let fractions = gating.iter().filter(|(_, metric)| is_fraction(&metric.metric));
    let rows: Vec<DifferenceRow> = fractions.map(row).take(CHART_ROWS).collect();
    if rows.is_empty() {
        return;
    }
    let chart = Differences {
        title: "Differences: new less base".into(),
        description: format!(
            "{} differences with their intervals; the band is what the policy lets a number lose.",
            rows.len()
        ),
        axis: Axis { label: "difference in points".into(), scale: Scale::Linear, percent: true },
        rows,
    };
    section.figure("differences", chart.svg());
}

/// Rows of the chart at most, the worst ones; the table has all.
const CHART_ROWS: usize = 40;

fn metric_table(caption: &str, metrics: &[(&CellComparison, &MetricComparison)]) -> Table {
    let rows = metrics.iter().map(|(cell, metric)| {
        let name = metric.metric.as_str();
        let text = |value: f64| metric_text(name, value);
        let signed = |value: f64| words::signed(name, value);
        let interval = format!("[{}, {}]", signed(metric.ci_low), signed(metric.ci_high));
        let p = match metric.verdict {
            Verdict::Improvement => metric.p_improvement_adjusted,
            _ => metric.p_regression_adjusted,
        };
        let class = if metric.verdict == Verdict::Regression { "is-bad" } else { "" };
        let cells = vec![
            Cell::text(one_line(&cell.label)),
            Cell::text(metric_name(name)),
            verdict_cell(metric.verdict),
            Cell::number(Some(metric.base), text),
            Cell::number(Some(metric.new), text),
            Cell::new(|html| {
                html.leaf("strong", &[], signed(metric.difference));
                html.leaf("span", &[("class", "below")], interval);
            })
            .by(metric.difference),
            Cell::new(|html| {
                html.text(words::p(p));
                let two_sided = format!("two-sided {}", words::p(metric.p_value));
                html.leaf("span", &[("class", "below")], two_sided);
            })
            .by(p),
            Cell::number(Some(metric.margin), text),
            Cell::number(Some(metric.minimum_detectable), text),
            Cell::number(Some(cell.n as f64), |n| grouped(n as u64)),
            flips::cell(&cell.flips),
            Cell::text(words::tier(metric.tier)).by(tier_rank(metric.tier)),
        ];
        Row { cells, class }
    });
    Table {
        caption: caption.to_owned(),
        columns: vec![
            Column::text("Cell"),
            Column::text("Metric"),
            Column::text("Verdict"),
            Column::number("Base"),
            Column::number("New"),
            Column::number("Difference").about("in points, new less base, with its interval"),
            Column::number("p").about(
                "one-sided, of the verdict, corrected for many tests; below, two-sided of no difference",
            ),
            Column::number("Margin").about("what the policy lets it lose"),
            Column::number("Detectable")
                .about("the smallest true loss that would be found with a probability of 80%"),
            Column::number("Rows"),
            Column::number("Broken / fixed")
                .about("rows that were right and are wrong, and the other way round"),
            Column::text("Tier"),
        ],
        rows: rows.collect(),
        sortable: true,
    }
}

fn tier_rank(tier: Tier) -> f64 {
    match tier {
        Tier::Critical => 0.0,
        Tier::Supporting => 1.0,
        Tier::Advisory => 2.0,
    }
}

fn verdict_cell(verdict: Verdict) -> Cell {
    let rank = match verdict {
        Verdict::Regression => 0.0,
        Verdict::Inconclusive => 1.0,
        Verdict::Improvement => 2.0,
        Verdict::Pass => 3.0,
    };
    Cell::new(|html| chip::verdict(html, verdict)).by(rank)
}

/// Cells without numbers to compare.
fn failures(section: &mut Section, comparison: &Comparison) {
    let with_reason = |cell: &CellComparison| {
        let reason = cell.reason.as_ref()?;
        Some(Row::from(vec![
            Cell::text(one_line(&cell.label)),
            Cell::text(one_line(reason)),
            verdict_cell(cell.verdict),
        ]))
    };
    let rows: Vec<Row> = comparison.cells.iter().filter_map(with_reason).collect();
    if !rows.is_empty() {
        let columns = ["Cell", "Why", "Verdict"].map(Column::text).to_vec();
        let caption = "Cells without numbers to compare".to_owned();
        Table { caption, columns, rows, sortable: false }.write(&mut section.body);
    }
}

fn speeds(section: &mut Section, comparison: &Comparison) {
    if comparison.speeds.is_empty() {
        return;
    }
    section.heading("Speed and memory");
    let mut all: Vec<&SpeedComparison> = comparison.speeds.iter().collect();
    all.sort_by_key(|speed| (!speed.gates, std::cmp::Reverse(speed.verdict)));
    let rows = all.into_iter().map(|speed| {
        let spread = |spread: &Spread| {
            let text = |value| words::measured(&speed.measure, value);
            Cell::new(|html| {
                html.text(text(spread.value));
                if let (Some(low), Some(high)) = (spread.ci_low, spread.ci_high) {
                    let interval = format!("[{}, {}]", text(low), text(high));
                    html.leaf("span", &[("class", "below")], interval);
                }
            })
            .by(spread.value)
        };
        let change = words::change(speed.ratio) + "%";
        let interval = speed.ci_low.zip(speed.ci_high);
        let interval = interval
            .map(|(low, high)| format!("[{}%, {}%]", words::change(low), words::change(high)));
        let share = |share: f64| format!("{:.1}%", 100.0 * share);
        let class = if speed.verdict == Verdict::Regression { "is-bad" } else { "" };
        let cells = vec![
            Cell::text(one_line(&speed.label)),
            Cell::text(one_line(&speed.scenario)),
            Cell::text(one_line(&speed.measure.replace('_', " "))),
            verdict_cell(speed.verdict),
            spread(&speed.base),
            spread(&speed.new),
            Cell::new(|html| {
                html.leaf("strong", &[], change);
                html.leaf("span", &[("class", "below")], interval.unwrap_or_default());
            })
            .by(speed.ratio),
            Cell::number(speed.p_value, words::p),
            Cell::number(Some(speed.margin), share),
            Cell::number(speed.minimum_detectable, share),
            Cell::text(words::tier(speed.tier)).by(tier_rank(speed.tier)),
        ];
        Row { cells, class }
    });
    let table = Table {
        caption: "Speed and memory: new against base, the worst first".into(),
        columns: vec![
            Column::text("Cell"),
            Column::text("Scenario"),
            Column::text("Measure"),
            Column::text("Verdict"),
            Column::number("Base"),
            Column::number("New"),
            Column::number("Change").about("new against base, with its interval"),
            Column::number("p").about("two-sided, of no difference"),
            Column::number("Margin"),
            Column::number("Detectable"),
            Column::text("Tier"),
        ],
        rows: rows.collect(),
        sortable: true,
    };
    table.write(&mut section.body);
    let notes: Vec<String> = (comparison.speeds.iter())
        .flat_map(|speed| speed.notes.iter().map(move |note| reason_text(&speed.label, note)))
        .collect();
    list_of_notes(&mut section.body, &notes);
}

fn refused(section: &mut Section, comparison: &Comparison) {
    let rows = comparison.refused.iter().flat_map(|refusal| {
        refusal.differences.iter().map(|difference| {
            Row::from(vec![
                Cell::text(one_line(&refusal.label)),
                Cell::text(one_line(&difference.what.replace('_', " "))),
                Cell::text(short(&difference.base)),
                Cell::text(short(&difference.new)),
            ])
        })
    });
    let rows: Vec<Row> = rows.collect();
    if !rows.is_empty() {
        section.heading("Refused");
        let columns = ["Cell", "What differs", "Base", "New"].map(Column::text).to_vec();
        let caption = "Cells that cannot be compared".to_owned();
        Table { caption, columns, rows, sortable: true }.write(&mut section.body);
    }
}

fn unmatched(section: &mut Section, title: &str, cells: &[Unmatched]) {
    if cells.is_empty() {
        return;
    }
    let row = |cell: &Unmatched| {
        Row::from(vec![Cell::text(one_line(&cell.label)), verdict_cell(cell.verdict)])
    };
    let columns = ["Cell", "Verdict"].map(Column::text).to_vec();
    let (caption, rows) = (title.to_owned(), cells.iter().map(row).collect());
    let table = Table { caption, columns, rows, sortable: true };
    section.folded(&format!("{title} ({})", cells.len()), |section| table.write(&mut section.body));
}
