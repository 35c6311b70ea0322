//! A leaderboard as CSV, for a spreadsheet: fractions in full, not percent.

use super::row::Leaderboard;

impl Leaderboard {
    /// The rows as CSV with a header.
    ///
    /// # Errors
    /// The writer's; writing to memory has none in practice.
    pub fn csv(&self) -> Result<String, csv::Error> {
        let mut to = csv::Writer::from_writer(Vec::new());
        to.write_record([
            "model",
            "task",
            "split",
            "recipe",
            "seed",
            "status",
            "cause",
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
            "plugin",
            "plugin_version",
            "id",
        ])?;
        let number = |v: Option<f64>| v.map(|v| v.to_string()).unwrap_or_default();
        for row in &self.rows {
            let m = row.primary();
            to.write_record([
                row.model.clone(),
                row.task.clone(),
                row.split.clone(),
                row.recipe.clone().unwrap_or_default(),
                row.seed.map(|s| s.to_string()).unwrap_or_default(),
                row.status.to_string(),
                row.cause.clone().unwrap_or_default(),
                row.primary_metric.clone(),
                number(m.map(|m| m.value)),
                number(m.map(|m| m.ci_low)),
                number(m.map(|m| m.ci_high)),
                row.n.to_string(),
                number(row.rows_per_second),
                number(row.tokens_per_second),
                row.device.clone(),
                row.precision.clone(),
                row.threads.to_string(),
                row.plugin.clone(),
                row.plugin_version.clone(),
                row.id.clone(),
            ])?;
        }
        let bytes = to.into_inner().map_err(csv::IntoInnerError::into_error)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
