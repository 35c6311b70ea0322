//! Metrics, and what they need to know of the task.

use super::{Problem, ensure};
use crate::task::{Kind, Task};

pub(super) fn check(task: &Task) -> Result<(), Problem> {
    let scoring = &task.scoring;
    let at = |key| ["scoring", key];
    let regression = task.kind == Kind::SequenceRegression;
    if let Some(positive) = &scoring.positive {
        let known = task.labels_file.is_some() || task.label_index(positive).is_some();
        ensure(known, &at("positive"), || {
            format!("`{positive}` is none of the labels: {}", task.label_list())
        })?;
    }
    if let Some([low, high]) = scoring.range {
        ensure(regression, &at("range"), || only_regression("range", task.kind))?;
        ensure(low.is_finite() && high.is_finite() && low < high, &at("range"), || {
            format!("`range` is the smallest and the largest gold value, not [{low}, {high}]")
        })?;
    }
    if let Some(threshold) = scoring.threshold {
        ensure(regression, &at("threshold"), || only_regression("threshold", task.kind))?;
        let within = scoring.range.is_none_or(|[low, high]| (low..=high).contains(&threshold));
        ensure(threshold.is_finite() && within, &at("threshold"), || {
            format!("`threshold` {threshold} is no value that lies within the range")
        })?;
    }
    ensure(scoring.batch_size != Some(0), &at("batch_size"), || {
        "a batch has at least one row".to_owned()
    })?;
    for metric in &task.metrics {
        let fits = metric.fits(task.kind, task);
        ensure(fits.is_ok(), &["metrics"], || {
            format!("`{}` {}", metric.name(), fits.err().unwrap_or_default())
        })?;
    }
    ensure(task.metrics.contains(&task.metric), &["metric"], || {
        format!("`{}` is not among the metrics", task.metric.name())
    })
}

fn only_regression(key: &str, kind: Kind) -> String {
    format!("`{key}` is for sequence_regression, and the task is {}", kind.name())
}
