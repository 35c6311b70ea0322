//! What a look at the rows of a data set tells.

use std::collections::HashSet;
use std::io::{self, Write};

use crate::data::{Dataset, Input, Row};
use crate::report::number::{grouped, percent};

/// Rows are the same when their texts are, whatever their ids and labels.
fn texts(row: &Row<'_>) -> String {
    match row.input {
        Input::Text(text) => text.to_owned(),
        Input::Pair(first, second) => format!("{first}\t{second}"),
        Input::Words(words) => words.iter().collect::<Vec<_>>().join(" "),
        Input::Question { question, context } => format!("{question}\t{context}"),
    }
}

fn is_empty(row: &Row<'_>) -> bool {
    match row.input {
        Input::Text(text) => text.is_empty(),
        Input::Pair(first, second) => first.is_empty() || second.is_empty(),
        Input::Words(words) => words.is_empty(),
        Input::Question { question, context } => question.is_empty() || context.is_empty(),
    }
}

/// Prints rows, labels, doubled and empty texts of one split.
pub(super) fn write_split(name: &str, data: &Dataset, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "  {name}: {} rows, SHA-256 as named ({})",
        grouped(data.len() as u64),
        data.info().file
    )?;
    let gold = data.gold_labels();
    let labels: Vec<String> = (0u32..)
        .zip(data.labels())
        .map(|(index, label)| {
            let count = gold.iter().filter(|gold| **gold == index).count() as u64;
            let share = count as f64 / gold.len().max(1) as f64;
            format!("{} {} {} ({}%)", label.id, label.name, grouped(count), percent(share))
        })
        .collect();
    writeln!(out, "    labels: {}", labels.join(", "))?;
    let mut seen = HashSet::with_capacity(data.len());
    let doubled = data.rows().filter(|row| !seen.insert(texts(row))).count() as u64;
    let empty = data.rows().filter(is_empty).count() as u64;
    let skipped = match data.skipped_empty() {
        0 => String::new(),
        skipped => format!(", left out for an empty text: {}", grouped(skipped)),
    };
    writeln!(
        out,
        "    rows whose text came before: {}, empty texts: {}{skipped}",
        grouped(doubled),
        grouped(empty)
    )
}

/// Prints for each pair of splits how many rows of the smaller one have a text of the larger one.
pub(super) fn write_overlaps(splits: &[(&str, Dataset)], out: &mut dyn Write) -> io::Result<()> {
    for (index, (first_name, first)) in splits.iter().enumerate() {
        for (second_name, second) in &splits[index + 1..] {
            let ((small_name, small), (large_name, large)) = if first.len() <= second.len() {
                ((first_name, first), (second_name, second))
            } else {
                ((second_name, second), (first_name, first))
            };
            let known: HashSet<_> = large.rows().map(|row| texts(&row)).collect();
            let shared = small.rows().filter(|row| known.contains(&texts(row))).count() as u64;
            let share = percent(shared as f64 / small.len().max(1) as f64);
            writeln!(
                out,
                "  overlap: {} rows of {small_name} ({share}%) have a text of {large_name}",
                grouped(shared)
            )?;
        }
    }
    Ok(())
}
