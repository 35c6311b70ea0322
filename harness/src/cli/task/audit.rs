//! What a look at the rows of a split tells, whatever kind they are of.
//!
//! Texts are compared by a hash of 64 bits, so that memory stays at 16 bytes a row: among a million rows
//! the chance that two different texts are taken for the same is 3e-8.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;

use super::gold::GoldAudit;
use crate::data::{Dataset, Gold, Input, Row};
use crate::task::Task;
use crate::text::characters as count;

/// What the rows of a split are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SplitAudit {
    /// Rows that are scored.
    pub(super) rows: u64,
    /// Rows that the task leaves out for an empty text.
    pub(super) skipped_empty: u64,
    /// Rows with an empty text among those that are scored. What follows about texts is not about them.
    pub(super) empty_texts: u64,
    /// Characters of a row's texts together; of the context alone where there is a question.
    pub(super) characters: Spread,
    /// Rows whose texts came in an earlier row.
    pub(super) repeated_texts: u64,
    /// Texts that stand in several rows, and not with the same gold in all of them.
    pub(super) contradictions: u64,
    /// Rows that share a source, where the task names one.
    pub(super) clusters: Option<Clusters>,
    /// What is right for the rows.
    pub(super) gold: GoldAudit,
}

/// How a count is spread over rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Spread {
    /// Of all rows together.
    pub(super) total: u64,
    /// The lower one of the two in the middle, for an even number of rows.
    pub(super) median: u64,
    /// The largest.
    pub(super) max: u64,
}

/// Groups of rows that are not independent of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(super) struct Clusters {
    /// Number of groups.
    pub(super) count: u64,
    /// Rows of the largest.
    pub(super) largest: u64,
}

/// The texts of a split, hashed and sorted; one for each row that has a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts(Vec<u64>);

/// How many rows of one split have a text of another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Overlap {
    /// The smaller split, whose rows are counted.
    pub(super) split: String,
    /// The larger one.
    pub(super) with: String,
    /// Rows of `split`.
    pub(super) rows: u64,
    /// Those whose texts are in `with` too.
    pub(super) shared: u64,
}

impl SplitAudit {
    /// Looks at every row once.
    pub(super) fn of(task: &Task, data: &Dataset) -> (Self, Texts) {
        let mut pairs = Vec::with_capacity(data.len());
        let mut lengths = Vec::with_capacity(data.len());
        let mut empty_texts = 0;
        for row in data.rows() {
            lengths.push(characters(&row));
            if is_empty(&row) {
                empty_texts += 1;
            } else {
                pairs.push((hash_of_texts(&row), hash_of_gold(&row)));
            }
        }
        pairs.sort_unstable();
        let same_text = || pairs.chunk_by(|a, b| a.0 == b.0);
        let audit = Self {
            rows: data.len() as u64,
            skipped_empty: data.skipped_empty(),
            empty_texts,
            characters: Spread::of(lengths),
            repeated_texts: (pairs.len() - same_text().count()) as u64,
            contradictions: same_text()
                .filter(|rows| rows.first().map(|row| row.1) != rows.last().map(|row| row.1))
                .count() as u64,
            clusters: data.clusters().map(Clusters::of),
            gold: GoldAudit::of(task, data),
        };
        (audit, Texts(pairs.into_iter().map(|(text, _)| text).collect()))
    }
}

impl Spread {
    pub(super) fn of(mut counts: Vec<u32>) -> Self {
        let total = counts.iter().map(|count| u64::from(*count)).sum();
        let max = counts.iter().copied().max().unwrap_or(0).into();
        let median = if counts.is_empty() {
            0
        } else {
            let middle = (counts.len() - 1) / 2;
            u64::from(*counts.select_nth_unstable(middle).1)
        };
        Self { total, median, max }
    }
}

impl Clusters {
    fn of(numbers: &[u32]) -> Self {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        let sizes = || sorted.chunk_by(|a, b| a == b).map(<[u32]>::len);
        Self { count: sizes().count() as u64, largest: sizes().max().unwrap_or(0) as u64 }
    }
}

/// For each pair of splits the rows of the smaller one that have a text of the larger one.
pub(super) fn overlaps(splits: &[(String, Texts)]) -> Vec<Overlap> {
    let mut found = Vec::new();
    for (index, first) in splits.iter().enumerate() {
        for second in &splits[index + 1..] {
            let (small, large) =
                if first.1.0.len() <= second.1.0.len() { (first, second) } else { (second, first) };
            let shared =
                small.1.0.iter().filter(|text| large.1.0.binary_search(text).is_ok()).count();
            found.push(Overlap {
                split: small.0.clone(),
                with: large.0.clone(),
                rows: small.1.0.len() as u64,
                shared: shared as u64,
            });
        }
    }
    found
}

fn is_empty(row: &Row<'_>) -> bool {
    match row.input {
        Input::Text(text) => text.is_empty(),
        Input::Pair(first, second) => first.is_empty() || second.is_empty(),
        Input::Words(words) => words.is_empty(),
        Input::Question { question, context } => question.is_empty() || context.is_empty(),
    }
}

fn characters(row: &Row<'_>) -> u32 {
    match row.input {
        Input::Text(text) | Input::Question { context: text, .. } => count(text),
        Input::Pair(first, second) => count(first).saturating_add(count(second)),
        Input::Words(words) => words.iter().map(count).fold(0, u32::saturating_add),
    }
}

/// The same for rows with the same texts, whatever their ids and gold.
fn hash_of_texts(row: &Row<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match row.input {
        Input::Text(text) => text.hash(&mut hasher),
        Input::Pair(first, second) => (first, second).hash(&mut hasher),
        Input::Words(words) => words.iter().for_each(|word| word.hash(&mut hasher)),
        Input::Question { question, context } => (question, context).hash(&mut hasher),
    }
    hasher.finish()
}

fn hash_of_gold(row: &Row<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    match row.gold {
        Gold::Label(label) => label.hash(&mut hasher),
        Gold::Value(value) => value.to_bits().hash(&mut hasher),
        Gold::Tags(tags) => tags.hash(&mut hasher),
        Gold::Answers(answers) => {
            answers.iter().for_each(|answer| (answer.text, answer.start).hash(&mut hasher));
        }
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spreads() {
        let spread = |counts: &[u32]| {
            let spread = Spread::of(counts.to_vec());
            (spread.total, spread.median, spread.max)
        };
        assert_eq!(spread(&[]), (0, 0, 0));
        assert_eq!(spread(&[7]), (7, 7, 7));
        assert_eq!(spread(&[9, 1, 4, 2]), (16, 2, 9));
        assert_eq!(Clusters::of(&[0, 1, 1, 2, 1]), Clusters { count: 3, largest: 3 });
    }

    #[test]
    fn overlaps_count_rows_of_the_smaller_split() {
        let texts = |texts: &[u64]| Texts(texts.to_vec());
        let splits = [
            ("train".to_owned(), texts(&[1, 2, 2, 3, 8])),
            ("test".to_owned(), texts(&[2, 2, 3, 9])),
            ("dev".to_owned(), texts(&[])),
        ];
        let found: Vec<_> = overlaps(&splits)
            .into_iter()
            .map(|overlap| (overlap.split, overlap.with, overlap.rows, overlap.shared))
            .collect();
        assert_eq!(
            found,
            [
                ("test".to_owned(), "train".to_owned(), 4, 3),
                ("dev".to_owned(), "train".to_owned(), 0, 0),
                ("dev".to_owned(), "test".to_owned(), 0, 0),
            ]
        );
    }

    proptest! {
        #[test]
        fn a_median_has_half_of_the_counts_on_each_side(counts in prop::collection::vec(0u32..50, 1..40)) {
            let median = Spread::of(counts.clone()).median as u32;
            let half = counts.len().div_ceil(2);
            prop_assert!(counts.iter().filter(|count| **count <= median).count() >= half);
            prop_assert!(counts.iter().filter(|count| **count >= median).count() >= half);
        }
    }
}
