//! All published numbers and tables; they are part of the binary.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rust_embed::Embed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Caveat, PublishedCell, PublishedError, TableColumn, TableRow, TableSpec};
use crate::suggest::closest;

#[derive(Embed)]
#[folder = "../results/published/cells"]
struct CellFiles;

#[derive(Embed)]
#[folder = "../results/published/tables"]
struct TableFiles;

const SOURCES: &str = include_str!("../../../results/published/sources.yaml");
const CAVEATS: &str = include_str!("../../../results/published/caveats.yaml");

/// Where published numbers stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Title.
    pub title: String,
    /// Address, where there is one.
    #[serde(default)]
    pub url: Option<String>,
    /// Whose it is.
    pub author: String,
    /// Licence of the page or its repository, where it says one.
    #[serde(default)]
    pub licence: Option<String>,
    /// How checkpoints were chosen, unless a cell says otherwise.
    pub selection: String,
    /// Number of its cells.
    pub cells: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourcesFile {
    selections: BTreeMap<String, String>,
    sources: BTreeMap<String, Source>,
}

/// Every published number, with its sources, caveats and tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    selections: BTreeMap<String, String>,
    sources: BTreeMap<String, Source>,
    cells: Vec<PublishedCell>,
    caveats: Vec<Caveat>,
    tables: BTreeMap<String, TableSpec>,
}

impl Published {
    /// What is in the binary.
    ///
    /// # Errors
    /// [`PublishedError::Malformed`] and [`PublishedError::Meaning`]: the binary was built with broken files.
    pub fn load() -> Result<Self, PublishedError> {
        let SourcesFile { selections, sources } = yaml("sources.yaml", SOURCES)?;
        let caveats = yaml("caveats.yaml", CAVEATS)?;
        let mut cells = Vec::new();
        for (name, source) in &sources {
            cells.extend(read_cells(name, source)?);
        }
        let mut tables = BTreeMap::new();
        let mut files: Vec<Cow<'_, str>> = TableFiles::iter().collect();
        files.sort();
        for file in files {
            let name = format!("tables/{file}");
            let data =
                TableFiles::get(&file).map(|file| file.data.into_owned()).unwrap_or_default();
            let table: TableSpec = yaml(&name, &String::from_utf8_lossy(&data))?;
            tables.insert(table.name.clone(), table);
        }
        let published = Self { selections, sources, cells, caveats, tables };
        published.check()?;
        Ok(published)
    }

    /// Every cell, by source, in the order of its file.
    pub fn cells(&self) -> &[PublishedCell] {
        &self.cells
    }

    /// All sources by name.
    pub fn sources(&self) -> &BTreeMap<String, Source> {
        &self.sources
    }

    /// All tables, ordered by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSpec> {
        self.tables.values()
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`PublishedError::UnknownTable`] with the closest name.
    pub fn table(&self, name: &str) -> Result<&TableSpec, PublishedError> {
        self.tables.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.tables.keys().map(String::as_str).collect();
            PublishedError::UnknownTable {
                name: name.to_owned(),
                closest: closest(name, known.iter().copied()).map(str::to_owned),
                known: known.join(", "),
            }
        })
    }

    /// The cells of a row, whatever their task and metric.
    pub fn row<'a>(&'a self, row: &TableRow) -> impl Iterator<Item = &'a PublishedCell> {
        self.cells.iter().filter(|cell| {
            cell.source == row.source
                && cell.published_model == row.model
                && cell.epoch == row.epoch
        })
    }

    /// The cell of a row and a column, where the source has one.
    pub fn cell(&self, row: &TableRow, column: &TableColumn) -> Option<&PublishedCell> {
        self.row(row).find(|cell| cell.task == column.task && cell.metric == column.metric)
    }

    /// The caveats of a cell.
    pub fn caveats_of<'a>(&'a self, cell: &'a PublishedCell) -> impl Iterator<Item = &'a str> {
        self.caveats.iter().filter(|caveat| caveat.is_of(cell)).map(|caveat| caveat.text.as_str())
    }

    /// A selection policy in words.
    pub fn selection_text(&self, policy: &str) -> Option<&str> {
        self.selections.get(policy).map(String::as_str)
    }

    /// What the files must hold beyond their shape.
    fn check(&self) -> Result<(), PublishedError> {
        let meaning =
            |file: String, message: String| Err(PublishedError::Meaning { file, message });
        let mut seen = BTreeSet::new();
        for cell in &self.cells {
            let file = || format!("cells/{}.csv", cell.source);
            let name = format!("{} {} {}", cell.published_model, cell.task, cell.metric);
            if !seen.insert((
                &cell.source,
                &cell.published_model,
                cell.epoch,
                &cell.task,
                &cell.metric,
            )) {
                return meaning(file(), format!("{name} stands there twice"));
            }
            if cell.number().is_none() && !matches!(cell.value.as_str(), "n/a" | "TODO") {
                return meaning(file(), format!("{name}: `{}` is no number", cell.value));
            }
            if !self.selections.contains_key(&cell.selection) {
                return meaning(file(), format!("{name}: no selection `{}`", cell.selection));
            }
        }
        for table in self.tables.values() {
            let file = || format!("tables/{}.yaml", table.name);
            for row in &table.rows {
                if self.row(row).all(|cell| {
                    table.columns.iter().all(|c| c.task != cell.task || c.metric != cell.metric)
                }) {
                    return meaning(file(), format!("{} has no {}", row.source, row.model));
                }
            }
        }
        Ok(())
    }
}

fn read_cells(name: &str, source: &Source) -> Result<Vec<PublishedCell>, PublishedError> {
    let path = format!("cells/{name}.csv");
    let Some(file) = CellFiles::get(&format!("{name}.csv")) else {
        return Err(PublishedError::Meaning {
            file: path,
            message: "there is no such file".into(),
        });
    };
    let mut cells = Vec::new();
    for record in csv::Reader::from_reader(file.data.as_ref()).deserialize() {
        let mut cell: PublishedCell = record.map_err(|error| PublishedError::Malformed {
            file: path.clone(),
            line: error.position().map_or(1, csv::Position::line),
            message: error.to_string(),
        })?;
        cell.source = name.to_owned();
        if cell.selection.is_empty() {
            cell.selection.clone_from(&source.selection);
        }
        cells.push(cell);
    }
    if cells.len() == source.cells {
        return Ok(cells);
    }
    let message = format!("{} cells; sources.yaml says {}", cells.len(), source.cells);
    Err(PublishedError::Meaning { file: path, message })
}

fn yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, PublishedError> {
    serde_yaml::from_str(text).map_err(|error| PublishedError::Malformed {
        file: file.to_owned(),
        line: error.location().map_or(1, |at| at.line() as u64),
        message: error.to_string(),
    })
}

#[cfg(test)]
#[path = "library_tests.rs"]
mod tests;
