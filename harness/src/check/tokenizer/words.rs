//! Which word a token is of.

use super::structure::each_token;
use super::{counted, encodings, place};
use crate::check::bench::Bench;
use crate::check::catalog::Check;
use crate::check::outcome::{Outcome, ensure};
use crate::check::text::{Kind, PLAIN};
use crate::worker::RowInput;
use kobench_plugin_abi::{FROM_SECOND, FROM_SPECIAL, NO_WORD};

pub(super) const CHECKS: &[Check] = &[
    Check {
        id: "tokenizer.word-ids",
        what: "in a plain text a token's word is the number of words before it",
        hint: "count words that are apart by white space, from 0, for each text of its own",
        run: ordinals,
    },
    Check {
        id: "tokenizer.word-order",
        what: "words do not fall from token to token, and none is left out that is not cut off",
        hint: "give each word that was given at least one token (the unknown token, if it has no other)",
        run: order,
    },
];

fn ordinals(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    each_token(&all, |e, sequence, token| {
        let c = &e.columns;
        let row = &e.rows[(c.example[sequence] as usize).min(e.rows.len() - 1)];
        let source = c.source[token];
        let text = match row {
            RowInput::Words(_) => return Ok(()),
            row => super::text_of(row, source, 0),
        };
        // The nasty texts have no words that everybody would agree on.
        let Some(text) = text.filter(|t| PLAIN.contains(t)) else { return Ok(()) };
        let start = (c.start[token] as usize).min(text.len());
        // A token that begins with the space before its word is of that word.
        let inside = text.get(start..(c.end[token] as usize).min(text.len())).unwrap_or_default();
        let begins = start + inside.len() - inside.trim_start().len();
        let before = text.get(..begins).unwrap_or_default();
        let spaces = before.split(' ').count() - 1;
        let word = c.word_ids[token];
        // A token of white space alone is of the word before it or after it.
        let alone = inside.trim().is_empty();
        let right =
            usize::try_from(word).is_ok_and(|word| word == spaces || (alone && word + 1 == spaces));
        ensure(
            right,
            || format!("{}: `{inside}` of \"{text}\" is of word {word}", place(e, sequence, token)),
            &format!("word {spaces}"),
        )
    })?;
    Ok(counted(&all))
}

fn order(bench: &mut Bench) -> Outcome {
    let all = encodings(bench, &bench.options())?;
    for e in &all {
        let c = &e.columns;
        for s in 0..c.len() {
            for source in [kobench_plugin_abi::FROM_FIRST, FROM_SECOND] {
                let of_text = |t: &usize| c.source[*t] == source && c.word_ids[*t] != NO_WORD;
                let tokens: Vec<usize> = c.range(s).filter(of_text).collect();
                let falls = tokens.windows(2).find(|p| c.word_ids[p[0]] > c.word_ids[p[1]]);
                ensure(
                    falls.is_none(),
                    || {
                        falls.map_or_else(String::new, |p| {
                            let (a, b) = (c.word_ids[p[0]], c.word_ids[p[1]]);
                            format!("{}: of word {b}, after one of word {a}", place(e, s, p[1]))
                        })
                    },
                    "words that do not fall from token to token",
                )?;
            }
            if e.kind != Kind::Words {
                continue;
            }
            let RowInput::Words(words) = &e.rows[(c.example[s] as usize).min(e.rows.len() - 1)]
            else {
                continue;
            };
            let mut next = 0;
            for t in c.range(s).filter(|&t| c.source[t] != FROM_SPECIAL) {
                let word = c.word_ids[t];
                ensure(
                    (word == next || word + 1 == next) && (word as usize) < words.len(),
                    || format!("{}: of word {word} of {}", place(e, s, t), words.len()),
                    &format!("word {next} or the one before"),
                )?;
                next = next.max(word + 1);
            }
            ensure(
                next as usize == words.len() || c.n_truncated[s] > 0,
                || {
                    format!(
                        "texts split into words, row {}: {next} of {} words have a token, but nothing was cut off",
                        c.example[s],
                        words.len()
                    )
                },
                "at least one token for each word",
            )?;
        }
    }
    Ok(counted(&all))
}
