//! One line a value, for spreadsheets and scripts. Metrics are fractions, with all digits.

use crate::error::Error;
use crate::history::History;

const HEADER: [&str; 21] = [
    "model",
    "task",
    "task_version",
    "split",
    "recipe",
    "seed",
    "variant",
    "scenario",
    "metric",
    "run",
    "created_at",
    "kobench_version",
    "git_revision",
    "value",
    "ci_low",
    "ci_high",
    "id",
    "stretch",
    "p_value",
    "is_better",
    "changed_inputs",
];

/// `stretch` counts from 0 and goes up at each change; the columns after it are filled in where one begins.
pub(super) fn render(history: &History) -> Result<String, Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let io = |error: csv::Error| Error::Output(error.into());
    writer.write_record(HEADER).map_err(io)?;
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    for series in &history.series {
        for (index, point) in series.points.iter().enumerate() {
            let run = history.runs.get(point.run);
            let stretch = series.changes.iter().filter(|change| change.at <= index).count();
            let change = series.changes.iter().find(|change| change.at == index);
            let record: [String; 21] = [
                series.key.model.clone(),
                series.key.task.clone(),
                series.key.task_version.to_string(),
                series.key.split.clone(),
                text(&series.key.recipe),
                series.key.seed.map(|seed| seed.to_string()).unwrap_or_default(),
                text(&series.variant),
                text(&series.scenario),
                series.metric.clone(),
                run.map(|run| run.path.clone()).unwrap_or_default(),
                run.map(|run| run.created_at.clone()).unwrap_or_default(),
                run.map(|run| run.kobench_version.clone()).unwrap_or_default(),
                run.and_then(|run| run.git_revision.clone()).unwrap_or_default(),
                point.value.to_string(),
                number(point.ci_low),
                number(point.ci_high),
                point.id.clone(),
                stretch.to_string(),
                number(change.map(|change| change.p_value)),
                change.map(|change| change.is_better.to_string()).unwrap_or_default(),
                change.map(|change| change.changed_inputs.join(" ")).unwrap_or_default(),
            ];
            writer.write_record(&record).map_err(io)?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| Error::Output(error.into_error()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
