//! A score as text for a terminal.

use comfy_table::{CellAlignment, Table};

use crate::metrics::Metric;
use crate::record::MetricValue;
use crate::report::number::{grouped, one_line, percent};
use crate::report::{Look, table};
use crate::score::{JoinedBy, ScoreReport};

/// What was scored, the metrics, and, with `details`, the counts of each label.
pub(super) fn text(report: &ScoreReport, details: bool, look: &Look) -> String {
    let mut text = heading(report);
    text.push_str(&lines(&metrics(report, look)));
    if details && !report.per_class.is_empty() {
        text.push_str(&lines(&classes(report, look)));
    }
    text
}

fn lines(table: &Table) -> String {
    format!("{}\n", table.trim_fmt())
}

fn heading(report: &ScoreReport) -> String {
    let data = match &report.split {
        Some(split) => split.clone(),
        None => one_line(&report.gold.file),
    };
    let joined = match report.predictions.joined_by {
        JoinedBy::Id => "by id",
        JoinedBy::Index => "by index",
        JoinedBy::Line => "by their order",
    };
    let (task, version) = (&report.task, report.task_version);
    let (file, format) = (one_line(&report.predictions.file), report.predictions.format);
    format!("{task} (version {version}), {data}\n{file}: read as {format}, rows matched {joined}\n")
}

/// The task's metrics in the order in which all tables have them.
fn metrics(report: &ScoreReport, look: &Look) -> Table {
    let mut metrics = table(look);
    metrics.set_header(["Metric", "%", "95% interval", "n", "Interval by"]);
    let place = |name: &str| Metric::ALL.iter().position(|metric| metric.name() == name);
    let mut sorted: Vec<(&String, &MetricValue)> = report.metrics.iter().collect();
    sorted.sort_by_key(|(name, _)| place(name));
    for (name, metric) in sorted {
        // Nats are no percentage.
        let show = if name == Metric::LogLoss.name() { nats } else { percent };
        let interval = format!("[{}, {}]", show(metric.ci_low), show(metric.ci_high));
        metrics.add_row([
            name.clone(),
            show(metric.value),
            interval,
            grouped(metric.n),
            one_line(&metric.method),
        ]);
    }
    align_right(&mut metrics, 1..4);
    metrics
}

fn nats(value: f64) -> String {
    format!("{value:.4} nats")
}

fn classes(report: &ScoreReport, look: &Look) -> Table {
    let mut classes = table(look);
    classes.set_header([
        "Label",
        "Name",
        "Support",
        "Predicted",
        "Correct",
        "Precision %",
        "Recall %",
        "F1 %",
    ]);
    for class in &report.per_class {
        let ratio = |of: u64| (of > 0).then(|| class.correct as f64 / of as f64);
        // 2PR / (P + R) is 2 * correct / (predicted + support).
        let both = class.support + class.predicted;
        let f1 = (both > 0).then(|| 2.0 * class.correct as f64 / both as f64);
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
        classes.add_row([
            one_line(&class.label),
            one_line(&class.name),
            grouped(class.support),
            grouped(class.predicted),
            grouped(class.correct),
            show(ratio(class.predicted)),
            show(ratio(class.support)),
            show(f1),
        ]);
    }
    align_right(&mut classes, 2..8);
    classes
}

fn align_right(table: &mut Table, columns: std::ops::Range<usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}
