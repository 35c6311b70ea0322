//! One line a cell and metric, for spreadsheets and scripts. Metrics are fractions, with all digits.

use super::super::number::seed_list;
use super::{Entry, Leaderboard};
use crate::error::Error;

const HEADER: [&str; 34] = [
    "model",
    "task",
    "task_version",
    "split",
    "recipe",
    "seed",
    "metric",
    "value",
    "ci_low",
    "ci_high",
    "n",
    "rows_per_second",
    "tokens_per_second",
    "device",
    "precision",
    "threads",
    "max_seq_len",
    "limit",
    "plugin",
    "plugin_version",
    "data_verified",
    "selection_policy",
    "status",
    "cause",
    "warnings",
    "id",
    "primary",
    "metric_n",
    "interval",
    "seeds",
    "seed_list",
    "deviation",
    "half_width_seeds",
    "half_width_examples",
];

pub(super) fn render(leaderboard: &Leaderboard) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let io = |error: csv::Error| Error::Output(error.into());
    writer.write_record(HEADER).map_err(io)?;
    for Entry { row, metric, .. } in &leaderboard.entries {
        let shown = row.metrics.get(metric);
        let spread = shown.and_then(|metric| metric.seeds.as_ref());
        let value = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
        let count = |count: Option<u64>| count.map(|count| count.to_string()).unwrap_or_default();
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let record: [String; 34] = [
            row.key.model.clone(),
            row.key.task.clone(),
            row.key.task_version.to_string(),
            row.key.split.clone(),
            text(&row.key.recipe),
            count(row.key.seed),
            metric.clone(),
            value(shown.map(|metric| metric.value)),
            value(shown.map(|metric| metric.ci_low)),
            value(shown.map(|metric| metric.ci_high)),
            row.n.to_string(),
            value(row.rows_per_second),
            value(row.tokens_per_second),
            row.device.clone(),
            row.precision.clone(),
            row.threads.to_string(),
            row.max_seq_len.to_string(),
            count(row.limit),
            row.plugin.clone(),
            row.plugin_version.clone(),
            row.data_verified.to_string(),
            text(&row.selection_policy),
            row.status.to_owned(),
            text(&row.cause),
            row.warnings.join("; "),
            row.id.clone(),
            (*metric == row.primary_metric).to_string(),
            count(shown.map(|metric| metric.n)),
            shown.map(|metric| metric.method.clone()).unwrap_or_default(),
            spread.map(|s| s.seeds.len().to_string()).unwrap_or_default(),
            spread.map(|s| seed_list(s, " ")).unwrap_or_default(),
            value(spread.map(|s| s.deviation)),
            value(spread.map(|s| s.half_width_seeds)),
            value(spread.map(|s| s.half_width_examples)),
        ];
        writer.write_record(&record).map_err(io)?;
    }
    let bytes = writer.into_inner().map_err(|error| Error::Output(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
