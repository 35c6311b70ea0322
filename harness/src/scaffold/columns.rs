//! What a column of a table holds.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::labels::is_tag;
use crate::report::number::grouped;
use crate::text::shorten;

/// More distinct values are not kept: such a column is no label.
const MAX_DISTINCT: usize = 1000;
/// Longer values are not those of a label.
const MAX_LABEL_CHARS: u32 = 64;
const EXAMPLES: usize = 3;

/// A column and what its values have in common.
#[derive(Debug, Clone)]
pub(super) struct ColumnStats {
    /// In the header or of the JSON member; none in a table without header.
    pub(super) name: Option<String>,
    /// From 0.
    pub(super) index: usize,
    /// Values with their counts; none once there are too many.
    pub(super) values: Option<BTreeMap<String, u64>>,
    /// Rows that have the column.
    pub(super) rows: u64,
    /// Rows that have something in it.
    pub(super) filled: u64,
    pub(super) is_number: bool,
    pub(super) is_integer: bool,
    pub(super) range: (f64, f64),
    /// Whether every value is a list of labels of words.
    pub(super) is_tags: bool,
    /// Whether some value is a JSON list.
    pub(super) is_list: bool,
    /// Characters of each value.
    pub(super) lengths: Vec<u32>,
    examples: Vec<String>,
    /// Of the number of words in each row: equal for columns whose words pair up.
    word_counts: DefaultHasher,
}

impl ColumnStats {
    pub(super) fn new(name: Option<String>, index: usize) -> Self {
        Self {
            name,
            index,
            values: Some(BTreeMap::new()),
            rows: 0,
            filled: 0,
            is_number: true,
            is_integer: true,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            is_tags: true,
            is_list: false,
            lengths: Vec::new(),
            examples: Vec::new(),
            word_counts: DefaultHasher::new(),
        }
    }

    /// Takes in the value of one more row; of a list, its items with spaces between them.
    pub(super) fn add(&mut self, value: &str, items: Option<usize>) {
        self.is_list |= items.is_some();
        let length = crate::text::characters(value);
        self.rows += 1;
        self.filled += u64::from(!value.is_empty());
        self.lengths.push(length);
        match value.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => {
                self.is_integer &= number.fract() == 0.0 && !value.contains('.');
                self.range = (self.range.0.min(number), self.range.1.max(number));
            }
            _ => self.is_number = false,
        }
        self.is_tags = self.is_tags && !value.is_empty() && value.split_whitespace().all(is_tag);
        items.unwrap_or_else(|| value.split_whitespace().count()).hash(&mut self.word_counts);
        if self.examples.len() < EXAMPLES && !value.is_empty() {
            let example = shorten(value, 24);
            if !self.examples.contains(&example) {
                self.examples.push(example);
            }
        }
        if let Some(values) = &mut self.values {
            let has_room = values.len() < MAX_DISTINCT && length <= MAX_LABEL_CHARS;
            match values.get_mut(value) {
                Some(count) => *count += 1,
                None if has_room => drop(values.insert(value.to_owned(), 1)),
                None => self.values = None,
            }
        }
    }

    /// Distinct values, where they are few.
    pub(super) fn distinct(&self) -> Option<usize> {
        self.values.as_ref().map(BTreeMap::len)
    }

    /// Whether every value is a number and some number was seen.
    pub(super) fn is_numeric(&self) -> bool {
        self.is_number && self.rows > 0
    }

    /// Few values, each of which comes several times on average.
    pub(super) fn is_like_a_label(&self) -> bool {
        let fits = |n: usize| (2..=200).contains(&n) && (n as u64) * 2 <= self.rows;
        self.filled == self.rows && self.distinct().is_some_and(fits)
    }

    /// Words, mostly different from row to row.
    pub(super) fn is_like_a_text(&self) -> bool {
        let characters: u64 = self.lengths.iter().map(|n| u64::from(*n)).sum();
        let varied = self.distinct().is_none_or(|n| (n as u64) * 2 > self.rows);
        !self.is_numeric() && varied && characters >= 4 * self.rows
    }

    /// Whether rows have as many words here as there.
    pub(super) fn words_pair_up(&self, other: &Self) -> bool {
        self.rows == other.rows && self.word_counts.finish() == other.word_counts.finish()
    }

    /// Whether it has a value of its own in each row.
    pub(super) fn is_unique(&self) -> bool {
        match &self.values {
            Some(values) => values.len() as u64 == self.rows,
            // More values than are kept; the reader does not ask for unique ids either.
            None => self.filled == self.rows,
        }
    }

    /// As it is written in YAML: its name, or its index where there is no header.
    pub(super) fn key(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.index.to_string())
    }

    /// A line for messages.
    pub(super) fn describe(&self) -> String {
        let distinct = match self.distinct() {
            Some(n) => format!("{} distinct", grouped(n as u64)),
            None => "many distinct".to_owned(),
        };
        format!("\n  {}: {distinct}, for instance {}", self.key(), self.examples.join(" | "))
    }
}
