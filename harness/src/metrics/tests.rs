//! Metrics against their references, and what holds for every input.

mod coverage;
mod goldens;
mod korquad;
mod properties;
mod refusals;
mod speed;

use super::*;
use crate::task::{Kind, Registry};

/// A task of this kind with these metrics and labels, and nothing said about its scoring.
fn task(kind: Kind, metrics: &[Metric], labels: &[&str]) -> Task {
    let mut task = Registry::load(&[]).expect("loads").get("nsmc").expect("is there");
    let label = |id: &&str| Label { id: (*id).to_owned(), name: format!("name of {id}") };
    task.kind = kind;
    task.labels = labels.iter().map(label).collect();
    task.metric = metrics[0];
    task.metrics = metrics.to_vec();
    task.scoring = crate::task::Scoring::default();
    task
}

/// A classification into `labels` labels, named by their indices, of which `positive` is the positive one.
fn classification(metrics: &[Metric], labels: u32, positive: u32) -> Task {
    let ids: Vec<String> = (0..labels).map(|label| label.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut task = task(Kind::SequenceClassification, metrics, &ids);
    task.scoring.positive = Some(positive.to_string());
    task
}

fn with_resamples(resamples: u32) -> IntervalOptions {
    IntervalOptions { seed: 7, resamples }
}

fn run(
    task: &Task,
    observations: &Observations<'_>,
    clusters: Option<&[u32]>,
    resamples: u32,
) -> Result<Scores, MetricError> {
    evaluate(task, &task.labels, observations, clusters, &with_resamples(resamples))
}

fn labels<'a>(gold: &'a [u32], predicted: &'a [u32]) -> Observations<'a> {
    Observations::Labels(LabelObservations { gold, predicted, scores: None })
}

/// The value of a metric that must be there.
fn value(scores: &Scores, metric: Metric) -> f64 {
    let found = scores.metrics.get(metric.name());
    found.unwrap_or_else(|| panic!("{metric} is missing: {:?}", scores.notes)).value
}
