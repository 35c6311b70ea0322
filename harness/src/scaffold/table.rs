//! Files that have columns, read once for what the columns hold.

use std::collections::HashMap;

use super::columns::ColumnStats;
use super::{FileFormat, ScaffoldError, SourceFile, json, names};
use crate::data::lines::{is_python_space, lines};

/// A table's columns.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) header: bool,
    pub(super) columns: Vec<ColumnStats>,
    /// Rows, the header not counted.
    pub(super) rows: u64,
}

impl Table {
    /// Reads a file; whether it has a header is guessed where it is not given.
    pub(super) fn read(
        format: FileFormat,
        file: &SourceFile,
        header: Option<bool>,
    ) -> Result<Self, ScaffoldError> {
        let table = match format {
            FileFormat::Json | FileFormat::Jsonl => Self::of_json(format, file)?,
            FileFormat::Csv => {
                let mut found = Lines::default();
                for record in csv_reader(file).records() {
                    let record = record.map_err(|error| wrong_csv(file, &error))?;
                    found.add(record.iter());
                }
                found.into_table(file, header)?
            }
            _ => {
                let mut found = Lines::default();
                for (_, line) in lines(file.text()) {
                    found.add(line.trim_matches(is_python_space).split('\t'));
                }
                found.into_table(file, header)?
            }
        };
        if table.rows == 0 {
            return Err(file.wrong(None, "there are no rows"));
        }
        Ok(table)
    }

    fn of_json(format: FileFormat, file: &SourceFile) -> Result<Self, ScaffoldError> {
        let mut places = HashMap::<String, usize>::new();
        let mut columns = Vec::<ColumnStats>::new();
        let mut rows = 0;
        json::each_row(format, file, &mut |members| {
            rows += 1;
            for (name, value, items) in members {
                let index = *places.entry(name).or_insert_with_key(|name| {
                    columns.push(ColumnStats::new(Some(name.clone()), columns.len()));
                    columns.len() - 1
                });
                if let Some(column) = columns.get_mut(index) {
                    column.add(&value, items);
                }
            }
        })?;
        Ok(Self { header: false, columns, rows })
    }

    /// Calls `value` with what a column holds in each row.
    pub(super) fn each_value(
        format: FileFormat,
        file: &SourceFile,
        header: bool,
        column: &ColumnStats,
        value: &mut dyn FnMut(&str),
    ) -> Result<(), ScaffoldError> {
        let skipped = usize::from(header);
        match format {
            FileFormat::Json | FileFormat::Jsonl => json::each_row(format, file, &mut |members| {
                let found = members.iter().find(|member| Some(&member.0) == column.name.as_ref());
                value(found.map_or("", |member| member.1.as_str()));
            }),
            FileFormat::Csv => {
                for record in csv_reader(file).records().skip(skipped) {
                    let record = record.map_err(|error| wrong_csv(file, &error))?;
                    value(record.get(column.index).unwrap_or_default());
                }
                Ok(())
            }
            _ => {
                for (_, line) in lines(file.text()).skip(skipped) {
                    let mut fields = line.trim_matches(is_python_space).split('\t');
                    value(fields.nth(column.index).unwrap_or_default());
                }
                Ok(())
            }
        }
    }

    /// The column of this name, or of this index.
    pub(super) fn column(
        &self,
        name: &str,
        file: &SourceFile,
    ) -> Result<&ColumnStats, ScaffoldError> {
        let by_name = self.columns.iter().find(|column| column.name.as_deref() == Some(name));
        let by_index = || name.parse().ok().and_then(|index: usize| self.columns.get(index));
        by_name.or_else(by_index).ok_or_else(|| {
            let known: Vec<String> = self.columns.iter().map(ColumnStats::key).collect();
            ScaffoldError::NoColumn {
                path: file.path.clone(),
                name: name.to_owned(),
                columns: self.describe(),
                closest: crate::suggest::closest(name, known.iter().map(String::as_str))
                    .map(str::to_owned),
            }
        })
    }

    /// The columns with examples, a line each.
    pub(super) fn describe(&self) -> String {
        self.columns.iter().map(ColumnStats::describe).collect()
    }
}

fn csv_reader(file: &SourceFile) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file.text().as_bytes())
}

fn wrong_csv(file: &SourceFile, error: &csv::Error) -> ScaffoldError {
    let line = error.position().and_then(|at| usize::try_from(at.line()).ok());
    file.wrong(line, error.to_string())
}

/// Rows of fields, the first of which may be a header.
#[derive(Debug, Default)]
struct Lines {
    first: Option<Vec<String>>,
    columns: Vec<ColumnStats>,
    rows: u64,
}

impl Lines {
    fn add<'a>(&mut self, fields: impl Iterator<Item = &'a str>) {
        if self.first.is_none() {
            self.first = Some(fields.map(str::to_owned).collect());
            return;
        }
        self.rows += 1;
        self.take(fields);
    }

    fn take<'a>(&mut self, fields: impl Iterator<Item = &'a str>) {
        for (index, field) in fields.enumerate() {
            if index == self.columns.len() {
                self.columns.push(ColumnStats::new(None, index));
            }
            if let Some(column) = self.columns.get_mut(index) {
                column.add(field, None);
            }
        }
    }

    fn into_table(
        mut self,
        file: &SourceFile,
        header: Option<bool>,
    ) -> Result<Table, ScaffoldError> {
        let first = self.first.take().ok_or_else(|| file.wrong(None, "the file is empty"))?;
        let header = header.unwrap_or_else(|| self.is_header(&first));
        if header {
            for (index, name) in first.into_iter().enumerate() {
                match self.columns.get_mut(index) {
                    Some(column) => column.name = Some(name),
                    None => self.columns.push(ColumnStats::new(Some(name), index)),
                }
            }
        } else {
            self.rows += 1;
            self.take(first.iter().map(String::as_str));
        }
        Ok(Table { header, columns: self.columns, rows: self.rows })
    }

    /// Names are short, different from each other, no numbers; and one of them is a usual one, or stands
    /// above values of which it cannot be one.
    fn is_header(&self, first: &[String]) -> bool {
        let could = first.iter().enumerate().all(|(index, name)| {
            let is_short = !name.trim().is_empty() && name.chars().count() <= 40;
            is_short && name.parse::<f64>().is_err() && !first[..index].contains(name)
        });
        let is_strange = |(name, column): (&String, &ColumnStats)| {
            column.is_numeric()
                || column.is_like_a_label()
                    && column.values.as_ref().is_some_and(|values| !values.contains_key(name))
        };
        could
            && (first.iter().any(|name| names::is_usual(name))
                || first.iter().zip(&self.columns).any(is_strange))
    }
}
