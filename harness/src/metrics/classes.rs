//! Gold and predicted labels of a classification task, checked once for all metrics.

use super::MetricError;

/// Label indices, row by row; both slices are as long, and every index is below `labels`.
#[derive(Debug, Clone, Copy)]
pub struct Classes<'a> {
    labels: usize,
    gold: &'a [u32],
    predicted: &'a [u32],
}

/// Counts for one label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) support: u64,
    pub(super) predicted: u64,
    pub(super) correct: u64,
}

impl<'a> Classes<'a> {
    /// Checks that the two pair up and know only `labels` labels.
    ///
    /// # Errors
    /// [`MetricError::Lengths`] and [`MetricError::Index`].
    pub fn new(labels: usize, gold: &'a [u32], predicted: &'a [u32]) -> Result<Self, MetricError> {
        if gold.len() != predicted.len() {
            return Err(MetricError::Lengths { gold: gold.len(), predicted: predicted.len() });
        }
        for (row, (gold, predicted)) in gold.iter().zip(predicted).enumerate() {
            let index = *gold.max(predicted);
            if index as usize >= labels {
                return Err(MetricError::Index { row, index, labels });
            }
        }
        Ok(Self { labels, gold, predicted })
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.gold.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.gold.is_empty()
    }

    /// Rows that were predicted right.
    pub fn correct(&self) -> u64 {
        self.pairs().filter(|(gold, predicted)| gold == predicted).count() as u64
    }

    pub(super) fn counts(&self) -> Vec<Counts> {
        let mut counts = vec![Counts::default(); self.labels];
        for (gold, predicted) in self.pairs() {
            counts[gold as usize].support += 1;
            counts[predicted as usize].predicted += 1;
            counts[gold as usize].correct += u64::from(gold == predicted);
        }
        counts
    }

    fn pairs(&self) -> impl Iterator<Item = (u32, u32)> {
        self.gold.iter().copied().zip(self.predicted.iter().copied())
    }
}
