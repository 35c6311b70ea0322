//! A suite: models and tasks that run together under one name.

use serde::{Deserialize, Serialize};

/// A suite, as a YAML file describes it. Unknown keys are errors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Name on the command line.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// Models by name.
    pub models: Vec<String>,
    /// Tasks in order.
    pub tasks: Vec<SuiteTask>,
    /// How the models are trained first, where they are.
    #[serde(default)]
    pub finetune: Option<SuiteFineTune>,
}

/// How the models of a suite are trained: what the command line says by `--finetune` and the options with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteFineTune {
    /// The recipe.
    pub recipe: String,
    /// Whether every weight is new.
    #[serde(default)]
    pub from_scratch: bool,
    /// Seeds; none: the recipe's.
    #[serde(default)]
    pub seeds: Vec<u64>,
    /// Edits of the recipe's settings, as `KEY=VALUE`.
    #[serde(default)]
    pub set: Vec<String>,
}

/// One task of a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteTask {
    /// The task's name.
    pub task: String,
    /// The split; the reported one when it is not given.
    #[serde(default)]
    pub split: Option<String>,
    /// Models of the suite that do not run on it.
    #[serde(default)]
    pub except: Vec<String>,
}
