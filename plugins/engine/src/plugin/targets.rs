//! The host's targets as rows of logits have them.

use kobench_plugin_sdk::{self as sdk, Batch, Error, Head, Targets as Given};

use crate::ops::loss::IGNORE;
use crate::train::Targets;

/// The targets of a batch, for a model with that head.
///
/// # Errors
/// Targets of a kind that the head does not have, and labels of words that are not as many as the words.
pub(super) fn targets(batch: &Batch<'_>, head: Head, given: Given<'_>) -> sdk::Result<Targets> {
    match (head, given) {
        (Head::Sequence, Given::Class(classes)) => {
            Ok(Targets::Classes(classes.iter().map(|&c| c.into()).collect()))
        }
        (Head::Sequence, Given::Real(reals)) => Ok(Targets::Reals(reals.to_vec())),
        (Head::Token, Given::Word { classes, cu_words }) => words(batch, classes, cu_words),
        (Head::Span, Given::Span { starts, ends }) => {
            Ok(Targets::Spans { starts: starts.to_vec(), ends: ends.to_vec() })
        }
        (head, given) => {
            let kind = match given {
                Given::Class(_) => "a class for each sequence",
                Given::Real(_) => "a number for each sequence",
                Given::Word { .. } => "a class for each word",
                Given::Span { .. } => "spans",
            };
            let fitting = match head {
                Head::Sequence => "a class or a number for each sequence",
                Head::Token => "a class for each word",
                Head::Span => "spans",
            };
            Err(Error::invalid_argument(format!(
                "the targets are {kind}, but a {} head learns from {fitting}",
                head.name()
            )))
        }
    }
}

/// A class for each token: the first token of a word has the word's, all others none.
fn words(batch: &Batch<'_>, classes: &[i32], cu_words: &[u64]) -> sdk::Result<Targets> {
    let mut rows = Vec::with_capacity(batch.n_tokens());
    for (at, (range, bounds)) in batch.ranges().zip(cu_words.windows(2)).enumerate() {
        // The bounds are sorted and within `classes`, which the border has checked.
        let own = &classes[bounds[0] as usize..bounds[1] as usize];
        let mut last = None;
        for &word in &batch.encoded.word_ids[range] {
            let Ok(number) = usize::try_from(word) else {
                rows.push(IGNORE);
                continue;
            };
            let class = own.get(number).ok_or_else(|| {
                Error::invalid_argument(format!(
                    "sequence {at} of the batch has a token of word {number}, but {} labels; give one for \
                     each word, also for those that are cut off",
                    own.len()
                ))
            })?;
            rows.push(if last == Some(word) { IGNORE } else { i64::from(*class) });
            last = Some(word);
        }
    }
    Ok(Targets::Classes(rows))
}
