//! Which metrics make sense for which task.

use super::Metric;
use super::entities::TagSet;
use crate::task::{Kind, Task};

impl Metric {
    /// Whether the metric makes sense for a task of this kind, with what the task says about its scoring.
    ///
    /// # Errors
    /// What is missing or wrong, as half a sentence: ``needs `scoring.positive` ``.
    pub fn fits(self, kind: Kind, task: &Task) -> Result<(), String> {
        match self {
            Self::Accuracy | Self::MacroF1 | Self::MicroF1 | Self::WeightedF1 => {
                needs_classes(kind, task)
            }
            Self::BinaryF1 => {
                needs_classes(kind, task)?;
                // Above the threshold is positive in a regression.
                if kind == Kind::SequenceRegression { Ok(()) } else { needs_positive(task) }
            }
            Self::Auroc => {
                needs_kind(kind, Kind::SequenceClassification)?;
                let labels = task.labels.len();
                if task.labels_file.is_some() || labels != 2 {
                    return Err(format!("needs a task of two labels, not {labels}"));
                }
                needs_positive(task)
            }
            Self::LogLoss => needs_kind(kind, Kind::SequenceClassification),
            Self::MeanBatchAccuracy => {
                needs_kind(kind, Kind::SequenceClassification)?;
                match task.scoring.batch_size {
                    Some(1..) => Ok(()),
                    Some(0) => Err("needs a `scoring.batch_size` of at least 1".to_owned()),
                    None => Err("needs `scoring.batch_size`".to_owned()),
                }
            }
            Self::Pearson | Self::Spearman => needs_kind(kind, Kind::SequenceRegression),
            Self::EntityF1 | Self::EntityF1Visible => needs_tags(kind, task, false),
            Self::EntityF1Strict | Self::EntityMacroF1 => needs_tags(kind, task, true),
            Self::CharacterMacroF1 | Self::CharacterMacroF1WithO => needs_tags(kind, task, false),
            Self::ExactMatch | Self::CharF1 => needs_kind(kind, Kind::ExtractiveQa),
        }
    }
}

fn needs_kind(kind: Kind, needed: Kind) -> Result<(), String> {
    if kind == needed {
        return Ok(());
    }
    Err(format!("is for tasks of kind {}, not {}", needed.name(), kind.name()))
}

fn needs_classes(kind: Kind, task: &Task) -> Result<(), String> {
    match kind {
        Kind::SequenceClassification => Ok(()),
        Kind::SequenceRegression if task.scoring.threshold.is_some() => Ok(()),
        Kind::SequenceRegression => {
            Err("needs `scoring.threshold` to make classes of real values".to_owned())
        }
        _ => Err(format!(
            "is for tasks of kind {}, or {} with a threshold, not {}",
            Kind::SequenceClassification.name(),
            Kind::SequenceRegression.name(),
            kind.name()
        )),
    }
}

fn needs_positive(task: &Task) -> Result<(), String> {
    let Some(positive) = &task.scoring.positive else {
        return Err("needs `scoring.positive`, the id of the positive label".to_owned());
    };
    // The labels of a labels file are not known here.
    if task.labels_file.is_some() || task.label_index(positive).is_some() {
        return Ok(());
    }
    Err(format!(
        "has `scoring.positive: {positive}`, which is none of the labels {}",
        task.label_list()
    ))
}

fn needs_tags(kind: Kind, task: &Task, strict: bool) -> Result<(), String> {
    needs_kind(kind, Kind::TokenClassification)?;
    if task.labels_file.is_some() {
        return Ok(());
    }
    TagSet::new(&task.labels, task.scoring.tags)
        .and_then(|tags| if strict { tags.check_strict() } else { Ok(()) })
}
