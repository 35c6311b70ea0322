//! Windows over the context of a question.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::outcome::{Outcome, Stop, bad, ensure, skipped};
use crate::check::text::{Kind, PLAIN};
use crate::plugin::EncodeOptions;
use crate::worker::RowInput;
use kobench_plugin_abi::{FROM_FIRST, FROM_SECOND};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tokenizer.windows",
        what: "windows begin doc_stride tokens apart, and together show the whole context",
        hint: "start window w at token w x doc_stride of the context, and end with the window that reaches its end",
        run: windows,
    },
    Check {
        id: "tokenizer.question-length",
        what: "of a question at most max_question_len tokens are kept, the same in each window",
        hint: "keep the first `max_question_len` tokens of the question",
        run: question_length,
    },
];

const STRIDES: [usize; 3] = [4, 8, 11];

fn row() -> RowInput {
    Kind::Question.row(PLAIN[0], &PLAIN.join(" ").repeat(3))
}

/// The sequences of one question.
fn encode(bench: &Bench, options: &EncodeOptions) -> Result<Columns, Stop> {
    let encoded = bench.encode(&mut bench.tokenizer()?, &[row()], options)?;
    match encoded {
        Some(encoded) => Columns::of(&encoded),
        None => skipped("the tokeniser takes no questions"),
    }
}

/// A token that a window shows: id, beginning, end.
type Shown = (u32, u32, u32);

/// The tokens of a window that are of a text.
fn shown(c: &Columns, sequence: usize, source: u8) -> Vec<Shown> {
    let tokens = c.range(sequence).filter(|&t| c.source[t] == source);
    tokens.map(|t| (c.input_ids[t], c.start[t], c.end[t])).collect()
}

fn windows(bench: &mut Bench) -> Outcome {
    if !bench.kinds()?.contains(&Kind::Question) {
        return skipped("the tokeniser takes no questions");
    }
    let mut documents: Vec<(usize, Vec<Shown>)> = Vec::new();
    let mut n = 0;
    for doc_stride in STRIDES {
        let c = encode(bench, &EncodeOptions { doc_stride, ..bench.options() })?;
        n += c.len();
        let mut document: Vec<Shown> = Vec::new();
        for s in 0..c.len() {
            let (window, from) = (shown(&c, s, FROM_SECOND), s * doc_stride);
            let shared = document.get(from..).unwrap_or_default();
            let last = s + 1 == c.len();
            ensure(
                from <= document.len()
                    && window.len() >= shared.len()
                    && window.starts_with(shared),
                || {
                    format!(
                        "with doc_stride {doc_stride} window {s} does not begin {doc_stride} tokens after the one before"
                    )
                },
                "windows that begin doc_stride tokens apart, and show the same tokens where they overlap",
            )?;
            let more = window.len() - shared.len();
            ensure(
                more > 0 || (s == 0 && last),
                || format!("with doc_stride {doc_stride} window {s} shows nothing new"),
                "no window after the one that reaches the end of the context",
            )?;
            document.extend(&window[shared.len()..]);
        }
        documents.push((doc_stride, document));
    }
    let (stride, first) = &documents[0];
    for (other, document) in &documents[1..] {
        if document != first {
            return Err(bad(
                format!(
                    "windows {stride} apart show {} tokens of the context, and {other} apart {}",
                    first.len(),
                    document.len()
                ),
                "the whole context, whatever the stride",
            ));
        }
    }
    let text = match row() {
        RowInput::Question { context, .. } => context,
        _ => String::new(),
    };
    let reaches = first.last().map_or(0, |&(_, _, end)| end as usize);
    ensure(
        reaches == text.trim_end().len(),
        || format!("the last token ends at byte {reaches} of {}", text.trim_end().len()),
        "windows up to the end of the context",
    )?;
    Ok(format!("{n} windows over {} tokens, {STRIDES:?} apart", first.len()))
}

fn question_length(bench: &mut Bench) -> Outcome {
    if !bench.kinds()?.contains(&Kind::Question) {
        return skipped("the tokeniser takes no questions");
    }
    let whole = encode(bench, &EncodeOptions { max_question_len: 16, ..bench.options() })?;
    let all = shown(&whole, 0, FROM_FIRST);
    for max_question_len in [1, 3, 8] {
        let c = encode(bench, &EncodeOptions { max_question_len, ..bench.options() })?;
        for s in 0..c.len() {
            let kept = shown(&c, s, FROM_FIRST);
            let wanted = &all[..all.len().min(max_question_len)];
            ensure(
                kept == wanted,
                || {
                    format!(
                        "max_question_len {max_question_len}, window {s}: {} tokens of the question",
                        kept.len()
                    )
                },
                &format!("its first {} tokens", wanted.len()),
            )?;
        }
    }
    Ok("1, 3 and 8 tokens".into())
}
