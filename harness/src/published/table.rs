//! What a published table is made of.

use serde::{Deserialize, Serialize};

/// A published table, as results/published/tables/NAME.yaml describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Name on the command line.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Columns in the published order.
    pub columns: Vec<TableColumn>,
    /// Rows in the published order.
    pub rows: Vec<TableRow>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableColumn {
    /// Its first line.
    pub title: String,
    /// Its second line: the metric, in short.
    pub short: String,
    /// Task.
    pub task: String,
    /// Metric.
    pub metric: String,
}

impl TableColumn {
    /// The column in one line: `NSMC acc`.
    pub fn label(&self) -> String {
        format!("{} {}", self.title, self.short)
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRow {
    /// The source that its numbers stand in.
    pub source: String,
    /// The model as printed there.
    pub model: String,
    /// The epoch that it is about, where the source has several.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// What the row is called, where our name of the model does not do.
    #[serde(default)]
    pub label: Option<String>,
}
