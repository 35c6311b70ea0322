//! Every metric in its paired form has the value that it has alone, and the interval and the test agree.

use super::*;
use crate::metrics::{IntervalOptions, LabelObservations, Observations, evaluate};
use crate::stats::Random;
use crate::task::Registry;

fn task(name: &str) -> Task {
    Registry::load(&[]).expect("tasks").get(name).expect("a task")
}

fn alone(task: &Task, observations: &Observations<'_>, metric: Metric) -> f64 {
    let options = IntervalOptions { seed: 0, resamples: 10 };
    let scores = evaluate(task, &task.labels, observations, None, &options).expect("scored");
    scores.metrics[metric.name()].value
}

fn below(random: &mut Random, bound: u32) -> u32 {
    random.two_below(bound).0
}

#[test]
fn labels_have_the_values_that_they_have_alone() {
    let mut random = Random::stream(1, 1);
    let mut task = task("nsmc");
    task.scoring.positive = Some("1".into());
    task.metrics.extend([Metric::WeightedF1, Metric::BinaryF1, Metric::MicroF1]);
    let mut draw = |n: u32| (0..500).map(|_| below(&mut random, n)).collect::<Vec<u32>>();
    let (gold, base, new) = (draw(2), draw(2), draw(2));
    let scores: Vec<Vec<f64>> = (0..2)
        .map(|_| draw(1000).iter().chain(&draw(1000)).map(|v| f64::from(*v) / 99.0).collect())
        .collect();
    let rows_of = |values: &'static [f64]| ScoreRows { values, are_logits: true };
    let scores: [ScoreRows<'static>; 2] =
        [rows_of(Vec::leak(scores[0].clone())), rows_of(Vec::leak(scores[1].clone()))];
    let rows = PairedRows::Labels {
        gold: &gold,
        predicted: [&base, &new],
        scores: [Some(scores[0]), Some(scores[1])],
    };
    for metric in task.metrics.clone() {
        let paired = Paired::new(metric, &task, &task.labels, &rows, None).expect("fits");
        let values = paired.expect("there").values();
        for (system, predicted) in [&base, &new].into_iter().enumerate() {
            let observations = Observations::Labels(LabelObservations {
                gold: &gold,
                predicted,
                scores: Some(scores[system]),
            });
            let expected = alone(&task, &observations, metric);
            assert!((values[system] - expected).abs() < 1e-12, "{metric}: {values:?} {expected}");
        }
    }
    // Without scores there is nothing to compare, which is no error.
    let rows = PairedRows::Labels { gold: &gold, predicted: [&base, &new], scores: [None, None] };
    assert!(matches!(Paired::new(Metric::Auroc, &task, &task.labels, &rows, None), Ok(None)));
}

#[test]
fn values_have_the_correlations_that_they_have_alone() {
    let mut random = Random::stream(2, 1);
    let task = task("korsts");
    let gold: Vec<f64> = (0..300).map(|_| f64::from(below(&mut random, 26)) / 5.0).collect();
    let system = |noise: f64, random: &mut Random| -> Vec<f64> {
        gold.iter().map(|gold| gold + noise * random.unit()).collect()
    };
    let (base, new) = (system(3.0, &mut random), system(6.0, &mut random));
    let rows = PairedRows::Values { gold: &gold, predicted: [&base, &new] };
    for metric in [Metric::Spearman, Metric::Pearson] {
        let paired = Paired::new(metric, &task, &[], &rows, None).expect("fits").expect("there");
        for (predicted, value) in [&base, &new].into_iter().zip(paired.values()) {
            let observations = Observations::Values { gold: &gold, predicted };
            assert!((value - alone(&task, &observations, metric)).abs() < 1e-12, "{metric}");
        }
        let estimate = paired.estimate(0.95, 0);
        assert!(estimate.p.lower < 0.01 && estimate.high < 0.0, "{estimate:?}");
        assert_eq!(estimate.interval, IntervalMethod::Linearised);
    }
}

#[test]
fn tags_have_the_values_that_they_have_alone() {
    let mut random = Random::stream(3, 1);
    let task = task("klue_ner");
    let labels = task.labels.len() as u32;
    let mut gold: Vec<Vec<u32>> = Vec::new();
    let mut systems: [Vec<Vec<Option<u32>>>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..200 {
        let words: Vec<u32> = (0..12).map(|_| below(&mut random, labels)).collect();
        for system in &mut systems {
            let own = words.iter().map(|label| match below(&mut random, 10) {
                0 => None,
                1 | 2 => Some(below(&mut random, labels)),
                _ => Some(*label),
            });
            system.push(own.collect());
        }
        gold.push(words);
    }
    let gold: Vec<&[u32]> = gold.iter().map(Vec::as_slice).collect();
    let views: [Vec<&[Option<u32>]>; 2] =
        [&systems[0], &systems[1]].map(|system| system.iter().map(Vec::as_slice).collect());
    let rows = PairedRows::Tags { gold: gold.clone(), predicted: views.clone() };
    for metric in task.metrics.clone() {
        let paired = Paired::new(metric, &task, &task.labels, &rows, None).expect("fits");
        for (predicted, value) in views.iter().zip(paired.expect("there").values()) {
            let observations =
                Observations::Tags { gold: gold.clone(), predicted: predicted.clone() };
            assert!((value - alone(&task, &observations, metric)).abs() < 1e-12, "{metric}");
        }
    }
}

/// Two systems that are right on shares of the rows.
fn right(n: usize, base: impl Fn(usize) -> bool, new: impl Fn(usize) -> bool) -> [Vec<bool>; 2] {
    [(0..n).map(base).collect(), (0..n).map(new).collect()]
}

#[test]
fn the_same_predictions_are_no_difference() {
    let task = task("korquad");
    let [base, _] = right(100, |row| row % 3 > 0, |_| true);
    let f1 = vec![0.5; 100];
    let rows = PairedRows::Answers { exact: [&base, &base], char_f1: [&f1, &f1] };
    for metric in [Metric::ExactMatch, Metric::CharF1] {
        let paired = Paired::new(metric, &task, &[], &rows, None).expect("fits").expect("there");
        let estimate = paired.estimate(0.95, 0);
        assert_eq!((estimate.low, estimate.high, estimate.standard_error), (0.0, 0.0, 0.0));
        assert_eq!(estimate.p.two_sided(), 1.0);
        assert_eq!(estimate.beyond(0.005), crate::stats::OneSided { lower: 1.0, upper: 1.0 });
        // It still has a smallest difference that it would have found: it is never zero.
        assert!(estimate.minimum_detectable(0.0, 0.05, 100) > 0.03);
    }
}

#[test]
fn rows_of_one_source_are_exchanged_together() {
    let task = task("korquad");
    // Thirty sources of ten rows each; the new system loses whole sources.
    let [base, new] = right(300, |_| true, |row| row / 10 % 10 != 0);
    let f1 = vec![1.0; 300];
    let rows = PairedRows::Answers { exact: [&base, &new], char_f1: [&f1, &f1] };
    let of = |clusters: Option<&Clusters>| {
        let paired = Paired::new(Metric::ExactMatch, &task, &[], &rows, clusters);
        paired.expect("fits").expect("there").estimate(0.95, 0)
    };
    let sources: Vec<u32> = (0..300).map(|row| row / 10).collect();
    let (single, together) = (of(None), of(Some(&Clusters::new(&sources))));
    assert_eq!((single.base, single.new), (together.base, together.new));
    assert!(single.p.lower < 1e-6, "{single:?}");
    // Three sources against none: 1/8 of all exchanges, half of it.
    assert!((together.p.lower - 1.0 / 16.0).abs() < 1e-12, "{together:?}");
    assert!(together.high - together.low > 2.0 * (single.high - single.low));
}

#[test]
fn a_margin_makes_both_tests_harder() {
    let task = task("korquad");
    let [base, new] = right(2000, |row| row % 10 > 0, |row| row % 10 > 0 && row % 25 > 0);
    let f1 = vec![1.0; 2000];
    let rows = PairedRows::Answers { exact: [&base, &new], char_f1: [&f1, &f1] };
    let paired =
        Paired::new(Metric::ExactMatch, &task, &[], &rows, None).expect("fits").expect("there");
    let estimate = paired.estimate(0.95, 0);
    assert!((estimate.difference() + 0.02).abs() < 0.003, "{estimate:?}");
    let p = [0.0, 0.005, 0.02, 0.05].map(|margin| estimate.beyond(margin).lower);
    assert!(p.windows(2).all(|pair| pair[0] < pair[1]), "{p:?}");
    assert!(p[1] < 1e-3 && p[3] > 0.999, "{p:?}");
    let detectable = [0.0, 0.01].map(|margin| estimate.minimum_detectable(margin, 0.05, 2000));
    assert!((detectable[1] - detectable[0] - 0.01).abs() < 1e-12);
}

#[test]
fn systems_that_do_not_fit_are_named() {
    let task = task("nsmc");
    let rows =
        PairedRows::Labels { gold: &[0, 1], predicted: [&[0, 1], &[0]], scores: [None, None] };
    let error = Paired::new(Metric::Accuracy, &task, &task.labels, &rows, None).unwrap_err();
    assert_eq!(error, MetricError::Lengths { gold: 2, predicted: 1 });
    let rows =
        PairedRows::Labels { gold: &[0, 1], predicted: [&[0, 1], &[0, 2]], scores: [None, None] };
    let error = Paired::new(Metric::Accuracy, &task, &task.labels, &rows, None).unwrap_err();
    assert_eq!(error, MetricError::Index { row: 1, index: 2, labels: 2 });
}
