//! What holds for every input.

use proptest::prelude::*;

use super::*;
use crate::task::TagScheme;

const OF_LABELS: [Metric; 6] = [
    Metric::Accuracy,
    Metric::MacroF1,
    Metric::MicroF1,
    Metric::WeightedF1,
    Metric::BinaryF1,
    Metric::LogLoss,
];
const OF_TAGS: [Metric; 6] = [
    Metric::EntityF1,
    Metric::EntityF1Strict,
    Metric::EntityF1Visible,
    Metric::EntityMacroF1,
    Metric::CharacterMacroF1,
    Metric::CharacterMacroF1WithO,
];
const TAGS: [&str; 7] = ["O", "B-A", "I-A", "B-B", "I-B", "B-C", "I-C"];

fn assert_bounds(scores: &Scores) -> Result<(), TestCaseError> {
    for metric in Metric::ALL {
        let Some(found) = scores.metrics.get(metric.name()) else { continue };
        let (low, high) = metric.range();
        prop_assert!(low <= found.ci_low, "{metric} {found:?}");
        prop_assert!(found.ci_low <= found.value && found.value <= found.ci_high, "{found:?}");
        prop_assert!(found.ci_high <= high && found.ci_high.is_finite(), "{metric} {found:?}");
    }
    Ok(())
}

/// Gold and predicted labels of one sentence after the other, rows as long on both sides.
fn sentences() -> impl Strategy<Value = Vec<Vec<(u32, Option<u32>)>>> {
    let word = (0u32..7, prop_oneof![9 => (0u32..7).prop_map(Some), 1 => Just(None)]);
    let near = (word, any::<bool>())
        .prop_map(|((gold, predicted), same)| (gold, if same { Some(gold) } else { predicted }));
    prop::collection::vec(prop::collection::vec(near, 0..8), 1..25)
}

fn score_tags(rows: &[Vec<(u32, Option<u32>)>]) -> Scores {
    let gold: Vec<Vec<u32>> = rows.iter().map(|row| row.iter().map(|w| w.0).collect()).collect();
    let predicted: Vec<Vec<Option<u32>>> =
        rows.iter().map(|row| row.iter().map(|w| w.1).collect()).collect();
    let observations = Observations::Tags {
        gold: gold.iter().map(Vec::as_slice).collect(),
        predicted: predicted.iter().map(Vec::as_slice).collect(),
    };
    run(&task(Kind::TokenClassification, &OF_TAGS, &TAGS), &observations, None, 40).expect("scored")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn labels_in_any_order(
        rows in prop::collection::vec((0u32..4, 0u32..4, prop::array::uniform4(-5.0..5.0f64)), 1..120),
        turn in 0usize..120,
    ) {
        let task = classification(&OF_LABELS, 4, 2);
        let score = |rows: &[(u32, u32, [f64; 4])]| {
            let gold: Vec<u32> = rows.iter().map(|row| row.0).collect();
            let predicted: Vec<u32> = rows.iter().map(|row| row.1).collect();
            let values: Vec<f64> = rows.iter().flat_map(|row| row.2).collect();
            let scores = Some(ScoreRows { values: &values, are_logits: true });
            let rows = LabelObservations { gold: &gold, predicted: &predicted, scores };
            run(&task, &Observations::Labels(rows), None, 40).expect("scored")
        };
        let scores = score(&rows);
        assert_bounds(&scores)?;
        let mut turned = rows.clone();
        turned.reverse();
        turned.rotate_left(turn % rows.len());
        let mut again = score(&turned);
        // A sum of logarithms depends on the order in its last digits; everything else does not.
        let loss = |scores: &Scores| scores.metrics["log_loss"].value;
        prop_assert!((loss(&again) - loss(&scores)).abs() <= 1e-12 * loss(&scores));
        again.metrics.insert("log_loss".into(), scores.metrics["log_loss"].clone());
        prop_assert_eq!(&again, &scores);
        prop_assert_eq!(value(&scores, Metric::Accuracy), value(&scores, Metric::MicroF1));
        let perfect: Vec<_> = rows.iter().map(|row| (row.0, row.0, row.2)).collect();
        let perfect = score(&perfect);
        for metric in [Metric::Accuracy, Metric::MacroF1, Metric::MicroF1, Metric::WeightedF1] {
            prop_assert_eq!(value(&perfect, metric), 1.0);
        }
        let supports: u64 = scores.per_class.iter().map(|class| class.support).sum();
        prop_assert_eq!(supports, rows.len() as u64);
    }

    #[test]
    fn values_in_any_order_and_on_any_scale(
        rows in prop::collection::vec((0u8..20, -4.0..4.0f64), 4..80),
        scale in 0.01..100.0f64,
    ) {
        let metrics = [Metric::Pearson, Metric::Spearman];
        let task = task(Kind::SequenceRegression, &metrics, &[]);
        let score = |rows: &[(f64, f64)]| {
            let (gold, predicted): (Vec<f64>, Vec<f64>) = rows.iter().copied().unzip();
            run(&task, &Observations::Values { gold: &gold, predicted: &predicted }, None, 40)
        };
        // Coarse values, so that there are ties on both sides.
        let rows: Vec<(f64, f64)> =
            rows.iter().map(|(gold, noise)| (f64::from(*gold), (f64::from(*gold) + noise).round())).collect();
        let Ok(scores) = score(&rows) else {
            let constant = |of: fn(&(f64, f64)) -> f64| rows.iter().all(|row| of(row) == of(&rows[0]));
            prop_assert!(constant(|row| row.0) || constant(|row| row.1));
            return Ok(());
        };
        assert_bounds(&scores)?;
        let mut other: Vec<(f64, f64)> = rows.iter().map(|(x, y)| (x * scale - 7.0, y.powi(3))).collect();
        other.reverse();
        let again = score(&other).expect("scored");
        // Ranks do not see a rising function, nor the order.
        let (one, two) = (&scores.metrics["spearman"], &again.metrics["spearman"]);
        prop_assert!((one.value - two.value).abs() < 1e-12);
        prop_assert!((one.ci_low - two.ci_low).abs() < 1e-9 && (one.ci_high - two.ci_high).abs() < 1e-9);
        let opposite: Vec<(f64, f64)> = rows.iter().map(|(x, y)| (*x, -2.0 * y)).collect();
        let opposite = score(&opposite).expect("scored");
        for metric in metrics {
            prop_assert!((value(&scores, metric) + value(&opposite, metric)).abs() < 1e-12);
        }
        let own: Vec<(f64, f64)> = rows.iter().map(|(x, _)| (*x, *x)).collect();
        for metric in metrics {
            prop_assert!((value(&score(&own).expect("scored"), metric) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn tags_in_any_order(rows in sentences(), turn in 0usize..25) {
        let scores = score_tags(&rows);
        assert_bounds(&scores)?;
        let mut turned = rows.clone();
        turned.rotate_left(turn % rows.len());
        prop_assert_eq!(&score_tags(&turned), &scores);
        // Where the labels have the form of IOB2 on both sides, lenient and strict are the same.
        let formed = |rows: &[Vec<(u32, Option<u32>)>]| {
            rows.iter().all(|row| [row.iter().map(|w| w.0).collect::<Vec<_>>(), row.iter().map(|w| w.1.unwrap_or(0)).collect()]
                .iter()
                .all(|tags| tags.iter().enumerate().all(|(i, tag)| *tag == 0 || tag % 2 == 1 || (i > 0 && (tags[i - 1] == *tag || tags[i - 1] == tag - 1)))))
        };
        if formed(&rows) {
            prop_assert_eq!(value(&scores, Metric::EntityF1), value(&scores, Metric::EntityF1Strict));
        }
        if rows.iter().flatten().all(|word| word.1.is_some()) {
            prop_assert_eq!(value(&scores, Metric::EntityF1), value(&scores, Metric::EntityF1Visible));
        }
        let perfect: Vec<Vec<_>> =
            rows.iter().map(|row| row.iter().map(|word| (word.0, Some(word.0))).collect()).collect();
        let perfect = score_tags(&perfect);
        let entities: u64 = perfect.per_entity.iter().map(|row| row.support).sum();
        if entities > 0 {
            prop_assert_eq!(value(&perfect, Metric::EntityF1), 1.0);
            prop_assert_eq!(value(&perfect, Metric::CharacterMacroF1), 1.0);
        }
        for row in &scores.per_entity {
            prop_assert!(row.correct <= row.support.min(row.predicted));
        }
    }

    #[test]
    fn prefix_and_suffix_labels_score_alike(rows in sentences()) {
        let suffix = ["O", "A-B", "A-I", "B-B", "B-I", "C-B", "C-I"];
        let mut other = task(Kind::TokenClassification, &OF_TAGS, &suffix);
        other.scoring.tags = TagScheme::Suffix;
        let gold: Vec<Vec<u32>> = rows.iter().map(|row| row.iter().map(|w| w.0).collect()).collect();
        let predicted: Vec<Vec<Option<u32>>> =
            rows.iter().map(|row| row.iter().map(|w| w.1).collect()).collect();
        let observations = Observations::Tags {
            gold: gold.iter().map(Vec::as_slice).collect(),
            predicted: predicted.iter().map(Vec::as_slice).collect(),
        };
        let scores = run(&other, &observations, None, 40).expect("scored");
        let ours = score_tags(&rows);
        prop_assert_eq!(scores.metrics, ours.metrics);
        prop_assert_eq!(scores.per_entity, ours.per_entity);
    }

    #[test]
    fn answers_are_worth_from_0_to_1(
        rows in prop::collection::vec((".{0,12}", prop::option::of(".{0,12}")), 1..30),
    ) {
        let gold: Vec<Vec<&str>> = rows.iter().map(|(gold, _)| vec![gold.as_str()]).collect();
        let predicted: Vec<Option<&str>> = rows.iter().map(|(_, answer)| answer.as_deref()).collect();
        let metrics = [Metric::ExactMatch, Metric::CharF1];
        let task = task(Kind::ExtractiveQa, &metrics, &[]);
        let observations = Observations::Answers { gold: gold.clone(), predicted };
        assert_bounds(&run(&task, &observations, None, 40).expect("scored"))?;
        let own: Vec<Option<&str>> = gold.iter().map(|answers| Some(answers[0])).collect();
        let perfect = AnswerScores::new(&gold, &own).expect("compared");
        prop_assert_eq!(perfect.exact_sum(), gold.len() as f64);
        for (answers, f1) in gold.iter().zip(perfect.char_f1) {
            prop_assert_eq!(f1, if normalise_answer(answers[0]).is_empty() { 0.0 } else { 1.0 });
            // Normalising twice is normalising once, but for letters whose lower case is punctuation.
            let once = normalise_answer(answers[0]);
            prop_assert_eq!(normalise_answer(&once), once);
        }
    }
}
