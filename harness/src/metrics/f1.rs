//! F1 over labels, as scikit-learn has it.
//!
//! Everything follows from three counts a label: its support, how often it was predicted, and how often
//! both. A label's F1 is `2 * correct / (support + predicted)`, and 0 where that is 0 / 0
//! (`zero_division=0`); scikit-learn 1.3 and later compute it in this form, earlier versions from precision
//! and recall, which can differ in the last bit.

use crate::stats::{Grouped, mean, pairwise_sum};

/// Three counts a label, `[support, predicted, correct]`, label after label. They are doubles, for weighted
/// sums are such; counts below 2^53 are exact.
#[derive(Debug, Clone, Copy)]
pub(super) struct LabelCounts<'a>(pub(super) &'a [f64]);

/// What one row adds to the counts.
pub(super) fn add_row(gold: u32, predicted: u32, entries: &mut Vec<(u32, f64)>) {
    entries.push((3 * gold, 1.0));
    entries.push((3 * predicted + 1, 1.0));
    if gold == predicted {
        entries.push((3 * gold + 2, 1.0));
    }
}

fn f1(counts: &[f64; 3]) -> f64 {
    let [support, predicted, correct] = counts;
    let all = support + predicted;
    if all == 0.0 { 0.0 } else { 2.0 * correct / all }
}

impl<'a> LabelCounts<'a> {
    pub(super) fn of(total: &'a [f64]) -> Self {
        Self(total)
    }

    pub(super) fn iter(self) -> std::slice::Iter<'a, [f64; 3]> {
        self.0.as_chunks::<3>().0.iter()
    }

    /// Those of labels that occur in gold or predictions. Only these are averaged over, as scikit-learn
    /// does without a list of labels.
    fn present(self) -> impl Iterator<Item = &'a [f64; 3]> {
        self.iter().filter(|[support, predicted, _]| support + predicted > 0.0)
    }

    /// The plain mean of the labels' F1.
    pub(super) fn macro_f1(self) -> Option<f64> {
        let scores: Vec<f64> = self.present().map(f1).collect();
        (!scores.is_empty()).then(|| mean(&scores))
    }

    /// The same without one label.
    pub(super) fn macro_f1_without(self, label: u32) -> Option<f64> {
        let others = (0..).zip(self.iter()).filter(|(index, _)| *index != label);
        let present = others.filter(|(_, [support, predicted, _])| support + predicted > 0.0);
        let scores: Vec<f64> = present.map(|(_, counts)| f1(counts)).collect();
        (!scores.is_empty()).then(|| mean(&scores))
    }

    /// The mean of the labels' F1, weighted by their support.
    pub(super) fn weighted_f1(self) -> Option<f64> {
        let products: Vec<f64> = self.present().map(|counts| f1(counts) * counts[0]).collect();
        let support: f64 = self.present().map(|counts| counts[0]).sum();
        (support > 0.0).then(|| pairwise_sum(&products) / support)
    }

    /// F1 of one label.
    pub(super) fn f1_of(self, label: u32) -> Option<f64> {
        self.iter().nth(label as usize).map(f1)
    }

    /// The mean of the F1 of all labels, 1 for those that do not occur: `labels=` all of them and
    /// `zero_division=1`.
    pub(super) fn macro_f1_absent_as_one(self) -> Option<f64> {
        let one = |counts: &[f64; 3]| if counts[0] + counts[1] == 0.0 { 1.0 } else { f1(counts) };
        let scores: Vec<f64> = self.iter().map(one).collect();
        (!scores.is_empty()).then(|| mean(&scores))
    }

    /// What a macro average hides, if anything: labels that do not occur, are never predicted, or have no
    /// support.
    pub(super) fn remarks(self) -> Option<String> {
        let (mut absent, mut unpredicted, mut unsupported) = (0, 0, 0);
        for [support, predicted, _] in self.iter() {
            match (*support > 0.0, *predicted > 0.0) {
                (false, false) => absent += 1,
                (true, false) => unpredicted += 1,
                (false, true) => unsupported += 1,
                (true, true) => {}
            }
        }
        let labels = self.iter().len();
        let parts = [
            (unpredicted, "never predicted (their F1 is 0)"),
            (unsupported, "predicted, but no row's gold label (their F1 is 0)"),
            (absent, "neither gold nor predicted (left out of the average)"),
        ];
        let said: Vec<String> = (parts.iter().filter(|(count, _)| *count > 0))
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!said.is_empty()).then(|| format!("of {labels} labels {}", said.join(", ")))
    }
}

/// The statistics of a classification.
pub(super) fn grouped(
    labels: usize,
    gold: &[u32],
    predicted: &[u32],
    clusters: Option<&crate::stats::Clusters>,
) -> Grouped {
    Grouped::new(3 * labels, gold.len(), clusters, |row, entries| {
        add_row(gold[row], predicted[row], entries);
    })
}
