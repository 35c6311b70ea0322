//! What a reader of certain published cells should know.

use serde::Deserialize;

use super::{Generation, PublishedCell};

/// A caveat, and which cells it is of: those that all of its lists hold. A list that is not there holds everything.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caveat {
    /// One or two sentences.
    pub text: String,
    /// Sources.
    #[serde(default)]
    pub sources: Option<Vec<String>>,
    /// Models, under our names.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Tasks, under our names.
    #[serde(default)]
    pub tasks: Option<Vec<String>>,
    /// Metrics, under our names.
    #[serde(default)]
    pub metrics: Option<Vec<String>>,
    /// Generations.
    #[serde(default)]
    pub generations: Option<Vec<Generation>>,
    /// Selection policies.
    #[serde(default)]
    pub selections: Option<Vec<String>>,
}

impl Caveat {
    /// Whether the caveat is of this cell.
    pub fn is_of(&self, cell: &PublishedCell) -> bool {
        fn holds<T: PartialEq>(list: &Option<Vec<T>>, item: &T) -> bool {
            list.as_ref().is_none_or(|list| list.contains(item))
        }
        holds(&self.sources, &cell.source)
            && holds(&self.models, &cell.model)
            && holds(&self.tasks, &cell.task)
            && holds(&self.metrics, &cell.metric)
            && holds(&self.generations, &cell.generation)
            && holds(&self.selections, &cell.selection)
    }
}
