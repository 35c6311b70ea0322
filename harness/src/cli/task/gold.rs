//! What is right for the rows of a split, counted by kind.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::audit::Spread;
use crate::data::{Dataset, Gold, Input};
use crate::task::{Kind, Label, TagScheme, Task};
use crate::text::characters as count;

/// What is right, by kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum GoldAudit {
    /// Of a classification.
    Labels {
        /// Each label of the task with its rows, in the order of the model's outputs.
        labels: Vec<LabelCount>,
    },
    /// Of a regression.
    Values {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
        /// Their mean.
        mean: f64,
        /// Different values.
        distinct: u64,
    },
    /// Of a token classification.
    Tags {
        /// Words of all rows.
        words: u64,
        /// Each label of the task with its words.
        tags: Vec<LabelCount>,
        /// Entities by type.
        entities: BTreeMap<String, u64>,
        /// Entities that begin with `I`: strict and lenient metrics differ on them.
        begin_inside: u64,
    },
    /// Of extractive question answering.
    Answers {
        /// Different contexts.
        contexts: u64,
        /// Answers of all questions.
        answers: u64,
        /// Questions without an answer.
        unanswered: u64,
        /// Answers that do not stand in the context where they say.
        misplaced: u64,
        /// Characters of an answer.
        characters: Spread,
    },
}

/// How often a label is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct LabelCount {
    /// As it stands in the data.
    pub(super) id: String,
    /// For people.
    pub(super) name: String,
    /// Rows; words where words are labelled.
    pub(super) count: u64,
}

impl GoldAudit {
    /// Counts the gold of all rows.
    pub(super) fn of(task: &Task, data: &Dataset) -> Self {
        match task.kind {
            Kind::SequenceClassification => labels(data),
            Kind::SequenceRegression => values(data.gold_values()),
            Kind::TokenClassification => {
                // Indices, for an iterator over rows cannot be cloned.
                let gold = (0..data.len()).filter_map(|index| match data.row(index)?.gold {
                    Gold::Tags(tags) => Some(tags),
                    _ => None,
                });
                tags(data.labels(), task.scoring.tags, gold)
            }
            Kind::ExtractiveQa => {
                answers(data.rows().filter_map(|row| match (row.input, row.gold) {
                    (Input::Question { context, .. }, Gold::Answers(answers)) => {
                        Some((context, answers.iter().map(|answer| (answer.text, answer.start))))
                    }
                    _ => None,
                }))
            }
        }
    }
}

fn counted(labels: &[Label], indices: impl Iterator<Item = u32>) -> Vec<LabelCount> {
    let mut counts = vec![0u64; labels.len()];
    for index in indices {
        if let Some(count) = counts.get_mut(index as usize) {
            *count += 1;
        }
    }
    (labels.iter().zip(counts))
        .map(|(label, count)| LabelCount { id: label.id.clone(), name: label.name.clone(), count })
        .collect()
}

fn labels(data: &Dataset) -> GoldAudit {
    GoldAudit::Labels { labels: counted(data.labels(), data.gold_labels().into_iter()) }
}

fn values(mut values: Vec<f64>) -> GoldAudit {
    values.sort_unstable_by(f64::total_cmp);
    let (min, max) =
        (values.first().copied().unwrap_or(0.0), values.last().copied().unwrap_or(0.0));
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let distinct = values.chunk_by(|a, b| a == b).count() as u64;
    GoldAudit::Values { min, max, mean, distinct }
}

/// What a tag says: whether an entity begins, and of which type it is; none is outside.
fn read_tag(tag: &str, scheme: TagScheme) -> Option<(bool, &str)> {
    let (position, entity) = match scheme {
        TagScheme::Prefix => tag.split_once('-')?,
        TagScheme::Suffix => tag.rsplit_once('-').map(|(entity, position)| (position, entity))?,
    };
    match position {
        "B" | "S" | "U" => Some((true, entity)),
        "I" | "E" | "L" => Some((false, entity)),
        _ => None,
    }
}

/// `gold` has for each row the label indices of its words.
fn tags<'a>(
    labels: &[Label],
    scheme: TagScheme,
    gold: impl Iterator<Item = &'a [u32]> + Clone,
) -> GoldAudit {
    let read: Vec<_> = labels.iter().map(|label| read_tag(&label.id, scheme)).collect();
    let mut entities = BTreeMap::<&str, u64>::new();
    let mut begin_inside = 0;
    for tags in gold.clone() {
        let mut previous = None;
        for tag in tags {
            let tag = read.get(*tag as usize).copied().flatten();
            if let Some((begins, entity)) = tag
                && (begins || previous != Some(entity))
            {
                *entities.entry(entity).or_default() += 1;
                begin_inside += u64::from(!begins);
            }
            previous = tag.map(|(_, entity)| entity);
        }
    }
    GoldAudit::Tags {
        words: gold.clone().map(|tags| tags.len() as u64).sum(),
        tags: counted(labels, gold.flatten().copied()),
        entities: entities.into_iter().map(|(entity, count)| (entity.to_owned(), count)).collect(),
        begin_inside,
    }
}

/// `rows` has for each question its context, and its answers with their byte offsets in it.
fn answers<'a, A: Iterator<Item = (&'a str, usize)>>(
    rows: impl Iterator<Item = (&'a str, A)>,
) -> GoldAudit {
    let mut contexts = HashSet::new();
    let mut lengths = Vec::new();
    let (mut unanswered, mut misplaced) = (0, 0);
    for (context, answers) in rows {
        let mut hasher = DefaultHasher::new();
        context.hash(&mut hasher);
        contexts.insert(hasher.finish());
        let before = lengths.len();
        for (answer, start) in answers {
            let is_there = context.get(start..).is_some_and(|rest| rest.starts_with(answer));
            misplaced += u64::from(!is_there);
            lengths.push(count(answer));
        }
        unanswered += u64::from(lengths.len() == before);
    }
    GoldAudit::Answers {
        contexts: contexts.len() as u64,
        answers: lengths.len() as u64,
        unanswered,
        misplaced,
        characters: Spread::of(lengths),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_at_either_end() {
        assert_eq!(read_tag("B-PER", TagScheme::Prefix), Some((true, "PER")));
        assert_eq!(read_tag("I-PER-X", TagScheme::Prefix), Some((false, "PER-X")));
        assert_eq!(read_tag("PER-X-B", TagScheme::Suffix), Some((true, "PER-X")));
        for outside in ["O", "-", "", "PER"] {
            assert_eq!(read_tag(outside, TagScheme::Prefix), None, "{outside}");
            assert_eq!(read_tag(outside, TagScheme::Suffix), None, "{outside}");
        }
    }

    #[test]
    fn entities_are_counted_as_lenient_chunks() {
        let labels: Vec<Label> = ["O", "B-PS", "I-PS", "I-LC"]
            .map(|id| Label { id: id.to_owned(), name: id.to_owned() })
            .to_vec();
        // PS PS | LC, after which PS begins anew with I; B begins anew always; rows do not run on.
        let rows: [&[u32]; 4] = [&[1, 2, 3, 2, 0, 2], &[1, 1, 2], &[], &[2]];
        let GoldAudit::Tags { words, tags, entities, begin_inside } =
            tags(&labels, TagScheme::Prefix, rows.into_iter())
        else {
            panic!("tags");
        };
        assert_eq!((words, begin_inside), (10, 4));
        assert_eq!(tags.iter().map(|tag| tag.count).collect::<Vec<_>>(), [1, 3, 5, 1]);
        let entities: Vec<_> = entities.into_iter().collect();
        assert_eq!(entities, [("LC".to_owned(), 1), ("PS".to_owned(), 6)]);
    }

    #[test]
    fn answers_are_looked_for_where_they_say() {
        let context = "서울은 수도";
        let rows = [
            (context, vec![("서울", 0), ("수도", 10)]),
            (context, vec![("수도", 9)]),
            ("다른 글", vec![]),
        ];
        let found = answers(rows.into_iter().map(|(context, list)| (context, list.into_iter())));
        let GoldAudit::Answers { contexts, answers, unanswered, misplaced, characters } = found
        else {
            panic!("answers");
        };
        assert_eq!((contexts, answers, unanswered, misplaced), (2, 3, 1, 1));
        assert_eq!((characters.total, characters.max), (6, 2));
    }

    #[test]
    fn values_are_described() {
        assert_eq!(
            values(vec![3.0, 0.5, 3.0, 1.5]),
            GoldAudit::Values { min: 0.5, max: 3.0, mean: 2.0, distinct: 3 }
        );
        assert_eq!(
            values(vec![]),
            GoldAudit::Values { min: 0.0, max: 0.0, mean: 0.0, distinct: 0 }
        );
    }
}
