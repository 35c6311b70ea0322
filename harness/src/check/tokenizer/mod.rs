//! Encodings: do they agree with the texts, with the options, and with themselves?

mod limits;
mod repeat;
mod structure;
mod windows;
mod words;

use super::bench::Bench;
use super::catalog::Check;
use super::columns::Columns;
use super::outcome::Stop;
use super::text::Kind;
use crate::plugin::EncodeOptions;
use crate::worker::RowInput;

/// All checks of encodings.
pub(super) fn checks() -> Vec<&'static Check> {
    [structure::CHECKS, words::CHECKS, limits::CHECKS, windows::CHECKS, repeat::CHECKS]
        .into_iter()
        .flatten()
        .collect()
}

/// Rows with what was made of them.
struct Encoding {
    kind: Kind,
    rows: Vec<RowInput>,
    columns: Columns,
}

/// The encodings of plain and of nasty rows, for each kind that the tokeniser takes.
fn encodings(bench: &Bench, options: &EncodeOptions) -> Result<Vec<Encoding>, Stop> {
    let mut tokenizer = bench.tokenizer()?;
    let mut all = Vec::new();
    for kind in Kind::ALL {
        for rows in [kind.plain(), kind.nasty()] {
            if let Some(encoded) = bench.encode(&mut tokenizer, &rows, options)? {
                all.push(Encoding { kind, rows, columns: Columns::of(&encoded)? });
            }
        }
    }
    Ok(all)
}

/// The text that a token is of, by its source; for words the token's word.
fn text_of(row: &RowInput, source: u8, word: i32) -> Option<&str> {
    use kobench_plugin_abi::{FROM_FIRST, FROM_SECOND};
    match (row, source) {
        (RowInput::Text(text), FROM_FIRST) => Some(text),
        (RowInput::Pair(first, _), FROM_FIRST) => Some(first),
        (RowInput::Pair(_, second), FROM_SECOND) => Some(second),
        (RowInput::Words(words), FROM_FIRST) => {
            words.get(usize::try_from(word).ok()?).map(String::as_str)
        }
        (RowInput::Question { question, .. }, FROM_FIRST) => Some(question),
        (RowInput::Question { context, .. }, FROM_SECOND) => Some(context),
        _ => None,
    }
}

/// Where something is wrong.
fn place(e: &Encoding, sequence: usize, token: usize) -> String {
    let position = token - e.columns.range(sequence).start;
    let row = e.columns.example[sequence];
    format!("{}, row {row}, window {}, token {position}", e.kind.name(), e.columns.window[sequence])
}

/// Rows, sequences and tokens of encodings, for a detail.
fn counted(all: &[Encoding]) -> String {
    let kinds: Vec<&str> = Kind::ALL
        .into_iter()
        .filter(|kind| all.iter().any(|e| e.kind == *kind))
        .map(Kind::name)
        .collect();
    let tokens: usize = all.iter().map(|e| e.columns.input_ids.len()).sum();
    format!("{tokens} tokens of {}", kinds.join(", "))
}
