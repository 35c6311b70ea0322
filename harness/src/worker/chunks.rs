//! Rows in portions: what is tokenised at once.

use super::protocol::RowInput;

/// Rows that are tokenised at once: enough for batches of equal lengths, few enough for memory to stay
/// small next to a model.
const CHUNK: usize = 16_384;
/// The same for questions, each of which makes several long sequences.
const QUESTIONS: usize = 1_024;
/// Where a device waits, each portion has twice the rows of the one before: a tokeniser that is twice as fast as the model
/// is never waited for but at the beginning.
const GROWTH: usize = 2;
/// How often portions grow.
const STEPS: u32 = 4;

/// Rows of a request, and the number of the first of them.
pub(super) type Chunk<'a> = (usize, &'a [RowInput]);

/// All rows in their order, in portions. With `early` the first ones are small, so that a device has something to
/// compute soon.
pub(super) fn chunks(rows: &[RowInput], early: bool) -> impl Iterator<Item = Chunk<'_>> {
    let is_question = matches!(rows.first(), Some(RowInput::Question { .. }));
    let largest = if is_question { QUESTIONS } else { CHUNK };
    let mut size = if early { largest / GROWTH.pow(STEPS) } else { largest };
    let mut at = 0;
    std::iter::from_fn(move || {
        let chunk = &rows[at..rows.len().min(at + size)];
        let first = at;
        at += chunk.len();
        size = largest.min(size * GROWTH);
        (!chunk.is_empty()).then_some((first, chunk))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(rows: &[RowInput], early: bool) -> Vec<usize> {
        let mut expected = 0;
        chunks(rows, early)
            .map(|(first, chunk)| {
                assert_eq!(first, expected);
                expected += chunk.len();
                chunk.len()
            })
            .collect()
    }

    #[test]
    fn a_device_that_waits_gets_a_little_first() {
        let texts = vec![RowInput::Text("x".into()); 40_000];
        assert_eq!(sizes(&texts, false), [16_384, 16_384, 7_232]);
        assert_eq!(sizes(&texts, true), [1_024, 2_048, 4_096, 8_192, 16_384, 8_256]);
        assert_eq!(sizes(&texts[..500], true), [500]);
        assert!(sizes(&[], true).is_empty());
        let question = RowInput::Question { question: "?".into(), context: "x".into() };
        assert_eq!(sizes(&vec![question; 400], true), [64, 128, 208]);
    }
}
