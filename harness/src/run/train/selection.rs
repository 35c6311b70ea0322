//! Which of the checkpoints is scored.

use crate::metrics::Metric;
use crate::recipe::Select;
use crate::record::{Alternative, EvaluationRecord};

/// Whether a value is better than the best one so far; the first of equal values stays.
pub(super) fn is_better(metric: Metric, value: f64, best: Option<f64>) -> bool {
    best.is_none_or(|best| if metric.higher_is_better() { value > best } else { value < best })
}

/// What the policies would have given on the reported split, as far as it was looked at at the step that each
/// would have chosen.
pub(super) fn alternatives(
    metric: Metric,
    evaluations: &[EvaluationRecord],
    dev: Option<&str>,
    reported: &str,
    (taken, last): (Select, u64),
) -> Vec<Alternative> {
    let best_on = |split: &str| {
        // Of one look there is no best.
        let looks = evaluations.iter().filter(|e| e.split == split).count();
        let mut best: Option<&EvaluationRecord> = None;
        for evaluation in evaluations.iter().filter(|e| e.split == split) {
            if is_better(metric, evaluation.value, best.map(|b| b.value)) {
                best = Some(evaluation);
            }
        }
        best.filter(|_| looks > 1).map(|b| b.step)
    };
    let value_at = |step: u64| {
        evaluations.iter().find(|e| e.split == reported && e.step == step).map(|e| e.value)
    };
    [
        (Select::Last, Some(last)),
        (Select::BestOnDev, dev.and_then(best_on)),
        (Select::BestOnTest, best_on(reported)),
    ]
    .into_iter()
    .filter(|(policy, _)| *policy != taken)
    .filter_map(|(policy, step)| {
        let step = step?;
        let value = value_at(step)?;
        Some(Alternative { policy: policy.name().into(), step, value })
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(step: u64, split: &str, value: f64) -> EvaluationRecord {
        let metric = "accuracy".into();
        EvaluationRecord { step, epoch: 1.0, split: split.into(), metric, value }
    }

    #[test]
    fn the_first_of_the_best_is_taken() {
        assert!(is_better(Metric::Accuracy, 0.1, None));
        assert!(!is_better(Metric::Accuracy, 0.5, Some(0.5)));
        assert!(is_better(Metric::LogLoss, 0.4, Some(0.5)));
    }

    #[test]
    fn other_policies_are_told_beside_the_one_that_was_taken() {
        let seen = [
            at(1, "dev", 0.7),
            at(1, "test", 0.6),
            at(2, "dev", 0.9),
            at(2, "test", 0.7),
            at(3, "dev", 0.9),
            at(3, "test", 0.8),
            at(4, "dev", 0.8),
            at(4, "test", 0.75),
        ];
        let given = |taken, dev| {
            alternatives(Metric::Accuracy, &seen, dev, "test", (taken, 4))
                .into_iter()
                .map(|a| (a.policy, a.step, a.value))
                .collect::<Vec<_>>()
        };
        let on_test = [("last".into(), 4, 0.75), ("best_on_dev".into(), 2, 0.7)];
        assert_eq!(given(Select::BestOnTest, Some("dev")), on_test);
        assert_eq!(given(Select::BestOnTest, None), on_test[..1]);
        assert_eq!(given(Select::Last, None), [("best_on_test".into(), 3, 0.8)]);
        // Where the reported split was not looked at, nothing can be said.
        let dev_only: Vec<_> = seen.iter().filter(|e| e.split == "dev").cloned().collect();
        let none =
            alternatives(Metric::Accuracy, &dev_only, Some("dev"), "test", (Select::BestOnDev, 4));
        assert_eq!(none, []);
        let once = [at(4, "test", 0.75)];
        assert_eq!(alternatives(Metric::Accuracy, &once, None, "test", (Select::Last, 4)), []);
    }
}
