//! Tables with a header: CSV as RFC 4180 has it, and TSV.
//!
//! TSV has no quoting that all writers agree on. A line is split at its tabs, and a field in quotation
//! marks whose inner ones are doubled is what a CSV writer has quoted; all else stands for itself, such
//! as an answer that begins with a quotation mark.

use std::borrow::Cow;

use super::Request;
use super::member::number;
use crate::score::ScoreError;
use crate::score::lines::lines;
use crate::score::value::{Prediction, Predictions, ScoreKind, Value, quoted};

/// Where the columns are.
#[derive(Debug)]
struct Layout {
    id: Option<usize>,
    index: Option<usize>,
    pred: usize,
    gold: Option<usize>,
    score: Option<usize>,
    /// Columns of the header.
    count: usize,
}

pub(super) fn read<'t>(
    text: &'t str,
    delimiter: u8,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    // A quoted field may hold line ends; without any quotes, which is the rule, lines can be split.
    if delimiter == b',' && text.contains('"') {
        read_csv(text, request)
    } else {
        read_split(text, delimiter, request)
    }
}

/// Reads lines without quoting, or with that of TSV.
fn read_split<'t>(
    text: &'t str,
    delimiter: u8,
    request: &Request<'_>,
) -> Result<Predictions<'t>, ScoreError> {
    let mut filled = lines(text).filter(|(_, line)| !line.is_empty());
    let (line, header) = filled.next().unwrap_or((1, ""));
    let delimiter = char::from(delimiter);
    let names: Vec<Cow<'_, str>> = header.split(delimiter).map(unquoted).collect();
    let layout = Layout::new(&names, line, request)?;
    let mut predictions = Predictions::of_lines(text);
    let mut fields = Vec::with_capacity(layout.count);
    for (line, content) in filled {
        fields.clear();
        fields.extend(content.split(delimiter).map(unquoted));
        layout.push(&mut predictions, line, &mut fields, request)?;
    }
    Ok(predictions)
}

/// A field without the quotation marks of a CSV writer.
fn unquoted(field: &str) -> Cow<'_, str> {
    let inner = field.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('"') => Cow::Borrowed(inner),
        Some(inner) if !inner.replace("\"\"", "").contains('"') => {
            Cow::Owned(inner.replace("\"\"", "\""))
        }
        _ => Cow::Borrowed(field),
    }
}

fn line_of(position: &csv::Position) -> u32 {
    u32::try_from(position.line()).unwrap_or(u32::MAX)
}

fn read_csv<'t>(text: &'t str, request: &Request<'_>) -> Result<Predictions<'t>, ScoreError> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let fail =
        |error: csv::Error| request.fail(error.position().map_or(1, line_of), error.to_string());
    let mut record = csv::StringRecord::new();
    let mut predictions = Predictions::of_lines(text);
    let mut layout: Option<Layout> = None;
    let mut fields = Vec::new();
    while reader.read_record(&mut record).map_err(fail)? {
        let line = record.position().map_or(1, line_of);
        fields.clear();
        fields.extend(record.iter().enumerate().map(|(index, field)| {
            let field = if index == 0 { field.trim_start_matches('\u{feff}') } else { field };
            Cow::Owned(field.to_owned())
        }));
        match &layout {
            None => layout = Some(Layout::new(&fields, line, request)?),
            Some(layout) => layout.push(&mut predictions, line, &mut fields, request)?,
        }
    }
    Ok(predictions)
}

impl Layout {
    fn new(header: &[Cow<'_, str>], line: u32, request: &Request<'_>) -> Result<Self, ScoreError> {
        let columns: Vec<&str> = header.iter().map(|name| name.trim()).collect();
        let names = &request.names;
        let place = |name: &str| columns.iter().position(|column| *column == name);
        let find = |name: &str, option: &str| {
            place(name).ok_or_else(|| request.no_name(line, "column", name, option, &columns))
        };
        let mut seen = columns.clone();
        seen.sort_unstable();
        let used = |name: &str| {
            [Some(names.id), Some(names.pred), names.gold, names.score].contains(&Some(name))
        };
        if let Some(pair) = seen.windows(2).find(|pair| pair[0] == pair[1] && used(pair[0])) {
            return Err(
                request.fail(line, format!("the column `{}` stands twice in the header", pair[0]))
            );
        }
        Ok(Self {
            id: match names.needs_ids {
                true => Some(find(names.id, "--id-column")?),
                false => place(names.id),
            },
            index: place("i").filter(|_| names.pred != "i"),
            pred: find(names.pred, "--pred-column")?,
            gold: names.gold.map(|name| find(name, "--gold-column")).transpose()?,
            score: names.score.map(|name| find(name, "--score-column")).transpose()?,
            count: columns.len(),
        })
    }

    /// Adds a row, taking its fields.
    fn push<'t>(
        &self,
        predictions: &mut Predictions<'t>,
        line: u32,
        fields: &mut [Cow<'t, str>],
        request: &Request<'_>,
    ) -> Result<(), ScoreError> {
        if fields.len() != self.count {
            return Err(request.fail(
                line,
                format!("found {} fields, the header has {}", fields.len(), self.count),
            ));
        }
        let index = match self.index.map(|column| fields[column].trim()) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                request.fail(
                    line,
                    format!("the index `i` must be an integer from 0, found {}", quoted(text)),
                )
            })?),
        };
        if let Some(column) = self.score.filter(|column| !fields[*column].trim().is_empty()) {
            let text = Value::Text(fields[column].clone());
            let bad = || {
                request.fail(line, format!("the score must be a number, found {}", text.describe()))
            };
            let score = number(&text).ok_or_else(bad)?;
            predictions
                .scores
                .set(predictions.rows.len(), ScoreKind::Positive, &[score])
                .map_err(|message| request.fail(line, message))?;
        }
        // Columns may be the same: the gold scored against itself is a check that people make.
        let gold = self.gold.map(|column| Value::Text(fields[column].clone()));
        let id = self.id.map(|column| fields[column].clone());
        let pred = Value::Text(std::mem::take(&mut fields[self.pred]));
        predictions.gold.extend(gold);
        predictions.rows.push(Prediction { at: line, id, index, pred, cut: false });
        Ok(())
    }
}
