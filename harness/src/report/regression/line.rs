//! The lines of a comparison's table: a metric of a cell or a speed each.

use super::super::grid::{Cell, Column, Grid};
use super::super::number::{grouped, metric_name, metric_text, one_line};
use super::words;
use crate::compare::{
    CellComparison, Comparison, MetricComparison, SpeedComparison, Tier, Verdict,
};

/// A line.
#[derive(Debug, Clone, Copy)]
pub(super) enum Line<'a> {
    /// A metric of a cell.
    Metric(&'a CellComparison, &'a MetricComparison),
    /// A cell without numbers.
    Failed(&'a CellComparison),
    /// A speed, a latency, a memory.
    Speed(&'a SpeedComparison),
}

/// All lines of a comparison in its order.
pub(super) fn all(comparison: &Comparison) -> Vec<Line<'_>> {
    let cells = comparison.cells.iter().flat_map(|cell| {
        let failed = cell.metrics.is_empty().then_some(Line::Failed(cell));
        failed.into_iter().chain(cell.metrics.iter().map(move |metric| Line::Metric(cell, metric)))
    });
    cells.chain(comparison.speeds.iter().map(Line::Speed)).collect()
}

/// The lines that a reader should see, the worst first: those that decide, and of the others those that moved.
pub(super) fn worth_showing(comparison: &Comparison) -> Vec<Line<'_>> {
    let mut lines = all(comparison);
    lines.retain(|line| {
        line.gates() || matches!(line.verdict(), Verdict::Regression | Verdict::Improvement)
    });
    // Improvements before passes: they are news. The order within is the comparison's.
    let rank = |verdict| match verdict {
        Verdict::Regression => 0,
        Verdict::Inconclusive => 1,
        Verdict::Improvement => 2,
        Verdict::Pass => 3,
    };
    lines.sort_by_key(|line| (!line.gates(), rank(line.verdict()), line.tier()));
    lines
}

impl<'a> Line<'a> {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Metric(_, metric) => metric.verdict,
            Self::Failed(cell) => cell.verdict,
            Self::Speed(speed) => speed.verdict,
        }
    }

    /// Whether it takes part in the verdict.
    pub(super) fn gates(&self) -> bool {
        match self {
            Self::Metric(_, metric) => metric.gates,
            Self::Failed(_) => true,
            Self::Speed(speed) => speed.gates,
        }
    }

    pub(super) fn tier(&self) -> Tier {
        match self {
            Self::Metric(_, metric) => metric.tier,
            Self::Failed(_) => Tier::Critical,
            Self::Speed(speed) => speed.tier,
        }
    }

    /// The cell's label.
    pub(super) fn label(&self) -> String {
        one_line(match self {
            Self::Metric(cell, _) | Self::Failed(cell) => &cell.label,
            Self::Speed(speed) => &speed.label,
        })
    }

    pub(super) fn task(&self) -> &'a str {
        match self {
            Self::Metric(cell, _) | Self::Failed(cell) => &cell.key.task,
            Self::Speed(speed) => &speed.key.task,
        }
    }

    /// The metric's or the measure's name, with the scenario.
    pub(super) fn what(&self) -> String {
        one_line(&match self {
            Self::Metric(_, metric) => metric_name(&metric.metric),
            Self::Failed(cell) => metric_name(&cell.primary_metric),
            Self::Speed(speed) => format!("{} ({})", speed.measure, speed.scenario),
        })
    }

    /// The verdict; in brackets where it decides nothing.
    pub(super) fn verdict_text(&self) -> String {
        let text = words::verdict(self.verdict());
        if self.gates() { text.to_owned() } else { format!("({text})") }
    }

    /// Base, new, difference with its interval, margin, smallest difference that would be found, p-value, rows.
    fn numbers(&self) -> [String; 7] {
        let none = || "-".to_owned();
        match self {
            Self::Metric(cell, metric) => {
                let signed = |difference| words::signed(&metric.metric, difference);
                let text = |value| metric_text(&metric.metric, value);
                [
                    text(metric.base),
                    text(metric.new),
                    format!(
                        "{} [{}, {}]",
                        signed(metric.difference),
                        signed(metric.ci_low),
                        signed(metric.ci_high)
                    ),
                    text(metric.margin),
                    text(metric.minimum_detectable),
                    words::p(metric.p_regression_adjusted),
                    grouped(cell.n),
                ]
            }
            Self::Failed(cell) => {
                let reason = cell.reason.as_deref().unwrap_or("no numbers");
                [none(), none(), one_line(reason), none(), none(), none(), none()]
            }
            Self::Speed(speed) => {
                let change = words::change;
                let interval = speed.ci_low.zip(speed.ci_high);
                let interval = interval.map(|(l, h)| format!(" [{}, {}]", change(l), change(h)));
                let percent = |fraction: f64| format!("{:.1}%", 100.0 * fraction);
                let p = speed.p_regression_adjusted.or(speed.p_regression);
                [
                    words::measured(&speed.measure, speed.base.value),
                    words::measured(&speed.measure, speed.new.value),
                    format!("{}%{}", change(speed.ratio), interval.unwrap_or_default()),
                    percent(speed.margin),
                    speed.minimum_detectable.map_or_else(none, percent),
                    p.map_or_else(none, words::p),
                    format!("{}+{}", speed.base.repetitions, speed.new.repetitions),
                ]
            }
        }
    }

    /// The difference with its interval, the two values and the margin, in one sentence.
    pub(super) fn sentence(&self) -> String {
        let [base, new, difference, margin, ..] = self.numbers();
        match self {
            Self::Failed(_) => difference,
            Self::Metric(_, metric) => format!(
                "{base} -> {new}, difference {difference} {}, margin {margin}",
                words::unit(&metric.metric)
            ),
            Self::Speed(_) => format!("{base} -> {new}, change {difference}, margin {margin}"),
        }
    }
}

/// A table of lines.
pub(super) fn grid(lines: &[Line<'_>]) -> Grid {
    let columns = vec![
        Column::text("Verdict"),
        Column::text("Cell"),
        Column::text("Metric"),
        Column::number("Base").gives_way(6),
        Column::number("New").gives_way(7),
        Column::number("Difference [interval]"),
        Column::number("Margin").gives_way(5),
        Column::number("Found from").gives_way(3),
        Column::number("p worse").gives_way(4),
        Column::number("n").gives_way(2),
        Column::text("Tier").gives_way(1),
    ];
    let rows = lines.iter().map(|line| {
        let verdict = Cell::toned(line.verdict_text(), words::tone(line.verdict()));
        let head = [verdict, line.label().into(), line.what().into()];
        let tier = words::tier(line.tier());
        let cells = head.into_iter().chain(line.numbers().map(Cell::from));
        cells.chain([Cell::from(tier)]).collect()
    });
    Grid { rows: rows.collect(), columns }
}

/// What the columns are, for below a table.
pub(super) const LEGEND: &str = "metrics in percent and their differences in points (losses in nats), speeds as changes in percent of the base; \
    \"found from\" is the smallest true loss that would be called a regression with a probability of 80%; \"p worse\" is \
    the p-value of not being worse than the margin, corrected for the number of tests where that decides; n: rows, or \
    repetitions of both sides; what is in brackets decides nothing";
