//! Values against what seqeval, scikit-learn, scipy and KorQuAD's evaluation gave
//! (tests/goldens/make_metrics.py).

use serde_json::Value;

use super::*;
use crate::task::TagScheme;

const GOLDENS: &str = include_str!("../../../../tests/goldens/metrics.jsonl");

fn cases(kind: &str) -> Vec<Value> {
    // At \n alone: texts hold other line ends.
    let lines = GOLDENS.split('\n').filter(|line| !line.is_empty());
    let all = lines.map(|line| serde_json::from_str::<Value>(line).expect("a golden is JSON"));
    let cases: Vec<Value> = all.filter(|case| case["kind"] == kind).collect();
    assert!(!cases.is_empty(), "no goldens of kind {kind}");
    cases
}

fn read<T: serde::de::DeserializeOwned>(case: &Value, key: &str) -> T {
    let value = case.get(key).cloned().unwrap_or(Value::Null);
    serde_json::from_value(value).unwrap_or_else(|e| panic!("{key} of {}: {e}", case["name"]))
}

/// How near a value must be.
#[derive(Clone, Copy)]
enum Near {
    Bits,
    Relative(f64),
}

fn assert_value(case: &Value, scores: &Scores, metric: Metric, expected: f64, near: Near) {
    let found = value(scores, metric);
    let name = &case["name"];
    match near {
        Near::Bits => {
            assert_eq!(found.to_bits(), expected.to_bits(), "{name}: {metric} {found} {expected}");
        }
        Near::Relative(by) => assert!(
            (found - expected).abs() <= by * expected.abs().max(1.0),
            "{name}: {metric} {found} {expected}"
        ),
    }
    let interval = &scores.metrics[metric.name()];
    let (low, high) = metric.range();
    assert!(low <= interval.ci_low && interval.ci_low <= found, "{name}: {metric} {interval:?}");
    assert!(found <= interval.ci_high && interval.ci_high <= high, "{name}: {metric} {interval:?}");
}

const OF_LABELS: [Metric; 5] =
    [Metric::Accuracy, Metric::MacroF1, Metric::MicroF1, Metric::WeightedF1, Metric::BinaryF1];

#[test]
fn labels_are_scikit_learns_to_the_last_bit() {
    for case in cases("labels") {
        let (gold, predicted): (Vec<u32>, Vec<u32>) =
            (read(&case, "gold"), read(&case, "predicted"));
        let task = classification(&OF_LABELS, read(&case, "labels"), read(&case, "positive"));
        let scores = run(&task, &labels(&gold, &predicted), None, 50).expect("scored");
        for metric in OF_LABELS {
            let expected = read(&case["values"], metric.name());
            assert_value(&case, &scores, metric, expected, Near::Bits);
        }
    }
}

#[test]
fn scores_are_scikit_learns() {
    let mut checked = [0, 0];
    for case in cases("labels") {
        let Some(logits) = read::<Option<Vec<Vec<f64>>>>(&case, "logits") else { continue };
        let (gold, predicted): (Vec<u32>, Vec<u32>) =
            (read(&case, "gold"), read(&case, "predicted"));
        let count: u32 = read(&case, "labels");
        let mut metrics = vec![Metric::LogLoss];
        metrics.extend((count == 2).then_some(Metric::Auroc));
        let task = classification(&metrics, count, 1);
        let probabilities: Vec<Vec<f64>> = read(&case, "probabilities");
        for (rows, expected, are_logits) in
            [(logits, &case["values"], true), (probabilities, &case["rounded"], false)]
        {
            let values = rows.concat();
            let scores = Some(ScoreRows { values: &values, are_logits });
            let observations = Observations::Labels(LabelObservations {
                gold: &gold,
                predicted: &predicted,
                scores,
            });
            let scores = run(&task, &observations, None, 50).expect("scored");
            let near = Near::Relative(1e-12);
            assert_value(&case, &scores, Metric::LogLoss, read(expected, "log_loss"), near);
            checked[0] += 1;
            match read::<Option<f64>>(expected, "auroc") {
                Some(expected) => {
                    assert_value(&case, &scores, Metric::Auroc, expected, near);
                    checked[1] += 1;
                }
                None if count == 2 => {
                    assert!(!scores.metrics.contains_key("auroc"));
                    let said = scores.notes.iter().any(|note| note.contains("same gold label"));
                    assert!(said, "{:?}", scores.notes);
                }
                None => {}
            }
        }
    }
    assert_eq!(checked, [10, 4]);
}

#[test]
fn batches_weigh_alike() {
    for case in cases("batches") {
        let (gold, predicted): (Vec<u32>, Vec<u32>) =
            (read(&case, "gold"), read(&case, "predicted"));
        let mut task = classification(&[Metric::MeanBatchAccuracy], 3, 0);
        task.scoring.batch_size = Some(read(&case, "size"));
        let scores = run(&task, &labels(&gold, &predicted), None, 50).expect("scored");
        let expected = read(&case, "mean_batch_accuracy");
        assert_value(&case, &scores, Metric::MeanBatchAccuracy, expected, Near::Relative(1e-15));
    }
}

#[test]
fn values_are_scipys() {
    let mut constant = 0;
    for case in cases("values") {
        let (gold, predicted): (Vec<f64>, Vec<f64>) =
            (read(&case, "gold"), read(&case, "predicted"));
        let observations = Observations::Values { gold: &gold, predicted: &predicted };
        let mut task = task(Kind::SequenceRegression, &OF_LABELS, &[]);
        task.scoring.threshold = read(&case, "threshold");
        let scores = run(&task, &observations, None, 50).expect("scored");
        for metric in OF_LABELS {
            let expected = read(&case["values"], metric.name());
            assert_value(&case, &scores, metric, expected, Near::Bits);
        }
        for metric in [Metric::Pearson, Metric::Spearman] {
            task.metrics = vec![metric];
            let scores = run(&task, &observations, None, 50);
            match read::<Option<f64>>(&case["values"], metric.name()) {
                Some(expected) => {
                    let scores = scores.expect("scored");
                    assert_value(&case, &scores, metric, expected, Near::Relative(1e-12));
                }
                None => {
                    constant += 1;
                    assert!(matches!(scores, Err(MetricError::Constant { .. })), "{scores:?}");
                }
            }
        }
    }
    assert_eq!(constant, 6);
}

const OF_TAGS: [Metric; 6] = [
    Metric::EntityF1,
    Metric::EntityF1Strict,
    Metric::EntityF1Visible,
    Metric::EntityMacroF1,
    Metric::CharacterMacroF1,
    Metric::CharacterMacroF1WithO,
];

#[test]
fn tags_are_seqevals_to_the_last_bit() {
    for case in cases("tags") {
        let ids: Vec<String> = read(&case, "labels");
        let index = |id: &String| ids.iter().position(|label| label == id).expect("a label") as u32;
        let gold: Vec<Vec<String>> = read(&case, "gold");
        let predicted: Vec<Vec<Option<String>>> = read(&case, "predicted");
        let gold: Vec<Vec<u32>> = gold.iter().map(|row| row.iter().map(index).collect()).collect();
        let predicted: Vec<Vec<Option<u32>>> = (predicted.iter())
            .map(|row| row.iter().map(|label| label.as_ref().map(index)).collect())
            .collect();
        let mut task = task(
            Kind::TokenClassification,
            &OF_TAGS,
            &ids.iter().map(String::as_str).collect::<Vec<_>>(),
        );
        if case["scheme"] == "suffix" {
            task.scoring.tags = TagScheme::Suffix;
        }
        let observations = Observations::Tags {
            gold: gold.iter().map(Vec::as_slice).collect(),
            predicted: predicted.iter().map(Vec::as_slice).collect(),
        };
        let scores = run(&task, &observations, None, 50).expect("scored");
        for metric in OF_TAGS {
            let expected = read(&case["values"], metric.name());
            assert_value(&case, &scores, metric, expected, Near::Bits);
        }
        let report: std::collections::BTreeMap<String, (u64, f64, f64, f64)> =
            read(&case, "report");
        let found: Vec<_> = (scores.per_entity.iter())
            .filter(|row| row.support + row.predicted > 0)
            .map(|row| (row.kind.clone(), (row.support, row.precision, row.recall, row.f1)))
            .collect();
        assert_eq!(found, report.into_iter().collect::<Vec<_>>(), "{}", case["name"]);
        let chunks: Vec<Vec<(String, u64, u64)>> = read(&case, "chunks");
        let predicted: u64 = scores.per_entity.iter().map(|row| row.predicted).sum();
        assert_eq!(predicted, chunks.concat().len() as u64, "{}", case["name"]);
    }
}

#[test]
fn answers_are_korquads_to_the_last_bit() {
    for case in cases("answers") {
        let gold: Vec<Vec<String>> = read(&case, "gold");
        let predicted: Vec<Option<String>> = read(&case, "predicted");
        let gold: Vec<Vec<&str>> =
            gold.iter().map(|row| row.iter().map(String::as_str).collect()).collect();
        let predicted: Vec<Option<&str>> = predicted.iter().map(Option::as_deref).collect();
        let answers = AnswerScores::new(&gold, &predicted).expect("compared");
        let exact: Vec<f64> = read(&case, "exact");
        let char_f1: Vec<f64> = read(&case, "char_f1");
        for row in 0..gold.len() {
            let what = format!("row {row}: {:?} {:?}", gold[row], predicted[row]);
            assert_eq!(f64::from(u8::from(answers.exact[row])), exact[row], "{what}");
            assert_eq!(answers.char_f1[row].to_bits(), char_f1[row].to_bits(), "{what}");
        }
        let n = gold.len() as f64;
        let expected: [f64; 2] = [read(&case, "exact_match_100"), read(&case, "char_f1_100")];
        assert_eq!([100.0 * answers.exact_sum() / n, 100.0 * answers.char_f1_sum() / n], expected);
        let metrics = [Metric::ExactMatch, Metric::CharF1];
        let task = task(Kind::ExtractiveQa, &metrics, &[]);
        let observations = Observations::Answers { gold, predicted };
        let scores = run(&task, &observations, None, 50).expect("scored");
        for (metric, expected) in metrics.into_iter().zip(expected) {
            assert_value(&case, &scores, metric, expected / 100.0, Near::Relative(1e-15));
        }
    }
}

#[test]
fn answers_are_normalised_as_korquad_does() {
    for case in cases("normal") {
        let (answers, expected): (Vec<String>, Vec<String>) =
            (read(&case, "answers"), read(&case, "normalised"));
        let found: Vec<String> = answers.iter().map(|answer| normalise_answer(answer)).collect();
        assert_eq!(found, expected);
    }
}
