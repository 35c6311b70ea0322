//! Sequences that are too long.

use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::columns::Columns;
use crate::check::outcome::{Outcome, Stop, bad, ensure, skipped};
use crate::check::text::{Kind, PLAIN};
use crate::plugin::{EncodeOptions, Example, Tokenizer, Truncation};
use crate::worker::RowInput;
use kobench_plugin_abi::{self as abi, FROM_SPECIAL};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tokenizer.max-seq-len",
        what: "no sequence is longer than max_seq_len, special tokens included; more than the model's limit is refused",
        hint: "cut to `max_seq_len` tokens (0: the model's limit); refuse one beyond it with KOBENCH_E_INVALID_ARGUMENT",
        run: max_seq_len,
    },
    Check {
        id: "tokenizer.truncation",
        what: "tokens that were cut off are counted, and cut off at the end",
        hint: "fill in `n_truncated` with the tokens of the example that are in no window",
        run: truncation,
    },
    Check {
        id: "tokenizer.never-truncate",
        what: "with KOBENCH_TRUNCATE_NEVER a sequence that is too long is an error that names the example",
        hint: "return KOBENCH_E_INVALID_ARGUMENT where `truncation` is KOBENCH_TRUNCATE_NEVER",
        run: never,
    },
    Check {
        id: "tokenizer.longest-first",
        what: "of a pair the longer text is cut first; where both are equally long, the second",
        hint: "drop one token at a time from the longer text, and from the second where they are equal",
        run: longest_first,
    },
];

/// Encodes, where the tokeniser does not refuse the options.
fn encode(
    bench: &Bench,
    tokenizer: &mut Tokenizer,
    rows: &[RowInput],
    options: &EncodeOptions,
) -> Result<Option<Columns>, Stop> {
    let views: Vec<Example<'_>> = rows.iter().map(RowInput::view).collect();
    match tokenizer.encode(&views, options) {
        Ok(encoded) => Ok(Some(Columns::of(&encoded)?)),
        // A plugin may need more room than it was given here.
        Err(e) if [abi::E_INVALID_ARGUMENT, abi::E_UNSUPPORTED].contains(&e.status) => {
            let least = bench.max_seq_len();
            if options.max_seq_len >= least && options.truncation != Truncation::Never {
                return Err(e.into());
            }
            Ok(None)
        }
        Err(e) => Err(e.into()),
    }
}

/// A row of so many words in each text.
fn long(kind: Kind, first: usize, second: usize) -> RowInput {
    let text = |n: usize| -> String {
        let words: Vec<&str> = PLAIN.iter().flat_map(|t| t.split(' ')).cycle().take(n).collect();
        words.join(" ")
    };
    kind.row(&text(first), &text(second))
}

fn max_seq_len(bench: &mut Bench) -> Outcome {
    let mut tokenizer = bench.tokenizer()?;
    // What the description says is of the published weights; others may be shorter or longer.
    let stated = bench.variant()?.max_seq_len.filter(|_| bench.checkpoint.is_none());
    let limit = stated.map(|n| n as usize);
    let mut tried = Vec::new();
    for kind in bench.kinds()? {
        let rows = [long(kind, 300, 300), long(kind, 1, 900), long(kind, 2, 1)];
        for asked in [0, 8, 16, 17, bench.max_seq_len(), limit.unwrap_or(24)] {
            let options = EncodeOptions { max_seq_len: asked, ..bench.options() };
            let Some(c) = encode(bench, &mut tokenizer, &rows, &options)? else { continue };
            let most = if asked == 0 { limit.unwrap_or(usize::MAX) } else { asked };
            let longest = (0..c.len()).map(|s| c.range(s).len()).max().unwrap_or(0);
            ensure(
                longest <= most,
                || format!("{}: max_seq_len {asked} gave {longest} tokens", kind.name()),
                &format!("at most {most} tokens"),
            )?;
            if !tried.contains(&asked) {
                tried.push(asked);
            }
        }
        if let Some(limit) = limit {
            let options = EncodeOptions { max_seq_len: limit + 1, ..bench.options() };
            let views: Vec<Example<'_>> = rows.iter().map(RowInput::view).collect();
            match tokenizer.encode(&views, &options) {
                Err(e) if e.status == abi::E_INVALID_ARGUMENT => {}
                Err(e) => return Err(e.into()),
                Ok(_) => {
                    return Err(bad(
                        format!(
                            "max_seq_len {} was taken by a model whose limit is {limit}",
                            limit + 1
                        ),
                        "the status \"invalid argument\"",
                    ));
                }
            }
        }
    }
    Ok(format!("{tried:?}"))
}

/// Tokens of a sequence that are of a text.
fn of_texts(c: &Columns, sequence: usize) -> Vec<usize> {
    c.range(sequence).filter(|&t| c.source[t] != FROM_SPECIAL).collect()
}

fn truncation(bench: &mut Bench) -> Outcome {
    let mut tokenizer = bench.tokenizer()?;
    let mut looked = Vec::new();
    for kind in bench.kinds()? {
        if kind == Kind::Question {
            continue;
        }
        let rows = [long(kind, 9, 7), long(kind, 2, 1)];
        let short = EncodeOptions { max_seq_len: 16, ..bench.options() };
        let whole = EncodeOptions { max_seq_len: 0, ..bench.options() };
        let Some(short) = encode(bench, &mut tokenizer, &rows, &short)? else { continue };
        let Some(whole) = encode(bench, &mut tokenizer, &rows, &whole)? else { continue };
        for s in 0..rows.len().min(short.len()).min(whole.len()) {
            let all = |c: &Columns| of_texts(c, s).len() + c.n_truncated[s] as usize;
            ensure(
                all(&short) == all(&whole),
                || {
                    format!(
                        "{}: cut to 16, row {s} has {} tokens and {} cut off; uncut it has {} and {}",
                        kind.name(),
                        of_texts(&short, s).len(),
                        short.n_truncated[s],
                        of_texts(&whole, s).len(),
                        whole.n_truncated[s]
                    )
                },
                "tokens that are kept and tokens that are cut off add up to the same",
            )?;
            let ids = |c: &Columns, source: u8| -> Vec<u32> {
                of_texts(c, s)
                    .iter()
                    .filter(|&&t| c.source[t] == source)
                    .map(|&t| c.input_ids[t])
                    .collect()
            };
            for source in [abi::FROM_FIRST, abi::FROM_SECOND] {
                ensure(
                    ids(&whole, source).starts_with(&ids(&short, source)),
                    || format!("{}: cut to 16, row {s} has other tokens than uncut", kind.name()),
                    "the first tokens of each text",
                )?;
            }
        }
        looked.push(kind.name());
    }
    if looked.is_empty() {
        return skipped("the tokeniser takes only questions, or needs more than 16 tokens");
    }
    Ok(looked.join(", "))
}

fn never(bench: &mut Bench) -> Outcome {
    let mut tokenizer = bench.tokenizer()?;
    let kinds = bench.kinds()?;
    for &kind in &kinds {
        let options = EncodeOptions { truncation: Truncation::Never, ..bench.options() };
        let rows = [long(kind, 2, 1), long(kind, 300, 300)];
        let views: Vec<Example<'_>> = rows.iter().map(RowInput::view).collect();
        let expected = "the status \"invalid argument\", and a message that names example 1";
        match tokenizer.encode(&views, &options) {
            Err(e) if e.status == abi::E_INVALID_ARGUMENT => {
                ensure(
                    e.message.contains('1'),
                    || format!("{}: {}", kind.name(), e.message),
                    expected,
                )?;
            }
            Err(e) => return Err(bad(format!("{}: {e}", kind.name()), expected)),
            Ok(_) => return Err(bad(format!("{}: it was cut", kind.name()), expected)),
        }
        let short = [long(kind, 1, 1)];
        let views: Vec<Example<'_>> = short.iter().map(RowInput::view).collect();
        tokenizer.encode(&views, &options)?;
    }
    Ok(format!("{} kinds", kinds.len()))
}

fn longest_first(bench: &mut Bench) -> Outcome {
    if !bench.kinds()?.contains(&Kind::Pair) {
        return skipped("the tokeniser takes no pairs");
    }
    let mut tokenizer = bench.tokenizer()?;
    let mut n = 0;
    for (first, second) in [(30, 30), (30, 2), (2, 30), (12, 30), (5, 4)] {
        let rows = [long(Kind::Pair, first, second)];
        let alone = |of: usize| {
            [RowInput::Pair(
                match long(Kind::Text, of, 0) {
                    RowInput::Text(text) => text,
                    _ => String::new(),
                },
                String::new(),
            )]
        };
        let max = bench.max_seq_len();
        let options = EncodeOptions { max_seq_len: max, ..bench.options() };
        let uncut = EncodeOptions { max_seq_len: 0, ..bench.options() };
        let mut tokens = |of: usize| -> Result<usize, Stop> {
            let c = encode(bench, &mut tokenizer, &alone(of), &uncut)?;
            Ok(c.map_or(0, |c| of_texts(&c, 0).len() + c.n_truncated[0] as usize))
        };
        let (mut a, mut b) = (tokens(first)?, tokens(second)?);
        let Some(c) = encode(bench, &mut tokenizer, &rows, &options)? else { continue };
        let special = c.range(0).len() - of_texts(&c, 0).len();
        let room = max.saturating_sub(special);
        while a + b > room {
            if a > b { a -= 1 } else { b -= 1 }
        }
        let kept = |source: u8| of_texts(&c, 0).iter().filter(|&&t| c.source[t] == source).count();
        let seen = (kept(abi::FROM_FIRST), kept(abi::FROM_SECOND));
        ensure(
            seen == (a, b),
            || format!("texts of {first} and {second} words kept {} and {} tokens", seen.0, seen.1),
            &format!("{a} and {b}"),
        )?;
        n += 1;
    }
    Ok(format!("{n} pairs"))
}
