//! The course of a training as an SVG: the loss of each step, and what evaluations on the way gave.

use crate::plot::{Axis, LinePoint, LineSeries, LineStyle, Lines, Ranged, Scale};
use crate::record::{EvaluationRecord, TrainingStep};

use super::number::{is_fraction, metric_text};

/// Points of the line at most; steps between them are averaged.
const POINTS: usize = 600;
/// Weight of the past in the smoothed line.
const PAST: f64 = 0.95;

/// A picture of a training as a file: `steps` as logged, `evaluations` in the order in which they were made.
pub fn training_curve(
    title: &str,
    steps: &[TrainingStep],
    evaluations: &[EvaluationRecord],
) -> String {
    training_lines(title, steps, evaluations).svg() + "\n"
}

/// The same as a chart.
///
/// The loss (left axis) is drawn twice, step by step and smoothed: an exponential mean whose start is
/// corrected as Adam's moments are. Evaluations (right axis) are dots, joined for each split.
pub fn training_lines(
    title: &str,
    steps: &[TrainingStep],
    evaluations: &[EvaluationRecord],
) -> Lines {
    let losses = thinned(steps);
    let loss = |style, points: &[(f64, f64)]| LineSeries {
        label: "training loss".to_owned(),
        style,
        on_right: false,
        points: points.iter().map(|(step, loss)| point(*step, *loss, String::new())).collect(),
    };
    let mut series =
        vec![loss(LineStyle::Faint, &losses), loss(LineStyle::Line, &smoothed(&losses))];
    for split in splits(evaluations) {
        series.extend(of_split(evaluations, split));
    }
    let axis =
        |label: &str, percent| Axis { label: label.to_owned(), scale: Scale::Linear, percent };
    Lines {
        title: title.to_owned(),
        description: description(steps, evaluations),
        x: axis("step", false),
        y: axis("training loss", false),
        right: evaluations.first().map(|first| axis(&first.metric, is_fraction(&first.metric))),
        series,
        marks: Vec::new(),
        ticks: Vec::new(),
    }
}

fn point(x: f64, value: f64, title: String) -> LinePoint {
    LinePoint { x, y: Ranged::from(value), title }
}

fn splits(evaluations: &[EvaluationRecord]) -> Vec<&str> {
    let mut splits: Vec<&str> = Vec::new();
    for evaluation in evaluations {
        if !splits.contains(&evaluation.split.as_str()) {
            splits.push(&evaluation.split);
        }
    }
    splits
}

/// The evaluations on one split: a line under dots.
fn of_split(evaluations: &[EvaluationRecord], split: &str) -> [LineSeries; 2] {
    let of = || evaluations.iter().filter(|evaluation| evaluation.split == split);
    let label = of().next().map_or_else(String::new, |e| format!("{} on {split}", e.metric));
    let points = |titled: bool| {
        of().map(move |e| {
            let value = metric_text(&e.metric, e.value);
            let sign = if is_fraction(&e.metric) { "%" } else { "" };
            let title =
                if titled { format!("step {}: {value}{sign}", e.step) } else { String::new() };
            point(e.step as f64, e.value, title)
        })
    };
    [(LineStyle::Dashed, false), (LineStyle::Dots, true)].map(|(style, titled)| LineSeries {
        label: label.clone(),
        style,
        on_right: true,
        points: points(titled).collect(),
    })
}

/// What the picture shows, for those who cannot see it.
fn description(steps: &[TrainingStep], evaluations: &[EvaluationRecord]) -> String {
    let mut text = match (steps.first(), smoothed(&thinned(steps)).last()) {
        (Some(first), Some((step, loss))) => format!(
            "The training loss, {:.4} at step {}, is {loss:.4} (smoothed) at step {step:.0}.",
            first.loss, first.step
        ),
        _ => "No steps.".to_owned(),
    };
    for split in splits(evaluations) {
        if let Some(last) = evaluations.iter().rev().find(|e| e.split == split) {
            let value = metric_text(&last.metric, last.value);
            text += &format!(" {} on {split} at step {}: {value}.", last.metric, last.step);
        }
    }
    text
}

/// Steps and losses, neighbours averaged where there are more than [`POINTS`].
fn thinned(steps: &[TrainingStep]) -> Vec<(f64, f64)> {
    let group = steps.len().div_ceil(POINTS).max(1);
    steps
        .chunks(group)
        .map(|chunk| {
            let n = chunk.len() as f64;
            let mean = |f: fn(&TrainingStep) -> f64| chunk.iter().map(f).sum::<f64>() / n;
            (mean(|s| s.step as f64), mean(|s| s.loss))
        })
        .collect()
}

fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (mut mean, mut weight) = (0.0, 0.0);
    points
        .iter()
        .map(|&(step, loss)| {
            mean = PAST * mean + (1.0 - PAST) * loss;
            weight = PAST * weight + (1.0 - PAST);
            (step, mean / weight)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, loss: f64) -> TrainingStep {
        TrainingStep {
            step,
            epoch: 0.0,
            loss,
            lr: 0.0,
            grad_norm: None,
            rows: 1,
            tokens: 1,
            seconds: 0.0,
            parts: None,
        }
    }

    #[test]
    fn the_smoothed_line_begins_where_the_losses_do_and_follows_them() {
        let points: Vec<(f64, f64)> = (0..400).map(|i| (f64::from(i), 2.0)).collect();
        assert!(smoothed(&points).iter().all(|(_, loss)| (loss - 2.0).abs() < 1e-12));
        let falling: Vec<(f64, f64)> =
            (0..400).map(|i| (f64::from(i), f64::from(400 - i))).collect();
        let line = smoothed(&falling);
        assert!(line.windows(2).all(|pair| pair[1].1 < pair[0].1));
    }

    #[test]
    fn long_trainings_are_thinned_without_losing_their_mean() {
        let steps: Vec<TrainingStep> = (1..=6001).map(|n| step(n, n as f64)).collect();
        let points = thinned(&steps);
        assert!(points.len() <= POINTS, "{}", points.len());
        assert_eq!(points[0], (6.0, 6.0));
    }

    #[test]
    fn the_picture_is_whole_for_any_training() {
        let evaluation = EvaluationRecord {
            step: 2,
            epoch: 1.0,
            split: "dev <held out>".into(),
            metric: "accuracy".into(),
            value: 0.75,
        };
        let whole = training_curve("a & b", &[step(1, 0.7), step(2, 0.5)], &[evaluation]);
        assert!(whole.contains("a &amp; b") && whole.contains("dev &lt;held out&gt;"), "{whole}");
        assert!(whole.contains("step 2: 75.00%"));
        assert_eq!(whole.matches("<circle").count(), 1, "a dot for each evaluation");
        for picture in
            [whole, training_curve("", &[], &[]), training_curve("", &[step(1, 0.0)], &[])]
        {
            assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
            assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        }
    }
}
