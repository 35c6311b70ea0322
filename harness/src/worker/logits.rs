//! A batch's logits, as the harness wants them of each head.

use super::encoding::CheckedEncoding;
use super::protocol::{Logits, SpanLogits};
use super::server::ServeError;
use crate::plugin::{ForwardOutcome, Head};

/// Whether a plugin's answer has the shape that the head asks for, and then what of it the harness needs.
/// `values` are `shape.rows * shape.width` logits for the sequences of `batch`.
pub(super) fn select(
    head: Head,
    encoding: &CheckedEncoding<'_>,
    batch: &[usize],
    shape: ForwardOutcome,
    values: &[f32],
) -> Result<Logits, ServeError> {
    let tokens: usize = batch.iter().map(|&s| encoding.view.len_of(s)).sum();
    let (rows, of) = match head {
        Head::Sequence => (batch.len(), "sequences"),
        Head::Token | Head::Span => (tokens, "tokens"),
    };
    let width = narrow(shape.width)?;
    if shape.rows != rows || width == 0 || (head == Head::Span && width != 2) {
        return Err(ServeError::Rule(format!(
            "the plugin answered {rows} {of} with {} rows of {width} logits",
            shape.rows
        )));
    }
    // Where each sequence's tokens begin in the batch.
    let starts = batch.iter().scan(0, |at, &sequence| {
        let start = *at;
        *at += encoding.view.len_of(sequence);
        Some((sequence, start))
    });
    match head {
        Head::Sequence => {
            let rows = batch.iter().map(|&s| narrow(encoding.row(s))).collect::<Result<_, _>>()?;
            Ok(Logits::Rows { rows, width, values: values.to_vec() })
        }
        Head::Token => {
            let (mut rows, mut kept) = (Vec::new(), Vec::new());
            for (sequence, start) in starts {
                let firsts = encoding.first_tokens(sequence)?;
                rows.push((narrow(encoding.row(sequence))?, narrow(firsts.len())?));
                for position in firsts {
                    kept.extend(&values[(start + position) * shape.width..][..shape.width]);
                }
            }
            Ok(Logits::Words { rows, width, values: kept })
        }
        Head::Span => {
            let mut spans = Vec::new();
            for (sequence, start) in starts {
                let pairs = &values[2 * start..][..2 * encoding.view.len_of(sequence)];
                spans.push(SpanLogits {
                    row: narrow(encoding.row(sequence))?,
                    window: encoding.view.window[sequence],
                    windows: narrow(encoding.windows_of(sequence))?,
                    context: encoding.window(sequence)?,
                    start: pairs.iter().copied().step_by(2).collect(),
                    end: pairs.iter().copied().skip(1).step_by(2).collect(),
                });
            }
            Ok(Logits::Spans(spans))
        }
    }
}

pub(super) fn narrow(n: usize) -> Result<u32, ServeError> {
    u32::try_from(n).map_err(|_| ServeError::Rule(format!("{n} does not fit into 32 bits")))
}
