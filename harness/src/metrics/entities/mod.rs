//! The metrics of tasks with one label a word: F1 over entities and over characters.

mod chunks;
mod f1;
mod tags;

pub(super) use tags::TagSet;

pub(super) use f1::EntityCounts;

use chunks::{Chunk, Chunking, common};
use f1::Rates;

use super::f1::LabelCounts;
use super::scoring::Scoring;
use super::{Metric, MetricError};
use crate::record::{PerClass, PerEntity};
use crate::stats::Grouped;

/// Gold and predicted labels, word by word.
#[derive(Clone, Copy)]
struct Sentences<'a> {
    gold: &'a [&'a [u32]],
    predicted: &'a [&'a [Option<u32>]],
}

/// What is done with words that the model never saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unseen {
    /// They are predicted to be outside, so that their entities are missed.
    Outside,
    /// They are removed from both sides before the entities are looked for.
    Dropped,
}

/// How a metric finds entities.
pub(super) fn manner(metric: Metric) -> Option<(Chunking, Unseen)> {
    match metric {
        Metric::EntityF1 => Some((Chunking::Lenient, Unseen::Outside)),
        Metric::EntityF1Visible => Some((Chunking::Lenient, Unseen::Dropped)),
        Metric::EntityF1Strict | Metric::EntityMacroF1 => Some((Chunking::Strict, Unseen::Outside)),
        _ => None,
    }
}

/// Scores the labels of words with the task's metrics.
pub(super) fn score(
    scoring: &mut Scoring<'_>,
    gold: &[&[u32]],
    predicted: &[&[Option<u32>]],
) -> Result<(), MetricError> {
    let metrics = scoring.task.metrics.clone();
    let unfit = |metric: Metric| move |reason| MetricError::Unfit { metric: metric.name(), reason };
    let first = metrics.first().copied().unwrap_or(scoring.task.metric);
    let tags = TagSet::new(scoring.labels, scoring.task.scoring.tags).map_err(unfit(first))?;
    let sentences = Sentences { gold, predicted };
    check(gold, predicted, scoring.labels.len())?;
    note_unseen(scoring, predicted);
    let by_label = by_label(scoring, sentences, &tags);
    per_class(scoring, sentences);
    for metric in metrics {
        match (metric, manner(metric)) {
            (_, Some(manner)) => {
                if manner.0 == Chunking::Strict {
                    tags.check_strict().map_err(unfit(metric))?;
                }
                over_entities(scoring, metric, &by_type(scoring, sentences, &tags, manner));
            }
            (Metric::CharacterMacroF1 | Metric::CharacterMacroF1WithO, _) => {
                over_characters(scoring, metric, &by_label, tags.outside());
            }
            _ => return Err(unfit(metric)("it is not a metric over labels of words".to_owned())),
        }
    }
    let ranking = [scoring.task.metric].into_iter().chain(scoring.task.metrics.clone());
    if let Some(manner) = ranking.filter_map(manner).next() {
        let total = by_type(scoring, sentences, &tags, manner).total();
        scoring.scores.per_entity = per_entity(tags.types(), EntityCounts(&total));
    }
    Ok(())
}

fn over_entities(scoring: &mut Scoring<'_>, metric: Metric, grouped: &Grouped) {
    let total = grouped.total();
    let counts = EntityCounts(&total);
    if metric == Metric::EntityMacroF1 {
        let statistic = grouped.of_sums(|sums| Some(EntityCounts(sums).macro_f1()));
        scoring.resampled(metric, counts.macro_f1(), &statistic);
    } else {
        // The types do not matter.
        let grouped = grouped.project(3, |at| Some(at % 3));
        let statistic = grouped.of_sums(|sums| Some(EntityCounts(sums).micro().f1));
        scoring.resampled(metric, counts.micro().f1, &statistic);
    }
    if metric == Metric::EntityMacroF1
        && let Some(remarks) = LabelCounts::of(&total).remarks()
    {
        scoring.note(format!("{metric}: {}", remarks.replacen("labels", "types of entities", 1)));
    }
    if total.iter().all(|count| *count == 0.0) {
        scoring.note(format!("{metric}: there are no entities, neither gold nor predicted"));
    }
}

fn over_characters(scoring: &mut Scoring<'_>, metric: Metric, grouped: &Grouped, outside: u32) {
    let value = move |sums: &[f64]| {
        let counts = LabelCounts::of(sums);
        if metric == Metric::CharacterMacroF1 {
            Some(counts.macro_f1_without(outside).unwrap_or(0.0))
        } else {
            counts.macro_f1_absent_as_one()
        }
    };
    let total = grouped.total();
    scoring.resampled(metric, value(&total).unwrap_or_default(), &grouped.of_sums(value));
    if metric == Metric::CharacterMacroF1
        && let Some(remarks) = LabelCounts::of(&total).remarks()
    {
        scoring.note(format!("{metric}: {remarks}"));
    }
}

/// Counts a type of entity.
fn by_type(
    scoring: &Scoring<'_>,
    sentences: Sentences<'_>,
    tags: &TagSet,
    manner: (Chunking, Unseen),
) -> Grouped {
    let mut counter = TypeCounter::new(tags, manner);
    let width = 3 * tags.types().len();
    Grouped::new(width, sentences.gold.len(), scoring.clusters.as_ref(), |row, entries| {
        counter.count(sentences.gold[row], sentences.predicted[row], entries);
    })
}

/// Counts the entities of sentences: support, predicted and correct, for each type.
pub(super) struct TypeCounter<'a> {
    tags: &'a TagSet,
    chunking: Chunking,
    unseen: Unseen,
    gold: Vec<Chunk>,
    predicted: Vec<Chunk>,
}

impl<'a> TypeCounter<'a> {
    pub(super) fn new(tags: &'a TagSet, (chunking, unseen): (Chunking, Unseen)) -> Self {
        Self { tags, chunking, unseen, gold: Vec::new(), predicted: Vec::new() }
    }

    /// Pushes the counts of a sentence, `3 type + 0, 1, 2` being their components.
    pub(super) fn count(
        &mut self,
        gold: &[u32],
        predicted: &[Option<u32>],
        entries: &mut Vec<(u32, f64)>,
    ) {
        let Self { tags, chunking, unseen, .. } = *self;
        let words = || gold.iter().zip(predicted);
        let words = || words().filter(|(_, label)| unseen == Unseen::Outside || label.is_some());
        chunking.chunks(words().map(|(label, _)| tags.tag(*label)), &mut self.gold);
        chunking.chunks(words().map(|(_, label)| tags.predicted(*label)), &mut self.predicted);
        entries.extend(self.gold.iter().map(|chunk| (3 * chunk.kind, 1.0)));
        entries.extend(self.predicted.iter().map(|chunk| (3 * chunk.kind + 1, 1.0)));
        entries.extend(common(&self.gold, &self.predicted).map(|chunk| (3 * chunk.kind + 2, 1.0)));
    }
}

/// Counts a label, over words; words that the model never saw count as predicted outside.
fn by_label(scoring: &Scoring<'_>, sentences: Sentences<'_>, tags: &TagSet) -> Grouped {
    let width = 3 * scoring.labels.len();
    Grouped::new(width, sentences.gold.len(), scoring.clusters.as_ref(), |row, entries| {
        for (gold, predicted) in sentences.gold[row].iter().zip(sentences.predicted[row]) {
            super::f1::add_row(*gold, predicted.unwrap_or(tags.outside()), entries);
        }
    })
}

/// Counts as they are: words that the model never saw have no prediction.
fn per_class(scoring: &mut Scoring<'_>, sentences: Sentences<'_>) {
    let mut counts = vec![[0u64; 3]; scoring.labels.len()];
    let words = sentences.gold.iter().zip(sentences.predicted).flat_map(|(g, p)| g.iter().zip(*p));
    for (gold, predicted) in words {
        counts[*gold as usize][0] += 1;
        if let Some(label) = predicted {
            counts[*label as usize][1] += 1;
            counts[*label as usize][2] += u64::from(label == gold);
        }
    }
    let named = scoring.labels.iter().zip(counts);
    scoring.scores.per_class = named
        .map(|(label, [support, predicted, correct])| PerClass {
            label: label.id.clone(),
            name: label.name.clone(),
            support,
            predicted,
            correct,
        })
        .collect();
}

fn per_entity(types: &[String], counts: EntityCounts<'_>) -> Vec<PerEntity> {
    let row = |(kind, counts): (&String, &[f64; 3])| {
        let Rates { precision, recall, f1 } = Rates::of(*counts);
        let [support, predicted, correct] = counts.map(|count| count as u64);
        PerEntity { kind: kind.clone(), support, predicted, correct, precision, recall, f1 }
    };
    types.iter().zip(counts.iter()).map(row).collect()
}

fn note_unseen(scoring: &mut Scoring<'_>, predicted: &[&[Option<u32>]]) {
    let words: usize = predicted.iter().map(|row| row.len()).sum();
    let unseen =
        predicted.iter().flat_map(|row| row.iter()).filter(|label| label.is_none()).count();
    if unseen > 0 {
        scoring.note(format!(
            "the model never saw {unseen} of {words} words; they count as predicted outside, and entity_f1_visible \
             leaves them out on both sides"
        ));
    }
}

/// Gold and predictions have as many sentences, as many words each, and only labels that there are.
///
/// # Errors
/// [`MetricError::Lengths`], [`MetricError::Words`] and [`MetricError::Index`].
pub(super) fn check(
    gold: &[&[u32]],
    predicted: &[&[Option<u32>]],
    labels: usize,
) -> Result<(), MetricError> {
    if gold.len() != predicted.len() {
        return Err(MetricError::Lengths { gold: gold.len(), predicted: predicted.len() });
    }
    for (row, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
        if gold.len() != predicted.len() {
            let (gold, predicted) = (gold.len(), predicted.len());
            return Err(MetricError::Words { row, gold, predicted });
        }
        let all = gold.iter().chain(predicted.iter().flatten());
        if let Some(index) = all.copied().find(|index| *index as usize >= labels) {
            return Err(MetricError::Index { row, index, labels });
        }
    }
    Ok(())
}
