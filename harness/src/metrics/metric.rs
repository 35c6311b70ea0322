//! The names of the metrics.

use serde::{Deserialize, Serialize};

/// The metrics that kobench knows; their names in YAML and in records are in snake case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Metric {
    /// Right predictions among all.
    Accuracy,
    /// Mean of the labels' F1.
    MacroF1,
    /// F1 over the pooled counts of all labels.
    MicroF1,
    /// Mean of the labels' F1, weighted by their support.
    WeightedF1,
    /// F1 of the positive label.
    BinaryF1,
    /// Area under the ROC curve of the positive label.
    Auroc,
    /// Mean negative log-likelihood of the gold label, in nats.
    LogLoss,
    /// Mean of the accuracies of the reference's batches, the last of which may be smaller.
    MeanBatchAccuracy,
    /// Pearson's correlation.
    Pearson,
    /// Spearman's rank correlation, ties with their average rank.
    Spearman,
    /// F1 over entities, lenient chunking; words that the model never saw count as predicted outside.
    EntityF1,
    /// The same with strict chunking: an entity begins with `B` and goes on with `I` of its type.
    EntityF1Strict,
    /// [`Metric::EntityF1`] without the words that the model never saw, as the reference has it.
    EntityF1Visible,
    /// Mean of the entity types' F1, strict chunking, as KLUE has it.
    EntityMacroF1,
    /// Mean of the labels' F1 over characters, without the outside label, as KLUE's paper has it.
    CharacterMacroF1,
    /// The same with the outside label, and with 1 for labels that do not occur, as KLUE's code has it.
    CharacterMacroF1WithO,
    /// Answers that are equal to a right one after KorQuAD's normalisation.
    ExactMatch,
    /// Overlap of characters with a right answer after KorQuAD's normalisation.
    CharF1,
}

impl Metric {
    /// Every metric, in the order in which tables show them.
    pub const ALL: [Self; 18] = [
        Self::Accuracy,
        Self::MacroF1,
        Self::MicroF1,
        Self::WeightedF1,
        Self::BinaryF1,
        Self::Auroc,
        Self::LogLoss,
        Self::MeanBatchAccuracy,
        Self::Pearson,
        Self::Spearman,
        Self::EntityF1,
        Self::EntityF1Strict,
        Self::EntityF1Visible,
        Self::EntityMacroF1,
        Self::CharacterMacroF1,
        Self::CharacterMacroF1WithO,
        Self::ExactMatch,
        Self::CharF1,
    ];

    /// The metric of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Its name in YAML, in records and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::MacroF1 => "macro_f1",
            Self::MicroF1 => "micro_f1",
            Self::WeightedF1 => "weighted_f1",
            Self::BinaryF1 => "binary_f1",
            Self::Auroc => "auroc",
            Self::LogLoss => "log_loss",
            Self::MeanBatchAccuracy => "mean_batch_accuracy",
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
            Self::EntityF1 => "entity_f1",
            Self::EntityF1Strict => "entity_f1_strict",
            Self::EntityF1Visible => "entity_f1_visible",
            Self::EntityMacroF1 => "entity_macro_f1",
            Self::CharacterMacroF1 => "character_macro_f1",
            Self::CharacterMacroF1WithO => "character_macro_f1_with_o",
            Self::ExactMatch => "exact_match",
            Self::CharF1 => "char_f1",
        }
    }

    /// Whether tables show it in percent: a fraction from 0 to 1, or a correlation from -1 to 1. A loss is
    /// none.
    pub fn is_fraction(self) -> bool {
        self != Self::LogLoss
    }

    /// Whether a larger value is a better one.
    pub fn higher_is_better(self) -> bool {
        self != Self::LogLoss
    }

    /// The range of its values; a loss has no upper end but infinity.
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::Pearson | Self::Spearman => (-1.0, 1.0),
            Self::LogLoss => (0.0, f64::INFINITY),
            _ => (0.0, 1.0),
        }
    }
}

impl std::fmt::Display for Metric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_everywhere_and_unique() {
        let mut names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.name()).collect();
        for metric in Metric::ALL {
            let json = serde_json::to_value(metric).expect("serialised");
            assert_eq!(json, metric.name());
            assert_eq!(serde_json::from_value::<Metric>(json).expect("parsed"), metric);
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Metric::ALL.len());
    }
}
