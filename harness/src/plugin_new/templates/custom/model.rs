//! Tokens to logits.

use crate::words::Words;
use kobench_plugin_sdk::{Batch, Encoded, Error, Head, Logits, Result};
use std::ops::Range;

/// Words on each side that the answer to a question is looked for in.
const NEAR: usize = 4;

/// A model that is ready to compute.
#[derive(Debug)]
pub(crate) struct WordModel {
    words: Words,
    head: Head,
    /// Labels of the head; 1 for a regression.
    labels: usize,
}

impl WordModel {
    /// Puts a head onto the words.
    ///
    /// # Errors
    /// More or fewer labels than the words have weights; one label, a number, is the last weight less the
    /// first.
    pub(crate) fn new(words: Words, head: Head, num_labels: Option<u32>) -> Result<Self> {
        let labels = match (head, num_labels) {
            (Head::Span, _) => 2,
            (_, None) => words.labels,
            (_, Some(n)) if n == 1 || n as usize == words.labels => n as usize,
            (_, Some(n)) => {
                return Err(Error::unsupported(format!(
                    "{n} labels; the words have weights for {}",
                    words.labels
                )));
            }
        };
        Ok(Self { words, head, labels })
    }

    pub(crate) fn parameters(&self) -> usize {
        self.words.parameters()
    }

    /// The logits of a batch: a row for each sequence, or for each token.
    ///
    /// # Errors
    /// Another head than the model was opened with, too small a buffer, or a cancelled call.
    pub(crate) fn forward(
        &self,
        batch: &Batch<'_>,
        head: Head,
        out: &mut Logits<'_>,
    ) -> Result<()> {
        if head != self.head {
            return Err(Error::unsupported(format!(
                "the model was opened with a {} head, not with a {} head",
                self.head.name(),
                head.name()
            )));
        }
        let rows = if head == Head::Sequence { batch.len() } else { batch.n_tokens() };
        let values = out.rows(rows, self.labels)?;
        values.fill(0.0);
        let mut rows = values.chunks_mut(self.labels);
        for range in batch.ranges() {
            batch.cancel.check()?;
            match head {
                Head::Sequence => {
                    let Some(row) = rows.next() else { continue };
                    range.for_each(|t| self.add(batch.encoded.input_ids[t], row));
                }
                Head::Token => {
                    for (t, row) in range.zip(&mut rows) {
                        self.add(batch.encoded.input_ids[t], row);
                    }
                }
                Head::Span => span(batch.encoded, range, &mut rows),
            }
        }
        Ok(())
    }

    /// Adds the weights of a word.
    fn add(&self, id: u32, to: &mut [f32]) {
        let Some(row) = self.words.row(id) else { return };
        if let ([number], [first, .., last]) = (&mut *to, row) {
            *number += last - first;
            return;
        }
        to.iter_mut().zip(row).for_each(|(to, weight)| *to += weight);
    }
}

/// Start and end logits: how many words near a token of the context are in the question too (the sliding
/// window baseline of Richardson et al. 2013, "MCTest").
fn span<'a>(
    encoded: &Encoded,
    range: Range<usize>,
    rows: &mut impl Iterator<Item = &'a mut [f32]>,
) {
    let is_context = |t: &usize| encoded.token_type_ids[*t] == 1;
    let id = |t: usize| encoded.input_ids[t];
    let question: Vec<u32> =
        range.clone().filter(|t| !is_context(t)).map(id).filter(|&id| id != 0).collect();
    let shared = |t: usize| is_context(&t) && question.contains(&id(t));
    let (first, end) = (range.start, range.end);
    for (t, row) in range.zip(rows) {
        if !is_context(&t) {
            row.fill(-1.0);
            continue;
        }
        let near = first.max(t.saturating_sub(NEAR))..end.min(t + NEAR + 1);
        let found = near.filter(|&n| shared(n)).count();
        row.fill(found as f32);
    }
}
