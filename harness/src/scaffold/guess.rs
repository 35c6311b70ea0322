//! What the columns of a table are for.

use std::collections::{BTreeMap, BTreeSet};

use super::columns::ColumnStats;
use super::labels::{has_suffixes, ordered, ordered_tags};
use super::table::Table;
use super::texts::Texts;
use super::{Choices, FileFormat, ScaffoldError, Shape, SourceFile, json, names};
use crate::report::number::grouped;
use crate::task::Kind;

/// Integers with more distinct values than this are taken for numbers, not for labels.
const MAX_INTEGER_LABELS: usize = 20;

/// The length that 99 of 100 texts stay below.
pub(super) fn long(mut lengths: Vec<u32>) -> u32 {
    if lengths.is_empty() {
        return 0;
    }
    let place = (lengths.len() * 99 / 100).min(lengths.len() - 1);
    *lengths.select_nth_unstable(place).1
}

/// Reads all files and decides what their columns are for.
pub(super) fn shape(
    format: FileFormat,
    files: &[SourceFile],
    choices: &Choices,
    notes: &mut Vec<String>,
) -> Result<Shape, ScaffoldError> {
    let Some(first) = files.first() else { return Err(ScaffoldError::NoFile) };
    let has_header = matches!(format, FileFormat::Tsv | FileFormat::Csv);
    let table = Table::read(format, first, choices.header)?;
    if has_header && choices.header.is_none() {
        notes.push(if table.header {
            "header: the first line names the columns; --no-header corrects it".to_owned()
        } else {
            "header: none, the first line is a row; --header corrects it".to_owned()
        });
    }
    let guess = Guess { table: &table, file: first, choices };
    let (label, kind) = guess.label_and_kind(notes)?;
    let texts = guess.texts(label, kind, notes)?;
    let id = guess.id(&texts, notes)?;

    let mut columns = Vec::new();
    if let Some(id) = id {
        columns.push(("id", yaml_key(id)));
    }
    columns.push(("text", texts.text));
    if let Some(pair) = texts.pair {
        columns.push(("text_pair", pair));
    }
    columns.push(("label", yaml_key(label)));

    let mut values = label.values.clone().unwrap_or_default();
    let mut range = label.range;
    let mut rows = vec![table.rows];
    for file in files.iter().skip(1) {
        let other = Table::read(format, file, Some(table.header))?;
        let column = other.column(&label.key(), file)?;
        for (value, count) in column.values.iter().flatten() {
            *values.entry(value.clone()).or_default() += count;
        }
        range = (range.0.min(column.range.0), range.1.max(column.range.1));
        rows.push(other.rows);
    }
    let all_tags = |values: &BTreeMap<String, u64>| -> BTreeSet<String> {
        values.keys().flat_map(|row| row.split_whitespace()).map(str::to_owned).collect()
    };
    let mut suffix_tags = false;
    let labels = match kind {
        Kind::SequenceClassification => ordered(values.keys().cloned().collect()),
        Kind::TokenClassification => {
            let mut tags = BTreeSet::new();
            for file in files {
                tags.append(&mut guess.tags_of(format, file, label)?);
            }
            tags.append(&mut all_tags(&values));
            suffix_tags = has_suffixes(tags.iter().map(String::as_str)).unwrap_or(false);
            ordered_tags(tags)
        }
        _ => vec![],
    };
    if kind == Kind::SequenceClassification && labels.len() < 2 {
        return Err(guess.cannot_tell(
            &format!("two labels apart: `{}` holds one value only", label.key()),
            "give the column of the label with --label COL",
        ));
    }
    let largest = values.values().max().copied().unwrap_or(0);
    let total: u64 = values.values().sum();
    Ok(Shape {
        kind,
        format,
        header: table.header,
        columns,
        member: if format == FileFormat::Json { json::member(first) } else { None },
        comment: None,
        suffix_tags,
        is_uneven: largest * labels.len() as u64 * 2 > 3 * total,
        labels,
        range: (kind == Kind::SequenceRegression).then_some(range),
        long_text: texts.long,
        rows,
    })
}

/// A column in YAML: a name, or an index where there are no names.
pub(super) fn yaml_key(column: &ColumnStats) -> String {
    match &column.name {
        Some(name) => super::write::scalar(name),
        None => column.index.to_string(),
    }
}

/// What there is to guess from.
pub(super) struct Guess<'a> {
    pub(super) table: &'a Table,
    pub(super) file: &'a SourceFile,
    pub(super) choices: &'a Choices,
}

impl<'a> Guess<'a> {
    pub(super) fn cannot_tell(&self, what: &str, say: &str) -> ScaffoldError {
        ScaffoldError::CannotTell {
            path: self.file.path.clone(),
            what: what.to_owned(),
            columns: self.table.describe(),
            say: say.to_owned(),
        }
    }

    fn label_and_kind(
        &self,
        notes: &mut Vec<String>,
    ) -> Result<(&'a ColumnStats, Kind), ScaffoldError> {
        let (label, why) = match &self.choices.label {
            Some(name) => (self.table.column(name, self.file)?, None),
            None => {
                let (label, why) = self.guess_label()?;
                (label, Some(why))
            }
        };
        if let Some(why) = why {
            let distinct = match label.distinct() {
                Some(n) => format!("{} distinct values", grouped(n as u64)),
                None => "many distinct values".to_owned(),
            };
            notes.push(format!(
                "label: column `{}` ({why}, {distinct}); --label corrects it",
                label.key()
            ));
        }
        let kind = match self.choices.kind {
            Some(kind) => kind,
            None => {
                let (kind, why) = self.guess_kind(label)?;
                notes.push(format!("kind: {} ({why}); --kind corrects it", kind.name()));
                kind
            }
        };
        let wrong = match kind {
            Kind::SequenceRegression if !label.is_numeric() => "has values that are no numbers",
            Kind::TokenClassification if !self.is_tagged(label) => {
                "does not hold a label such as B-PER or PER-B for each word of another column"
            }
            Kind::SequenceClassification if label.values.is_none() => {
                "has more distinct values than a classification has labels"
            }
            Kind::ExtractiveQa => "cannot be used: extractive_qa is read from SQuAD files alone",
            _ => return Ok((label, kind)),
        };
        let message = format!("column `{}` {wrong}", label.key());
        Err(self.file.wrong(None, message))
    }

    /// Whether the column has a label for each word of some other column.
    fn is_tagged(&self, column: &ColumnStats) -> bool {
        column.is_tags && column.rows > 0 && self.words_of(column).is_some()
    }

    pub(super) fn words_of(&self, tags: &ColumnStats) -> Option<&'a ColumnStats> {
        let mut others = (self.table.columns.iter()).filter(|column| {
            column.index != tags.index && !column.is_tags && column.words_pair_up(tags)
        });
        others.next()
    }

    fn guess_label(&self) -> Result<(&'a ColumnStats, &'static str), ScaffoldError> {
        let columns = &self.table.columns;
        let mut tagged = columns.iter().filter(|column| {
            // A column of nothing but `O` or `-` may be anything.
            column.lengths.iter().any(|length| *length > 1) && self.is_tagged(column)
        });
        if let (Some(column), None) = (tagged.next(), tagged.next()) {
            return Ok((column, "a label for each word of another column"));
        }
        for name in names::LABEL {
            let mut named = columns.iter().filter(|column| {
                column.name.as_deref().is_some_and(|own| names::plain(own) == name)
                    && !column.is_list
                    && (column.is_numeric() || column.distinct().is_some())
            });
            if let Some(column) = named.next() {
                return Ok((column, "by its name"));
            }
        }
        let mut few = columns.iter().filter(|column| !column.is_list && column.is_like_a_label());
        match (few.next(), few.next()) {
            (Some(column), None) => return Ok((column, "the only one with few values")),
            (Some(_), Some(_)) => {
                return Err(self.cannot_tell(
                    "which column holds the label, for several have few values",
                    "give it with --label COL, by its name or its index from 0",
                ));
            }
            _ => {}
        }
        let mut numbers = columns.iter().filter(|column| column.is_numeric() && !column.is_integer);
        match (numbers.next(), numbers.next()) {
            (Some(column), None) => Ok((column, "the only one with fractions")),
            _ => Err(self.cannot_tell(
                "which column holds the label",
                "give it with --label COL, by its name or its index from 0",
            )),
        }
    }

    fn guess_kind(&self, label: &ColumnStats) -> Result<(Kind, &'static str), ScaffoldError> {
        if self.is_tagged(label) {
            return Ok((Kind::TokenClassification, "a label for each word"));
        }
        let distinct = label.distinct();
        if label.is_numeric()
            && (!label.is_integer && distinct.is_none_or(|n| n > 2)
                || label.is_integer && distinct.is_none_or(|n| n > MAX_INTEGER_LABELS))
        {
            return Ok((Kind::SequenceRegression, "the label is a number with many values"));
        }
        if distinct.is_some() {
            return Ok((Kind::SequenceClassification, "the label has few values"));
        }
        Err(self.cannot_tell(
            &format!("what is predicted: `{}` has many values that are no numbers", label.key()),
            "give the column of the label with --label COL",
        ))
    }

    fn id(
        &self,
        texts: &Texts,
        notes: &mut Vec<String>,
    ) -> Result<Option<&'a ColumnStats>, ScaffoldError> {
        if let Some(name) = &self.choices.id {
            return self.table.column(name, self.file).map(Some);
        }
        let found = names::ID.iter().find_map(|name| {
            self.table.columns.iter().find(|column| {
                column.name.as_deref().is_some_and(|own| names::plain(own) == *name)
                    && !texts.used.contains(&column.index)
                    && column.is_unique()
            })
        });
        if let Some(id) = found {
            notes.push(format!("id: column `{}`; --id corrects it", id.key()));
        }
        Ok(found)
    }

    /// The labels of words in a file: rows of them are too many to be kept as values.
    fn tags_of(
        &self,
        format: FileFormat,
        file: &SourceFile,
        label: &ColumnStats,
    ) -> Result<BTreeSet<String>, ScaffoldError> {
        let mut tags = BTreeSet::new();
        Table::each_value(format, file, self.table.header, label, &mut |value| {
            for tag in value.split_whitespace() {
                if !tags.contains(tag) {
                    tags.insert(tag.to_owned());
                }
            }
        })?;
        Ok(tags)
    }
}
