//! Writing rows.

use std::fmt::Write as _;
use std::path::Path;

use super::{CLUSTER, INDEX, MAGIC, RowsError, kind};
use crate::compare::{Evidence, Rows};

/// The text of a rows file; `file` is its name in errors. Ids and texts are left out.
///
/// # Errors
/// [`RowsError`] where columns are not equally long, and for numbers that are not finite.
pub fn write(evidence: &Evidence, file: &Path) -> Result<String, RowsError> {
    let rows = evidence.rows.len();
    check(evidence).map_err(|(row, message)| RowsError {
        file: file.to_owned(),
        line: row + 2,
        message,
    })?;
    let counted = evidence.index.iter().zip(0_u64..).all(|(index, count)| *index == count);
    let mut columns: Vec<String> = Vec::new();
    columns.extend((!counted).then(|| INDEX.to_owned()));
    columns.extend(evidence.clusters.as_ref().map(|_| CLUSTER.to_owned()));
    let single = scores(&evidence.rows).is_some_and(|scores| scores.iter().all(|s| is_single(*s)));
    match &evidence.rows {
        Rows::Labels { scores: Some(scores), .. } => {
            let width = if single { "f32" } else { "f64" };
            let labels = scores.len().checked_div(rows).unwrap_or(0);
            columns.extend(["gold".into(), "predicted".into(), format!("{width}:{labels}")]);
        }
        Rows::Labels { .. } | Rows::Values { .. } => {
            columns.extend(["gold".to_owned(), "predicted".to_owned()]);
        }
        Rows::Tags { .. } => columns.push("words".to_owned()),
        Rows::Answers { .. } => columns.extend(["exact".to_owned(), "char_f1".to_owned()]),
    }
    let mut text =
        format!("{MAGIC} {} rows={rows} columns={}\n", kind(&evidence.rows), columns.join(","));
    let mut fields: Vec<String> = Vec::new();
    for row in 0..rows {
        fields.extend((!counted).then(|| evidence.index[row].to_string()));
        fields.extend(evidence.clusters.as_ref().map(|clusters| clusters[row].to_string()));
        push_row(&evidence.rows, row, single, &mut fields);
        text.push_str(&fields.join(" "));
        text.push('\n');
        fields.clear();
    }
    Ok(text)
}

fn push_row(rows: &Rows, row: usize, single: bool, fields: &mut Vec<String>) {
    match rows {
        Rows::Labels { gold, predicted, scores } => {
            fields.extend([gold[row].to_string(), predicted[row].to_string()]);
            if let Some(scores) = scores {
                let labels = scores.len() / gold.len();
                let scores = &scores[row * labels..(row + 1) * labels];
                fields.extend(
                    scores
                        .iter()
                        .map(|score| if single { digits(&(*score as f32)) } else { digits(score) }),
                );
            }
        }
        Rows::Values { gold, predicted } => {
            fields.extend([digits(&gold[row]), digits(&predicted[row])]);
        }
        Rows::Tags { starts, gold, predicted } => {
            let words = starts[row]..starts[row + 1];
            fields.extend(gold[words.clone()].iter().map(u32::to_string));
            let mut others = String::new();
            for (word, at) in words.enumerate() {
                match predicted[at] {
                    Some(label) if label == gold[at] => {}
                    // Writing to a string cannot fail.
                    Some(label) => drop(write!(others, " {word}:{label}")),
                    None => drop(write!(others, " {word}:-")),
                }
            }
            if !others.is_empty() {
                fields.push(format!("|{others}"));
            }
        }
        Rows::Answers { exact, char_f1, .. } => {
            fields.extend([u8::from(exact[row]).to_string(), digits(&char_f1[row])]);
        }
    }
}

fn scores(rows: &Rows) -> Option<&[f64]> {
    match rows {
        Rows::Labels { scores, .. } => scores.as_deref(),
        Rows::Values { .. } | Rows::Tags { .. } | Rows::Answers { .. } => None,
    }
}

/// Whether single precision keeps the number exactly, as it does what a model computed in it.
fn is_single(number: f64) -> bool {
    f64::from(number as f32).to_bits() == number.to_bits()
}

/// The fewest digits that give the same number back: that is what `Debug` prints, with `.0` at the end of whole ones.
fn digits(number: &impl std::fmt::Debug) -> String {
    let text = format!("{number:?}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// What would be read as something else: the row from 0, and what is wrong.
fn check(evidence: &Evidence) -> Result<(), (usize, String)> {
    let rows = evidence.rows.len();
    let long = |length: usize, what: &str| {
        let message = || format!("{what} are {length}, but there are {rows} rows");
        if length == rows { Ok(()) } else { Err((length.min(rows), message())) }
    };
    let finite = |numbers: &[f64], a_row: usize, what: &str| {
        let wrong = numbers.iter().position(|number| !number.is_finite());
        let message = || format!("{what} must be finite numbers");
        wrong.map_or(Ok(()), |at| Err((at / a_row.max(1), message())))
    };
    long(evidence.index.len(), "indices")?;
    evidence.clusters.as_ref().map_or(Ok(()), |clusters| long(clusters.len(), "clusters"))?;
    match &evidence.rows {
        Rows::Labels { gold, predicted, scores } => {
            long(predicted.len(), "predictions")?;
            let Some(scores) = scores else { return Ok(()) };
            if scores.is_empty() || scores.len() % gold.len().max(1) != 0 {
                let message = format!("{} scores cannot be shared among {rows} rows", scores.len());
                return Err((0, message));
            }
            finite(scores, scores.len() / gold.len().max(1), "scores")
        }
        Rows::Values { gold, predicted } => {
            long(predicted.len(), "predictions")?;
            finite(gold, 1, "values")?;
            finite(predicted, 1, "values")
        }
        Rows::Tags { starts, gold, predicted } => {
            let rising = starts.windows(2).all(|pair| pair[0] <= pair[1]);
            let whole = starts.first() == Some(&0) && starts.last() == Some(&gold.len());
            if rising && whole && gold.len() == predicted.len() {
                return Ok(());
            }
            Err((0, "the rows' words are not all of the words".to_owned()))
        }
        Rows::Answers { exact: _, char_f1, .. } => {
            long(char_f1.len(), "overlaps")?;
            finite(char_f1, 1, "overlaps")
        }
    }
}
