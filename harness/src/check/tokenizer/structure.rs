//! Sequences in the order of the rows, tokens of the texts that they say, special tokens of none; offsets.

use super::{Encoding, counted, encodings, place, text_of};
use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::outcome::{Outcome, Stop, bad, ensure};
use crate::check::text::Kind;
use crate::plugin::EncodeOptions;
use crate::worker::RowInput;
use kobench_plugin_abi::{FROM_FIRST, FROM_SECOND, FROM_SPECIAL, NO_WORD};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tokenizer.sequences",
        what: "rows come in their order, each as one sequence, or as windows 0, 1, 2 ... of a context",
        hint: "make one sequence for each example (a context: one for each window), also of an empty one",
        run: sequences,
    },
    Check {
        id: "tokenizer.sources",
        what: "each token names the text that it is of; special tokens name none, and have no word and no offsets",
        hint: "fill in `token_source` as kobench_encoding_view says: KOBENCH_FROM_FIRST, _SECOND or _SPECIAL",
        run: sources,
    },
    Check {
        id: "tokenizer.offsets",
        what: "offsets are bytes of the text as the host gave it, between characters, and do not fall",
        hint: "give UTF-8 byte offsets into the text before normalisation (into the word, where words were given)",
        run: offsets,
    },
    Check {
        id: "tokenizer.unknown",
        what: "no more tokens are counted as unknown than there are, and equally many in the same text",
        hint: "count in `n_unknown` the tokens of the sequence that have the unknown token's id",
        run: unknown,
    },
    Check {
        id: "tokenizer.pieces",
        what: "each token has a piece where pieces are asked for, and `pieces` is NULL where not",
        hint: "fill in `pieces` where KOBENCH_ENCODE_PIECES is set in `flags`, and only there",
        run: pieces,
    },
];

fn sequences(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    for e in &all {
        let c = &e.columns;
        // The next row begins with window 0; a context may go on with its next window.
        let mut expected = (0_u32, 0_u32);
        for s in 0..c.len() {
            let here = (c.example[s], c.window[s]);
            let goes_on = e.kind == Kind::Question && here == expected && here.1 > 0;
            let begins = s == 0 || c.example[s - 1] + 1 == here.0;
            let fits = goes_on || (begins && here.1 == 0 && (s > 0 || here.0 == 0));
            ensure(
                fits && (here.0 as usize) < e.rows.len(),
                || {
                    format!(
                        "{}: sequence {s} is window {} of row {}",
                        e.kind.name(),
                        here.1,
                        here.0
                    )
                },
                "rows in their order, each with windows 0, 1, 2 ...",
            )?;
            expected = (here.0, here.1 + 1);
        }
        let last = c.example.last().map_or(0, |&row| row as usize + 1);
        let n = e.rows.len();
        ensure(
            last == n,
            || format!("{}: {n} rows went in, sequences of {last} came out", e.kind.name()),
            "at least one sequence for each row",
        )?;
    }
    Ok(counted(&all))
}

fn sources(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    each_token(&all, |e, sequence, token| {
        let c = &e.columns;
        let (source, word) = (c.source[token], c.word_ids[token]);
        let special = source == FROM_SPECIAL;
        let known: &[u8] = match e.kind {
            Kind::Text | Kind::Words => &[FROM_FIRST, FROM_SPECIAL],
            Kind::Pair | Kind::Question => &[FROM_FIRST, FROM_SECOND, FROM_SPECIAL],
        };
        ensure(
            known.contains(&source),
            || format!("{}: source {source}", place(e, sequence, token)),
            "a text that the example has, or KOBENCH_FROM_SPECIAL",
        )?;
        ensure(
            special == (word == NO_WORD),
            || format!("{}: source {source}, word {word}", place(e, sequence, token)),
            "special tokens, and only these, are of no word",
        )?;
        ensure(
            !special || (c.start[token], c.end[token]) == (0, 0),
            || {
                let (start, end) = (c.start[token], c.end[token]);
                format!("{}: a special token of bytes {start}..{end}", place(e, sequence, token))
            },
            "special tokens have the offsets 0, 0",
        )
    })?;
    Ok(counted(&all))
}

/// Looks at each token of some encodings.
pub(super) fn each_token(
    all: &[Encoding],
    mut look: impl FnMut(&Encoding, usize, usize) -> Result<(), Stop>,
) -> Result<(), Stop> {
    for e in all {
        for sequence in 0..e.columns.len() {
            for token in e.columns.range(sequence) {
                look(e, sequence, token)?;
            }
        }
    }
    Ok(())
}

fn offsets(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    each_token(&all, |e, sequence, token| {
        let c = &e.columns;
        let row = &e.rows[(c.example[sequence] as usize).min(e.rows.len() - 1)];
        let (source, word) = (c.source[token], c.word_ids[token]);
        let Some(text) = text_of(row, source, word) else { return Ok(()) };
        let (start, end) = (c.start[token] as usize, c.end[token] as usize);
        let seen = || {
            let n = text.len();
            format!("{}: bytes {start}..{end} of a text of {n} bytes", place(e, sequence, token))
        };
        ensure(start <= end && end <= text.len(), seen, "a part of the text")?;
        ensure(
            text.is_char_boundary(start) && text.is_char_boundary(end),
            seen,
            "a beginning and an end between two characters",
        )?;
        // The token before it in the same text.
        let same = |t: &usize| {
            c.source[*t] == source && (!matches!(row, RowInput::Words(_)) || c.word_ids[*t] == word)
        };
        let before = (c.range(sequence).start..token).rev().find(same);
        let falls = |t: usize| c.start[t] as usize > start || c.end[t] as usize > end;
        match before.filter(|&t| falls(t)) {
            Some(t) => Err(bad(
                format!("{}, after one of bytes {}..{}", seen(), c.start[t], c.end[t]),
                "offsets that do not fall from token to token",
            )),
            None => Ok(()),
        }
    })?;
    Ok(counted(&all))
}

fn unknown(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    let mut found = 0;
    for e in &all {
        for s in 0..e.columns.len() {
            let (unknown, tokens) = (e.columns.n_unknown[s] as usize, e.columns.range(s).len());
            ensure(
                unknown <= tokens,
                || {
                    format!(
                        "{}, sequence {s}: {unknown} of {tokens} tokens are unknown",
                        e.kind.name()
                    )
                },
                "at most as many as there are tokens",
            )?;
            found += unknown;
        }
    }
    Ok(format!("{found} unknown tokens among {}", counted(&all)))
}

fn pieces(bench: &mut Bench) -> Outcome {
    let without = encodings(bench, &bench.options())?;
    let with = encodings(bench, &EncodeOptions { pieces: true, ..bench.options() })?;
    for e in &without {
        ensure(
            e.columns.pieces.is_none(),
            || format!("{}: pieces that nobody asked for", e.kind.name()),
            "`pieces` is NULL unless KOBENCH_ENCODE_PIECES is set",
        )?;
    }
    let mut n = 0;
    for e in &with {
        let pieces = e.columns.pieces.as_ref();
        let some = pieces.is_some() || e.columns.input_ids.is_empty();
        ensure(
            some,
            || format!("{}: `pieces` is NULL, but was asked for", e.kind.name()),
            "a piece for each token",
        )?;
        n += pieces.map_or(0, Vec::len);
    }
    for (a, b) in with.iter().zip(&without) {
        let mut bare = a.columns.clone();
        bare.pieces = None;
        bare.same(&b.columns, "with pieces, and without", "the same encoding")?;
    }
    Ok(format!("{n} pieces"))
}
