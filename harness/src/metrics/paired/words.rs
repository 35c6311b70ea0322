//! Metrics over entities and over characters.

use super::super::entities::{EntityCounts, TagSet, TypeCounter, check, manner};
use super::super::f1::{LabelCounts, add_row};
use super::super::{Metric, MetricError};
use super::Of;
use super::sums::Sums;

/// Metrics of one label a word.
pub(super) fn of_tags(
    of: Of<'_>,
    gold: &[&[u32]],
    predicted: &[Vec<&[Option<u32>]>; 2],
) -> Result<Sums, MetricError> {
    let tags = TagSet::new(of.labels, of.task.scoring.tags).map_err(|reason| of.unfit(&reason))?;
    for own in predicted {
        check(gold, own, of.labels.len())?;
    }
    let rows = gold.len();
    if let Some(manner) = manner(of.metric) {
        let mut counter = TypeCounter::new(&tags, manner);
        let is_macro = of.metric == Metric::EntityMacroF1;
        // Over all entities alike, the types do not matter.
        let width = if is_macro { 3 * tags.types().len() } else { 3 };
        let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
            counter.count(gold[row], predicted[system][row], entries);
            if !is_macro {
                entries.iter_mut().for_each(|(at, _)| *at %= 3);
            }
        };
        return Ok(if is_macro {
            Sums::new(width, rows, of.clusters, fill, |sums| Some(EntityCounts(sums).macro_f1()))
        } else {
            Sums::new(width, rows, of.clusters, fill, |sums| Some(EntityCounts(sums).micro().f1))
        });
    }
    let outside = tags.outside();
    let fill = |system: usize, row: usize, entries: &mut Vec<(u32, f64)>| {
        for (gold, predicted) in gold[row].iter().zip(predicted[system][row]) {
            add_row(*gold, predicted.unwrap_or(outside), entries);
        }
    };
    let width = 3 * of.labels.len();
    Ok(match of.metric {
        Metric::CharacterMacroF1 => Sums::new(width, rows, of.clusters, fill, move |sums| {
            Some(LabelCounts::of(sums).macro_f1_without(outside).unwrap_or(0.0))
        }),
        Metric::CharacterMacroF1WithO => Sums::new(width, rows, of.clusters, fill, |sums| {
            LabelCounts::of(sums).macro_f1_absent_as_one()
        }),
        _ => return Err(of.unfit("it is not a metric over labels of words")),
    })
}
