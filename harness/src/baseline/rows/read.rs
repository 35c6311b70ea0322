//! Reading rows: whatever the file holds, it is rows or an error that names the line.

use std::fs;
use std::path::Path;
use std::str::{FromStr, SplitAsciiWhitespace};

use super::{CLUSTER, INDEX, MAGIC, RowsError};
use crate::baseline::BaselineError;
use crate::compare::{Evidence, Rows, SideKind};

/// Reads a rows file.
///
/// # Errors
/// [`BaselineError::Io`] and [`BaselineError::Rows`].
pub fn read(file: &Path) -> Result<Evidence, BaselineError> {
    let bytes = fs::read(file).map_err(BaselineError::io("read", file))?;
    Ok(parse(&bytes, file)?)
}

/// Reads the content of a rows file; `file` is its name in errors.
///
/// # Errors
/// [`RowsError`] with the line and what was expected there.
pub fn parse(content: &[u8], file: &Path) -> Result<Evidence, RowsError> {
    let fail = |line: usize, message: String| RowsError { file: file.to_owned(), line, message };
    let text = std::str::from_utf8(content).map_err(|error| {
        let line = content[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        fail(line + 1, "not UTF-8".to_owned())
    })?;
    let mut lines = text.lines();
    let header = Header::parse(lines.next().unwrap_or_default()).map_err(|m| fail(1, m))?;
    let mut table = Table::new(&header);
    let mut count = 0;
    for (line, content) in (2..).zip(lines) {
        table.push(&header, content).map_err(|message| fail(line, message))?;
        count += 1;
    }
    if count != header.rows {
        let message = format!("there are {count} rows, the first line says {}", header.rows);
        return Err(fail(count + 1, message));
    }
    Ok(table.into_evidence(&header))
}

/// The first line.
struct Header {
    rows: usize,
    index: bool,
    cluster: bool,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Labels(Option<Scores>),
    Values,
    Tags,
    Answers,
}

#[derive(Clone, Copy, PartialEq)]
struct Scores {
    single: bool,
    labels: usize,
}

impl Header {
    fn parse(line: &str) -> Result<Self, String> {
        let not_rows =
            || format!("not a rows file: it begins with `{MAGIC} KIND rows=N columns=..`");
        let rest = line
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.strip_prefix(' '))
            .ok_or_else(not_rows)?;
        let mut fields = rest.split(' ');
        let kind = fields.next().unwrap_or_default();
        let rows = fields.next().and_then(|field| field.strip_prefix("rows="));
        let columns = fields.next().and_then(|field| field.strip_prefix("columns="));
        let (Some(rows), Some(columns), None) = (rows, columns, fields.next()) else {
            return Err(not_rows());
        };
        let rows = number(rows, "the number of rows")?;
        let mut columns: &[&str] = &columns.split(',').collect::<Vec<_>>();
        let mut take = |name: &str| match columns {
            [first, rest @ ..] if *first == name => {
                columns = rest;
                true
            }
            _ => false,
        };
        let (index, cluster) = (take(INDEX), take(CLUSTER));
        let kind = match (kind, columns) {
            ("labels", ["gold", "predicted"]) => Kind::Labels(None),
            ("labels", ["gold", "predicted", scores]) => Kind::Labels(Some(Scores::parse(scores)?)),
            ("values", ["gold", "predicted"]) => Kind::Values,
            ("tags", ["words"]) => Kind::Tags,
            ("answers", ["exact", "char_f1"]) => Kind::Answers,
            _ => {
                return Err(format!(
                    "no rows of the kind `{kind}` have the columns {}",
                    columns.join(",")
                ));
            }
        };
        Ok(Self { rows, index, cluster, kind })
    }
}

impl Scores {
    fn parse(column: &str) -> Result<Self, String> {
        let (width, labels) = column.split_once(':').unwrap_or((column, ""));
        let labels = number(labels, "the number of scores a row")?;
        match (width, labels) {
            (_, 0) => Err("scores of no label".to_owned()),
            ("f32", labels) => Ok(Self { single: true, labels }),
            ("f64", labels) => Ok(Self { single: false, labels }),
            _ => Err(format!("scores are `f32:L` or `f64:L`, not `{column}`")),
        }
    }
}

/// The rows so far.
struct Table {
    index: Vec<u64>,
    clusters: Vec<u32>,
    rows: Rows,
}

impl Table {
    fn new(header: &Header) -> Self {
        let rows = match header.kind {
            Kind::Labels(scores) => Rows::Labels {
                gold: Vec::new(),
                predicted: Vec::new(),
                scores: scores.map(|_| Vec::new()),
            },
            Kind::Values => Rows::Values { gold: Vec::new(), predicted: Vec::new() },
            Kind::Tags => Rows::Tags { starts: vec![0], gold: Vec::new(), predicted: Vec::new() },
            Kind::Answers => Rows::Answers { exact: Vec::new(), char_f1: Vec::new(), texts: None },
        };
        Self { index: Vec::new(), clusters: Vec::new(), rows }
    }

    fn push(&mut self, header: &Header, line: &str) -> Result<(), String> {
        let (fields, others) = match line.split_once('|') {
            Some((fields, others)) => (fields, Some(others)),
            None => (line, None),
        };
        let mut fields = fields.split_ascii_whitespace();
        self.index.push(match header.index {
            true => next(&mut fields, "the row's index")?,
            false => self.index.len() as u64,
        });
        if header.cluster {
            self.clusters.push(next(&mut fields, "the row's source")?);
        }
        match &mut self.rows {
            Rows::Labels { gold, predicted, scores } => {
                gold.push(next(&mut fields, "the gold label")?);
                predicted.push(next(&mut fields, "the predicted label")?);
                if let (Some(scores), Kind::Labels(Some(shape))) = (scores, header.kind) {
                    for _ in 0..shape.labels {
                        scores.push(score(&mut fields, shape.single)?);
                    }
                }
            }
            Rows::Values { gold, predicted } => {
                gold.push(score(&mut fields, false)?);
                predicted.push(score(&mut fields, false)?);
            }
            Rows::Tags { starts, gold, predicted } => {
                let begin = gold.len();
                for field in fields.by_ref() {
                    let label = number(field, "a gold label")?;
                    gold.push(label);
                    predicted.push(Some(label));
                }
                starts.push(gold.len());
                for field in others.unwrap_or_default().split_ascii_whitespace() {
                    other(field, &mut predicted[begin..])?;
                }
                return Ok(());
            }
            Rows::Answers { exact, char_f1, .. } => {
                exact.push(match next::<u8>(&mut fields, "whether the answer is exact")? {
                    0 => false,
                    1 => true,
                    more => return Err(format!("an answer is exact (1) or not (0), not {more}")),
                });
                let overlap = score(&mut fields, false)?;
                if !(0.0..=1.0).contains(&overlap) {
                    return Err(format!("an overlap is from 0 to 1, not {overlap}"));
                }
                char_f1.push(overlap);
            }
        }
        match fields.next().or(others) {
            Some(more) => Err(format!("`{}` stands after the last column", short(more))),
            None => Ok(()),
        }
    }

    fn into_evidence(mut self, header: &Header) -> Evidence {
        // Of no rows there are no scores, however many a row would have.
        if let Rows::Labels { gold, scores, .. } = &mut self.rows
            && gold.is_empty()
        {
            *scores = None;
        }
        Evidence {
            from: SideKind::Baseline,
            index: self.index,
            ids: None,
            clusters: header.cluster.then_some(self.clusters),
            rows: self.rows,
        }
    }
}

/// `WORD:LABEL` or `WORD:-`.
fn other(field: &str, predicted: &mut [Option<u32>]) -> Result<(), String> {
    let (word, label) = field
        .split_once(':')
        .ok_or_else(|| format!("`WORD:LABEL` was expected, not `{}`", short(field)))?;
    let word: usize = number(word, "a word")?;
    let words = predicted.len();
    let place = predicted
        .get_mut(word)
        .ok_or_else(|| format!("word {word} is not among the row's {words}, counted from 0"))?;
    *place = if label == "-" { None } else { Some(number(label, "a predicted label")?) };
    Ok(())
}

fn next<T: FromStr>(fields: &mut SplitAsciiWhitespace<'_>, what: &str) -> Result<T, String> {
    number(fields.next().ok_or_else(|| format!("{what} is missing"))?, what)
}

fn number<T: FromStr>(field: &str, what: &str) -> Result<T, String> {
    field.parse().map_err(|_| format!("{what} is a whole number, not `{}`", short(field)))
}

/// A finite number, rounded as it was before it was written.
fn score(fields: &mut SplitAsciiWhitespace<'_>, single: bool) -> Result<f64, String> {
    let field = fields.next().ok_or("a number is missing")?;
    let parsed = if single { field.parse().map(f32::into) } else { field.parse::<f64>() };
    let finite = parsed.ok().filter(|number: &f64| number.is_finite());
    finite.ok_or_else(|| format!("a finite number was expected, not `{}`", short(field)))
}

/// As much of a field as an error should repeat.
fn short(field: &str) -> String {
    crate::text::shorten(field.trim(), 24)
}
