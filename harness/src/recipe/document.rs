//! The shape of a recipe file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A recipe file. Unknown keys are errors. `S` is a layer of settings: all keys are optional in each, and later
/// layers win: `settings`, the task's, then the exceptions in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document<S> {
    /// Name on the command line and in records.
    pub name: String,
    /// Raised whenever an edit changes what is trained.
    pub version: u32,
    /// Title for people.
    pub title: String,
    /// Where the numbers were taken from.
    pub source: String,
    /// What is assumed or was chosen where the source leaves it open; goes into every record.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Models of which the source has a recipe; none are listed where any is meant.
    #[serde(default)]
    pub models: Vec<String>,
    /// The note for a model that is not among `models`.
    #[serde(default)]
    pub other_models: Option<String>,
    /// Whether tasks that are not among `tasks` can be trained too.
    #[serde(default)]
    pub any_task: bool,
    /// What holds for all models and tasks.
    #[serde(default)]
    pub settings: S,
    /// What holds for a task.
    #[serde(default)]
    pub tasks: BTreeMap<String, S>,
    /// What holds for some models or tasks, in order.
    #[serde(default)]
    pub exceptions: Vec<Exception<S>>,
}

/// Settings of some models and tasks: those that are in each of the lists that there are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception<S> {
    /// Models by name.
    #[serde(default)]
    pub models: Option<Vec<String>>,
    /// Architectures, as `kobench model list --format json` has them.
    #[serde(default)]
    pub architectures: Option<Vec<String>>,
    /// Tasks by name.
    #[serde(default)]
    pub tasks: Option<Vec<String>>,
    /// Kinds of tasks.
    #[serde(default)]
    pub kinds: Option<Vec<crate::task::Kind>>,
    /// What holds for them.
    #[serde(default)]
    pub settings: S,
    /// What is assumed or was chosen for them.
    #[serde(default)]
    pub note: Option<String>,
}
