//! A score as text for a terminal.

use std::ops::Range;

use comfy_table::{CellAlignment, Table};

use crate::metrics::Metric;
use crate::published::Against;
use crate::record::{MetricValue, PerClass, PerEntity};
use crate::report::number::{grouped, is_fraction, one_line, percent};
use crate::report::{Look, table};
use crate::score::{JoinedBy, ScoreReport};

/// What was scored, the metrics, and, with `details`, the counts of each label.
pub(super) fn text(report: &ScoreReport, details: bool, look: &Look) -> String {
    let mut text = heading(report);
    text.push_str(&metrics(report, look));
    if !report.published.is_empty() {
        text.push_str(&published(report, look));
    }
    if details && !report.per_class.is_empty() {
        text.push_str(&classes(report, look));
    }
    if details && !report.per_entity.is_empty() {
        text.push_str(&entities(report, look));
    }
    text
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
fn metrics(report: &ScoreReport, look: &Look) -> String {
    let place = |name: &str| Metric::ALL.iter().position(|metric| metric.name() == name);
    let mut sorted: Vec<(&String, &MetricValue)> = report.metrics.iter().collect();
    sorted.sort_by_key(|(name, _)| place(name));
    let row = |(name, metric): (&String, &MetricValue)| {
        // Nats are no percentage.
        let show = if is_fraction(name) { percent } else { nats };
        vec![
            name.clone(),
            show(metric.value),
            format!("[{}, {}]", show(metric.ci_low), show(metric.ci_high)),
            grouped(metric.n),
            method(metric),
        ]
    };
    let columns = Columns {
        header: &["Metric", "%", "95% interval", "n", "Interval by"],
        numbers: 1..4,
        give_way: &[4, 3],
    };
    columns.table(&sorted.into_iter().map(row).collect::<Vec<_>>(), look)
}

fn nats(value: f64) -> String {
    format!("{value:.4} nats")
}

fn classes(report: &ScoreReport, look: &Look) -> String {
    let row = |class: &PerClass| {
        let ratio = |of: u64| (of > 0).then(|| class.correct as f64 / of as f64);
        // 2PR / (P + R) is 2 * correct / (predicted + support).
        let both = class.support + class.predicted;
        let f1 = (both > 0).then(|| 2.0 * class.correct as f64 / both as f64);
        let show = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), percent);
        let name = match class.name.as_str() {
            name if name.is_empty() || name == class.label => class.label.clone(),
            name => format!("{} ({name})", class.label),
        };
        vec![
            one_line(&name),
            grouped(class.support),
            grouped(class.predicted),
            grouped(class.correct),
            show(ratio(class.predicted)),
            show(ratio(class.support)),
            show(f1),
        ]
    };
    let columns = Columns {
        header: &["Label", "Support", "Predicted", "Correct", "Precision %", "Recall %", "F1 %"],
        numbers: 1..7,
        give_way: &[3, 2, 1],
    };
    columns.table(&report.per_class.iter().map(row).collect::<Vec<_>>(), look)
}

/// What was published, and whether the score agrees with it.
fn published(report: &ScoreReport, look: &Look) -> String {
    let row = |against: &Against| {
        vec![
            against.metric.clone(),
            against.published.clone(),
            format!("{:+.2}", against.judgement.difference_points),
            against.judgement.verdict.to_string(),
            against.generation.to_string(),
            one_line(&against.selection),
            against.sources.join(", "),
        ]
    };
    let columns = Columns {
        header: &[
            "Metric",
            "Published",
            "Diff.",
            "Verdict",
            "Gen.",
            "Published checkpoint",
            "Sources",
        ],
        numbers: 1..3,
        give_way: &[6, 5, 4],
    };
    columns.table(&report.published.iter().map(row).collect::<Vec<_>>(), look)
}

/// `bootstrap, 10,000 resamples of 964 clusters`
fn method(metric: &MetricValue) -> String {
    let mut text = one_line(&metric.method).replace('_', " ");
    if let Some(resamples) = metric.resamples {
        text.push_str(&format!(", {} resamples", grouped(resamples.into())));
    }
    if let Some(clusters) = metric.clusters {
        text.push_str(&format!(" of {} clusters", grouped(clusters)));
    }
    text
}

fn entities(report: &ScoreReport, look: &Look) -> String {
    let row = |entity: &PerEntity| {
        vec![
            one_line(&entity.kind),
            grouped(entity.support),
            grouped(entity.predicted),
            grouped(entity.correct),
            percent(entity.precision),
            percent(entity.recall),
            percent(entity.f1),
        ]
    };
    let columns = Columns {
        header: &["Entity", "Support", "Predicted", "Correct", "Precision %", "Recall %", "F1 %"],
        numbers: 1..7,
        give_way: &[3, 2, 1],
    };
    columns.table(&report.per_entity.iter().map(row).collect::<Vec<_>>(), look)
}

/// The columns of a table.
struct Columns<'a> {
    header: &'a [&'a str],
    /// Those that hold numbers, and are aligned to the right.
    numbers: Range<usize>,
    /// Those that give way on a narrow terminal, the first first; `--format json` has them all.
    give_way: &'a [usize],
}

impl Columns<'_> {
    /// The table, as narrow as the terminal where columns that give way make it so.
    fn table(&self, rows: &[Vec<String>], look: &Look) -> String {
        let mut shown: Vec<usize> = (0..self.header.len()).collect();
        let mut give_way = self.give_way.iter();
        loop {
            let wide = self.build(rows, &shown, &Look { width: None, ..*look });
            let width = wide.lines().next().map_or(0, |line| line.chars().count());
            match (look.width, give_way.next()) {
                (Some(most), Some(column)) if width > usize::from(most) => {
                    shown.retain(|other| other != column);
                }
                // Breaking words is the last resort.
                _ => break format!("{}\n", self.build(rows, &shown, look).trim_fmt()),
            }
        }
    }

    fn build(&self, rows: &[Vec<String>], shown: &[usize], look: &Look) -> Table {
        let mut table = table(look);
        table.set_header(shown.iter().map(|column| self.header[*column]));
        for row in rows {
            table.add_row(shown.iter().map(|column| &row[*column]));
        }
        for (place, _) in
            shown.iter().enumerate().filter(|(_, column)| self.numbers.contains(column))
        {
            if let Some(column) = table.column_mut(place) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_give_way_before_words_break() {
        let columns =
            Columns { header: &["Label", "Support", "F1"], numbers: 1..3, give_way: &[1] };
        let rows = [vec!["긍정".to_owned(), "12".to_owned(), "9.00".to_owned()]];
        let table = |width| columns.table(&rows, &Look { width, colour: false });
        assert!(table(None).contains("Support") && table(Some(30)).contains("Support"));
        let narrow = table(Some(20));
        assert!(
            !narrow.contains("Support") && narrow.contains("긍정") && narrow.contains("F1"),
            "{narrow}"
        );
        assert!(narrow.lines().all(|line| line.chars().count() <= 20), "{narrow}");
    }
}
