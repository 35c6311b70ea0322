//! Running a tokeniser alone.

use super::chunks::chunks;
use super::encoding::CheckedEncoding;
use super::evaluate::options;
use super::logits::narrow;
use super::protocol::{Event, RowInput, Sequence, TokenizeRequest};
use super::server::{ServeError, Wire};
use crate::plugin::Tokenizer;
use crate::qa::Pieces;

/// Tokenises all rows, and says what came of each.
pub(super) fn tokenize(
    request: &TokenizeRequest,
    tokenizer: &mut Tokenizer,
    wire: &Wire,
) -> Result<(), ServeError> {
    let with_windows = matches!(request.examples.first(), Some(RowInput::Question { .. }));
    let options = options(request.encoding, request.pieces || with_windows);
    for (first_row, rows) in chunks(&request.examples, false) {
        wire.stage("encode")?;
        let views: Vec<_> = rows.iter().map(RowInput::view).collect();
        let encoded = tokenizer.encode(&views, &options)?;
        let encoding = CheckedEncoding::new(&encoded, rows, first_row)?;
        let sequences = (0..encoding.view.n_sequences())
            .map(|s| describe(&encoding, s, request.pieces, with_windows))
            .collect::<Result<_, _>>()?;
        wire.event(Event::Sequences(sequences))?;
    }
    Ok(())
}

fn describe(
    encoding: &CheckedEncoding<'_>,
    sequence: usize,
    pieces: bool,
    with_windows: bool,
) -> Result<Sequence, ServeError> {
    encoding.check_texts(sequence)?;
    Ok(Sequence {
        row: narrow(encoding.row(sequence))?,
        tokens: narrow(encoding.view.len_of(sequence))?,
        special: narrow(encoding.special(sequence))?,
        truncated: encoding.view.n_truncated[sequence],
        unknown: encoding.view.n_unknown[sequence],
        words: narrow(encoding.first_tokens(sequence)?.len())?,
        context: with_windows.then(|| encoding.window(sequence)).transpose()?,
        pieces: if pieces { encoding.pieces(sequence)? } else { Pieces::default() },
    })
}
