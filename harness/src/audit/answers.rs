//! The logits of rows, and how far two sets of them are apart.

use crate::worker::Logits;
use std::collections::BTreeMap;

/// Logits by row and window; only questions have several windows.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Answers {
    all: BTreeMap<(u32, u32), Vec<f32>>,
    /// Values that one choice is made among: of a row, of a word, or of a position.
    width: Width,
    /// What is wrong with the answers themselves.
    wrong: Option<String>,
}

/// How predictions follow from logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Width {
    /// The largest of each so many.
    #[default]
    None,
    Each(usize),
    /// Starts, then as many ends: the largest of either half.
    Halves,
}

/// How far two sets of answers are apart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Apart {
    /// The largest difference of two logits.
    pub(super) largest: f64,
    /// The row that has it.
    pub(super) row: Option<u32>,
    /// Rows with another prediction; none for values.
    pub(super) changed: Option<u64>,
}

impl Answers {
    /// Takes a batch.
    pub(super) fn take(&mut self, logits: Logits) {
        match logits {
            Logits::Rows { rows, width, values } => {
                self.width = Width::Each(width as usize);
                let parts = values.chunks(width.max(1) as usize);
                rows.iter().zip(parts).for_each(|(row, part)| self.put((*row, 0), part.to_vec()));
            }
            Logits::Words { rows, width, values } => {
                self.width = Width::Each(width as usize);
                let mut rest = values.as_slice();
                for (row, words) in rows {
                    let (own, more) =
                        rest.split_at((words as usize * width as usize).min(rest.len()));
                    rest = more;
                    self.put((row, 0), own.to_vec());
                }
            }
            Logits::Spans(spans) => {
                self.width = Width::Halves;
                for span in spans {
                    let mut values = span.start;
                    values.extend(span.end);
                    self.put((span.row, span.window), values);
                }
            }
        }
    }

    fn put(&mut self, key: (u32, u32), values: Vec<f32>) {
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let row = key.0;
            self.wrong.get_or_insert(format!("the logits of row {row} hold {value}"));
        }
        if self.all.insert(key, values).is_some() {
            self.wrong.get_or_insert(format!("row {} was answered twice", key.0));
        }
    }

    /// The largest logit, without its sign.
    pub(super) fn largest(&self) -> f64 {
        let sizes = self.all.values().flatten().map(|value| f64::from(value.abs()));
        sizes.fold(0.0, f64::max)
    }

    /// Renames rows: `rows[i]` is the row that was asked as row `i`.
    pub(super) fn renamed(self, rows: &[u32]) -> Self {
        let name = |row: u32| rows.get(row as usize).copied().unwrap_or(u32::MAX);
        let all = self.all.into_iter().map(|((row, window), values)| ((name(row), window), values));
        Self { all: all.collect(), ..self }
    }

    /// Compares with other answers to the same rows.
    ///
    /// # Errors
    /// What is missing or has another shape.
    pub(super) fn compare(&self, other: &Self) -> Result<Apart, String> {
        if let Some(wrong) = self.wrong.as_ref().or(other.wrong.as_ref()) {
            return Err(wrong.clone());
        }
        if let Some((row, _)) = other.all.keys().find(|key| !self.all.contains_key(*key)) {
            return Err(format!("row {row} was answered, but was not asked for"));
        }
        let mut apart = Apart { largest: 0.0, row: None, changed: None };
        let (mut changed, mut last) = (0, None);
        for (key, values) in &self.all {
            let row = key.0;
            let others = other.all.get(key).ok_or_else(|| format!("row {row} was not answered"))?;
            let difference = difference(values, others).ok_or_else(|| {
                format!("row {row} has {} logits, and had {}", others.len(), values.len())
            })?;
            if difference > apart.largest {
                (apart.largest, apart.row) = (difference, Some(row));
            }
            if self.choices(values) != self.choices(others) && last != Some(row) {
                changed += 1;
                last = Some(row);
            }
        }
        apart.changed = (self.width != Width::Each(1)).then_some(changed);
        Ok(apart)
    }

    fn choices(&self, values: &[f32]) -> Vec<usize> {
        let width = match self.width {
            Width::None => return Vec::new(),
            Width::Each(width) => width.max(1),
            Width::Halves => (values.len() / 2).max(1),
        };
        values.chunks(width).map(largest_of).collect()
    }
}

/// The first of the largest values.
fn largest_of(values: &[f32]) -> usize {
    let mut best = 0;
    for (index, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = index;
        }
    }
    best
}

fn difference(a: &[f32], b: &[f32]) -> Option<f64> {
    let differences = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    (a.len() == b.len()).then(|| differences.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worker::SpanLogits;

    fn rows(rows: &[u32], values: &[f32]) -> Answers {
        let mut answers = Answers::default();
        let width = (values.len() / rows.len()) as u32;
        answers.take(Logits::Rows { rows: rows.to_vec(), width, values: values.to_vec() });
        answers
    }

    #[test]
    fn the_largest_difference_and_the_changed_rows_are_found() {
        let reference = rows(&[0, 1, 2], &[1.0, 2.0, 4.0, 3.0, 0.0, -8.0]);
        assert_eq!(reference.largest(), 8.0);
        let same = reference.compare(&rows(&[2, 0, 1], &[0.0, -8.0, 1.0, 2.0, 4.0, 3.0])).unwrap();
        assert_eq!(same, Apart { largest: 0.0, row: None, changed: Some(0) });
        let other = rows(&[0, 1, 2], &[1.0, 2.0, 2.5, 3.0, 0.5, -8.0]);
        let apart = reference.compare(&other).unwrap();
        assert_eq!(apart, Apart { largest: 1.5, row: Some(1), changed: Some(1) });
        let value = rows(&[0, 1], &[1.0, 2.0]);
        assert_eq!(value.compare(&value).unwrap().changed, None, "a value is no choice");
        let renamed = rows(&[1, 0], &[1.0, 2.0]).renamed(&[7, 5]);
        assert_eq!(renamed, rows(&[5, 7], &[1.0, 2.0]));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let reference = rows(&[0, 1], &[1.0, 2.0]);
        let wrong = |other: &Answers| reference.compare(other).unwrap_err();
        assert_eq!(wrong(&rows(&[0], &[1.0])), "row 1 was not answered");
        assert_eq!(
            wrong(&rows(&[0, 1, 2], &[1.0; 3])),
            "row 2 was answered, but was not asked for"
        );
        assert_eq!(wrong(&rows(&[0, 1], &[1.0; 4])), "row 0 has 2 logits, and had 1");
        assert_eq!(wrong(&rows(&[0, 1], &[1.0, f32::NAN])), "the logits of row 1 hold NaN");
        let mut twice = reference.clone();
        twice.take(Logits::Rows { rows: vec![1], width: 1, values: vec![2.0] });
        assert_eq!(wrong(&twice), "row 1 was answered twice");
    }

    #[test]
    fn words_and_windows_are_choices_too() {
        let words = |values: [f32; 6]| {
            let mut answers = Answers::default();
            let rows = vec![(4, 1), (2, 2)];
            answers.take(Logits::Words { rows, width: 2, values: values.to_vec() });
            answers
        };
        let reference = words([1.0, 0.0, 1.0, 0.0, 0.0, 1.0]);
        let apart = reference.compare(&words([1.0, 0.0, 1.0, 0.0, 3.0, 1.0])).unwrap();
        assert_eq!(apart, Apart { largest: 3.0, row: Some(2), changed: Some(1) });
        let span = |window, start: [f32; 2]| SpanLogits {
            row: 3,
            window,
            windows: 2,
            context: Default::default(),
            start: start.to_vec(),
            end: vec![0.0, 1.0],
        };
        let spans = |first, second| {
            let mut answers = Answers::default();
            answers.take(Logits::Spans(vec![span(0, first), span(1, second)]));
            answers
        };
        let reference = spans([0.0, 1.0], [0.0, 1.0]);
        let apart = reference.compare(&spans([1.0, 0.0], [1.0, 0.0])).unwrap();
        assert_eq!((apart.row, apart.changed), (Some(3), Some(1)), "one row, two windows");
    }
}
