//! Of many simulated data sets, in how many does the interval hold the true value?

use super::*;
use crate::stats::Random;

/// Simulated data sets of each kind; fewer where the code is not optimised.
const SETS: u64 = if cfg!(debug_assertions) { 150 } else { 800 };
/// What 95% may come out as: the standard error of a share of 800 is 0.8%, of 150 it is 1.8%.
const BETWEEN: (f64, f64) = if cfg!(debug_assertions) { (0.90, 0.99) } else { (0.925, 0.975) };

/// The share of data sets whose interval holds `truth`.
fn coverage(truth: f64, interval: impl Fn(&mut Random, u64) -> (f64, f64)) -> f64 {
    let holds = |set: &u64| {
        let (low, high) = interval(&mut Random::stream(2026, *set), *set);
        low <= truth && truth <= high
    };
    (0..SETS).filter(holds).count() as f64 / SETS as f64
}

fn assert_covers(what: &str, share: f64) {
    println!("{what}: {:.1}% of {SETS}", 100.0 * share);
    assert!(BETWEEN.0 <= share && share <= BETWEEN.1, "{what}: {share}");
}

fn interval(
    task: &Task,
    observations: &Observations<'_>,
    clusters: Option<&[u32]>,
    seed: u64,
) -> (f64, f64) {
    let options = IntervalOptions { seed, resamples: 1000 };
    let scores = evaluate(task, &task.labels, observations, clusters, &options).expect("scored");
    let value = &scores.metrics[task.metric.name()];
    (value.ci_low, value.ci_high)
}

/// An index with these probabilities.
fn pick(random: &mut Random, probabilities: &[f64]) -> u32 {
    let mut left = random.unit();
    for (index, p) in (0..).zip(probabilities) {
        left -= p;
        if left < 0.0 {
            return index;
        }
    }
    probabilities.len() as u32 - 1
}

#[test]
fn of_macro_f1() {
    let classes = [0.55, 0.3, 0.15];
    let predicted = [[0.85, 0.1, 0.05], [0.2, 0.7, 0.1], [0.15, 0.25, 0.6]];
    let truth: f64 = (0..3)
        .map(|k| {
            let share: f64 = (0..3).map(|gold| classes[gold] * predicted[gold][k]).sum();
            2.0 * classes[k] * predicted[k][k] / (classes[k] + share) / 3.0
        })
        .sum();
    let task = classification(&[Metric::MacroF1], 3, 0);
    let share = coverage(truth, |random, set| {
        let gold: Vec<u32> = (0..300).map(|_| pick(random, &classes)).collect();
        let predicted: Vec<u32> =
            gold.iter().map(|gold| pick(random, &predicted[*gold as usize])).collect();
        interval(&task, &labels(&gold, &predicted), None, set)
    });
    assert_covers("macro F1 of 300 rows", share);
}

#[test]
fn of_entity_f1() {
    // Sentences are easy or hard, so that the entities of one are not independent.
    let (words, density, found, spurious) = (8, 0.25, [0.5, 0.95], 0.04);
    let correct = density * (found[0] + found[1]) / 2.0;
    let predicted = correct + (1.0 - density) * spurious;
    let truth = 2.0 * correct / (density + predicted);
    let task = task(Kind::TokenClassification, &[Metric::EntityF1], &["O", "B-X"]);
    let share = coverage(truth, |random, set| {
        let (mut gold, mut predicted) = (Vec::new(), Vec::new());
        for _ in 0..200 {
            let found = found[pick(random, &[0.5, 0.5]) as usize];
            let row: Vec<u32> = (0..words).map(|_| u32::from(random.unit() < density)).collect();
            let answer = |gold: &u32| {
                let p = if *gold == 1 { found } else { spurious };
                Some(u32::from(random.unit() < p))
            };
            predicted.push(row.iter().map(answer).collect::<Vec<_>>());
            gold.push(row);
        }
        let observations = Observations::Tags {
            gold: gold.iter().map(Vec::as_slice).collect(),
            predicted: predicted.iter().map(Vec::as_slice).collect(),
        };
        interval(&task, &observations, None, set)
    });
    assert_covers("entity F1 of 200 sentences", share);
}

#[test]
fn of_spearman_and_pearson() {
    // Of a normal pair with correlation r, Spearman's is 6 / pi * asin(r / 2).
    let r: f64 = 0.7;
    let spearman = 6.0 / std::f64::consts::PI * (r / 2.0).asin();
    for (metric, truth) in [(Metric::Spearman, spearman), (Metric::Pearson, r)] {
        let task = task(Kind::SequenceRegression, &[metric], &[]);
        let share = coverage(truth, |random, set| {
            let (mut gold, mut predicted) = (Vec::new(), Vec::new());
            for _ in 0..150 {
                // Box and Muller's pair of normal numbers.
                let radius = (-2.0 * (1.0 - random.unit()).ln()).sqrt();
                let (sin, cos) = (std::f64::consts::TAU * random.unit()).sin_cos();
                gold.push(radius * cos);
                predicted.push(r * radius * cos + (1.0 - r * r).sqrt() * radius * sin);
            }
            let observations = Observations::Values { gold: &gold, predicted: &predicted };
            interval(&task, &observations, None, set)
        });
        assert_covers(&format!("{metric} of 150 rows"), share);
    }
}

#[test]
fn of_accuracy_where_rows_share_sources() {
    let (clusters, size, right) = (150u32, 6, [0.5, 0.95]);
    let truth = (right[0] + right[1]) / 2.0;
    let task = classification(&[Metric::Accuracy], 2, 1);
    let share = |clustered: bool| {
        coverage(truth, |random, set| {
            let (mut numbers, mut predicted) = (Vec::new(), Vec::new());
            for cluster in 0..clusters {
                let p = right[pick(random, &[0.5, 0.5]) as usize];
                for _ in 0..size {
                    numbers.push(cluster);
                    predicted.push(u32::from(random.unit() < p));
                }
            }
            let gold = vec![1; predicted.len()];
            let numbers = clustered.then_some(numbers.as_slice());
            interval(&task, &labels(&gold, &predicted), numbers, set)
        })
    };
    assert_covers("accuracy of 150 clusters of 6 rows", share(true));
    // Why clusters matter: an interval that takes the rows as independent is too narrow.
    let naive = share(false);
    println!("taken as independent rows: {:.1}%", 100.0 * naive);
    assert!(naive < 0.88, "{naive}");
}

/// With many rows a standard error takes the place of the bootstrap: both must agree.
#[test]
fn standard_errors_agree_with_the_bootstrap() {
    use crate::metrics::{LabelObservations, ScoreRows};
    let mut task = classification(&[Metric::Auroc, Metric::LogLoss], 2, 0);
    task.scoring.positive = Some(task.labels[1].id.clone());
    let n = 40_000;
    let mut random = Random::stream(7, 0);
    let gold: Vec<u32> = (0..n).map(|_| pick(&mut random, &[0.7, 0.3])).collect();
    let logits: Vec<f64> = (gold.iter())
        .flat_map(|label| {
            let noise = 4.0 * (random.unit() + random.unit() - 1.0);
            [0.0, noise + if *label == 1 { 1.0 } else { -1.0 }]
        })
        .collect();
    let score = |rows: usize| {
        let observations = Observations::Labels(LabelObservations {
            gold: &gold[..rows],
            predicted: &gold[..rows],
            scores: Some(ScoreRows { values: &logits[..2 * rows], are_logits: true }),
        });
        let options = IntervalOptions { seed: 0, resamples: 2000 };
        evaluate(&task, &task.labels, &observations, None, &options).expect("scored").metrics
    };
    let (half, whole) = (score(n / 2), score(n));
    for (name, method) in [("auroc", "delong"), ("log_loss", "normal")] {
        let (half, whole) = (&half[name], &whole[name]);
        assert_eq!((half.method.as_str(), whole.method.as_str()), ("bootstrap", method));
        // Twice the rows, so an interval that is narrower by the root of two.
        let ratio = (half.ci_high - half.ci_low) / (whole.ci_high - whole.ci_low) / 2f64.sqrt();
        assert!((0.94..1.06).contains(&ratio), "{name}: {ratio}");
        assert!(whole.ci_low < whole.value && whole.value < whole.ci_high);
    }
}
