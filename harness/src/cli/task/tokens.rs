//! What a model's tokeniser makes of a split, in lines for people.

use std::io::{self, Write};

use super::lines::write_list;
use crate::report::Look;
use crate::report::number::{grouped, percent};
use crate::tokens::TokenAudit;

/// Prints lengths, cuts and unknown tokens, and for questions the best that any model could do.
pub(super) fn write(audit: &TokenAudit, look: &Look, out: &mut dyn Write) -> io::Result<()> {
    let lengths = &audit.lengths;
    let mut list = |key: &str, parts: &[String]| {
        write_list(out, &format!("    {key}: "), parts, ", ", look.width)
    };
    list(
        &format!("tokens of {}", audit.model),
        &[
            format!("{} tokens", grouped(audit.tokens)),
            format!("{:.3} a character", audit.tokens_per_character),
            format!(
                "{} unknown ({}%)",
                grouped(audit.unknown_tokens),
                percent(audit.unknown_share)
            ),
            format!(
                "a row: median {}, 90% {}, 99% {}, longest {}",
                grouped(lengths.median),
                grouped(lengths.p90),
                grouped(lengths.p99),
                grouped(lengths.max)
            ),
        ],
    )?;
    let share = audit.truncated_rows as f64 / audit.rows.max(1) as f64;
    let mut cuts = vec![format!(
        "{} rows ({}%) are longer than {} tokens",
        grouped(audit.truncated_rows),
        percent(share),
        grouped(audit.max_seq_len.into())
    )];
    if audit.truncated_tokens > 0 {
        cuts.push(format!("{} tokens are cut off", grouped(audit.truncated_tokens)));
    }
    if let Some(words) = &audit.words {
        let (cut, all) = (grouped(words.cut), grouped(words.words));
        cuts.push(format!("{cut} of {all} words are never seen"));
    }
    list("cut", &cuts)?;
    let entities = audit.words.iter().flat_map(|words| &words.entities);
    let entities: Vec<String> = entities
        .filter(|of| of.all > 0)
        .map(|of| match of.all == of.visible {
            true => format!("{} {}", of.kind, grouped(of.all)),
            false => format!("{} {} of {}", of.kind, grouped(of.visible), grouped(of.all)),
        })
        .collect();
    if !entities.is_empty() {
        list("entities that are seen", &entities)?;
    }
    let Some(questions) = &audit.questions else { return Ok(()) };
    let mut windows = vec![
        format!("{} windows", grouped(questions.windows)),
        format!(
            "{} tokens of contexts, {} unknown",
            grouped(questions.context_tokens),
            grouped(questions.context_unknown)
        ),
    ];
    for (count, what) in [
        (questions.answers_too_long, "answers of more tokens than an answer may have"),
        (questions.answers_not_found, "answers not at their place"),
    ] {
        if count > 0 {
            windows.push(format!("{} {what}", grouped(count)));
        }
    }
    list("windows", &windows)?;
    if let (Some(exact), Some(f1)) = (questions.best_exact_match, questions.best_char_f1) {
        let best = format!("exact_match {}, char_f1 {}", percent(exact), percent(f1));
        list("best possible with this vocabulary", &[best])?;
    }
    Ok(())
}
