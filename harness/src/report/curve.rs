//! The course of a training as an SVG: the loss of each step, and what evaluations on the way gave.

use std::fmt::Write as _;

use crate::record::{EvaluationRecord, TrainingStep};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 56.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
/// Points of the line at most; steps between them are averaged.
const POINTS: usize = 600;
/// Weight of the past in the smoothed line.
const PAST: f64 = 0.95;

/// A picture of a training: `steps` as logged, `evaluations` in the order in which they were made.
///
/// The loss (left axis) is drawn twice, step by step and smoothed: an exponential mean whose start is
/// corrected as Adam's moments are. Evaluations (right axis) are dots, joined for each split.
pub fn training_curve(
    title: &str,
    steps: &[TrainingStep],
    evaluations: &[EvaluationRecord],
) -> String {
    let last = steps.last().map_or(1, |step| step.step).max(1) as f64;
    let losses = thinned(steps);
    let smooth = smoothed(&losses);
    let top = losses.iter().map(|(_, loss)| *loss).fold(f64::MIN_POSITIVE, f64::max);
    let x = |step: f64| LEFT + (WIDTH - LEFT - RIGHT) * step / last;
    let y = |share: f64| HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share.clamp(0.0, 1.0);
    let line = |points: &[(f64, f64)], of: f64| {
        points.iter().fold(String::new(), |mut line, (step, value)| {
            let _ = write!(line, "{:.1},{:.1} ", x(*step), y(value / of));
            line
        })
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{title}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-weight=\"bold\">{title}</text>\n",
        title = escaped(title)
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let at = y(share);
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{:.2}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at + 4.0,
            top * share
        );
    }
    for share in [0.0, 0.5, 1.0] {
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{:.0}</text>",
            x(last * share),
            HEIGHT - BOTTOM + 18.0,
            last * share
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"{}\">step</text>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#9db7d5\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#1f5fa8\" stroke-width=\"2\"/>",
        HEIGHT - 8.0,
        line(&losses, top),
        line(&smooth, top)
    );
    dots(&mut svg, evaluations, &x, &y);
    svg.push_str("</svg>\n");
    svg
}

/// The evaluations on the right axis, which goes from 0 to 1.
fn dots(
    svg: &mut String,
    evaluations: &[EvaluationRecord],
    x: &dyn Fn(f64) -> f64,
    y: &dyn Fn(f64) -> f64,
) {
    let Some(first) = evaluations.first() else { return };
    let mut splits: Vec<&str> = Vec::new();
    for evaluation in evaluations {
        if !splits.contains(&evaluation.split.as_str()) {
            splits.push(&evaluation.split);
        }
    }
    for share in [0.0, 0.5, 1.0] {
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\">{:.0}%</text>",
            WIDTH - RIGHT + 6.0,
            y(share) + 4.0,
            100.0 * share
        );
    }
    for (split, colour) in splits.iter().zip(["#c2410c", "#15803d", "#7e22ce"].iter().cycle()) {
        let mut line = String::new();
        for e in evaluations.iter().filter(|e| e.split == *split) {
            let (x, y) = (x(e.step as f64), y(e.value));
            let _ = write!(line, "{x:.1},{y:.1} ");
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"><title>step {}: {:.2}%</title></circle>",
                e.step,
                100.0 * e.value
            );
        }
        let _ = writeln!(
            svg,
            "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-dasharray=\"3 3\"/>"
        );
    }
    let legend: Vec<String> =
        splits.iter().map(|split| format!("{} on {split}", first.metric)).collect();
    let _ = writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">loss (line), {} (dots)</text>",
        WIDTH - RIGHT,
        HEIGHT - 8.0,
        escaped(&legend.join(", "))
    );
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

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
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
        for picture in
            [whole, training_curve("", &[], &[]), training_curve("", &[step(1, 0.0)], &[])]
        {
            assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
            assert!(!picture.contains("NaN") && !picture.contains("inf"), "{picture}");
        }
    }
}
